//! Values at the hook points against PyTorch, and what takes their place.

use candle_core::{Device, Tensor};
use lexiscope::checkpoint::Checkpoint;
use lexiscope::task::CancelToken;
use lexiscope::transformer::{
    Forward, ForwardError, HookPoint, HookRequest, LayerCache, Start, with_numbers,
};
use serde_json::Value;

use super::{answers, id, list, location, number};

const ROWS: [HookPoint; 8] = [
    HookPoint::ResidPre,
    HookPoint::AttnZ,
    HookPoint::AttnOut,
    HookPoint::ResidMid,
    HookPoint::MlpPre,
    HookPoint::MlpPost,
    HookPoint::MlpOut,
    HookPoint::ResidPost,
];

fn ids(answer: &Value) -> Vec<u32> {
    list(&answer["prompt"]["ids"]).iter().map(id).collect()
}

/// Rows against the length of each, and the last row number by number.
#[track_caller]
fn same_rows(what: &str, tensor: &Tensor, want: &Value) {
    let rows: Vec<Vec<f32>> = tensor.to_vec2().unwrap();
    let norm = |row: &[f32]| {
        row.iter()
            .map(|x| f64::from(*x).powi(2))
            .sum::<f64>()
            .sqrt()
    };
    assert_eq!(rows.len(), list(&want["norms"]).len(), "{what}");
    for (row, want) in rows.iter().zip(list(&want["norms"])) {
        let (got, want) = (norm(row), number(want));
        assert!(
            (got - want).abs() < 1e-4 * want.max(0.1),
            "{what}: {got}, expected {want}"
        );
    }
    let last = rows.last().unwrap();
    let size = norm(last).max(0.1);
    assert_eq!(last.len(), list(&want["last"]).len(), "{what}");
    for (got, want) in last.iter().zip(list(&want["last"])) {
        let apart = (f64::from(*got) - number(want)).abs();
        assert!(apart < 1e-4 * size, "{what}: {got}, expected {want}");
    }
}

#[test]
fn hooks_of_every_family_show_what_pytorch_has() {
    let points: Vec<HookPoint> = ROWS
        .into_iter()
        .chain([HookPoint::AttnPattern, HookPoint::Router, HookPoint::Logits])
        .collect();
    for (name, answer) in answers() {
        let checkpoint = Checkpoint::open(&location(&name)).unwrap();
        let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
        let text = ids(&answer);
        let mut seen = 0;
        let run = forward.run(&[&text], &points, CancelToken::never(), &mut |hooked| {
            let what = format!("{name} {} {}", hooked.point.name(), hooked.at);
            let known = &answer["hooks"][hooked.at][hooked.point.name()];
            seen += usize::from(hooked.point == HookPoint::Logits || !known.is_null());
            match hooked.point {
                HookPoint::Logits => same_rows(&what, hooked.tensor, &answer["logits"]),
                HookPoint::AttnPattern if answer["hooks"][0]["attn.pattern"].is_null() => {}
                HookPoint::AttnPattern => {
                    let want = list(&answer["hooks"][hooked.at]["attn.pattern"]);
                    let heads: Vec<Vec<Vec<f32>>> = hooked.tensor.to_vec3().unwrap();
                    assert_eq!(heads.len(), want.len());
                    for (head, want) in heads.iter().zip(want) {
                        let last = head.last().unwrap().iter().zip(list(want));
                        for (got, want) in last {
                            assert!((f64::from(*got) - number(want)).abs() < 3e-5, "{what}");
                        }
                    }
                }
                point => {
                    let want = &answer["hooks"][hooked.at][point.name()];
                    same_rows(&what, hooked.tensor, want);
                }
            }
            Ok(None)
        });
        run.unwrap();
        let kinds = |layer: &Value| layer.as_object().unwrap().len();
        let kinds: usize = list(&answer["hooks"]).iter().map(kinds).sum();
        assert_eq!(seen, kinds + 1, "{name}");
    }
}

/// The last state, with each hook's tensor replaced as `instead` says.
fn last_state(
    forward: &Forward<'_>,
    text: &[u32],
    points: &[HookPoint],
    instead: impl Fn(HookPoint, usize, &Tensor) -> Option<Tensor>,
) -> Result<Vec<f32>, ForwardError> {
    let first = forward.embedded(text)?;
    let request = HookRequest {
        points,
        pattern_from: None,
        cancel: CancelToken::never(),
    };
    let start = Start {
        layer: 0,
        state: &first,
    };
    let last = forward.run_from(start, request, &mut |hooked| {
        Ok(instead(hooked.point, hooked.at, hooked.tensor))
    })?;
    Ok(with_numbers(&last, <[f32]>::to_vec)?)
}

