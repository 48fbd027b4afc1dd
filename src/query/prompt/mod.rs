//! What a model does with one text: predictions, the lens of every state, which neurons and heads
//! moved a word, and what changes when they are changed.

mod after;
mod answering;
mod attention;
mod attribution;
mod change;
mod changed_run;
mod csv_rows;
mod lens;
mod outlook;
mod reading;
mod run;
mod sheet;
mod tables;
mod typed_change;
mod unit;

use std::sync::Arc;

use super::kind::{AnswerKind, AnyListed, NotFinite, QueryKind};
use super::{Address, Answer, Callbacks, ModelCard, Query, QueryError, Reader, TokenChoice};

pub use attention::{AttentionAnswer, AttentionQuery};
pub use change::{Amount, Change, ChangeKind, Steering};
pub(super) use run::KeptRun;
pub use sheet::running_text;
pub use unit::Unit;

/// What is asked about a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PromptQuery {
    pub text: Arc<str>,
    /// Whether special tokens that are typed in the text are read as such, not as letters. A mask
    /// always is.
    pub special: bool,
    /// Whether the model reads the text as a user's message, put into its chat template.
    pub chat: bool,
    /// The position that is looked at: by itself an encoder's first mask, else the last.
    pub position: Option<usize>,
    /// The word that is explained: by itself the best prediction.
    pub target: Option<TokenChoice>,
    /// The word that it is held against.
    pub against: Option<TokenChoice>,
    /// Predictions, neurons and heads.
    pub k: usize,
    /// Best words of each state at each position; 0 for no lens.
    pub lens_k: usize,
    pub changes: Vec<Change>,
    pub continuation: Option<Continuation>,
}

/// How a text goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Continuation {
    pub tokens: usize,
    /// 0: the best token each time.
    pub temperature: Amount,
    pub seed: u64,
}

/// What a model does with a text.
#[derive(Clone, Debug, PartialEq)]
pub struct PromptAnswer {
    /// As the model read it.
    pub tokens: Vec<u32>,
    pub position: usize,
    /// At the position, best first.
    pub predictions: Vec<Prediction>,
    /// By state, then by position; empty if no lens was asked for.
    pub lens: Vec<Vec<LensCell>>,
    pub target: TargetAnswer,
    pub against: Option<TargetAnswer>,
    /// What moved the target, or why that is not told.
    pub attribution: Result<Attribution, String>,
    /// The largest by attribution, or by size where there is none.
    pub neurons: Vec<NeuronPart>,
    pub heads: Vec<HeadPart>,
    /// Of each layer with experts those that each position takes.
    pub experts: Vec<LayerExperts>,
    pub after: Option<AfterAnswer>,
    pub continuation: Option<ContinuationAnswer>,
    /// Whether nothing of it is still to come: positions of the lens.
    pub whole: bool,
    /// What the user should know, a sentence each.
    pub notices: Vec<String>,
}

/// A token that may come next, or stand at a mask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    pub id: u32,
    pub logit: f32,
    pub probability: f32,
}

/// The lens of one state at one position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LensCell {
    /// Best first; none while it is not known yet.
    pub best: Vec<Prediction>,
    /// Of the whole distribution, in nats.
    pub entropy: f32,
    /// KL(last state ‖ this one) in nats.
    pub divergence: f32,
    /// Length of the state.
    pub norm: f32,
    /// The rank of the target, from 1, if one was asked for.
    pub target_rank: Option<usize>,
}

/// A word that was asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetAnswer {
    pub prediction: Prediction,
    /// Among all tokens, from 1.
    pub rank: usize,
    /// Its logit by state, at the position.
    pub lens: Vec<f32>,
}

/// The parts that the target's logit (less that of the word against it) is the sum of.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    pub embedding: f64,
    pub layers: Vec<LayerAttribution>,
    /// What belongs to no part: biases of outputs, of norms, and of the logits.
    pub constant: f64,
    /// Of all parts.
    pub sum: f64,
    /// What they should sum to: the logit, or the difference of logits, before a softcap.
    pub expected: f64,
}

