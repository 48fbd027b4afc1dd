//! A text that goes on with its keys and values kept: the same states and tokens as when all of it is
//! run for each token, one row a layer for each; and the tokens of transformers' `generate`.

use candle_core::{Device, Tensor};
use lexiscope::checkpoint::Checkpoint;
use lexiscope::query::{Amount, Answering, Change, Continuation, PromptQuery, Reader};
use lexiscope::task::CancelToken;
use lexiscope::transformer::{
    Forward, HookPoint, HookRequest, Hooked, KeyValueCache, Sampler, Start,
};
use serde_json::Value;

use super::{answers, ask, id, list, location, query, reader};

const POINTS: &[HookPoint] = &[
    HookPoint::AttnZ,
    HookPoint::MlpPost,
    HookPoint::ResidPost,
    HookPoint::Logits,
];

fn request() -> HookRequest<'static> {
    HookRequest {
        points: POINTS,
        pattern_from: None,
        cancel: CancelToken::never(),
    }
}

/// Families that see only what stands before.
fn causal() -> impl Iterator<Item = (String, Value)> {
    answers().into_iter().filter(|(name, _)| {
        let checkpoint = Checkpoint::open(&location(name)).unwrap();
        checkpoint.forward().unwrap().causal
    })
}

/// What `--scale L0.N3=-2 --ablate L1.H1@2 --steer L0:…` do, with ones for the direction.
fn changed(hooked: &Hooked<'_>, d_head: usize) -> Option<Tensor> {
    let mut rows: Vec<Vec<f32>> = hooked.tensor.to_vec2().unwrap();
    let numbered = (hooked.first..).zip(&mut rows);
    match (hooked.point, hooked.at) {
        (HookPoint::MlpPost, 0) => numbered.for_each(|(_, row)| row[3] *= -2.0),
        (HookPoint::AttnZ, 1) => numbered
            .filter(|(position, _)| *position == 2)
            .for_each(|(_, row)| row[d_head..2 * d_head].fill(0.0)),
        _ => return None,
    }
    Some(Tensor::new(rows, &Device::Cpu).unwrap())
}

fn changes() -> Vec<Change> {
    vec![
        Change::scale("L0.N3=-2").unwrap(),
        Change::ablate("L1.H1@2").unwrap(),
    ]
}

/// The logits after a text of which every token is run.
fn whole_run(forward: &Forward<'_>, text: &[u32], with_changes: Option<usize>) -> Vec<f32> {
    let first = forward.embedded(text).unwrap();
    let start = Start {
        layer: 0,
        state: &first,
    };
    let mut logits = Vec::new();
    let run = forward.run_from(start, request(), &mut |hooked| {
        if hooked.point == HookPoint::Logits {
            logits = hooked.tensor.to_vec2::<f32>().unwrap().pop().unwrap();
            return Ok(None);
        }
        Ok(with_changes.and_then(|d_head| changed(&hooked, d_head)))
    });
    run.unwrap();
    logits
}

#[test]
fn kept_keys_and_values_give_the_logits_of_a_whole_run_for_one_row_a_token() {
    for (name, answer) in causal() {
        let checkpoint = Checkpoint::open(&location(&name)).unwrap();
        let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
        let spec = checkpoint.spec();
        let ids: Vec<u32> = list(&answer["prompt"]["ids"]).iter().map(id).collect();
        let long: Vec<u32> = ids.iter().cycle().take(ids.len() + 12).copied().collect();
        let long = &long[..long.len().min(spec.longest)];
        for with_changes in [None, Some(spec.d_head)] {
            let (mut kept, mut before) = (KeyValueCache::default(), 0);
            // More than one token at a time, then each by itself.
            for end in [3, 4, 6].into_iter().chain(7..=long.len()) {
                let text = &long[..end];
                let (mut logits, mut rows) = (Vec::new(), 0);
                let run = forward.run_on(text, &mut kept, request(), &mut |hooked| {
                    rows = hooked.tensor.dim(0).unwrap();
                    assert_eq!(hooked.first + rows, end, "{name}");
                    if hooked.point == HookPoint::Logits {
                        logits = hooked.tensor.to_vec2::<f32>().unwrap().pop().unwrap();
                        return Ok(None);
                    }
                    Ok(with_changes.and_then(|d_head| changed(&hooked, d_head)))
                });
                run.unwrap();
                let whole = whole_run(&forward, text, with_changes);
                let size = whole.iter().fold(0.1f32, |m, x| m.max(x.abs()));
                for (got, want) in logits.iter().zip(&whole) {
                    assert!((got - want).abs() < 1e-4 * size, "{name} of {end} tokens");
                }
                // All positions rotate otherwise once a text is longer than LongRoPE's first part.
                let anew = name == "phi3" && rows == end;
                assert!(rows == end - before || anew, "{name}: {rows} rows");
                before = end;
            }
        }
    }
}

