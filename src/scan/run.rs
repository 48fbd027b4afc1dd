//! Going through a plan, part by part.

use std::ops::Range;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::query::{
    Answer, Answering, Callbacks, ModelCard, NeuronAnswer, NeuronQuery, PairsAnswer, PairsQuery,
    Query, QueryError, Reader,
};
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

/// Lists of a neuron or of a head.
enum Found {
    Neuron(NeuronQuery, NeuronAnswer),
    Pairs(PairsQuery, PairsAnswer),
}

impl Found {
    fn push(&self, card: &ModelCard, lists: &mut Lists) {
        match self {
            Self::Neuron(query, answer) => lists.push_neuron(card, query, answer),
            Self::Pairs(query, answer) => lists.push_pairs(card, query, answer),
        }
    }
}

/// Waits until a part is written, if one is.
fn written(part: Option<ScopedJoinHandle<'_, Result<(), ScanError>>>) -> Result<(), ScanError> {
    let Some(part) = part else {
        return Ok(());
    };
    part.join().unwrap_or_else(|panic| resume_unwind(panic))
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
        reader: &mut Reader,
        plan: &ScanPlan,
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
        // Both forms and both ends of a head share its factors, heads share none.
        let heads = reader.keep_factors_of(1);
        let scanned = Self::scan((reader, plan), &parts, &all, callbacks);
        reader.keep_factors_of(heads);
        scanned?;
        parts.finish(&all)?;
        Ok(true)
    }

    /// Goes through the parts that are not there; while one is computed the last is written.
    fn scan(
        (reader, plan): (&mut Reader, &ScanPlan),
        parts: &Parts,
        all: &[ScanChunk],
        callbacks: task::Callbacks<'_>,
    ) -> Result<(), ScanError> {
        let card = reader.card();
        let (done, left): (Vec<&ScanChunk>, Vec<&ScanChunk>) =
            all.iter().partition(|part| parts.has(part));
        let mut scan = Scan::new(reader, plan, all, &done);
        thread::scope(|threads| {
            let mut writing = None;
            for (i, part) in left.iter().enumerate() {
                if callbacks.cancel.is_cancelled() {
                    written(writing)?;
                    let done = done.len() + i;
                    return Err(ScanError::Ended {
                        done,
                        all: all.len(),
                    });
                }
                let found = scan.part(part, callbacks)?;
                written(writing)?;
                let card = &card;
                writing = Some(threads.spawn(move || {
                    let mut lists = Lists::default();
                    found.iter().for_each(|found| found.push(card, &mut lists));
                    parts.keep(part, &card.name, &lists)
                }));
            }
            written(writing)
        })
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
    ) -> Result<Vec<Found>, ScanError> {
        let mut found = Vec::new();
        match part {
            ScanChunk::Neurons { layer, neurons } => {
                for piece in pieces(neurons.len(), BATCH) {
                    let start = Instant::now();
                    let batch = neurons.start + piece.start..neurons.start + piece.end;
                    self.batch(*layer, batch, &mut found)?;
                    self.neurons.add(piece.len(), start);
                    callbacks.progress(&self.progress(*layer));
                }
            }
            ScanChunk::Heads { layer, heads } => {
                for head in heads.clone() {
                    let start = Instant::now();
                    self.head(*layer, head, &mut found)?;
                    self.heads.add(1, start);
                    callbacks.progress(&self.progress(*layer));
                }
            }
        }
        Ok(found)
    }

    fn batch(
        &mut self,
        layer: usize,
        neurons: Range<usize>,
        found: &mut Vec<Found>,
    ) -> Result<(), ScanError> {
        let queries: Vec<NeuronQuery> = neurons.map(|n| self.plan.neuron(layer, n)).collect();
        let answers = self.reader.answer_neurons(&queries, Callbacks::none())?;
        let each = queries.into_iter().zip(answers);
        found.extend(each.map(|(query, answer)| Found::Neuron(query, answer)));
        Ok(())
    }

    fn head(&mut self, layer: usize, head: usize, found: &mut Vec<Found>) -> Result<(), ScanError> {
        for query in self.plan.head(layer, head) {
            let asked = Query::Pairs(query.clone());
            let Answer::Pairs(answer) = self.reader.answer(&asked, Callbacks::none())? else {
                return Err(QueryError::WrongAnswer.into());
            };
            found.push(Found::Pairs(query, answer));
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
