//! Closed forms against loops over all pairs.

use std::ops::Range;

use super::measuring::{Measured, Measuring};
use super::plan::{Plan, StateSizes, Subwords, TextPlan};
use super::{Curve, Measure};

const WIDTH: usize = 12;

/// A text: its vectors, and where the token stands.
type Text = (Vec<Vec<f32>>, Vec<Range<usize>>);

fn texts(seed: u64) -> Vec<Text> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut vector = || {
        (0..WIDTH)
            .map(|i| rng.f32() - 0.3 + i as f32 * 0.05)
            .collect()
    };
    let mut text = |n: usize, places: &[[usize; 2]]| {
        let places = places.iter().map(|&[start, end]| start..end);
        ((0..n).map(|_| vector()).collect(), places.collect())
    };
    vec![
        text(5, &[[1, 2], [3, 5]]),
        text(1, &[]),
        text(7, &[[0, 1]]),
        text(4, &[[2, 3], [3, 4]]),
    ]
}

fn plan(texts: &[Text], token: bool) -> Plan {
    let plan =
        |(vectors, places): &Text| TextPlan::new((0..vectors.len()).collect(), places.clone());
    let plans = texts.iter().map(plan).collect();
    Plan::new(
        StateSizes {
            states: 1,
            width: WIDTH,
        },
        plans,
        token,
        Subwords::Mean,
    )
}

/// Measures in chunks of two texts.
fn measured(plan: Plan, texts: &[Text]) -> Measured {
    measured_in_chunks(plan, texts, 2)
}

fn measured_in_chunks(plan: Plan, texts: &[Text], size: usize) -> Measured {
    let mut measuring = Measuring::new(plan, 9);
    for (i, chunk) in texts.chunks(size).enumerate() {
        let mut rows = Vec::new();
        let mut numbers: Vec<f32> = Vec::new();
        for (vectors, _) in chunk {
            let start = numbers.len() / WIDTH;
            numbers.extend(vectors.iter().flatten());
            rows.push(start..numbers.len() / WIDTH);
        }
        let first = size * i;
        measuring.take(0, first..first + chunk.len(), &rows, &numbers);
    }
    measuring.finish()
}

fn curve(measured: &Measured, measure: Measure) -> &Curve {
    let found = measured.curves.iter().find(|c| c.measure == measure);
    found.unwrap()
}

