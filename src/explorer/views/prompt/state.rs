//! The Prompt pane: the cell in hand, what is asked about the text, and what is known of it.

use crate::explorer::prompt_settings::PromptSettings;
use crate::explorer::state::State;
use crate::explorer::views::heads::PAIRS;
use crate::explorer::views::neurons::COLUMN_MIN;
use crate::projection::End;
use crate::query::{
    Address, Amount, Answer, Change, Continuation, HeadPart, LensCell, NeuronQuery, PairsQuery,
    Prediction, PromptAnswer, PromptQuery, Query, TokenChoice,
};
use crate::sheet::with_boundary;
use crate::transformer::{Form, Input};

/// Neurons and heads that are asked for.
const PARTS: usize = 20;
/// Heads whose first pairs stand beside them: a search each.
const HEADS_WITH_WORDS: usize = 4;
/// Best words of each cell.
const WORDS: usize = 5;

/// The pane.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prompt {
    pub settings: PromptSettings,
    /// The cell in hand.
    pub state: usize,
    pub position: usize,
    /// The position that is looked at where none is asked for, once the text was read.
    pub own: Option<usize>,
    /// Whether the position was asked for before that was known.
    pub placed: bool,
    /// The neuron or head in hand.
    pub row: usize,
    /// Whether the attention of the head in hand stands in the place of the grid.
    pub attention: bool,
}

impl Prompt {
    /// The position that is asked for; none if it is the one that is looked at anyway.
    fn asked_position(&self) -> Option<usize> {
        let elsewhere = self.own.is_some_and(|own| own != self.position);
        (self.placed || elsewhere).then_some(self.position)
    }

    /// Another text is read: the position is its own again.
    pub fn unplaced(&mut self) {
        (self.own, self.placed, self.row) = (None, false, 0);
    }

    /// What is asked of the model; nothing about no text.
    pub fn query(&self) -> Option<PromptQuery> {
        let settings = &self.settings;
        let word = |word: &Option<String>| word.clone().map(TokenChoice::Word);
        let on = settings.changes.iter().filter(|listed| listed.on);
        let mut changes: Vec<Change> = on.map(|listed| listed.change.clone()).collect();
        // By kind, as the command line has them: of two changes of one neuron the order tells.
        changes.sort_by_key(|change| change.option().0);
        (!settings.text.is_empty()).then(|| PromptQuery {
            text: settings.text.as_str().into(),
            special: settings.special,
            chat: settings.chat,
            position: self.asked_position(),
            target: word(&settings.target),
            against: word(&settings.against),
            k: PARTS,
            lens_k: WORDS,
            changes,
            continuation: None,
        })
    }
}

impl Prompt {
    /// How the text goes on, if that is asked. Only that: it takes far longer than the grid, and does not
    /// depend on the cell in hand.
    pub fn continuation(&self) -> Option<PromptQuery> {
        let how = self.settings.goes_on?;
        Some(PromptQuery {
            position: None,
            target: None,
            against: None,
            k: 1,
            lens_k: 0,
            continuation: Some(Continuation {
                tokens: how.tokens,
                temperature: Amount::new(if how.seed.is_some() { 1.0 } else { 0.0 })?,
                seed: how.seed.unwrap_or_default(),
            }),
            ..self.query()?
        })
    }
}

/// A neuron or a head that moved the target, or that wrote most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PromptPart {
    pub address: Address,
    /// Its attribution, or its size where there is none.
    pub amount: f64,
    /// Whether it is an attribution.
    pub is_signed: bool,
    /// A neuron's activation.
    pub activation: Option<f32>,
    /// The position that a head attends to most, and how much.
    pub attends: Option<(usize, f32)>,
}

impl State {
    /// What is known of the text, and whether it answers what is asked now.
    pub(super) fn prompt_answer(&self) -> Option<(&PromptAnswer, bool)> {
        let asked = Query::Prompt(self.views.prompt.query()?);
        let shown = self.board.get(&asked);
        let fresh = shown.is_some();
        let shown = shown.or_else(|| self.board.latest(is_of_grid))?;
        match &*shown.answer {
            Answer::Prompt(answer) => Some((answer, fresh)),
            _ => None,
        }
    }

