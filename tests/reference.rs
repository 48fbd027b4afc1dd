//! The reference checkpoints and the bundled ones open, in every form that weights are kept in,
//! with the numbers that Python's `struct` reads from the same files.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;

use lexiscope::checkpoint::{Bundle, Checkpoint, Location};

fn open(folder: &str) -> Checkpoint {
    support::checkpoint(&support::reference(folder))
}

/// Holds single numbers, and the same ones inside wider blocks, against the file.
fn expect(checkpoint: &Checkpoint, tensor: &str, numbers: &[(usize, usize, f64)]) {
    for &(row, col, expected) in numbers {
        let one = checkpoint
            .block(tensor, row..row + 1, col..col + 1)
            .unwrap();
        assert_eq!(
            f64::from(one.data()[0]),
            expected,
            "{tensor} [{row}, {col}]"
        );
        let wide = checkpoint
            .block(tensor, row.saturating_sub(3)..row + 1, 0..col + 1)
            .unwrap();
        assert_eq!(
            f64::from(wide.data()[wide.data().len() - 1]),
            expected,
            "{tensor}"
        );
    }
}

#[test]
fn reads_gpt2_from_safetensors() {
    let checkpoint = open("gpt2-safetensors");
    let spec = checkpoint.spec();
    assert_eq!(
        (spec.layers, spec.d_model, spec.heads, spec.d_head),
        (3, 48, 4, 12)
    );
    assert_eq!((spec.neurons, spec.vocab, spec.positions), (192, 900, 128));
    assert_eq!(spec.activation, "gelu_new");
    assert_eq!(checkpoint.family().title, "GPT-2");
    assert_eq!(checkpoint.embedding(), "transformer.wte.weight");
    assert_eq!(
        checkpoint.positions(),
        Some(("transformer.wpe.weight", 0..128))
    );
    assert_eq!(checkpoint.output_embedding(), None);
    let query = checkpoint.linear(2, &checkpoint.family().query);
    assert_eq!(query, "transformer.h.2.attn.c_attn.weight");
    expect(
        &checkpoint,
        "transformer.wte.weight",
        &[
            (0, 0, 0.07917465269565582),
            (453, 47, 0.07810568809509277),
            (899, 7, -0.02680348791182041),
        ],
    );
    expect(
        &checkpoint,
        &query,
        &[
            (0, 0, -0.03480524569749832),
            (27, 143, 0.039908699691295624),
            (47, 7, 0.023580513894557953),
        ],
    );
}

#[test]
fn reads_gpt2_from_a_zipped_pickle() {
    let checkpoint = open("gpt2-pickle");
    assert_eq!(checkpoint.spec().neurons, 96);
    expect(
        &checkpoint,
        checkpoint.embedding(),
        &[
            (0, 0, -0.02278953045606613),
            (403, 39, -0.009603731334209442),
            (799, 7, -0.010382138192653656),
        ],
    );
    expect(
        &checkpoint,
        &checkpoint.linear(1, &checkpoint.family().ff_out),
        &[
            (0, 0, -0.035251740366220474),
            (51, 39, -0.0013294003438204527),
            (95, 7, 9.101382602239028e-05),
        ],
    );
}

#[test]
fn reads_bert_with_a_prefix_from_a_zipped_pickle() {
    let checkpoint = open("herbert-pickle");
    expect(
        &checkpoint,
        "bert.embeddings.word_embeddings.weight",
        &[
            (0, 0, 0.0),
            (453, 47, 0.009411648847162724),
            (899, 7, 0.031988319009542465),
        ],
    );
    expect(
        &checkpoint,
        "bert.encoder.layer.2.output.dense.weight",
        &[
            (0, 0, 0.09467478096485138),
            (27, 191, 0.00331935309804976),
            (47, 7, -0.03724174201488495),
        ],
    );
}

#[test]
fn reads_bert_without_a_prefix_from_safetensors() {
    let checkpoint = open("bert-safetensors");
    expect(
        &checkpoint,
        "embeddings.word_embeddings.weight",
        &[
            (0, 0, 0.0),
            (403, 39, 0.06534749269485474),
            (799, 7, 0.03352789953351021),
        ],
    );
    expect(
        &checkpoint,
        &checkpoint.linear(1, &checkpoint.family().value),
        &[
            (0, 0, 0.017463209107518196),
            (23, 39, 0.00844274740666151),
            (39, 7, -0.01650930941104889),
        ],
    );
}

#[test]
fn reads_bert_from_a_pickle_of_before_the_zip_form() {
    let checkpoint = open("herbert-legacy");
    expect(
        &checkpoint,
        "embeddings.word_embeddings.weight",
        &[
            (0, 0, 0.0),
            (303, 31, 0.11388882994651794),
            (599, 7, 0.1005365401506424),
        ],
    );
    expect(
        &checkpoint,
        "encoder.layer.1.output.dense.weight",
        &[
            (0, 0, 0.0922561064362526),
            (19, 63, -0.04179910570383072),
            (31, 7, 0.033003777265548706),
        ],
    );
    assert!(checkpoint.file("tokenizer.json").unwrap().is_none());
    let vocab = checkpoint.file("vocab.json").unwrap().unwrap();
    assert_eq!(vocab.len(), 7_816);
}

#[test]
fn opens_the_bundled_models_by_name() {
    assert_eq!(Bundle::all()[0].name, "gpt2-pl");
    let gpt2 = Checkpoint::open(&Location::resolve("gpt2-pl").unwrap()).unwrap();
    expect(
        &gpt2,
        "transformer.wte.weight",
        &[(8191, 255, 0.06488037109375)],
    );
    expect(
        &gpt2,
        "transformer.h.3.mlp.c_fc.weight",
        &[(100, 700, -0.05694580078125)],
    );
    let bert = Checkpoint::open(&Location::resolve("bert-pl").unwrap()).unwrap();
    expect(
        &bert,
        &bert.linear(5, &bert.family().ff_out),
        &[(17, 500, 0.006072998046875)],
    );
    let tokenizer = bert.file("tokenizer.json").unwrap().unwrap();
    assert!(tokenizer.starts_with(b"{"));
}
