//! What every mark and figure on a screen means, in plain words. Found by what stands on the screen:
//! whoever draws a mark that is new adds its row to [`table`].

mod table;

use super::action::Pane;
use super::state::{Overlay, State};
use crate::geometry::Measure;
use crate::query::{Address, Convention};

use table::{COLUMNS, GATED_COLUMNS, ROWS};

/// A mark or figure as it is drawn, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub sign: String,
    pub words: String,
    /// The characters and texts that it explains.
    pub covers: &'static [&'static str],
}

impl Entry {
    fn new(
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

/// How a row of the table is found on a screen.
enum Shown {
    /// Any of the texts that it covers stands there.
    Text,
    /// Something of that form does.
    Form(fn(&str) -> bool),
}

/// A row of the table.
struct Row {
    sign: &'static str,
    covers: &'static [&'static str],
    shown: Shown,
    words: &'static str,
}

/// The entries for what stands on a screen, given as its lines; where a figure stands for what was
/// chosen, the state says what that is.
pub fn legend(state: &State, lines: &[String]) -> Vec<Entry> {
    let text = lines.join("\n");
    let mut entries = place(state);
    entries.extend(chosen(state, &text));
    let rows = ROWS.iter().filter(|row| match row.shown {
        Shown::Text => row.covers.iter().any(|sign| text.contains(sign)),
        Shown::Form(stands_in) => lines.iter().any(|line| stands_in(line)),
    });
    entries.extend(rows.map(|row| Entry::new(row.sign, row.words, row.covers)));
    entries
}

/// The convention and the address at the top.
fn place(state: &State) -> Vec<Entry> {
    if state.card().is_none() {
        return Vec::new();
    }
    let address = state.address();
    let here = match address {
        Address::Neuron { layer, neuron } => format!("neuron {neuron} of layer {layer}"),
        Address::Head { layer, head, .. } => format!("head {head} of layer {layer}"),
        Address::Layer { layer } => format!("layer {layer}"),
        Address::State { state: 0 } => "the embeddings, before the first layer".to_owned(),
        Address::State { state } => format!("the hidden states that layer {} leaves", state - 1),
    };
    let where_one_is = format!("where you are: {here}, counted from 0; `:` jumps to an address");
    let reading = match state.pane {
        Pane::Geometry => Entry::new(
            "states",
            "what is measured: the model's hidden states while it reads texts, not its weights",
            &["states"],
        ),
        Pane::Neurons | Pane::Heads => convention(state.convention_shown()),
    };
    vec![Entry::new(address.to_string(), where_one_is, &[]), reading]
}

fn convention(convention: Convention) -> Entry {
    let meanings = convention.meanings();
    let words = match meanings.is_empty() {
        true => "the convention, how weights become words: the parameters as they are; \
                 c chooses another"
            .to_owned(),
        false => format!(
            "the convention, how weights become words: {}; c chooses another",
            meanings.join("; ")
        ),
    };
    Entry::new(convention.name(), words, &["raw"])
}

/// What was chosen to be shown: lists, the strip, the grid, a ranking, a measure.
fn chosen(state: &State, text: &str) -> Vec<Entry> {
    let on_top = state.list_on_top();
    let mut entries = Vec::new();
    match (state.pane, on_top) {
        (_, Some(Overlay::HeadMap { .. })) => {
            let by = state.ranked.heads_by;
            let words = format!(
                "the map's shades, from the lowest figure to the highest: {}; \
                 s takes another measure",
                by.meaning()
            );
            entries.push(Entry::new("░▒▓█", words, &["░", "▒", "▓", "█"]));
        }
        (_, Some(Overlay::Interesting(_))) => {
            let words = format!("the figure before the words: {}", state.ranked.by.meaning());
            entries.push(Entry::new("0.9", words, &[]));
        }
        (Pane::Neurons, _) if !state.neurons.directions => {
            let gated = state.card().is_some_and(crate::query::ModelCard::gated);
            let columns = match gated {
                true => &GATED_COLUMNS,
                false => &COLUMNS,
            };
            let shown = columns.iter().filter(|(sign, _)| {
                let title = |end: &str| text.contains(&format!("─ {sign}{end}"));
                let focus = |end: &str| text.contains(&format!("▌{sign}{end}"));
                title(" ") || focus(" ")
            });
            entries.extend(shown.map(|(sign, words)| Entry::new(*sign, *words, &["−"])));
        }
        (Pane::Geometry, _) => {
            let measure = state.geometry.settings.measure;
            entries.push(Entry::new(measure.title(), meaning(measure), &[]));
        }
        (Pane::Neurons | Pane::Heads, _) => {}
    }
    if state.pane == Pane::Neurons && text.contains(['▁', '▲']) {
        let words = format!(
            "the layer strip, a bar a layer: {}; ▲ is your layer, with its figure; \
             s shows another measure",
            state.strip.meaning()
        );
        let covers = &["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█", "▲"];
        entries.push(Entry::new("▁▄█ ▲", words, covers));
    }
    if text.contains("‖V") {
        let words = "the length of a neuron's value vector";
        entries.push(Entry::new("‖V‖", words, &["‖V‖"]));
    }
    let map = matches!(on_top, Some(Overlay::HeadMap { .. }));
    if state.pane == Pane::Heads && !map && text.contains('▓') {
        let shades = match state.grid {
            Some(by) => by.meaning().to_owned(),
            None => "the best score of each head seen so far".to_owned(),
        };
        let words = format!("the grid's shades, ░ low to █ high: {shades}; s shows another");
        entries.push(Entry::new("░▒▓█", words, &["░", "▒", "▓", "█"]));
    }
    entries
}

/// What a measure of states is.
fn meaning(measure: Measure) -> &'static str {
    match measure {
        Measure::Anisotropy => {
            "the mean cosine over all pairs of positions in all texts: how far vectors without any \
             relation point the same way; 0 if they point everywhere"
        }
        Measure::IntraSentence => {
            "how alike the vectors of one text are: their mean cosine with the text's own mean"
        }
        Measure::ContextSpecificity => {
            "how alike the token is from text to text: its mean vector of each text, then the mean \
             cosine over pairs of texts; 1 if context changes nothing"
        }
        Measure::SelfSimilarity => "the mean cosine over all pairs of the token's occurrences",
        Measure::MevUncentred => {
            "the largest share of the occurrences' squared length that lies in one direction \
             (Ethayarajh 2019)"
        }
        Measure::MevCentred => {
            "the share of the occurrences' variance in their first principal component"
        }
        Measure::MevTruncated => {
            "the share of the variance along the strongest direction through 0 (what scikit-learn's \
             TruncatedSVD reports)"
        }
        Measure::TopThree => "the share of anisotropy that three dimensions alone bring about",
    }
}

#[cfg(test)]
mod tests;
