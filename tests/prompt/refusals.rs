//! What cannot be asked, each in a sentence, and what is said about a text.

use lexiscope::query::{Change, PromptAnswer, PromptQuery, TokenChoice};

use super::{ask, query, reader};

#[track_caller]
fn refused(name: &str, asked: PromptQuery, says: &[&str]) {
    let message = ask(&mut reader(name), asked).unwrap_err().to_string();
    for says in says {
        assert!(message.contains(says), "{says}: {message}");
    }
    assert_eq!(message.lines().count(), 1, "{message}");
}

const TEXT: &str = "Nie wiem, gdzie on jest.";

fn changed(change: Change) -> PromptQuery {
    PromptQuery {
        changes: vec![change],
        ..query(TEXT)
    }
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let name = "gpt2-safetensors";
    refused(name, query(""), &["no token"]);
    let position = |position| PromptQuery {
        position: Some(position),
        ..query(TEXT)
    };
    refused(name, position(8), &["position 8", "expected 0 to 7"]);
    let target = |target| PromptQuery {
        target: Some(target),
        ..query(TEXT)
    };
    refused(
        name,
        target(TokenChoice::Id(900)),
        &["token 900", "0 to 899"],
    );
    let place = |change: &str| changed(Change::ablate(change).unwrap());
    refused(name, place("L9.N0"), &["layer 9", "expected 0 to 2"]);
    refused(name, place("L0.N5000"), &["neuron 5000"]);
    refused(name, place("L0.H4"), &["head 4", "expected 0 to 3"]);
    refused(name, place("L0.N1@8"), &["position 8"]);
    let steer = |change: &str| changed(Change::steer(change).unwrap());
    refused(name, steer("L3:id:4=1"), &["layer 3"]);
    refused(name, steer("L0:id:900=1"), &["token 900"]);
}

#[test]
fn a_change_that_changes_nothing_is_an_error() {
    // ReLU: activations of 0, which ablating leaves as they are.
    let mut opt = reader("opt");
    let asked = query("<s>\n</s>ż\n");
    let message = (0..40)
        .filter_map(|neuron| {
            let change = Change::ablate(&format!("L1.N{neuron}@4")).unwrap();
            let asked = PromptQuery {
                changes: vec![change],
                ..asked.clone()
            };
            ask(&mut opt, asked).err()
        })
        .next()
        .expect("a neuron that is off at the position")
        .to_string();
    assert!(message.contains("changes nothing"), "{message}");
    // Too small for single precision.
    let steered = changed(Change::steer("L0:id:5=1e-30").unwrap());
    refused("gpt2-safetensors", steered, &["changes nothing"]);
}

#[test]
fn encoders_name_why_they_have_no_attribution_and_rank_by_size() {
    for (name, why) in [
        ("roberta", "not linear"),
        ("modernbert", "not linear"),
        ("herbert-pickle", "not linear"),
        ("opt-post", "norms come after the sums"),
    ] {
        let text = match name {
            "herbert-pickle" => TEXT,
            _ => "<s>\n</s>ż\n",
        };
        let answer = ask(&mut reader(name), query(text)).unwrap();
        let refusal = answer.attribution.unwrap_err();
        assert!(refusal.contains(why), "{name}: {refusal}");
        let sizes: Vec<f32> = answer.neurons.iter().map(|n| n.size).collect();
        assert!(
            sizes.is_sorted_by(|a, b| a >= b) && sizes[0] > 0.0,
            "{name}"
        );
        assert!(answer.heads.is_sorted_by(|a, b| a.size >= b.size), "{name}");
        assert!(answer.neurons.iter().all(|n| n.attribution.is_none()));
    }
}

#[test]
fn a_model_without_a_head_is_refused() {
    refused(
        "bert-safetensors",
        query(TEXT),
        &["no masked-language-model head"],
    );
}

