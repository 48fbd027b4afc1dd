//! Neurons of experts in changes: by their address in the expert, and by their number in the layer.

use lexiscope::query::sheet::sheet;
use lexiscope::query::{Answering, Callbacks, Change, ModelCard, PromptQuery, Query, Reader};

use super::{answers, ask, query, reader};

/// The command that a sheet names for a query.
fn command(card: &ModelCard, asked: &PromptQuery, reader: &mut Reader) -> String {
    let asked = Query::Prompt(asked.clone());
    let answer = reader.answer(&asked, Callbacks::none()).unwrap();
    let sheet = sheet(card, &asked, &answer, None).unwrap();
    sheet.provenance.unwrap().command.unwrap().to_string()
}

#[test]
fn an_expert_s_neuron_is_changed_by_its_address_as_by_its_number() {
    // Numbers by transformers' sizes: each expert has 12 neurons, the shared one comes last.
    for (name, own, counted) in [
        ("qwen3-moe", "L1.E2.N3", "L1.N27"),
        ("gpt-oss", "L0.E3.N11", "L0.N47"),
        ("deepseek-v3", "L1.ES.N5", "L1.N53"),
    ] {
        let mut reader = reader(name);
        let text = answers().into_iter().find(|(of, _)| of == name).unwrap().1;
        let text = text["prompt"]["text"].as_str().unwrap().to_owned();
        let mut after = |change: Change| {
            let asked = PromptQuery {
                changes: vec![change],
                lens_k: 0,
                ..query(&text)
            };
            let found = ask(&mut reader, asked.clone()).unwrap().after.unwrap();
            let card = reader.card().clone();
            (found.predictions, command(&card, &asked, &mut reader))
        };
        type Typed = fn(&str) -> String;
        type Parse = fn(&str) -> Result<Change, String>;
        let kinds: [(Typed, Parse); 3] = [
            (|at| format!("{at}=2.5"), Change::set),
            (|at| format!("{at}=2.5@4"), Change::set),
            (|at| format!("L0:{at}=3"), Change::steer),
        ];
        for (typed, parse) in kinds {
            let by_address = after(parse(&typed(own)).unwrap());
            assert_eq!(by_address, after(parse(&typed(counted)).unwrap()), "{name}");
            assert!(by_address.1.contains(&typed(own)), "{}", by_address.1);
        }
    }
}

#[test]
fn an_expert_that_is_not_there_is_refused_by_name() {
    let mut mixture = reader("qwen3-moe");
    let mut dense = reader("llama");
    let mut refused = |change: &str, of_mixture: bool| {
        let asked = PromptQuery {
            changes: vec![Change::ablate(change).unwrap()],
            ..query("<s>\n")
        };
        let reader = if of_mixture { &mut mixture } else { &mut dense };
        ask(reader, asked).unwrap_err().to_string()
    };
    for (change, of_mixture, says) in [
        ("L1.E9.N0", true, "expert 9"),
        ("L1.E0.N99", true, "neuron 99"),
        ("L1.ES.N0", true, "no shared expert"),
        ("L1.E0.N0", false, "layer 1 has no experts"),
    ] {
        let message = refused(change, of_mixture);
        assert!(message.contains(says), "{message}");
    }
}