fn value(measured: &Measured, measure: Measure) -> f64 {
    curve(measured, measure).raw[0].unwrap().value
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn mean(vectors: &[Vec<f64>]) -> Vec<f64> {
    let n = vectors.len() as f64;
    (0..WIDTH)
        .map(|i| vectors.iter().map(|v| v[i]).sum::<f64>() / n)
        .collect()
}

fn mean_cosine(vectors: &[Vec<f64>]) -> f64 {
    let mut cosines = Vec::new();
    for (i, a) in vectors.iter().enumerate() {
        cosines.extend(vectors[..i].iter().map(|b| cosine(a, b)));
    }
    cosines.iter().sum::<f64>() / cosines.len() as f64
}

fn wide(vectors: &[Vec<f32>]) -> Vec<Vec<f64>> {
    let wide = |v: &Vec<f32>| v.iter().map(|&x| f64::from(x)).collect();
    vectors.iter().map(wide).collect()
}

#[test]
fn closed_forms_agree_with_loops_over_all_pairs() {
    let texts = texts(1);
    let got = measured(plan(&texts, true), &texts);
    let close = |measure, expected: f64| {
        let value = value(&got, measure);
        assert!(
            (value - expected).abs() < 1e-9,
            "{measure:?}: {value} {expected}"
        );
    };
    let all: Vec<Vec<f64>> = texts.iter().flat_map(|(v, _)| wide(v)).collect();
    close(Measure::Anisotropy, mean_cosine(&all));
    for ((vectors, _), anisotropy) in texts.iter().zip(&got.anisotropy) {
        match anisotropy[0] {
            Some(value) => assert!((value - mean_cosine(&wide(vectors))).abs() < 1e-9),
            None => assert_eq!(vectors.len(), 1),
        }
    }
    let intra = texts.iter().map(|(vectors, _)| {
        let vectors = wide(vectors);
        let middle = mean(&vectors);
        vectors.iter().map(|v| cosine(v, &middle)).sum::<f64>() / vectors.len() as f64
    });
    close(Measure::IntraSentence, intra.sum::<f64>() / 4.0);
    // Pieces are put together in single precision.
    let occurrences: Vec<Vec<Vec<f64>>> = texts
        .iter()
        .map(|(vectors, places)| {
            let vectors = wide(vectors);
            places.iter().map(|p| mean(&vectors[p.clone()])).collect()
        })
        .collect();
    let near = |measure, expected: f64| {
        assert!(
            (value(&got, measure) - expected).abs() < 1e-6,
            "{measure:?}"
        );
    };
    near(Measure::SelfSimilarity, mean_cosine(&occurrences.concat()));
    let holding = occurrences.iter().filter(|o| !o.is_empty());
    let means: Vec<Vec<f64>> = holding.map(|o| mean(o)).collect();
    near(Measure::ContextSpecificity, mean_cosine(&means));
    let corrected = curve(&got, Measure::SelfSimilarity).corrected[0].unwrap();
    near(
        Measure::SelfSimilarity,
        corrected.value + value(&got, Measure::Anisotropy),
    );
}

#[test]
fn every_estimate_lies_within_its_interval_and_samples_repeat() {
    let texts: Vec<Text> = (0..10).flat_map(texts).collect();
    let got = measured(plan(&texts, true), &texts);
    assert_eq!(got, measured(plan(&texts, true), &texts));
    for measure in [
        Measure::Anisotropy,
        Measure::IntraSentence,
        Measure::SelfSimilarity,
        Measure::ContextSpecificity,
    ] {
        let estimate = curve(&got, measure).raw[0].unwrap();
        let [low, high] = estimate.interval.unwrap();
        assert!(low < estimate.value && estimate.value < high, "{measure:?}");
        assert!(high - low < 0.5, "{measure:?}");
    }
}

#[test]
fn what_variance_is_compared_with_does_not_depend_on_the_chunks() {
    let texts: Vec<Text> = (0..10).flat_map(texts).collect();
    let [few, all] = [3, texts.len()].map(|n| measured_in_chunks(plan(&texts, true), &texts, n));
    for measure in [
        Measure::MevUncentred,
        Measure::MevCentred,
        Measure::MevTruncated,
    ] {
        let [few, all] = [&few, &all].map(|m| curve(m, measure).corrected[0].unwrap().value);
        assert!((few - all).abs() < 1e-6, "{measure:?}: {few} {all}");
    }
}

#[test]
fn leaving_out_the_dominant_dimension_is_measuring_without_it() {
    let mut texts = texts(4);
    for (vectors, _) in &mut texts {
        vectors.iter_mut().for_each(|v| v[7] += 20.0);
    }
    let whole = measured(plan(&texts, false), &texts);
    assert_eq!(whole.dominant[0][0], 7);
    assert!(value(&whole, Measure::TopThree) > 0.9);
    let without = measured(plan(&texts, false).without(vec![vec![7]]), &texts);
    let mut all: Vec<Vec<f64>> = texts.iter().flat_map(|(v, _)| wide(v)).collect();
    all.iter_mut().for_each(|v| v[7] = 0.0);
    assert!((value(&without, Measure::Anisotropy) - mean_cosine(&all)).abs() < 1e-9);
}

#[test]
fn too_little_to_compare_is_said_and_no_number() {
    let one: Vec<Text> = vec![texts(1).remove(2)];
    let got = measured(plan(&one, true), &one);
    for measure in [Measure::SelfSimilarity, Measure::MevUncentred] {
        let curve = curve(&got, measure);
        assert_eq!(curve.raw, [None]);
        let why = curve.missing.clone().unwrap();
        assert_eq!(why, "needs two occurrences of the token, got 1");
    }
    let specificity = curve(&got, Measure::ContextSpecificity);
    assert_eq!(
        specificity.missing.as_deref(),
        Some("needs two texts that hold the token, got 1")
    );
    // One text drawn again and again says nothing about other texts, but it is not nothing.
    assert!(curve(&got, Measure::Anisotropy).raw[0].is_some());
}

#[test]
fn a_vector_of_zeros_is_like_no_other_and_breaks_nothing() {
    let mut texts = texts(2);
    texts[0].0[1] = vec![0.0; WIDTH];
    let got = measured(plan(&texts, true), &texts);
    for curve in &got.curves {
        assert!(curve.raw.iter().flatten().all(|e| e.value.is_finite()));
    }
}