/// The sums over the heads and over the neurons of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerAttribution {
    pub attention: f64,
    pub feed_forward: f64,
}

/// A neuron's part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeuronPart {
    pub layer: usize,
    pub neuron: usize,
    /// What its value is multiplied with.
    pub activation: f32,
    /// |activation|·‖value‖.
    pub size: f32,
    pub attribution: Option<f64>,
}

/// Which experts of a layer the tokens of a text take.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerExperts {
    pub layer: usize,
    /// By position, the one with the largest share first.
    pub positions: Vec<Vec<TakenExpert>>,
}

/// An expert that a token takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TakenExpert {
    pub expert: usize,
    /// What its output is multiplied with.
    pub share: f32,
}

/// A head's part.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadPart {
    pub layer: usize,
    pub head: usize,
    /// The length of what it writes.
    pub size: f32,
    pub attribution: Option<f64>,
    /// Its attention weights from the position: to those up to it, or to all where a model looks
    /// both ways.
    pub attends: Vec<f32>,
}

/// After the changes.
#[derive(Clone, Debug, PartialEq)]
pub struct AfterAnswer {
    pub predictions: Vec<Prediction>,
    pub target: TargetAnswer,
    pub against: Option<TargetAnswer>,
    /// KL(before ‖ after) in nats at the position.
    pub divergence: f64,
    /// The first state that the changes touch.
    pub first_state: usize,
    /// As before, of the states from that one on; the others are as they were.
    pub lens: Vec<Vec<LensCell>>,
}

/// How the text goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct ContinuationAnswer {
    pub before: Vec<u32>,
    /// With the changes, if there are any.
    pub after: Option<Vec<u32>>,
}

impl NeuronPart {
    /// Its address.
    pub fn address(&self) -> Address {
        Address::Neuron {
            layer: self.layer,
            neuron: self.neuron,
        }
    }
}

impl HeadPart {
    /// Its address.
    pub fn address(&self) -> Address {
        Address::Head {
            layer: self.layer,
            head: self.head,
            form: None,
        }
    }
}

impl QueryKind for PromptQuery {
    fn needs_all_weights(&self) -> bool {
        true
    }

    fn needs_output(&self) -> bool {
        true
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        let mut places = self.changes.iter().flat_map(Change::addresses);
        let missing = places.find_map(|address| card.check(address).err());
        missing.map_or(Ok(()), |why| Err(format!("no such place to change: {why}")))
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::Prompt(other)
            if other.continuation.is_some() == self.continuation.is_some())
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Prompt(Box::new(reader.prompt(self, callbacks)?)))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for Box<PromptAnswer> {
    fn heap_bytes(&self) -> usize {
        let cell = |cell: &LensCell| size_of_val(cell) + size_of_val(&cell.best[..]);
        let lens = |lens: &[Vec<LensCell>]| lens.iter().flatten().map(cell).sum::<usize>();
        let heads = self.heads.iter();
        let heads = heads.map(|h| size_of_val(h) + size_of_val(&h.attends[..]));
        size_of::<PromptAnswer>()
            + lens(&self.lens)
            + self.after.as_ref().map_or(0, |after| lens(&after.lens))
            + heads.sum::<usize>()
            + size_of_val(&self.neurons[..])
            + 4 * self.tokens.len()
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let cells = self.lens.iter().flatten();
        let logits = cells.flat_map(|cell| cell.best.iter().map(|p| f64::from(p.logit)));
        let parts = self.attribution.iter().flat_map(|a| {
            let layers = a.layers.iter();
            let layers = layers.flat_map(|layer| [layer.attention, layer.feed_forward]);
            layers.chain([a.embedding, a.constant, a.sum])
        });
        let neurons = self.neurons.iter().map(|n| f64::from(n.activation));
        NotFinite::among("logits of its states", logits)
            .or_else(|| NotFinite::among("attributions", parts))
            .or_else(|| NotFinite::among("activations", neurons))
    }
}
