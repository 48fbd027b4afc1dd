//! What every mark and figure on a screen means, in plain words. Found by what stands on the screen:
//! a new mark needs a row in [`table`].

use super::table::{ROWS, ShownWhen};
use crate::explorer::state::State;
use crate::query::{Address, Convention};

/// A mark or figure as it is drawn, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegendEntry {
    pub sign: String,
    pub words: String,
    /// The characters and texts that it explains.
    pub covers: &'static [&'static str],
}

impl LegendEntry {
    /// The entry of a sign.
    pub fn new(
        sign: impl Into<String>,
        words: impl Into<String>,
        covers: &'static [&'static str],
    ) -> Self {
        Self {
            sign: sign.into(),
            words: words.into(),
            covers,
        }
    }
}

/// The entries for what stands on a screen, given as its lines; where a figure stands for what was
/// chosen, the state says what that is.
pub fn legend(state: &State, lines: &[String]) -> Vec<LegendEntry> {
    let text = lines.join("\n");
    let mut entries = place(state);
    entries.extend(chosen(state, &text));
    let rows = ROWS.iter().filter(|row| match row.shown {
        ShownWhen::Text => row.covers.iter().any(|sign| text.contains(sign)),
        ShownWhen::Form(stands_in) => lines.iter().any(|line| stands_in(line)),
    });
    entries.extend(rows.map(|row| LegendEntry::new(row.sign, row.words, row.covers)));
    entries
}

/// The convention and the address at the top.
fn place(state: &State) -> Vec<LegendEntry> {
    if state.card().is_none() {
        return Vec::new();
    }
    let address = state.address();
    let here = match address {
        Address::Neuron { layer, neuron } => format!("neuron {neuron} of layer {layer}"),
        Address::Expert {
            layer,
            expert,
            neuron,
        } => {
            let expert = match expert {
                Some(expert) => format!("expert {expert} of layer {layer}"),
                None => format!("the expert of layer {layer} that every token takes"),
            };
            neuron.map_or(expert.clone(), |neuron| {
                format!("neuron {neuron} of {expert}")
            })
        }
        Address::Head { layer, head, .. } => format!("head {head} of layer {layer}"),
        Address::Layer { layer } => format!("layer {layer}"),
        Address::Direction { row } => format!("direction {row} of the dictionary"),
        Address::Token { state, position } => {
            format!("state {state} of the text's token at position {position}")
        }
        Address::State { state: 0 } => "the embeddings, before the first layer".to_owned(),
        Address::State { state } => format!("the hidden states that layer {} leaves", state - 1),
    };
    let where_one_is = format!("where you are: {here}, counted from 0; `:` jumps to an address");
    let reading = match state.tab().words() {
        None if matches!(address, Address::Token { .. }) => LegendEntry::new(
            "states",
            "the residual stream before the first layer and after each, of every token of the text",
            &["states"],
        ),
        None => LegendEntry::new(
            "states",
            "what is measured: the model's hidden states while it reads texts, not its weights",
            &["states"],
        ),
        Some(_) => convention(state.convention_shown()),
    };
    vec![
        LegendEntry::new(address.to_string(), where_one_is, &[]),
        reading,
    ]
}

fn convention(convention: Convention) -> LegendEntry {
    let meanings = convention.meanings();
    let meanings = match meanings.is_empty() {
        true => "the parameters as they are".to_owned(),
        false => meanings.join("; "),
    };
    let words = format!(
        "the convention, how weights become words: {meanings}; c chooses another. A model begins \
         under raw, unless lists under another are clearly more robust"
    );
    LegendEntry::new(convention.name(), words, &["raw"])
}

/// What was chosen to be shown, in what lies on top and in the tab.
fn chosen(state: &State, text: &str) -> Vec<LegendEntry> {
    let on_top = state.list_on_top().map(|id| id.view().legend(state, text));
    let mut entries = on_top.unwrap_or_default();
    entries.extend(state.tab().legend(state, text));
    if text.contains("‖V") {
        let words = "the length of a neuron's value vector";
        entries.push(LegendEntry::new("‖V‖", words, &["‖V‖"]));
    }
    entries
}
