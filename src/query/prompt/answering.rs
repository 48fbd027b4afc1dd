//! Answering a prompt query: the text is read, the model runs on it, and its states are read through
//! the final norm and the output embedding.

use super::attribution::{LogitDirection, Parts, attributed, by_size};
use super::outlook::{Outlook, PromptedModel};
use super::reading::PromptText;
use super::run::KeptRun;
use super::{PromptAnswer, PromptQuery};
use crate::checkpoint::NormPlacement;
use crate::query::{Answer, Callbacks, QueryError, Reader, TokenChoice};
use crate::transformer::{Forward, LogitHead};

impl Reader {
    /// What the model does with a text.
    ///
    /// # Errors
    /// A model that cannot be run, a text that it cannot read, a word or a place that it does not
    /// have, numbers that are none, or a change that changes nothing.
    pub(in crate::query) fn prompt(
        &mut self,
        query: &PromptQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<PromptAnswer, QueryError> {
        let kept = self.kept_run.take();
        let (answer, kept) = self.prompt_from(query, kept, callbacks)?;
        self.kept_run = Some(kept);
        Ok(answer)
    }

    fn prompt_from(
        &self,
        query: &PromptQuery,
        kept: Option<KeptRun>,
        callbacks: Callbacks<'_>,
    ) -> Result<(PromptAnswer, KeptRun), QueryError> {
        let model = self.model();
        let forward = Forward::new(model.checkpoint, model.device);
        let forward = forward
            .map_err(|e| model.forward_error(e))?
            .keeping(&self.layers);
        let head = forward.head().map_err(|e| model.forward_error(e))?;
        let causal = model
            .checkpoint
            .forward()
            .is_none_or(|forward| forward.causal);
        let PromptText {
            ids,
            position,
            mut notices,
        } = model.prompt_text(query, causal)?;
        let target = self.asked_for(query.target.as_ref(), &mut notices)?;
        let against = self.asked_for(query.against.as_ref(), &mut notices)?;
        let prompt = PromptedModel {
            reader: self,
            forward,
            head,
            position,
            cancel: callbacks.cancel,
        };
        let mut run = prompt.run(ids, kept)?;
        let before = prompt.outlook(&run.states, query.k)?;
        let best = before.predictions.first().map(|best| best.id);
        let explained = target.or(best).ok_or(QueryError::WrongAnswer)?;
        let targets: Vec<u32> = std::iter::once(explained).chain(against).collect();
        let mut answer = self.explained(&prompt, query, &run, (&before, &targets))?;
        answer.notices.splice(0..0, notices);
        prompt.read_lens(&mut run, query.lens_k, target, |cells| {
            // The states after changes would be missing.
            if query.changes.is_empty() {
                callbacks.partial(Answer::Prompt(Box::new(PromptAnswer {
                    lens: cells.to_vec(),
                    ..answer.clone()
                })));
            }
        })?;
        let kept = run.lens.as_ref().filter(|_| query.lens_k > 0);
        answer.lens = kept.map_or_else(Vec::new, |kept| kept.cells.clone());
        let changed = prompt.with_changes(query, &run, (&before, &targets))?;
        (answer.after, answer.continuation) = changed;
        answer.whole = true;
        Ok((answer, run))
    }

    /// The answer without its lens and what comes after changes.
    fn explained(
        &self,
        prompt: &PromptedModel<'_>,
        query: &PromptQuery,
        run: &KeptRun,
        (before, targets): (&Outlook, &[u32]),
    ) -> Result<PromptAnswer, QueryError> {
        let of_targets = prompt.target_lens(&run.states, targets)?;
        let refused = self.not_attributed(&prompt.head);
        let mut notices = Vec::new();
        let parts = match (&refused, self.card.spec.repeated()) {
            (_, Some(repeated)) => {
                notices.push(format!(
                    "neurons and heads are not listed: {repeated}, and does something else each time"
                ));
                Parts::default()
            }
            (None, None) => prompt.attributed(run, targets, query.k)?,
            (Some(_), None) => prompt.by_size(run, query.k)?,
        };
        if prompt.head.softcap().is_some() && refused.is_none() {
            notices.push("attributions sum to the logit before its softcap".to_owned());
        }
        let words = prompt.target_answers(before, targets, of_targets);
        let mut words = words.into_iter();
        let mut heads = parts.heads;
        if prompt.is_causal() {
            let seen = prompt.position + 1;
            heads.iter_mut().for_each(|h| h.attends.truncate(seen));
        }
        Ok(PromptAnswer {
            tokens: run.ids.clone(),
            position: prompt.position,
            predictions: before.predictions.clone(),
            lens: Vec::new(),
            target: words.next().ok_or(QueryError::WrongAnswer)?,
            against: words.next(),
            attribution: parts.attribution.ok_or_else(|| refused.unwrap_or_default()),
            neurons: parts.neurons,
            heads,
            experts: run.experts.clone(),
            after: None,
            continuation: None,
            whole: false,
            notices,
        })
    }

    fn asked_for(
        &self,
        choice: Option<&TokenChoice>,
        notices: &mut Vec<String>,
    ) -> Result<Option<u32>, QueryError> {
        let Some(choice) = choice else {
            return Ok(None);
        };
        let (id, notice) = self.model().one_token(choice)?;
        notices.extend(notice);
        Ok(Some(id))
    }

    /// Why no sum of parts makes this model's logits, if none does.
    fn not_attributed(&self, head: &LogitHead) -> Option<String> {
        let why = match (head.is_linear(), self.card.spec.norm) {
            (false, _) => {
                "the masked-language-model head is not linear: no sum of parts makes its logits"
            }
            (true, NormPlacement::Post) => {
                "norms come after the sums here: every layer norms again what the layers before it \
                 wrote, and no sum of parts makes the logits"
            }
            (true, NormPlacement::Pre) => return None,
        };
        Some(format!(
            "attribution is not offered: {why}; neurons and heads stand by size"
        ))
    }
}

impl PromptedModel<'_> {
    /// The run of a text, from what is kept of the one before.
    fn run(&self, ids: Vec<u32>, kept: Option<KeptRun>) -> Result<KeptRun, QueryError> {
        let kept = match kept.filter(|kept| kept.ids == ids) {
            Some(kept) if kept.at.position == self.position => return Ok(kept),
            kept => kept,
        };
        let run = KeptRun::new(&self.forward, ids, self.position, self.cancel);
        let run = run.map_err(|e| self.error(e))?;
        // The lens is of all positions.
        let lens = kept.and_then(|kept| kept.lens);
        Ok(KeptRun { lens, ..run })
    }