#[test]
fn another_text_is_run_from_its_beginning() {
    let checkpoint = Checkpoint::open(&location("llama")).unwrap();
    let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
    let mut kept = KeyValueCache::default();
    for text in [&[1u32, 4, 2, 4][..], &[1, 5, 2, 4, 6], &[1, 5], &[1, 5]] {
        let last = forward.run_on(text, &mut kept, request(), &mut |_| Ok(None));
        assert_eq!(last.unwrap().dim(0).unwrap(), text.len());
    }
}

#[test]
fn tokens_that_follow_are_those_of_whole_runs() {
    for (name, answer) in causal() {
        let checkpoint = Checkpoint::open(&location(&name)).unwrap();
        let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
        let spec = checkpoint.spec();
        let ids: Vec<u32> = list(&answer["prompt"]["ids"]).iter().map(id).collect();
        let mut reader = reader(&name);
        for (temperature, seed) in [(0.0, 1), (1.5, 7)] {
            let asked = PromptQuery {
                continuation: Some(Continuation {
                    tokens: 8,
                    temperature: Amount::new(temperature).unwrap(),
                    seed,
                }),
                changes: changes(),
                lens_k: 0,
                ..query(answer["prompt"]["text"].as_str().unwrap())
            };
            let found = ask(&mut reader, asked).unwrap().continuation.unwrap();
            let both = [
                (None, found.before),
                (Some(spec.d_head), found.after.unwrap()),
            ];
            for (with_changes, found) in both {
                let mut sampler = Sampler::new(seed, temperature.into());
                let mut text = ids.clone();
                for (at, &next) in found.iter().enumerate() {
                    let logits = whole_run(&forward, &text, with_changes);
                    let want = sampler.draw(&logits).unwrap();
                    assert_eq!(next, want, "{name}, token {at} at {temperature}");
                    text.push(next);
                }
                assert!(ended(&reader, &found, 8) || text.len() == spec.longest);
            }
        }
    }
}

/// Whether a text went on as long as was asked, or to a special token.
fn ended(reader: &Reader, tokens: &[u32], most: usize) -> bool {
    let card = reader.card();
    let special = |id: &u32| card.vocabulary.is_special(*id);
    tokens.len() == most || tokens.last().is_some_and(special)
}

#[test]
fn tokens_that_follow_are_those_that_transformers_generates() {
    let mut compared = 0;
    for (name, answer) in causal() {
        let generated: Vec<u32> = list(&answer["generated"]).iter().map(id).collect();
        let mut reader = reader(&name);
        let asked = PromptQuery {
            continuation: Some(Continuation {
                tokens: generated.len(),
                temperature: Amount::default(),
                seed: 0,
            }),
            lens_k: 0,
            ..query(answer["prompt"]["text"].as_str().unwrap())
        };
        let found = ask(&mut reader, asked)
            .unwrap()
            .continuation
            .unwrap()
            .before;
        assert_eq!(found, generated[..found.len()], "{name}");
        assert!(ended(&reader, &found, generated.len()), "{name}");
        compared += found.len();
    }
    assert!(compared > 100, "{compared} tokens");
}
