//! The synthetic checkpoints that other tests stand on are what they claim to be.

mod checkpoint_writer;

use checkpoint_writer::{Number, Synthetic};

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
#[ignore = "writes 1.4 GB"]
fn writes_a_medium_model_in_seconds() {
    let folder = tempfile::tempdir().unwrap();
    for number in [Number::F32, Number::F16, Number::Bf16] {
        let start = std::time::Instant::now();
        let model = Synthetic {
            number,
            ..Synthetic::medium()
        };
        model.write(folder.path()).unwrap();
        let seconds = start.elapsed().as_secs_f32();
        println!("{number:?}: {seconds:.1} s");
        assert!(seconds < 60.0);
    }
}
