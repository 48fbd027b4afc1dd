//! Layers that differ: what has no heads or no neurons says what it has instead, and every query goes
//! around it (`hybrids.py`).

use lexiscope::projection::DeviceChoice;
use lexiscope::query::{Address, PromptQuery};

use super::*;

fn refused(name: &str, address: &str) -> String {
    let card = reader(name).card();
    card.check(address.parse().unwrap())
        .unwrap_err()
        .to_string()
}

#[test]
fn a_layer_without_heads_or_neurons_says_what_it_has_instead() {
    for (name, address, what) in [
        (
            "qwen3-next",
            "L0.H0",
            "layer 0 has no heads: linear attention",
        ),
        ("qwen3-5", "L2.H1", "layer 2 has no heads: linear attention"),
        ("lfm2", "L2.H0", "layer 2 has no heads: a short convolution"),
        ("granitemoehybrid", "L0.H0", "layer 0 has no heads: Mamba"),
        ("nemotron-h", "L0.H0", "layer 0 has no heads: Mamba"),
        ("nemotron-h", "L1.H0", "layer 1 has no heads: neurons only"),
        ("nemotron-h", "L0.N0", "layer 0 has no neurons: Mamba"),
        ("nemotron-h", "L2.N0", "layer 2 has no neurons: attention"),
    ] {
        let error = refused(name, address);
        assert!(error.contains(what), "{name} {address}: {error}");
    }
    let card = reader("nemotron-h").card();
    assert_eq!(
        (0..4).map(|l| card.spec.heads_in(l)).collect::<Vec<_>>(),
        [0, 0, 4, 0]
    );
    // Four experts of 12 and a shared one of 10; then 24.
    let neurons = (0..4).map(|layer| card.spec.neurons_in(layer));
    assert_eq!(neurons.collect::<Vec<_>>(), [0, 58, 0, 24]);
}

#[test]
fn heads_have_sizes_of_their_own_and_some_attend_to_an_earlier_layers_keys() {
    let card = reader("gemma4-text").card();
    let sizes = |layer| {
        let sizes = card.spec.head_sizes(layer);
        (sizes.n_kv_heads, sizes.d_head, sizes.keys_of)
    };
    assert_eq!(sizes(0), (2, 8, None));
    assert_eq!(sizes(1), (1, 16, None));
    assert_eq!(sizes(3), (2, 8, Some(2)));
    assert_eq!(sizes(4), (1, 16, Some(1)));
    // Those that attend to an earlier layer's keys are twice as wide.
    let neurons = (0..5).map(|layer| card.spec.neurons_in(layer));
    assert_eq!(neurons.collect::<Vec<_>>(), [24, 24, 24, 48, 48]);
    let card = reader("gemma3n").card();
    assert_eq!(card.spec.head_sizes(3).keys_of, Some(1));
    let neurons = (0..4).map(|layer| card.spec.neurons_in(layer));
    assert_eq!(neurons.collect::<Vec<_>>(), [40, 32, 40, 40]);
}

#[test]
fn what_mixers_bring_is_the_attention_of_their_layers() {
    for name in [
        "qwen3-5",
        "qwen3-next",
        "lfm2",
        "granitemoehybrid",
        "nemotron-h",
        "bamba",
    ] {
        let mut reader = reader(name);
        let card = reader.card();
        let query = PromptQuery {
            text: "<s></s><pad></s>".into(),
            special: true,
            position: None,
            target: None,
            against: None,
            k: 40,
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
        for (layer, brings) in attribution.layers.iter().enumerate() {
            let nothing = name == "nemotron-h" && [1, 3].contains(&layer);
            assert_eq!(brings.attention == 0.0, nothing, "{name} layer {layer}");
        }
        let with_heads = |layer: usize| card.spec.heads_in(layer) > 0;
        assert!(!answer.heads.is_empty(), "{name}");
        assert!(answer.heads.iter().all(|h| with_heads(h.layer)), "{name}");
    }
}

#[test]
fn texts_are_refused_with_the_reason_where_they_are_not_run() {
    for (name, why) in [
        ("gemma3n", "several streams (AltUp)"),
        ("gemma4", "keys of earlier layers"),
        ("gemma4-moe", "keys of earlier layers"),
        ("falcon-h1", "Mamba beside the heads"),
    ] {
        let checkpoint = Checkpoint::open(&location(name)).unwrap();
        let error = Forward::refusal(&checkpoint).unwrap().to_string();
        assert!(error.contains("not run on texts: they"), "{error}");
        assert!(error.contains(why), "{error}");
    }
    let mut reader = Reader::open(&location("gemma3n"), DeviceChoice::Cpu).unwrap();
    let norms = lexiscope::query::Switch::Norms;
    let why = reader.card().offers(norms).unwrap_err();
    assert!(why.contains("values"), "{why}");
    assert!(reader.card().notices.iter().any(|n| n.contains("AltUp")));
    let address = Address::Head {
        layer: 3,
        head: 0,
        form: None,
    };
    assert!(reader.card().check(address).is_ok());
    let query = Query::Pairs(PairsQuery {
        convention: "gain".parse().unwrap(),
        form: "qk".parse().unwrap(),
        layer: 3,
        head: 0,
        distance: 0,
        end: End::Highest,
        k: 3,
        filters: Filters::default(),
    });
    assert!(ask(&mut reader, query).is_ok());
}

#[test]
fn look_up_and_rankings_go_around_what_layers_do_not_have() {
    use lexiscope::query::{FindQuery, RankBy, RankMetric, RankQuery};
    for name in ["nemotron-h", "qwen3-next", "gemma4-text"] {
        let mut reader = reader(name);
        let card = reader.card();
        for by in [RankBy::Rank, RankBy::Score] {
            let query = Query::Find(FindQuery {
                words: vec!["id:17".to_owned()],
                by,
                input: Default::default(),
                k: 400,
                heads: true,
                gist: 0,
                filters: Filters::default(),
                convention: Default::default(),
            });
            let Answer::Find(answer) = ask(&mut reader, query).unwrap() else {
                panic!("not found")
            };
            for group in &answer.groups {
                assert!(!group.hits.is_empty(), "{name} {:?}", group.role);
                for hit in &group.hits {
                    card.check(group.address(hit)).unwrap();
                }
            }
        }
        for (layer, by) in (0..card.spec.layers).flat_map(|layer| {
            let metrics = [RankMetric::Norm, RankMetric::HEADS[0]];
            metrics.map(|by| (layer, by))
        }) {
            let query = RankQuery {
                layer,
                by,
                count: 5,
                words: 0,
                likely: false,
                filters: Filters::default(),
                convention: Default::default(),
            };
            let has_any = query.has_any(&card);
            match ask(&mut reader, Query::Rank(query)) {
                Ok(_) => assert!(has_any, "{name} {layer}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(!has_any, "{name} {layer}: {error}");
                    assert!(error.contains("has no"), "{error}");
                }
            }
        }
    }
}
