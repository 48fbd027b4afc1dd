//! Answering a geometry query: texts are read, the model runs, and what it shows is measured.

use crate::geometry::{Measured, Measuring, Plan, TextPlan};
use crate::transformer::{Forward, Site, with_numbers};

use super::super::{Answer, QueryError, Watch};
use super::reading::{Read, ReadText};
use super::{GeometryAnswer, GeometryQuery, Model, TextAnswer, TokenAnswer};

/// The same question has the same answer.
const SEED: u64 = 0x1e71;

impl Model<'_> {
    /// Measures the states of texts; `None` if it was called off.
    ///
    /// # Errors
    /// A model that cannot be run, a token that it does not have, texts that it cannot read.
    pub(in super::super) fn geometry(
        &self,
        query: &GeometryQuery,
        watch: &dyn Watch,
    ) -> Result<Option<GeometryAnswer>, QueryError> {
        let forward = Forward::new(self.checkpoint, self.device);
        let forward = forward.map_err(|e| self.forward_error(e))?;
        let word = query.token.as_ref().map(|t| self.word(t)).transpose()?;
        let Some(mut read) = self.read(&query.reading, watch)? else {
            return Ok(None);
        };
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
        let Some(measured) = self.measured(&forward, &ids, plans, query, watch)? else {
            return Ok(None);
        };
        Ok(Some(answer(read, &run, token, measured)))
    }

    /// Runs the model once, or twice where it must first be seen which dimensions are dominant.
    fn measured(
        &self,
        forward: &Forward<'_>,
        ids: &[&[u32]],
        texts: Vec<TextPlan>,
        query: &GeometryQuery,
        watch: &dyn Watch,
    ) -> Result<Option<Measured>, QueryError> {
        let sizes = [forward.states(), self.card.spec.width];
        let plan = |texts, token| Plan::new(sizes, texts, token, query.pieces);
        let asked = query.token.is_some();
        let (mut whole, mut start) = (plan(texts.clone(), asked), 0.0);
        if query.without_dominant > 0 {
            let mut first = Measuring::new(plan(texts, false), SEED);
            if !self.pass(forward, ids, &mut first, (0.0, 0.5), watch)? {
                return Ok(None);
            }
            whole = whole.without(first.dominant(query.without_dominant));
            start = 0.5;
        }
        let mut measuring = Measuring::new(whole, SEED);
        let done = self.pass(forward, ids, &mut measuring, (start, 1.0), watch)?;
        Ok(done.then(|| measuring.finish()))
    }

    /// One run over all texts; false if it was called off. `watch` is told of the progress
    /// between the two shares.
    fn pass(
        &self,
        forward: &Forward<'_>,
        ids: &[&[u32]],
        measuring: &mut Measuring,
        (from, to): (f32, f32),
        watch: &dyn Watch,
    ) -> Result<bool, QueryError> {
        let tokens = |ids: &[&[u32]]| ids.iter().map(|t| t.len()).sum::<usize>() as f32;
        let all = tokens(ids);
        let run = forward.run(ids, &[Site::State], &|| watch.wanted(), &mut |seen| {
            let texts = seen.texts.clone();
            with_numbers(seen.tensor, |numbers| {
                measuring.take(seen.at, texts.clone(), seen.rows, numbers);
            })?;
            let part = (seen.at + 1) as f32 / forward.states() as f32;
            let done = tokens(&ids[..texts.start]) + part * tokens(&ids[texts]);
            let done = from + (to - from) * done / all;
            watch.improved(Answer::Geometry(GeometryAnswer::so_far(done)));
            Ok(())
        });
        run.map_err(|e| self.forward_error(e))
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
