//! The attention weights of one head between all positions of a text.

use std::sync::Arc;

use super::reading::PromptText;
use super::{KeptRun, PromptQuery};
use crate::query::kind::{AnswerKind, NotFinite, QueryKind};
use crate::query::{Address, Answer, Callbacks, Query, QueryError, Reader};
use crate::transformer::{Forward, ForwardError, HookPoint, HookRequest, Start, with_numbers};

/// Asks for a head's attention weights in a text, without changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttentionQuery {
    pub text: Arc<str>,
    /// As [`PromptQuery::special`].
    pub special: bool,
    /// As [`PromptQuery::chat`].
    pub chat: bool,
    pub layer: usize,
    pub head: usize,
}

/// A head's attention weights in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct AttentionAnswer {
    /// As the model read it.
    pub tokens: Vec<u32>,
    /// `[tokens, tokens]`, from (rows) to (columns).
    pub weights: Vec<f32>,
}

impl AttentionAnswer {
    /// The weights from a position to all.
    pub fn from(&self, position: usize) -> &[f32] {
        let n = self.tokens.len();
        let row = self.weights.get(position * n..(position + 1) * n);
        row.unwrap_or_default()
    }
}

impl AttentionQuery {
    /// The head.
    pub fn place(&self) -> Address {
        Address::Head {
            layer: self.layer,
            head: self.head,
            form: None,
        }
    }
}

impl QueryKind for AttentionQuery {
    fn needs_all_weights(&self) -> bool {
        true
    }

    fn address(&self) -> Option<Address> {
        Some(self.place())
    }

    fn shares_place(&self, other: &Query) -> bool {
        matches!(other, Query::Attention(_))
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Attention(reader.attention(self, callbacks)?))
    }
}

impl AnswerKind for AttentionAnswer {
    fn heap_bytes(&self) -> usize {
        4 * (self.tokens.len() + self.weights.len())
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let weights = self.weights.iter().map(|&x| f64::from(x));
        NotFinite::among("attention weights", weights)
    }
}

impl Reader {
    /// The head's layer is run alone, from the state before it where the text's run is kept.
    fn attention(
        &mut self,
        query: &AttentionQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<AttentionAnswer, QueryError> {
        let model = self.model();
        let failed = |error: ForwardError| model.forward_error(error);
        self.card.check(query.place())?;
        self.model().runs_layers_once()?;
        let forward = Forward::new(model.checkpoint, model.device).map_err(failed)?;
        let forward = forward.keeping(&self.layers).up_to(query.layer + 1);
        let PromptText { ids, .. } = model.prompt_text(&PromptQuery::bare(query), true)?;
        let known = |kept: &&KeptRun| kept.ids == ids;
        let kept = self.kept_run.as_ref().filter(known);
        let (layer, state) = match kept.and_then(|kept| kept.states.get(query.layer)) {
            Some(state) => (query.layer, state.clone()),
            None => (0, forward.embedded(&ids).map_err(failed)?),
        };
        let request = HookRequest {
            points: &[HookPoint::AttnPattern],
            pattern_from: None,
            cancel: callbacks.cancel,
        };
        let start = Start {
            layer,
            state: &state,
        };
        let mut weights = Vec::new();
        let ran = forward.run_from(start, request, &mut |hooked| {
            if hooked.at == query.layer {
                let head = hooked.tensor.narrow(0, query.head, 1)?.contiguous()?;
                weights = with_numbers(&head, <[f32]>::to_vec)?;
            }
            Ok(None)
        });
        ran.map_err(failed)?;
        Ok(AttentionAnswer {
            tokens: ids,
            weights,
        })
    }
}

impl PromptQuery {
    /// Of the text alone.
    fn bare(of: &AttentionQuery) -> Self {
        Self {
            text: Arc::clone(&of.text),
            special: of.special,
            chat: of.chat,
            position: None,
            target: None,
            against: None,
            k: 1,
            lens_k: 0,
            changes: Vec::new(),
            continuation: None,
        }
    }
}
