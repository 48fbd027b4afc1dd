//! A small model made by hand: a card, and answers that look like a model's.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use lexiscope::checkpoint::{HeadSizes, LayerParts, NormPlacement, OutputEmbedding, Spec, family};
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::shell;
use lexiscope::explorer::state::{Opening, State};
use lexiscope::geometry::Language;
use lexiscope::projection::{Pair, Scored};
use lexiscope::query::{
    Answer, ModelCard, NeuronAnswer, PairsAnswer, Query, RankAnswer, RankMetric, RankQuery,
    RankedItem, Switch,
};
use lexiscope::vocabulary::{TokenizerFiles, Vocabulary};
use lexiscope::worker::{Event, ModelId};

use super::{
    compared, contexts, conventions, dictionary, experts, geometry, links, lookup, prompt,
};

const ROWS: usize = 8192;
const WORDS: [&str; 24] = [
    "##ńskiego",
    "##ńskim",
    "##owskiego",
    "##ńskich",
    "wyspie",
    "stronie",
    "brzegu",
    "granicy",
    "ty",
    "mnie",
    "##eś",
    "tobie",
    "ręce",
    "oczy",
    "słyszał",
    "##nął",
    "następnie",
    "których",
    "ponieważ",
    "że",
    "nieprzeniknionymi",
    "[UNK]",
    "##ż",
    "Ale",
];

/// The name of a model of 24 layers, 4096 neurons and 16 heads.
pub const LARGE: &str = "sdadas/polish-gpt2-medium";

/// The name of a model with gated neurons and rotary positions.
pub const GATED: &str = "gated/llama";

/// The name of a model with so many tokens that pairs of heads take seconds.
pub const MANY_TOKENS: &str = "many/tokens";

/// The name of a model of which two layers have experts and one has no neurons.
pub const MIXTURE: &str = "mixture";

/// The names of a model of 12 layers and heads, and of one of 48 layers and 25 heads.
pub const BASE: &str = "base";
pub const DEEP: &str = "deep";

/// The card of a model of the bundled one's shape.
pub fn card(name: &str) -> Arc<ModelCard> {
    let filler = (WORDS.len()..ROWS).map(|i| format!("słowo{i}"));
    let words: Vec<String> = WORDS
        .iter()
        .map(ToString::to_string)
        .chain(filler)
        .collect();
    let files = TokenizerFiles {
        vocab_txt: Some(Cow::Owned(words.join("\n").into_bytes())),
        ..TokenizerFiles::default()
    };
    let (large, gated) = (name == LARGE, name == GATED);
    let (layers, heads) = match name {
        LARGE => (24, 16),
        BASE => (12, 12),
        DEEP => (48, 25),
        _ => (6, 6),
    };
    let neurons = if large { 4096 } else { 768 };
    let dense = LayerParts::dense(HeadSizes::own(heads, heads, 43), neurons);
    let mut parts = vec![dense; layers];
    if name == MIXTURE {
        experts::put_in(&mut parts);
    }
    Arc::new(ModelCard {
        biased: true,
        name: name.to_owned(),
        family: family(if gated { "llama" } else { "gpt2" }).unwrap(),
        spec: Spec {
            layers,
            d_model: 256,
            embedding_width: 256,
            narrow: false,
            passes: (0..layers).collect(),
            heads,
            n_kv_heads: heads,
            d_head: 43,
            neurons,
            parts,
            latent: None,
            vocab: if name == MANY_TOKENS { 250_000 } else { ROWS },
            positions: if gated { 0 } else { 512 },
            rotary: gated,
            first_position: 0,
            padding: None,
            context: 512,
            reach: vec![511; layers],
            norm: NormPlacement::Pre,
            qk_norm: false,
            output: OutputEmbedding::Tied,
            unknown: Vec::new(),
            longest: 512,
            activation: "gelu_new".to_owned(),
            tied: true,
        },
        vocabulary: Arc::new(Vocabulary::open(&files, ROWS).unwrap()),
        stored: Default::default(),
        device: "cpu".to_owned(),
        remote: false,
        against: name.split_once('~').map(|(_, base)| base.to_owned()),
        not_run: None,
        notices: Vec::new(),
        lens: None,
        undertrained: None,
    })
}

/// Opens a model of that name in a state; returns what the state wants then.
pub fn open(state: &mut State, id: u64, name: &str) -> Vec<Effect> {
    let then = state
        .opening
        .take()
        .map_or_else(Vec::new, |opening| opening.then);
    state.opening = Some(Opening {
        id: None,
        transfer: None,
        name: name.to_owned(),
        then,
    });
    shell::opening(state, ModelId(id));
    let card = card(name);
    shell::event(
        state,
        Event::Opened {
            id: ModelId(id),
            card,
        },
    )
}

/// Answers every query among the effects.
pub fn answer(state: &mut State, effects: &[Effect]) {
    for effect in effects {
        let (Effect::Want(queries) | Effect::Idle(queries)) = effect else {
            continue;
        };
        for query in queries {
            let answer = Arc::new(made_up(query));
            let event = Event::Answered {
                id: state.model.as_ref().unwrap().id,
                query: query.clone(),
                answer,
                took: Duration::from_micros(1234),
            };
            let more = shell::event(state, event);
            self::answer(state, &more);
        }
    }
}

