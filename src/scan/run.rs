//! Going through a plan, part by part.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::query::{Answer, Answering, Callbacks, NeuronQuery, Query, QueryError, Reader};
use crate::task::CancelToken;

use super::list::Lists;
use super::parts::Parts;
use super::plan::{Part, pieces};
use super::{Plan, ScanError};

/// Neurons computed in one pass over the embedding: enough for the processor to be what limits.
const BATCH: usize = 256;

/// How far a scan is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub layer: usize,
    /// Neurons and heads that are done, of how many; those of an earlier run count.
    pub neurons: (usize, usize),
    pub heads: (usize, usize),
    /// Time left; `None` before there is a measure.
    pub left: Option<Duration>,
}

/// A scan of an open model.
pub struct Scan<'a> {
    reader: &'a mut Reader,
    plan: &'a Plan,
    progress: Progress,
    neurons: Pace,
    heads: Pace,
}

/// How long things of a kind take.
#[derive(Default)]
struct Pace {
    done: usize,
    took: Duration,
}

impl Pace {
    fn add(&mut self, done: usize, since: Instant) {
        self.done += done;
        self.took += since.elapsed();
    }

    fn left(&self, (done, all): (usize, usize)) -> Option<Duration> {
        match all - done {
            0 => Some(Duration::ZERO),
            _ if self.done == 0 => None,
            left => Some(self.took.mul_f64(left as f64 / self.done as f64)),
        }
    }
}

impl<'a> Scan<'a> {
    /// Scans a model into the file `out`, or goes on with a scan that was ended. It can be cancelled
    /// between two parts; after every step it says how far it is. False if the file was there
    /// already.
    ///
    /// # Errors
    /// It was cancelled, what lies at `out` is another scan, or something cannot be read or
    /// written.
    pub fn run(
        reader: &'a mut Reader,
        plan: &'a Plan,
        out: &Path,
        cancel: CancelToken<'_>,
        report: &mut dyn FnMut(&Progress),
    ) -> Result<bool, ScanError> {
        let card = reader.card();
        card.check_convention(plan.convention)?;
        let all = plan.parts(&card)?;
        let settings = plan.settings(&card, reader.fingerprint()?)?;
        if Parts::finished(out, &settings)? {
            return Ok(false);
        }
        let parts = Parts::open(out, settings)?;
        let (done, left): (Vec<&Part>, Vec<&Part>) = all.iter().partition(|part| parts.has(part));
        let mut scan = Self::new(reader, plan, &all, &done);
        for (i, part) in left.iter().enumerate() {
            if cancel.is_cancelled() {
                let done = done.len() + i;
                return Err(ScanError::Ended {
                    done,
                    all: all.len(),
                });
            }
            let lists = scan.part(part, report)?;
            parts.keep(part, &card.name, &lists)?;
        }
        parts.finish(&all)?;
        Ok(true)
    }

    fn new(reader: &'a mut Reader, plan: &'a Plan, all: &[Part], done: &[&Part]) -> Self {
        let mut progress = Progress {
            layer: 0,
            neurons: (0, 0),
            heads: (0, 0),
            left: None,
        };
        for part in all {
            let (count, size) = match part {
                Part::Neurons { neurons, .. } => (&mut progress.neurons, neurons.len()),
                Part::Heads { heads, .. } => (&mut progress.heads, heads.len()),
            };
            count.1 += size;
            if done.contains(&part) {
                count.0 += size;
            }
        }
        Self {
            reader,
            plan,
            progress,
            neurons: Pace::default(),
            heads: Pace::default(),
        }
    }

    fn part(&mut self, part: &Part, report: &mut dyn FnMut(&Progress)) -> Result<Lists, ScanError> {
        let mut lists = Lists::default();
        match part {
            Part::Neurons { layer, neurons } => {
                for piece in pieces(neurons.len(), BATCH) {
                    let start = Instant::now();
                    let batch = neurons.start + piece.start..neurons.start + piece.end;
                    self.batch(*layer, batch, &mut lists)?;
                    self.neurons.add(piece.len(), start);
                    self.progress.neurons.0 += piece.len();
                    self.tell(*layer, report);
                }
            }
            Part::Heads { layer, heads } => {
                for head in heads.clone() {
                    let start = Instant::now();
                    self.head(*layer, head, &mut lists)?;
                    self.heads.add(1, start);
                    self.progress.heads.0 += 1;
                    self.tell(*layer, report);
                }
            }
        }
        Ok(lists)
    }

    fn batch(
        &mut self,
        layer: usize,
        neurons: Range<usize>,
        lists: &mut Lists,
    ) -> Result<(), ScanError> {
        let queries: Vec<NeuronQuery> = neurons.map(|n| self.plan.neuron(layer, n)).collect();
        let answers = self.reader.answer_neurons(&queries, Callbacks::none())?;
        let card = self.reader.card();
        for (query, answer) in queries.iter().zip(answers) {
            lists.push_neuron(&card, query, &answer);
        }
        Ok(())
    }

    fn head(&mut self, layer: usize, head: usize, lists: &mut Lists) -> Result<(), ScanError> {
        let card = self.reader.card();
        for query in self.plan.head(layer, head) {
            let asked = Query::Pairs(query.clone());
            let Answer::Pairs(answer) = self.reader.answer(&asked, Callbacks::none())? else {
                return Err(QueryError::WrongAnswer.into());
            };
            lists.push_pairs(&card, &query, &answer);
        }
        Ok(())
    }

    fn tell(&mut self, layer: usize, report: &mut dyn FnMut(&Progress)) {
        self.progress.layer = layer;
        let neurons = self.neurons.left(self.progress.neurons);
        let heads = self.heads.left(self.progress.heads);
        self.progress.left = neurons.zip(heads).map(|(a, b)| a + b);
        report(&self.progress);
    }
}