#[test]
fn the_same_in_its_own_place_changes_no_bit_and_another_changes_the_end() {
    for (name, answer) in answers() {
        let checkpoint = Checkpoint::open(&location(&name)).unwrap();
        let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
        let text = ids(&answer);
        let plain = last_state(&forward, &text, &[], |_, _, _| None).unwrap();
        for point in ROWS {
            let copy = |_: HookPoint, _: usize, x: &Tensor| Some(x.copy().unwrap());
            let same = last_state(&forward, &text, &[point], copy).unwrap();
            let of_experts = answer["hooks"][1]["mlp.router"].is_object();
            match of_experts && point == HookPoint::MlpPost {
                false => assert_eq!(same, plain, "{name} {}", point.name()),
                // Rows that no hook sees are multiplied by those alone that take an expert.
                true => {
                    let apart = same.iter().zip(&plain).map(|(a, b)| (a - b).abs());
                    assert!(apart.fold(0.0, f32::max) < 1e-5, "{name}");
                }
            }
            if answer["hooks"][0][point.name()].is_null() {
                continue;
            }
            let doubled =
                |_: HookPoint, at: usize, x: &Tensor| (at == 0).then(|| (x * 2.0).unwrap());
            let other = last_state(&forward, &text, &[point], doubled).unwrap();
            assert_ne!(other, plain, "{name} {}", point.name());
        }
        // Attention weights: what heads read is computed anew from those given.
        let pattern = [HookPoint::AttnPattern];
        let copy = |_: HookPoint, _: usize, x: &Tensor| Some(x.copy().unwrap());
        let same = last_state(&forward, &text, &pattern, copy).unwrap();
        let size = plain.iter().fold(0f32, |m, x| m.max(x.abs()));
        let apart = same.iter().zip(&plain).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-5 * size, "{name}");
        let evenly = |_: HookPoint, _: usize, x: &Tensor| {
            let n = x.dim(2).unwrap() as f64;
            Some(((x * 0.0).unwrap() + 1.0 / n).unwrap())
        };
        assert_ne!(
            last_state(&forward, &text, &pattern, evenly).unwrap(),
            plain
        );
    }
}

#[test]
fn what_has_another_shape_is_refused() {
    let checkpoint = Checkpoint::open(&location("llama")).unwrap();
    let forward = Forward::new(&checkpoint, &Device::Cpu).unwrap();
    let cut = |_: HookPoint, _: usize, x: &Tensor| Some(x.narrow(1, 0, 1).unwrap());
    let refused = last_state(&forward, &[1, 2, 3], &[HookPoint::MlpPost], cut);
    let message = refused.unwrap_err().to_string();
    assert!(
        message.contains("mlp.post") && message.contains("expected [3, 40]"),
        "{message}"
    );
}

#[test]
fn a_run_goes_on_from_any_state_to_the_same_end() {
    for (name, answer) in answers() {
        let checkpoint = Checkpoint::open(&location(&name)).unwrap();
        let cache = LayerCache::new(1 << 20);
        let forward = Forward::new(&checkpoint, &Device::Cpu)
            .unwrap()
            .keeping(&cache);
        let text = ids(&answer);
        let mut states = Vec::new();
        let first = forward.embedded(&text).unwrap();
        let request = HookRequest {
            points: &[HookPoint::ResidPost],
            pattern_from: None,
            cancel: CancelToken::never(),
        };
        let start = Start {
            layer: 0,
            state: &first,
        };
        let end = forward.run_from(start, request, &mut |hooked| {
            states.push(hooked.tensor.clone());
            Ok(None)
        });
        let end: Vec<Vec<f32>> = end.unwrap().to_vec2().unwrap();
        for (at, state) in states.iter().enumerate() {
            let start = Start {
                layer: at + 1,
                state,
            };
            let again = forward.run_from(start, request, &mut |_| Ok(None)).unwrap();
            assert_eq!(again.to_vec2::<f32>().unwrap(), end, "{name} from {at}");
        }
    }
}

#[test]
fn kept_layers_stay_within_their_bytes() {
    let checkpoint = Checkpoint::open(&location("gpt2-safetensors")).unwrap();
    let spec = checkpoint.spec();
    // What the maps of a layer hold at least: four of attention, two of the feed-forward part.
    let maps = spec.d_model * (4 * spec.d_model + 2 * spec.neurons);
    let layer = 4 * maps as u64;
    for (budget, layers) in [
        (0, 0),
        (layer + layer / 2, 1),
        (100 * layer, spec.layers as u64),
    ] {
        let cache = LayerCache::new(budget);
        let forward = Forward::new(&checkpoint, &Device::Cpu)
            .unwrap()
            .keeping(&cache);
        for _ in 0..2 {
            last_state(&forward, &[1, 2, 3], &[], |_, _, _| None).unwrap();
        }
        assert!(cache.bytes() <= budget);
        assert!(
            cache.bytes() >= layers * layer,
            "{} of {budget}",
            cache.bytes()
        );
    }
}