#[test]
fn a_text_without_a_mask_is_told_what_the_model_calls_it() {
    let told = |name: &str, text: &str| {
        let notices = ask(&mut reader(name), query(text)).unwrap().notices;
        notices
            .iter()
            .any(|notice| notice.contains("no mask: <mask>"))
    };
    assert!(told("herbert-pickle", "Nie wiem."));
    assert!(!told("herbert-pickle", "Nie <mask>."));
    assert!(!told("gpt2-safetensors", "Nie wiem."));
}

#[test]
fn a_mask_anywhere_is_looked_at() {
    let mut herbert = reader("herbert-pickle");
    let answer = ask(&mut herbert, query("Nie <mask> gdzie on jest.")).unwrap();
    let mask = herbert_mask(&answer);
    assert_eq!(answer.position, mask);
    // Also where special tokens are read as letters.
    let literal = PromptQuery {
        special: false,
        ..query("Nie <mask> gdzie </s> jest.")
    };
    let literal = ask(&mut herbert, literal).unwrap();
    assert_eq!(literal.tokens[literal.position], answer.tokens[mask]);
    let read_as_letters = |a: &PromptAnswer| a.notices.iter().any(|n| n.contains("as letters"));
    assert!(read_as_letters(&literal) && !read_as_letters(&answer));
    let ends = literal
        .tokens
        .iter()
        .filter(|&&id| id == *literal.tokens.last().unwrap());
    assert_eq!(ends.count(), 1, "{:?}", literal.tokens);
}

fn herbert_mask(answer: &PromptAnswer) -> usize {
    // The tokenizer puts a token before the text and one after it; the mask is the second word.
    let said = &answer.notices[0];
    assert!(
        said.contains("before a text") && said.contains("after it"),
        "{said}"
    );
    answer.position
}

#[test]
fn numbers_that_are_none_are_an_error_that_names_the_state() {
    let from = super::tests().join("families/llama");
    let folder = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json"] {
        std::fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    let bytes = std::fs::read(from.join("model.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let huge = 1e38f32.to_le_bytes();
    let changed = tensors.tensors().into_iter().map(|(name, tensor)| {
        let data = match name.ends_with("layers.1.mlp.down_proj.weight") {
            true => huge.repeat(tensor.data().len() / 4),
            false => tensor.data().to_vec(),
        };
        let (kind, shape) = (tensor.dtype(), tensor.shape().to_vec());
        (name, (kind, shape, data))
    });
    let changed: Vec<_> = changed.collect();
    let views = changed.iter().map(|(name, (kind, shape, data))| {
        let view = safetensors::tensor::TensorView::new(*kind, shape.clone(), data);
        (name, view.unwrap())
    });
    let path = folder.path().join("model.safetensors");
    safetensors::serialize_to_file(views, None, &path).unwrap();
    let location = lexiscope::checkpoint::Location::Folder {
        name: "huge".to_owned(),
        path: folder.path().to_owned(),
    };
    let mut huge = lexiscope::query::Reader::open(&location, super::DeviceChoice::Cpu).unwrap();
    let message = ask(&mut huge, query("the cat")).unwrap_err().to_string();
    assert!(
        message.contains("state 2 overflows single precision"),
        "{message}"
    );
}

#[test]
fn a_long_text_is_cut_and_that_is_said() {
    let text = TEXT.repeat(40);
    let asked = PromptQuery {
        lens_k: 0,
        ..query(&text)
    };
    let answer = ask(&mut reader("gpt2-safetensors"), asked).unwrap();
    assert_eq!(answer.tokens.len(), 128);
    assert_eq!(answer.position, 127);
    // First, where the end of a narrow line does not cut it.
    assert!(
        answer.notices[0].contains("was cut to 128"),
        "{:?}",
        answer.notices
    );
}

#[test]
fn of_a_word_of_several_tokens_the_first_is_meant() {
    let target = PromptQuery {
        target: Some(TokenChoice::Word("niezwykłościowatość".to_owned())),
        ..query(TEXT)
    };
    let answer = ask(&mut reader("gpt2-safetensors"), target).unwrap();
    let said = answer
        .notices
        .iter()
        .find(|n| n.contains("its first is meant"));
    assert!(said.is_some(), "{:?}", answer.notices);
}
