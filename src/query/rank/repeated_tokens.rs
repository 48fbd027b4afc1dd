//! What heads attend to in random tokens that are repeated: scores of previous-token and induction
//! heads.
//!
//! A sequence is `[BOS] r r`, r being [`LENGTH`] different random tokens that are not special; what the
//! tokenizer puts before and after a text stands there as it does around any text. The patterns are
//! those of TransformerLens's head detector (`previous_token_head`, `induction_head`); the score is the
//! mean attention on them from the positions of the second r alone, so that it goes from 0 to 1.

use std::sync::Arc;

use super::ranking::of_head;
use super::{RankAnswer, RankMetric, RankQuery};
use crate::query::reader::Reader;
use crate::query::{Callbacks, QueryError};
use crate::transformer::{Form, Forward, ForwardError, HookPoint, with_numbers};

/// Tokens of r, at most.
const LENGTH: usize = 50;
/// Sequences that are run.
const SEQUENCES: usize = 8;
/// What the tokens are drawn from.
const SEED: u64 = 0;

/// Scores by layer and head, `[layers][heads]`.
pub(in crate::query) struct RepeatedTokens {
    previous: Vec<Vec<f32>>,
    induction: Vec<Vec<f32>>,
}

/// Sequences of one length.
struct Sequences {
    texts: Vec<Vec<u32>>,
    /// What stands before the first r.
    before: usize,
    /// Tokens of r.
    length: usize,
}

impl Reader {
    /// A layer's heads by one of the two scores.
    pub(super) fn rank_by_attention(
        &mut self,
        query: &RankQuery,
        form: Form,
        callbacks: Callbacks<'_>,
    ) -> Result<RankAnswer, QueryError> {
        let model = self.model();
        let causal = model
            .checkpoint
            .forward()
            .is_none_or(|forward| forward.causal);
        if query.by == RankMetric::Induction && !causal {
            return Err(model.nothing(
                "it is an encoder, in which every position sees the repetition: `induction` is of \
                 models that read from left to right"
                    .to_owned(),
            ));
        }
        let scores = self.repeated_tokens(callbacks)?;
        let scores = match query.by {
            RankMetric::Induction => &scores.induction,
            _ => &scores.previous,
        };
        let heads = scores.get(query.layer).into_iter().flatten().enumerate();
        let items = heads
            .map(|(head, score)| of_head(head, *score, &[]))
            .collect();
        self.ranked_with_words(items, query, form, callbacks)
    }

    /// The scores of all heads, of one run.
    fn repeated_tokens(
        &mut self,
        callbacks: Callbacks<'_>,
    ) -> Result<Arc<RepeatedTokens>, QueryError> {
        if let Some(known) = &self.repeated_tokens {
            return Ok(Arc::clone(known));
        }
        let model = self.model();
        let failed = |error: ForwardError| model.forward_error(error);
        let forward = Forward::new(model.checkpoint, model.device).map_err(failed)?;
        let forward = forward.keeping(&self.layers);
        let Sequences {
            texts,
            before,
            length,
        } = self.sequences(forward.longest())?;
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let spec = &self.card.spec;
        let heads = (0..spec.layers).map(|layer| vec![[0.0f64; 2]; spec.heads_in(layer)]);
        let mut sums: Vec<_> = heads.collect();
        let second = before + length..before + 2 * length;
        let ran = forward.run(
            &texts,
            &[HookPoint::AttnPattern],
            callbacks.cancel,
            &mut |hooked| {
                let n = hooked.tensor.dim(2)?;
                let own = &mut sums[hooked.at];
                with_numbers(hooked.tensor, |weights: &[f32]| {
                    for (sums, head) in own.iter_mut().zip(weights.chunks_exact(n * n)) {
                        for at in second.clone() {
                            sums[0] += f64::from(head[at * n + at - 1]);
                            sums[1] += f64::from(head[at * n + at + 1 - length]);
                        }
                    }
                })?;
                Ok(None)
            },
        );
        ran.map_err(failed)?;
        let count = (texts.len() * length) as f64;
        let of = |which: usize| {
            let mean = |sums: &[f64; 2]| (sums[which] / count) as f32;
            sums.iter()
                .map(|heads| heads.iter().map(mean).collect())
                .collect()
        };
        let found = Arc::new(RepeatedTokens {
            previous: of(0),
            induction: of(1),
        });
        self.repeated_tokens = Some(Arc::clone(&found));
        Ok(found)
    }

    fn sequences(&self, longest: usize) -> Result<Sequences, QueryError> {
        let (model, vocabulary) = (self.model(), &self.card.vocabulary);
        let special = |id: &u32| vocabulary.token(*id).is_none() || vocabulary.is_special(*id);
        let tokens: Vec<u32> = (0..vocabulary.rows() as u32)
            .filter(|id| !special(id))
            .collect();
        let failed = |error| model.vocabulary_error(error);
        let around = vocabulary.encode_with_special("a").map_err(failed)?;
        let bare = vocabulary.encode("a").map_err(failed)?;
        let mut places = around.windows(bare.len().max(1));
        let before = places.position(|some| some == bare).unwrap_or_default();
        let behind = around.get(before + bare.len()..).unwrap_or_default();
        let room = longest.saturating_sub(before + behind.len()) / 2;
        let length = LENGTH.min(room).min(tokens.len());
        if length < 2 {
            return Err(model.nothing(format!(
                "random tokens cannot be repeated in a text of at most {longest} tokens, of {} that \
                 are not special",
                tokens.len()
            )));
        }
        let mut draws = Draws(SEED);
        let sequence = |_| {
            let mut drawn: Vec<u32> = Vec::with_capacity(length);
            while drawn.len() < length {
                let token = tokens[draws.below(tokens.len())];
                if !drawn.contains(&token) {
                    drawn.push(token);
                }
            }
            [&around[..before], &drawn, &drawn, behind].concat()
        };
        Ok(Sequences {
            texts: (0..SEQUENCES).map(sequence).collect(),
            before,
            length,
        })
    }
}

/// Random numbers that are the same everywhere (SplitMix64, Steele et al. 2014).
struct Draws(u64);

impl Draws {
    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((u128::from(z) * n as u128) >> 64) as usize
    }
}
