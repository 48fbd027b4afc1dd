//! Answering a geometry query: texts are read, the model runs, and what it shows is measured.

use std::ops::Range;

use crate::geometry::{Measured, Measuring, Plan, StateSizes, TextPlan};
use crate::transformer::{Forward, ForwardError, HookPoint, with_numbers};

use super::reading::{Read, ReadText};
use super::{GeometryAnswer, GeometryQuery, Model, TextAnswer, TokenAnswer};
use crate::query::{Answer, Callbacks, QueryError};

/// The same question has the same answer.
const SEED: u64 = 0x1e71;

/// States that are kept rather than computed a second time.
const KEPT_BYTES: usize = 128 << 20;

impl Model<'_> {
    /// Measures the states of texts.
    ///
    /// # Errors
    /// A model that cannot be run, a token that it does not have, texts that it cannot read.
    pub(in crate::query) fn geometry(
        &self,
        query: &GeometryQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<GeometryAnswer, QueryError> {
        let forward = Forward::new(self.checkpoint, self.device);
        let forward = forward.map_err(|e| self.forward_error(e))?;
        let word = query.token.as_ref().map(|t| self.word(t)).transpose()?;
        let mut read = self.read(&query.reading, callbacks)?;
        // Texts without a token are not run; what is run keeps its order.
        let run: Vec<usize> = (0..read.texts.len())
            .filter(|&at| !read.texts[at].ids.is_empty())
            .collect();
        let ids: Vec<&[u32]> = run.iter().map(|&at| &read.texts[at].ids[..]).collect();
        let plan = |at: &usize| {
            let text: &ReadText = &read.texts[*at];
            let found = word.as_ref().map(|word| self.occurrences(word, text));
            TextPlan::new(text.counted.clone(), found.unwrap_or_default())
        };
        let plans: Vec<TextPlan> = run.iter().map(plan).collect();
        let token = word.map(|word| TokenAnswer {
            spellings: word.spellings().to_vec(),
            occurrences: plans.iter().map(|p| p.occurrences().len()).sum(),
            texts: plans.iter().filter(|p| !p.occurrences().is_empty()).count(),
        });
        if let (Some(asked), Some(TokenAnswer { occurrences: 0, .. })) = (&query.token, &token) {
            let token = self.shown(asked);
            let advice = "ask about another token or give other texts";
            read.notices
                .push(format!("no text holds {token}; {advice}"));
        }
        let measured = self.measured(&forward, &ids, plans, query, callbacks)?;
        Ok(answer(read, &run, token, measured))
    }

    /// Runs the model once; or twice where it must first be seen which dimensions are dominant, and
    /// the states are too many to be kept until then.
    fn measured(
        &self,
        forward: &Forward<'_>,
        ids: &[&[u32]],
        texts: Vec<TextPlan>,
        query: &GeometryQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Measured, QueryError> {
        let sizes = StateSizes {
            states: forward.states(),
            width: self.card.spec.d_model,
        };
        let plan = |texts, token| Plan::new(sizes, texts, token, query.pieces);
        let mut whole = plan(texts.clone(), query.token.is_some());
        if query.without_dominant == 0 {
            let mut measuring = Measuring::new(whole, SEED);
            let mut take = |part: TextSplit<'_>| part.measure(&mut measuring);
            self.pass(forward, ids, (0.0, 1.0), callbacks, &mut take)?;
            return Ok(measuring.finish());
        }
        let tokens: usize = ids.iter().map(|text| text.len()).sum();
        let keeps = tokens * sizes.states * sizes.width * size_of::<f32>() <= KEPT_BYTES;
        let (mut kept, mut first) = (Vec::new(), Measuring::new(plan(texts, false), SEED));
        let mut take = |part: TextSplit<'_>| {
            part.measure(&mut first);
            if keeps {
                kept.push((
                    part.state,
                    part.texts,
                    part.rows.to_vec(),
                    part.numbers.to_vec(),
                ));
            }
        };
        let end = if keeps { 1.0 } else { 0.5 };
        self.pass(forward, ids, (0.0, end), callbacks, &mut take)?;
        whole = whole.without(first.dominant(query.without_dominant));
        let mut measuring = Measuring::new(whole, SEED);
        for (state, texts, rows, numbers) in &kept {
            measuring.take(*state, texts.clone(), rows, numbers);
        }
        let mut take = |part: TextSplit<'_>| part.measure(&mut measuring);
        if !keeps {
            self.pass(forward, ids, (end, 1.0), callbacks, &mut take)?;
        }
        Ok(measuring.finish())
    }

    /// One run over all texts, of which `take` is given every state. Progress is told between
    /// the two shares.
    fn pass(
        &self,
        forward: &Forward<'_>,
        ids: &[&[u32]],
        (from, to): (f32, f32),
        callbacks: Callbacks<'_>,
        take: &mut dyn FnMut(TextSplit<'_>),
    ) -> Result<(), QueryError> {
        let tokens = |ids: &[&[u32]]| ids.iter().map(|t| t.len()).sum::<usize>() as f32;
        let all = tokens(ids);
        let run = forward.run(ids, &[HookPoint::State], callbacks.cancel, &mut |hooked| {
            let texts = hooked.texts.clone();
            let finite = with_numbers(hooked.tensor, |numbers| {
                take(TextSplit {
                    state: hooked.at,
                    texts: texts.clone(),
                    rows: hooked.rows,
                    numbers,
                });
                numbers.iter().fold(true, |all, x| all & x.is_finite())
            })?;
            if !finite {
                return Err(ForwardError::Overflow { state: hooked.at });
            }
            let part = (hooked.at + 1) as f32 / forward.states() as f32;
            let done = tokens(&ids[..texts.start]) + part * tokens(&ids[texts]);
            let done = from + (to - from) * done / all;
            callbacks.partial(Answer::Geometry(GeometryAnswer::so_far(done)));
            Ok(None)
        });
        run.map_err(|e| self.forward_error(e))
    }
}

/// One state of consecutive texts.
struct TextSplit<'a> {
    state: usize,
    texts: Range<usize>,
    rows: &'a [Range<usize>],
    numbers: &'a [f32],
}

impl TextSplit<'_> {
    fn measure(&self, measuring: &mut Measuring) {
        measuring.take(self.state, self.texts.clone(), self.rows, self.numbers);
    }
}

/// `run` says which of the texts were run.
fn answer(
    read: Read,
    run: &[usize],
    token: Option<TokenAnswer>,
    measured: Measured,
) -> GeometryAnswer {
    let states = measured.dominant.len();
    let mut texts: Vec<TextAnswer> = read
        .texts
        .into_iter()
        .map(|text| TextAnswer {
            ids: text.ids,
            cut_from: text.cut_from,
            unknown: text.unknown,
            anisotropy: vec![None; states],
        })
        .collect();
    for (&at, anisotropy) in run.iter().zip(measured.anisotropy) {
        texts[at].anisotropy = anisotropy;
    }
    GeometryAnswer {
        texts,
        token,
        curves: measured.curves,
        dominant: measured.dominant,
        notices: read.notices,
        done: 1.0,
    }
}
