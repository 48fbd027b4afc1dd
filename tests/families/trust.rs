//! How far lists can be trusted: what is said of them must be what one finds by asking.

use super::*;
use lexiscope::query::{Convention, Switch, TRUST_TOP, Trust, TrustQuery};

fn neuron_query(neuron: usize, convention: Convention) -> NeuronQuery {
    NeuronQuery {
        layer: 1,
        neuron,
        input: Default::default(),
        k: TRUST_TOP,
        filters: Filters::default(),
        convention,
    }
}

fn trust(reader: &mut Reader, query: TrustQuery) -> Vec<Trust> {
    match ask(reader, Query::Trust(query)).unwrap() {
        Answer::Trust(answer) => {
            assert_eq!(answer.done, 1.0);
            answer.lists
        }
        _ => panic!("not trust"),
    }
}

fn columns(reader: &mut Reader, neuron: usize, convention: Convention) -> [Vec<u32>; 4] {
    let query = Query::Neuron(neuron_query(neuron, convention));
    match ask(reader, query).unwrap() {
        Answer::Neuron(answer) => answer
            .columns
            .map(|list| list.iter().map(|s| s.id).collect()),
        _ => panic!("not a neuron"),
    }
}

#[test]
fn what_stays_is_what_both_lists_have() {
    let mut reader = reader("llama");
    let told = trust(
        &mut reader,
        TrustQuery::Neuron(neuron_query(3, Convention::RAW)),
    );
    let raw = columns(&mut reader, 3, Convention::RAW);
    let [mut seen, mut differing] = [0, 0];
    for (column, (trust, raw)) in told.iter().zip(&raw).enumerate() {
        for (switch, share) in &trust.kept {
            let other = Convention::RAW.flipped(*switch);
            let other = &columns(&mut reader, 3, other)[column];
            let both = raw.iter().filter(|id| other.contains(id)).count();
            assert_eq!(*share, both as f32 / 30.0, "{column} {switch}");
            seen += 1;
            differing += usize::from(both < 30);
        }
    }
    // K and −K: gain, cosine, inverse, and the output embedding, which V has anyway.
    let switches = |column: usize| told[column].kept.iter().map(|(switch, _)| *switch);
    let of_keys = [
        Switch::Gain,
        Switch::Cosine,
        Switch::Inverse,
        Switch::Output,
    ];
    assert!(switches(0).eq(of_keys) && switches(2).eq(of_keys));
    assert!(switches(1).eq([Switch::Gain, Switch::Cosine, Switch::Input]));
    assert!(seen == 14 && differing > 6, "{differing} of {seen}");
}

#[test]
fn random_weights_are_no_further_from_chance_than_chance_is() {
    // Neurons of random weights are themselves drawn at random: mean 0, deviation 1.
    let mut reader = reader("llama");
    let mut z = Vec::new();
    for neuron in 0..40 {
        let query = neuron_query(neuron, Convention::RAW);
        let lists = trust(&mut reader, TrustQuery::Neuron(query));
        z.extend(lists.iter().map(|list| list.z.unwrap()));
    }
    let mean = z.iter().sum::<f32>() / z.len() as f32;
    let variance = z.iter().map(|z| (z - mean).powi(2)).sum::<f32>() / z.len() as f32;
    assert!(mean.abs() < 0.4, "{mean}");
    assert!((0.6..1.5).contains(&variance.sqrt()), "{variance}");
    let far = z.iter().filter(|z| z.abs() > 3.0).count();
    assert!(far < 6, "{far} of {}", z.len());
}

#[test]
fn heads_of_random_weights_are_not_either() {
    let mut reader = reader("gpt-neox");
    let mut z = Vec::new();
    for (layer, head) in (0..2).flat_map(|layer| (0..4).map(move |head| (layer, head))) {
        for form in ["vo", "qk"] {
            let query = PairsQuery {
                form: form.parse().unwrap(),
                layer,
                head,
                distance: 0,
                end: End::Highest,
                k: TRUST_TOP,
                filters: Filters::default(),
                convention: "gain".parse().unwrap(),
            };
            let lists = trust(&mut reader, TrustQuery::Pairs(query));
            let kept = lists[0].kept.iter().map(|(switch, _)| *switch);
            assert!(kept.eq(Switch::ALL), "all of them change its pairs");
            z.push(lists[0].z.unwrap());
        }
    }
    let mean = z.iter().sum::<f32>() / z.len() as f32;
    assert!(mean.abs() < 1.0 && z.iter().all(|z| z.abs() < 6.0), "{z:?}");
}
