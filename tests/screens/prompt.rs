//! What a text sets off, with answers made by hand.

use lexiscope::query::{
    AfterAnswer, Attribution, HeadPart, LayerAttribution, LensCell, NeuronPart, Prediction,
    PromptAnswer, PromptQuery, TargetAnswer,
};

/// What a model of so many layers might answer; a word of the text is a token.
pub fn answered(query: &PromptQuery, layers: usize, words: usize) -> PromptAnswer {
    let tokens: Vec<u32> = query.text.split(' ').zip(4..).map(|(_, id)| id).collect();
    let position = query.position.unwrap_or(tokens.len() - 1);
    let word = |at: usize| (at % words) as u32;
    let predicted = |first: usize, share: f32| Prediction {
        id: word(first),
        logit: 12.0 * share,
        probability: share,
    };
    let best = |first: usize, share: f32| -> Vec<Prediction> {
        let row = |i: usize| predicted(first + i, share * 0.5f32.powi(i as i32));
        (0..5).map(row).collect()
    };
    let cell = |state: usize, at: usize| LensCell {
        best: best(
            3 * at + state / 2,
            0.05 + 0.9 * state as f32 / layers as f32,
        ),
        entropy: 8.0 - 7.0 * state as f32 / layers as f32,
        divergence: 3.0 * (1.0 - state as f32 / layers as f32),
        norm: 4.0 + state as f32 + at as f32 / 10.0,
        target_rank: query.target.as_ref().map(|_| 1 + 40 * (layers - state)),
    };
    let row = |state: usize| (0..tokens.len()).map(|at| cell(state, at)).collect();
    let lens: Vec<Vec<LensCell>> = (0..=layers).map(row).collect();
    let target = |share: f32| TargetAnswer {
        prediction: predicted(3 * position + layers / 2, share),
        rank: if share > 0.5 { 1 } else { 7 },
        lens: (0..=layers).map(|state| state as f32 / 2.0).collect(),
    };
    let layer = |at: usize| LayerAttribution {
        attention: 0.05 * at as f64 - 0.3,
        feed_forward: 0.4 - 0.02 * at as f64,
    };
    let neuron = |i: usize| NeuronPart {
        layer: (7 * i + 3) % layers,
        neuron: 41 * i + 5,
        activation: if i % 3 == 2 { -1.4 } else { 2.5 },
        size: 3.0 - 0.2 * i as f32,
        attribution: Some(1.8 * 0.8f64.powi(i as i32) * if i % 3 == 1 { -1.0 } else { 1.0 }),
    };
    let head = |i: usize| HeadPart {
        layer: (5 * i + 2) % layers,
        head: i % 4,
        size: 1.0,
        attribution: Some(1.1 * 0.7f64.powi(i as i32)),
        attends: (0..=position)
            .map(|at| if at == 0 { 0.6 } else { 0.4 / position as f32 })
            .collect(),
    };
    let after = (!query.changes.is_empty()).then(|| AfterAnswer {
        predictions: best(5, 0.4),
        target: target(0.3),
        against: None,
        divergence: 0.1234,
        first_state: 3,
        lens: lens[3..].to_vec(),
    });
    PromptAnswer {
        tokens: tokens.clone(),
        position,
        predictions: best(3 * position + layers / 2, 0.95),
        lens,
        target: target(0.95),
        against: None,
        attribution: Ok(Attribution {
            embedding: 0.4,
            layers: (0..layers).map(layer).collect(),
            constant: -0.1,
            sum: 11.4,
            expected: 11.4,
        }),
        neurons: (0..8).map(neuron).collect(),
        heads: (0..5).map(head).collect(),
        after,
        continuation: None,
        notices: Vec::new(),
    }
}
