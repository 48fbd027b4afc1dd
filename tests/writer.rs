//! The synthetic checkpoints that other tests stand on are what they claim to be.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod checkpoint_writer;
#[path = "support/mod.rs"]
mod support;

use checkpoint_writer::{Number, Synthetic};
use support::checkpoint as open;

#[test]
fn writes_a_tokenizer_of_exactly_the_vocabulary() {
    let folder = tempfile::tempdir().unwrap();
    let model = Synthetic {
        vocab: 5_000,
        ..Synthetic::tiny()
    };
    model.write(folder.path()).unwrap();
    let tokenizer = tokenizers::Tokenizer::from_file(folder.path().join("tokenizer.json")).unwrap();
    assert_eq!(tokenizer.get_vocab_size(false), 5_000);
    let encoded = tokenizer.encode("baże nowo", false).unwrap();
    assert_eq!(
        tokenizer.decode(encoded.get_ids(), false).unwrap(),
        "baże nowo"
    );
}

#[test]
fn holds_the_same_numbers_in_every_kind_and_number_of_files() {
    let read = |number, shards| {
        let folder = tempfile::tempdir().unwrap();
        let model = Synthetic {
            number,
            shards,
            ..Synthetic::tiny()
        };
        model.write(folder.path()).unwrap();
        let checkpoint = open(folder.path());
        let name = checkpoint.linear(1, &checkpoint.family().ff_out);
        checkpoint.block(&name, 0..128, 0..32).unwrap()
    };
    let exact = read(Number::F32, 1);
    let deviation = exact.data().iter().map(|x| x * x).sum::<f32>() / exact.data().len() as f32;
    assert!((deviation.sqrt() - 0.05).abs() < 0.005);
    assert_eq!(read(Number::F32, 3), exact);
    // Relative errors of 11 and 8 bits of mantissa, and what f16 loses below its normal range.
    for (number, relative) in [(Number::F16, 1.0 / 2048.0), (Number::Bf16, 1.0 / 256.0)] {
        for (x, y) in exact.data().iter().zip(read(number, 2).data()) {
            assert!(
                (x - y).abs() <= x.abs() * relative + 3e-8,
                "{number:?}: {x} became {y}"
            );
        }
    }
}

#[test]
fn has_the_output_embedding_that_the_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = Synthetic {
        tied: false,
        ..Synthetic::tiny()
    };
    model.write(folder.path()).unwrap();
    let checkpoint = open(folder.path());
    assert_eq!(checkpoint.output_embedding(), Some("lm_head.weight"));
    let output = checkpoint.block("lm_head.weight", 0..320, 0..32).unwrap();
    assert_ne!(
        output,
        checkpoint
            .block(checkpoint.embedding(), 0..320, 0..32)
            .unwrap()
    );
    // Whatever the configuration says: the file decides.
    model.tied = true;
    std::fs::write(
        folder.path().join("config.json"),
        model.config().to_string(),
    )
    .unwrap();
    assert_eq!(
        open(folder.path()).output_embedding(),
        Some("lm_head.weight")
    );
}
