//! For the tests: queries, answers that tell their query, and a reader that does what it is told.

use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};

use crate::checkpoint::{
    HeadSizes, LayerParts, Location, NormPlacement, OutputEmbedding, Spec, family,
};
use crate::projection::{End, Pair, Scored};
use crate::query::{
    Answer, Answering, Callbacks, DictionaryAnswer, DictionaryQuery, ModelCard, NeuronAnswer,
    NeuronQuery, PairsAnswer, PairsQuery, Query, QueryError,
};
use crate::task::Cancelled;
use crate::transformer::{Form, Input};
use crate::vocabulary::{Filters, TokenizerFiles, Vocabulary};

pub(in crate::worker) fn neuron(layer: usize, neuron: usize) -> Query {
    Query::Neuron(NeuronQuery {
        convention: Default::default(),
        layer,
        neuron,
        input: Input::default(),
        k: 3,
        filters: Filters::default(),
    })
}

pub(in crate::worker) fn pairs(layer: usize, head: usize) -> Query {
    Query::Pairs(PairsQuery {
        convention: Default::default(),
        form: Form::Vo,
        layer,
        head,
        distance: 0,
        end: End::Highest,
        k: 3,
        filters: Filters::default(),
    })
}

pub(in crate::worker) fn folder(name: &str) -> Location {
    Location::Folder {
        name: name.to_owned(),
        path: name.into(),
    }
}

pub(in crate::worker) fn spec() -> Spec {
    Spec {
        layers: 4,
        d_model: 8,
        embedding_width: 8,
        narrow: false,
        passes: (0..4).collect(),
        heads: 6,
        n_kv_heads: 6,
        d_head: 2,
        neurons: 100,
        parts: vec![LayerParts::dense(HeadSizes::own(6, 6, 2), 100); 4],
        latent: None,
        vocab: 10,
        positions: 0,
        rotary: false,
        first_position: 0,
        padding: None,
        context: 64,
        reach: vec![63; 4],
        norm: NormPlacement::Pre,
        qk_norm: false,
        output: OutputEmbedding::Tied,
        unknown: Vec::new(),
        longest: 64,
        activation: "gelu".to_owned(),
        tied: true,
    }
}

fn neuron_answer(query: &NeuronQuery) -> NeuronAnswer {
    let scored = |i| Scored {
        id: u32::try_from(query.neuron + i).unwrap(),
        score: 1.0,
    };
    NeuronAnswer {
        bias: None,
        columns: std::array::from_fn(|i| vec![scored(i); query.k]),
        passing: 10,
        rows: 10,
    }
}

fn pairs_answer(query: &PairsQuery, done: f32) -> PairsAnswer {
    let from = u32::try_from(query.head).unwrap();
    PairsAnswer {
        unconditional: None,
        pairs: vec![
            Pair {
                from,
                to: 0,
                score: done
            };
            query.k
        ],
        passing: 10,
        rows: 10,
        done,
        exact: done == 1.0,
    }
}

/// An answer that tells which query it belongs to.
pub(in crate::worker) fn answer_to(query: &Query) -> Answer {
    match query {
        Query::Neuron(q) => Answer::Neuron(neuron_answer(q)),
        Query::Pairs(q) => Answer::Pairs(pairs_answer(q, 1.0)),
        Query::ValueNorms => Answer::ValueNorms(vec![1.0; 4]),
        Query::Undertrained => Answer::Undertrained(None),
        _ => unreachable!("the tests ask no such thing"),
    }
}

pub(in crate::worker) fn card(name: &str) -> Arc<ModelCard> {
    let files = TokenizerFiles {
        vocab_txt: Some(b"a\nb\n".as_slice().into()),
        ..TokenizerFiles::default()
    };
    Arc::new(ModelCard {
        biased: false,
        name: name.to_owned(),
        family: family("gpt2").unwrap(),
        spec: spec(),
        vocabulary: Arc::new(Vocabulary::open(&files, 2).unwrap()),
        stored: Default::default(),
        device: "cpu".to_owned(),
        remote: false,
        against: None,
        not_run: None,
        notices: Vec::new(),
        lens: None,
        undertrained: None,
    })
}

/// What a test tells the reader to do with the query that it has begun.
pub(in crate::worker) enum Step {
    /// Ask whether it is wanted, say so, and give up if not.
    Look,
    /// Send a partial answer.
    Improve,
    Finish,
    Fail,
    Panic,
    /// Ask whether it is wanted until it is not.
    NeverEnd,
}

/// Says what it begins and waits to be told; once nobody can tell it any more, it answers all.
pub(in crate::worker) struct Reader {
    pub(in crate::worker) name: String,
    pub(in crate::worker) begun: Sender<Vec<Query>>,
    pub(in crate::worker) told: Arc<Mutex<Receiver<Step>>>,
    pub(in crate::worker) looked: Sender<bool>,
}

impl Reader {
    fn work(&self, queries: Vec<Query>, callbacks: Callbacks<'_>) -> Result<(), QueryError> {
        let first = queries[0].clone();
        self.begun.send(queries).unwrap();
        loop {
            let step = self.told.lock().unwrap().recv();
            match step.unwrap_or(Step::Finish) {
                Step::Look => {
                    let cancelled = callbacks.cancel.check();
                    self.looked.send(cancelled.is_ok()).unwrap();
                    cancelled?;
                }
                Step::Improve => match &first {
                    Query::Pairs(q) => callbacks.partial(Answer::Pairs(pairs_answer(q, 0.5))),
                    _ => unreachable!("only pairs improve"),
                },
                Step::Finish => return Ok(()),
                Step::Fail => return Err(QueryError::Other("no such thing\nat all".to_owned())),
                Step::Panic => panic!("out of\nbounds"),
                Step::NeverEnd => {
                    while !callbacks.cancel.is_cancelled() {
                        std::thread::yield_now();
                    }
                    return Err(Cancelled.into());
                }
            }
        }
    }
}

impl Answering for Reader {
    fn answer(&mut self, query: &Query, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        self.work(vec![query.clone()], callbacks)?;
        Ok(answer_to(query))
    }

    fn answer_neurons(
        &mut self,
        queries: &[NeuronQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<NeuronAnswer>, QueryError> {
        self.work(
            queries.iter().cloned().map(Query::Neuron).collect(),
            callbacks,
        )?;
        Ok(queries.iter().map(neuron_answer).collect())
    }

    fn answer_directions(
        &mut self,
        queries: &[DictionaryQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Option<DictionaryAnswer>>, QueryError> {
        self.work(
            queries.iter().cloned().map(Query::Dictionary).collect(),
            callbacks,
        )?;
        Ok(vec![None; queries.len()])
    }

    fn card(&self) -> Arc<ModelCard> {
        card(&self.name)
    }
}