    /// Whether what is known is of the present text, whatever changes it was asked with.
    pub(super) fn prompt_knows_text(&self) -> bool {
        let settings = &self.views.prompt.settings;
        let shown = self.board.latest(is_of_grid).map(|shown| &shown.query);
        matches!(shown, Some(Query::Prompt(of))
            if *of.text == *settings.text
                && (of.special, of.chat) == (settings.special, settings.chat))
    }

    /// Neurons and heads together, the largest first.
    pub(super) fn prompt_parts(&self) -> Vec<PromptPart> {
        let Some((answer, _)) = self.prompt_answer() else {
            return Vec::new();
        };
        let neurons = answer.neurons.iter().map(|n| PromptPart {
            address: n.address(),
            amount: n.attribution.unwrap_or(n.size.into()),
            is_signed: n.attribution.is_some(),
            activation: Some(n.activation),
            attends: None,
        });
        let heads = answer.heads.iter().map(|h| {
            let weights = h.attends.iter().copied().enumerate();
            PromptPart {
                address: h.address(),
                amount: h.attribution.unwrap_or(h.size.into()),
                is_signed: h.attribution.is_some(),
                activation: None,
                attends: weights.max_by(|(_, a), (_, b)| a.total_cmp(b)),
            }
        });
        let mut parts: Vec<PromptPart> = neurons.chain(heads).collect();
        parts.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
        parts.truncate(PARTS);
        parts
    }

    /// The neuron or head in hand.
    pub(super) fn prompt_part(&self) -> Option<PromptPart> {
        let parts = self.prompt_parts();
        let last = parts.len().checked_sub(1)?;
        parts.get(self.views.prompt.row.min(last)).copied()
    }

    /// The head in hand, if it is one.
    pub(super) fn attended_head(&self) -> Option<&HeadPart> {
        let part = self.prompt_part()?;
        let (answer, _) = self.prompt_answer()?;
        answer
            .heads
            .iter()
            .find(|head| head.address() == part.address)
    }

    /// What the words beside neurons and heads are read from: of neurons first, as the search for a
    /// head's pairs takes longer. Asked for as their own panes ask, so that they open at once.
    pub(super) fn prompt_words(&self) -> Vec<Query> {
        let parts = self.prompt_parts();
        let neurons = parts.iter().filter_map(|part| match part.address {
            Address::Neuron { layer, neuron } => Some(Query::Neuron(NeuronQuery {
                layer,
                neuron,
                input: Input::default(),
                k: COLUMN_MIN,
                filters: self.filters.per_token(),
                convention: self.convention(),
            })),
            _ => None,
        });
        let heads = parts.iter().filter_map(|part| match part.address {
            Address::Head { layer, head, .. } => Some(Query::Pairs(PairsQuery {
                layer,
                head,
                form: Form::Vo,
                distance: 0,
                end: End::Highest,
                k: PAIRS,
                filters: self.filters.clone(),
                convention: self.convention(),
            })),
            _ => None,
        });
        let queries = neurons.chain(heads.take(HEADS_WITH_WORDS));
        queries
            .filter(|query| self.is_worth_asking(query))
            .collect()
    }

    /// A state's row of the grid: before the changes, or after them where they touch it.
    pub(super) fn prompt_row<'a>(&self, answer: &'a PromptAnswer, state: usize) -> &'a [LensCell] {
        let after = answer.after.as_ref();
        let after = after.filter(|_| self.views.prompt.settings.after);
        let changed = after.and_then(|a| a.lens.get(state.checked_sub(a.first_state)?));
        let row = changed.or_else(|| answer.lens.get(state));
        row.map_or(&[], |row| &row[..])
    }

    /// The cell in hand.
    pub(super) fn prompt_cell<'a>(&self, answer: &'a PromptAnswer) -> Option<&'a LensCell> {
        let prompt = &self.views.prompt;
        self.prompt_row(answer, prompt.state).get(prompt.position)
    }
}

/// Whether a query is what the grid shows, not how the text goes on.
pub(super) fn is_of_grid(query: &Query) -> bool {
    matches!(query, Query::Prompt(of) if of.continuation.is_none())
}

/// A prediction as it is said: its share.
pub(super) fn percent(of: &Prediction) -> String {
    format!("{:.1} %", 100.0 * of.probability)
}

/// A token, with its boundary marks.
pub(super) fn name(state: &State, id: u32) -> String {
    let card = state.card();
    card.map_or_else(String::new, |card| with_boundary(&card.vocabulary, id))
}
