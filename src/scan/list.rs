//! Answers as rows of the table: one a list entry, a column each.

use parquet::data_type::ByteArray;

use crate::projection::End;
use crate::query::{ModelCard, NeuronAnswer, NeuronColumn, NeuronQuery, PairsAnswer, PairsQuery};

/// Rows of one part; every column is as long as the others, or empty where a part has no such.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) layer: Vec<i32>,
    pub(super) kind: Vec<ByteArray>,
    /// The neuron or the head.
    pub(super) item: Vec<i32>,
    pub(super) end: Vec<ByteArray>,
    /// Counted from 1.
    pub(super) rank: Vec<i32>,
    pub(super) id: Vec<i32>,
    pub(super) token: Vec<ByteArray>,
    pub(super) text: Vec<ByteArray>,
    /// Empty for neurons.
    pub(super) to_id: Vec<i32>,
    /// Empty for neurons.
    pub(super) to_text: Vec<ByteArray>,
    pub(super) score: Vec<f32>,
}

impl Lists {
    /// Adds a neuron's four columns.
    pub(super) fn push_neuron(
        &mut self,
        card: &ModelCard,
        query: &NeuronQuery,
        answer: &NeuronAnswer,
    ) {
        for (column, list) in NeuronColumn::ALL.into_iter().zip(&answer.columns) {
            let end = match column {
                NeuronColumn::K | NeuronColumn::V => End::Highest,
                NeuronColumn::MinusK | NeuronColumn::MinusV => End::Lowest,
            };
            let place = (query.layer, query.neuron);
            self.push_list(place, column.name(), end, list.len());
            for scored in list {
                self.push_token(card, scored.id, scored.score);
            }
        }
    }

    /// Adds a head's pair list.
    pub(super) fn push_pairs(
        &mut self,
        card: &ModelCard,
        query: &PairsQuery,
        answer: &PairsAnswer,
    ) {
        let place = (query.layer, query.head);
        self.push_list(place, query.form.name(), query.end, answer.pairs.len());
        for pair in &answer.pairs {
            self.push_token(card, pair.from, pair.score);
            self.to_id.push(number(pair.to as usize));
            self.to_text.push(bytes(&card.vocabulary.text(pair.to)));
        }
    }

    /// What the entries of a list have in common, and their ranks.
    fn push_list(&mut self, (layer, item): (usize, usize), kind: &str, end: End, len: usize) {
        let all = self.rank.len() + len;
        self.layer.resize(all, number(layer));
        self.kind.resize(all, bytes(kind));
        self.item.resize(all, number(item));
        self.end.resize(all, bytes(end.name()));
        self.rank.extend((1..=len).map(number));
    }

    fn push_token(&mut self, card: &ModelCard, id: u32, score: f32) {
        let text = card.vocabulary.text(id);
        let token = card.vocabulary.token(id).map_or(&*text, |token| &token.raw);
        self.id.push(number(id as usize));
        self.token.push(bytes(token));
        self.text.push(bytes(&text));
        self.score.push(score);
    }
}

/// The table's numbers are signed, as all its readers like them; no model reaches their end.
fn number(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text)
}