    fn attributed(&self, run: &KeptRun, targets: &[u32], k: usize) -> Result<Parts, QueryError> {
        let rows = self.reader.written.pick(targets)?;
        let against = |i: usize| targets.get(1).map_or(0.0, |_| rows.row(1)[i]);
        let direction: Vec<f32> = (0..rows.cols())
            .map(|i| rows.row(0)[i] - against(i))
            .collect();
        let bias = |id: u32| {
            let bias = self.head.bias().map(|bias| f64::from(bias[id as usize]));
            bias.unwrap_or_default()
        };
        let read = self.last_read(&run.states, self.position)?;
        let dot = |row: &[f32]| {
            let terms = row.iter().zip(&read);
            terms
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum::<f64>()
        };
        let logit = |i: usize, id: u32| dot(rows.row(i)) + bias(id);
        let other = targets.get(1);
        let direction = LogitDirection {
            rows: direction,
            bias: bias(targets[0]) - other.map_or(0.0, |&id| bias(id)),
            expected: logit(0, targets[0]) - other.map_or(0.0, |&id| logit(1, id)),
        };
        let found = attributed(&self.forward, (&self.head, &direction), run, k, self.cancel);
        found.map_err(|e| self.error(e))
    }

    fn by_size(&self, run: &KeptRun, k: usize) -> Result<Parts, QueryError> {
        let found = by_size(&self.forward, run, k, self.cancel);
        found.map_err(|e| self.error(e))
    }
}