fn made_up(query: &Query) -> Answer {
    let words = WORDS.len();
    match query {
        Query::Changes(query) => Answer::Changes(compared::changes(query)),
        Query::BothLists(query) => Answer::BothLists(compared::both_lists(query)),
        Query::Relations(_) => panic!("no screen asks for it"),
        Query::Neuron(query) => {
            let column = |c: usize| -> Vec<Scored> {
                let best = [4.81, 2.1, 1.92, 1.31][c] - query.neuron as f32 / 1000.0;
                let row = |i: usize| Scored {
                    id: ((i + 4 * c + query.neuron) % words) as u32,
                    score: best * 0.97f32.powi(i as i32),
                };
                (0..query.k.min(ROWS)).map(row).collect()
            };
            let passing = if query.filters.contains.is_empty() {
                ROWS
            } else {
                1204
            };
            let biases = query.convention.has(Switch::Biases);
            Answer::Neuron(NeuronAnswer {
                bias: biases.then_some(-0.25),
                columns: [column(0), column(1), column(2), column(3)],
                passing,
                rows: ROWS,
            })
        }
        Query::Pairs(query) => {
            let sign = if query.end == lexiscope::projection::End::Lowest {
                -1.0
            } else {
                1.0
            };
            let pair = |i: usize| Pair {
                from: ((i + 16) % words) as u32,
                to: ((3 * i + 19) % words) as u32,
                score: sign * 0.412 * 0.96f32.powi((i + query.head) as i32),
            };
            let exact = query.form == lexiscope::transformer::Form::Vo;
            let biases = query.convention.has(Switch::Biases);
            Answer::Pairs(PairsAnswer {
                unconditional: biases.then(conventions::unconditional),
                pairs: (0..query.k).map(pair).collect(),
                passing: ROWS,
                rows: ROWS,
                done: if exact { 1.0 } else { 0.62 },
                exact,
            })
        }
        Query::Directions(query) => Answer::Directions(lookup::directions(query)),
        Query::Experts(query) => Answer::Experts(experts::answered(query)),
        Query::Find(query) => Answer::Find(lookup::found(query)),
        Query::ValueNorms => Answer::ValueNorms((0..24).map(|i| 0.9 + 0.5 * i as f32).collect()),
        Query::Rank(query) => Answer::Rank(ranked(query)),
        Query::Robustness(query) => Answer::Robustness(conventions::robustness_of(query)),
        Query::Undertrained => Answer::Undertrained(None),
        Query::FirstConvention => Answer::FirstConvention(conventions::favoured()),
        Query::TextLanguage => Answer::TextLanguage(Language::Polish),
        Query::Geometry(query) => Answer::Geometry(geometry::measured(query, 6)),
        Query::ContextMap(query) => Answer::Map(geometry::occurrences(query)),
        Query::NeuronMap(query) => Answer::Map(geometry::words(query, WORDS.len())),
        Query::Prompt(query) => Answer::Prompt(Box::new(prompt::answered(query, 6, WORDS.len()))),
        Query::Links(query) => Answer::Links(links::answered(query)),
        Query::Dictionary(query) => {
            Answer::Dictionary(dictionary::answered(query, WORDS.len(), ROWS))
        }
        Query::Attention(query) => Answer::Attention(prompt::attention(query)),
        Query::Contexts(query) => {
            Answer::Contexts(Box::new(contexts::answered(query, WORDS.len())))
        }
        Query::Evidence(_) => unreachable!("no view asks for it"),
    }
}

/// Every neuron that is a multiple of 7, in a falling order; heads by a wave over the layers.
pub fn ranked(query: &RankQuery) -> RankAnswer {
    let words = |first: usize| {
        (first..first + 6)
            .map(|i| (i % WORDS.len()) as u32)
            .collect()
    };
    let neuron = |i: usize| RankedItem {
        item: 7 * i + 12,
        figure: 0.9 - i as f32 / 50.0,
        key: words(i),
        value: words(i + 9),
        proven: true,
    };
    let head = |i: usize| RankedItem {
        item: i,
        figure: ((query.layer + 2) as f32 * (i + 1) as f32 / 9.0).sin(),
        key: words(i).into_iter().take(query.words).collect(),
        value: words(i + 9).into_iter().take(query.words).collect(),
        proven: !query.likely,
    };
    let mut items: Vec<RankedItem> = match query.by.of_heads() {
        true => (0..query.count).map(head).collect(),
        false => (0..query.count).map(neuron).collect(),
    };
    items.sort_by(|a, b| b.figure.total_cmp(&a.figure));
    // Each measure has a mean of its own.
    let mut measures = RankMetric::NEURONS.iter().chain(&RankMetric::HEADS);
    let measure = measures.position(|by| *by == query.by).unwrap();
    RankAnswer {
        mean: 0.1 + query.layer as f32 / 10.0 + measure as f32 / 100.0,
        items,
        done: 1.0,
    }
}
