use super::*;

fn random(rows: usize, width: usize, seed: u64) -> Tensor {
    let mut rng = fastrand::Rng::with_seed(seed);
    let data: Vec<f32> = (0..rows * width).map(|_| rng.f32() * 4.0 - 2.0).collect();
    Tensor::from_vec(data, (rows, width), &Device::Cpu).unwrap()
}

fn furthest(a: &Tensor, b: &Tensor) -> f32 {
    let apart = (a - b).unwrap().abs().unwrap().flatten_all().unwrap();
    apart.max(0).unwrap().to_scalar().unwrap()
}

const PLAIN: Heads = Heads {
    heads: 2,
    n_kv_heads: 2,
    d_head: 4,
    causal: true,
    window: None,
    scale: 0.5,
    cap: None,
    alibi: None,
    relative: None,
    distances: None,
    sinks: None,
};

#[test]
fn the_processor_and_a_device_attend_alike() {
    let [q, k, v] = [1, 2, 3].map(|seed| random(12, 8, seed));
    let [shared_k, shared_v] = [4, 5].map(|seed| random(12, 4, seed));
    let texts = [0..5, 5..6, 6..12];
    let alibi = |before_scale| Some(Alibi { before_scale });
    for (heads, k, v) in [
        (PLAIN, &k, &v),
        (
            Heads {
                causal: false,
                ..PLAIN
            },
            &k,
            &v,
        ),
        (
            Heads {
                n_kv_heads: 1,
                ..PLAIN
            },
            &shared_k,
            &shared_v,
        ),
        (
            Heads {
                window: Some(3),
                cap: Some(2.0),
                ..PLAIN
            },
            &k,
            &v,
        ),
        (
            Heads {
                window: Some(2),
                causal: false,
                ..PLAIN
            },
            &k,
            &v,
        ),
        (
            Heads {
                alibi: alibi(true),
                ..PLAIN
            },
            &k,
            &v,
        ),
        (
            Heads {
                alibi: alibi(false),
                ..PLAIN
            },
            &k,
            &v,
        ),
    ] {
        let host = heads.attend_on_host([&q, k, v], &texts, Keep::All).unwrap();
        let device = heads
            .attend_on_device([&q, k, v], &texts, Keep::All)
            .unwrap();
        assert!(furthest(&host.read, &device.read) < 1e-5);
        for (a, b) in host.probabilities.iter().zip(&device.probabilities) {
            assert!(furthest(a, b) < 1e-5);
        }
    }
}

#[test]
fn a_text_of_one_position_reads_itself() {
    let [q, k, v] = [4, 5, 6].map(|seed| random(3, 4, seed));
    let heads = Heads {
        heads: 1,
        n_kv_heads: 1,
        scale: 1.0,
        ..PLAIN
    };
    let got = heads.attend([&q, &k, &v], &[0..1, 1..2, 2..3], Keep::Nothing);
    assert!(furthest(&got.unwrap().read, &v) < 1e-6);
}
