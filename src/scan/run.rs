//! Going through a plan, part by part.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::query::{Answer, Answering, Callbacks, NeuronQuery, Query, QueryError, Reader};
use crate::task::{self, Progress, ProgressPart};

use super::list::Lists;
use super::parts::Parts;
use super::plan::{ScanChunk, pieces};
use super::{ScanError, ScanPlan};

/// Neurons computed in one pass over the embedding: enough for the processor to be what limits.
const BATCH: usize = 256;

/// A scan of an open model.
pub struct Scan<'a> {
    reader: &'a mut Reader,
    plan: &'a ScanPlan,
    neurons: Pace,
    heads: Pace,
}

/// How many things of a kind are done, and how long they take.
#[derive(Default)]
struct Pace {
    /// Those of an earlier run count.
    done: usize,
    all: usize,
    /// In this run.
    timed: usize,
    took: Duration,
}

impl Pace {
    fn add(&mut self, done: usize, since: Instant) {
        self.done += done;
        self.timed += done;
        self.took += since.elapsed();
    }

    fn left(&self) -> Option<Duration> {
        match self.all - self.done {
            0 => Some(Duration::ZERO),
            _ if self.timed == 0 => None,
            left => Some(self.took.mul_f64(left as f64 / self.timed as f64)),
        }
    }

    fn part(&self, name: &str) -> ProgressPart {
        ProgressPart {
            name: name.to_owned(),
            done: self.done as u64,
            total: self.all as u64,
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
        plan: &'a ScanPlan,
        out: &Path,
        callbacks: task::Callbacks<'_>,
    ) -> Result<bool, ScanError> {
        let card = reader.card();
        card.check_convention(plan.convention)?;
        let all = plan.parts(&card)?;
        let settings = plan.settings(&card, reader.fingerprint()?)?;
        if Parts::finished(out, &settings)? {
            return Ok(false);
        }
        let parts = Parts::open(out, settings)?;
        let (done, left): (Vec<&ScanChunk>, Vec<&ScanChunk>) =
            all.iter().partition(|part| parts.has(part));
        let mut scan = Self::new(reader, plan, &all, &done);
        for (i, part) in left.iter().enumerate() {
            if callbacks.cancel.is_cancelled() {
                let done = done.len() + i;
                return Err(ScanError::Ended {
                    done,
                    all: all.len(),
                });
            }
            let lists = scan.part(part, callbacks)?;
            parts.keep(part, &card.name, &lists)?;
        }
        parts.finish(&all)?;
        Ok(true)
    }

    fn new(
        reader: &'a mut Reader,
        plan: &'a ScanPlan,
        all: &[ScanChunk],
        done: &[&ScanChunk],
    ) -> Self {
        let mut scan = Self {
            reader,
            plan,
            neurons: Pace::default(),
            heads: Pace::default(),
        };
        for part in all {
            let (pace, size) = match part {
                ScanChunk::Neurons { neurons, .. } => (&mut scan.neurons, neurons.len()),
                ScanChunk::Heads { heads, .. } => (&mut scan.heads, heads.len()),
            };
            pace.all += size;
            if done.contains(&part) {
                pace.done += size;
            }
        }
        scan
    }

    fn part(
        &mut self,
        part: &ScanChunk,
        callbacks: task::Callbacks<'_>,
    ) -> Result<Lists, ScanError> {
        let mut lists = Lists::default();
        match part {
            ScanChunk::Neurons { layer, neurons } => {
                for piece in pieces(neurons.len(), BATCH) {
                    let start = Instant::now();
                    let batch = neurons.start + piece.start..neurons.start + piece.end;
                    self.batch(*layer, batch, &mut lists)?;
                    self.neurons.add(piece.len(), start);
                    callbacks.progress(&self.progress(*layer));
                }
            }
            ScanChunk::Heads { layer, heads } => {
                for head in heads.clone() {
                    let start = Instant::now();
                    self.head(*layer, head, &mut lists)?;
                    self.heads.add(1, start);
                    callbacks.progress(&self.progress(*layer));
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

    fn progress(&self, layer: usize) -> Progress {
        let (neurons, heads) = (self.neurons.left(), self.heads.left());
        Progress {
            phase: format!("layer {layer}"),
            parts: vec![self.neurons.part("neurons"), self.heads.part("heads")],
            left: neurons.zip(heads).map(|(a, b)| a + b),
            ..Progress::default()
        }
    }
}
