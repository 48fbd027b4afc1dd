//! What comes after changes, and how the text goes on with and without them.

use candle_core::Tensor;

use super::change::{Change, ChangeKind, Steering};
use super::changed_run::PreparedChanges;
use super::outlook::{Outlook, PromptedModel, log_sum};
use super::run::{KeptRun, changed_run_on};
use super::{AfterAnswer, Continuation, ContinuationAnswer, PromptQuery};
use crate::query::{QueryError, TokenChoice};
use crate::transformer::{ForwardError, KeyValueCache, Sampler, with_numbers};

impl PromptedModel<'_> {
    /// What comes after the changes, and how the text goes on with and without them.
    pub(super) fn with_changes(
        &self,
        query: &PromptQuery,
        run: &KeptRun,
        (before, targets): (&Outlook, &[u32]),
    ) -> Result<(Option<AfterAnswer>, Option<ContinuationAnswer>), QueryError> {
        let repeated = self.reader.card.spec.repeated();
        if let Some(repeated) = repeated.filter(|_| !query.changes.is_empty()) {
            let what = format!("no change of one place can be made: {repeated}");
            return Err(self.reader.model().nothing(what));
        }
        let mut changes = (!query.changes.is_empty())
            .then(|| self.prepared(&query.changes, run))
            .transpose()?;
        let after = match &mut changes {
            None => None,
            Some(changes) => Some(self.after(query, run, changes, (before, targets))?),
        };
        let continuation = match &query.continuation {
            None => None,
            Some(continuation) => {
                if !self.is_causal() {
                    return Err(self.reader.model().nothing(
                        "an encoder does not continue a text: ask about a mask in it".to_owned(),
                    ));
                }
                Some(ContinuationAnswer {
                    before: self.continued(&run.ids, continuation, None)?,
                    after: match &mut changes {
                        None => None,
                        Some(changes) => {
                            Some(self.continued(&run.ids, continuation, Some(changes))?)
                        }
                    },
                })
            }
        };
        Ok((after, continuation))
    }

    fn prepared<'c>(
        &self,
        changes: &'c [Change],
        run: &KeptRun,
    ) -> Result<PreparedChanges<'c>, QueryError> {
        let spec = &self.reader.card.spec;
        let mut prepared = Vec::new();
        for change in changes {
            prepared.push(match &change.kind {
                ChangeKind::Steer { along, .. } => Some(self.direction(along)?),
                ChangeKind::Ablate(_)
                | ChangeKind::AblateToMean(_)
                | ChangeKind::Scale(..)
                | ChangeKind::Set { .. } => None,
            });
        }
        let mut directions = prepared.into_iter().flatten();
        let run = (&self.forward, &run.states[..], self.cancel);
        let prepared = PreparedChanges::new(changes, spec, run, |_| {
            Ok::<_, ForwardError>(directions.next().unwrap_or_default())
        });
        prepared.map_err(|e| self.error(e))
    }

    /// A unit vector, `[d_model]`.
    fn direction(&self, along: &Steering) -> Result<Vec<f32>, QueryError> {
        let mut vector = match along {
            Steering::Word(word) => self.written_row(&TokenChoice::Word(word.clone()))?,
            Steering::Token(id) => self.written_row(&TokenChoice::Id(*id))?,
            Steering::Neuron(unit) => {
                let neuron = unit.columns(&self.reader.card.spec).start;
                let value = self.forward.value(unit.layer(), neuron);
                value.map_err(|e| self.error(e))?
            }
        };
        let squares = vector.iter().map(|&x| f64::from(x).powi(2));
        let norm = squares.sum::<f64>().sqrt();
        if norm > 0.0 {
            vector
                .iter_mut()
                .for_each(|x| *x = (f64::from(*x) / norm) as f32);
        }
        Ok(vector)
    }

    /// A token's row of W_U.
    fn written_row(&self, choice: &TokenChoice) -> Result<Vec<f32>, QueryError> {
        let (id, _) = self.reader.model().one_token(choice)?;
        Ok(self.reader.written.pick(&[id])?.into_data())
    }

    fn after(
        &self,
        query: &PromptQuery,
        run: &KeptRun,
        changes: &mut PreparedChanges<'_>,
        (before, targets): (&Outlook, &[u32]),
    ) -> Result<AfterAnswer, QueryError> {
        let states = run.changed(&self.forward, changes, self.cancel);
        let states = states.map_err(|e| self.error(e))?;
        self.check_effect(run, &states, changes)?;
        let outlook = self.outlook(&states, query.k)?;
        let first_state = changes.first_layer() + 1;
        let target = run.lens.as_ref().and_then(|kept| kept.target);
        let of_targets = self.target_lens(&states, targets)?;
        let mut words = self
            .target_answers(&outlook, targets, of_targets)
            .into_iter();
        Ok(AfterAnswer {
            divergence: divergence(&before.logits, &outlook.logits),
            predictions: outlook.predictions,
            target: words.next().ok_or(QueryError::WrongAnswer)?,
            against: words.next(),
            first_state,
            lens: self.lens(&states[first_state..], query.lens_k, target, |_| ())?,
        })
    }

    /// # Errors
    /// Changes that change nothing although they should.
    fn check_effect(
        &self,
        run: &KeptRun,
        states: &[Tensor],
        changes: &PreparedChanges<'_>,
    ) -> Result<(), QueryError> {
        let model = self.reader.model();
        if let Some(change) = changes.without_effect().next() {
            let at = match change.position {
                Some(position) => format!("at position {position}"),
                None => "at every position".to_owned(),
            };
            return Err(model.nothing(format!(
                "{change} changes nothing: the numbers are what they would become {at}; take another \
                 place or another number"
            )));
        }
        let (Some(before), Some(after)) = (run.states.last(), states.last()) else {
            return Err(QueryError::WrongAnswer);
        };
        let same = with_numbers(before, |a| with_numbers(after, |b| a == b));
        let same = same.and_then(|same| same).map_err(|e| self.error(e))?;
        if same && !changes.are_identity() {
            return Err(model.nothing(
                "the changes change no logit at any position; take another place or a larger number"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// Tokens that follow a text, one after another.
    fn continued(
        &self,
        ids: &[u32],
        how: &Continuation,
        changes: Option<&mut PreparedChanges<'_>>,
    ) -> Result<Vec<u32>, QueryError> {
        let mut sampler = Sampler::new(how.seed, f64::from(how.temperature.get()));
        let (mut text, mut kept) = (ids.to_vec(), KeyValueCache::default());
        let mut none = PreparedChanges::none();
        let changes = changes.unwrap_or(&mut none);
        for _ in 0..how.tokens {
            self.cancel.check()?;
            if text.len() >= self.forward.longest() {
                break;
            }
            let last = changed_run_on(&self.forward, &text, &mut kept, changes, self.cancel);
            let last = last.map_err(|e| self.error(e))?;
            let row = last.dim(0).map_err(|e| self.error(e))? - 1;
            let read = self.last_read(&[last], row)?;
            let logits = self.reader.logit_rows.logits(&read, self.shape())?;
            let next = sampler.draw(&logits).map_err(|e| self.error(e))?;
            text.push(next);
            // A special token ends a text.
            if self.reader.card.vocabulary.is_special(next) {
                break;
            }
        }
        Ok(text.split_off(ids.len()))
    }
}

/// KL(before ‖ after) in nats.
fn divergence(before: &[f32], after: &[f32]) -> f64 {
    let sums = [before, after].map(log_sum);
    let terms = before.iter().zip(after).map(|(&b, &a)| {
        let (b, a) = (f64::from(b) - sums[0], f64::from(a) - sums[1]);
        b.exp() * (b - a)
    });
    terms.sum::<f64>().max(0.0)
}
