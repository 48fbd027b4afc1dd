//! Experts as words and under addresses of their own, against PyTorch (`experts.py`).

use lexiscope::projection::Scored;
use lexiscope::query::{Address, ExpertsQuery, PromptQuery};

use super::*;

/// The checkpoints with experts.
fn mixtures() -> Vec<String> {
    let mut names = names();
    names.retain(|name| !answers(name)["router"].is_null());
    assert!(names.len() >= 7, "{names:?}");
    names
}

pub(super) fn experts(
    reader: &mut Reader,
    layer: usize,
    expert: Option<usize>,
    k: usize,
) -> lexiscope::query::ExpertsAnswer {
    let query = ExpertsQuery {
        layer,
        expert,
        k,
        filters: Filters::default(),
        convention: Default::default(),
    };
    match ask(reader, Query::Experts(query)).unwrap() {
        Answer::Experts(answer) => answer,
        _ => panic!("no experts"),
    }
}

#[test]
fn the_words_that_call_an_expert_and_each_tokens_first_expert_agree_with_pytorch() {
    for name in mixtures() {
        let mut reader = reader(&name);
        for case in answers(&name)["router"].as_array().unwrap() {
            let (layer, expert) = (number(case, "layer"), number(case, "expert"));
            let k = case["calls"].as_array().unwrap().len();
            let answer = experts(&mut reader, layer, Some(expert), k);
            let [own] = &answer.experts[..] else {
                panic!("{name}: not one expert")
            };
            let list = |list: &[Scored]| -> Vec<(u64, f32)> {
                list.iter().map(|s| (u64::from(s.id), s.score)).collect()
            };
            agree(&name, &list(&own.calls), &case["calls"]);
            agree(&name, &list(&own.turns_away), &case["turns_away"]);
            let first: Vec<u64> = answer.first.iter().map(|&e| u64::from(e)).collect();
            assert_eq!(Value::from(first.clone()), case["first"], "{name}");
            let counted = first.iter().filter(|&&e| e == expert as u64).count();
            assert_eq!(own.first, counted, "{name}");
            let all = experts(&mut reader, layer, None, k).experts;
            assert_eq!(
                all.iter().map(|e| e.first).sum::<usize>(),
                VOCAB as usize,
                "{name}"
            );
            assert_eq!(all[expert], *own, "{name}");
        }
    }
}

#[test]
fn a_neuron_of_an_expert_has_two_names() {
    for name in mixtures() {
        let card = reader(&name).card();
        for case in answers(&name)["neuron"].as_array().unwrap() {
            let (layer, neuron) = (number(case, "layer"), number(case, "neuron"));
            let of_layer = Address::Neuron { layer, neuron };
            let Some(expert) = case["expert"].as_object() else {
                continue;
            };
            let number = match expert["number"].as_u64() {
                Some(number) => number.to_string(),
                None => "S".to_owned(),
            };
            let text = format!("L{layer}.E{number}.N{}", expert["neuron"]);
            assert_eq!(card.named(of_layer).to_string(), text, "{name}");
            assert_eq!(
                card.counted(text.parse().unwrap()).unwrap(),
                of_layer,
                "{name}"
            );
        }
        let refused = |text: &str| card.check(text.parse().unwrap()).unwrap_err().to_string();
        assert!(refused("L1.E4.N0").contains("expert 4"), "{name}");
        assert!(refused("L1.E0.N99").contains("neuron 99"), "{name}");
    }
    let card = reader("qwen2-moe").card();
    let why = card
        .check("L0.E0.N0".parse().unwrap())
        .unwrap_err()
        .to_string();
    assert!(why.contains("layer 0 has no experts"), "{why}");
    let why = reader("mixtral").card().check("L1.ES.N0".parse().unwrap());
    assert!(why.unwrap_err().to_string().contains("no shared expert"));
}

#[test]
fn what_experts_neurons_bring_sums_to_the_logit_and_a_token_takes_as_many_as_it_may() {
    for name in mixtures() {
        let mut reader = reader(&name);
        if !reader.card().family.runs() {
            continue;
        }
        let card = reader.card();
        let query = PromptQuery {
            text: "<s></s><pad></s>".into(),
            special: true,
            position: None,
            target: None,
            against: None,
            k: 10,
            lens_k: 0,
            chat: false,
            changes: Vec::new(),
            continuation: None,
        };
        let Answer::Prompt(answer) = ask(&mut reader, Query::Prompt(query)).unwrap() else {
            panic!("no prompt")
        };
        let attribution = answer.attribution.as_ref().unwrap();
        let apart = (attribution.sum - attribution.expected).abs();
        let largest = answer.predictions.iter().map(|p| f64::from(p.logit.abs()));
        let largest = largest.fold(1e-3, f64::max);
        assert!(apart < 1e-4 * largest, "{name}: {apart}");
        let with = (0..card.spec.layers).filter(|&layer| card.spec.experts(layer).is_some());
        let found: Vec<usize> = answer.experts.iter().map(|of| of.layer).collect();
        assert_eq!(found, with.collect::<Vec<_>>(), "{name}");
        for of in &answer.experts {
            assert_eq!(of.positions.len(), answer.tokens.len(), "{name}");
            assert!(of.positions.iter().all(|taken| taken.len() == 2), "{name}");
        }
    }
}
