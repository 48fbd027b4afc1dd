//! Looking up one word in all neurons, and a head's directions.

use std::sync::atomic::{AtomicBool, Ordering};

use lexiscope::query::{
    Answering, Callbacks, DirectionsQuery, FindQuery, MatrixKind, Query, RankBy, Reader,
};
use lexiscope::task::CancelToken;
use lexiscope::transformer::{Form, Input};
use lexiscope::vocabulary::Filters;

use super::process::processor_ms;
use super::{ask, figure, median, time};

/// Figures: all neurons under half a second, directions of a head under 150 ms.
pub fn lookup(reader: &mut Reader) {
    let card = reader.card();
    let words = [9_001, 17_711, 40_404].map(|id| card.vocabulary.text(id).into_owned());
    let find = |by, heads, i: usize| {
        Query::Find(FindQuery {
            convention: Default::default(),
            input: Input::Gate,
            words: vec![words[i % 3].clone()],
            by,
            gist: 0,
            k: 20,
            heads,
            filters: Filters::default(),
        })
    };
    // Weights into the page cache.
    ask(reader, &find(RankBy::Score, false, 0));
    let before = processor_ms();
    (0..9).for_each(|i| ask(reader, &find(RankBy::Score, false, i)));
    let cost = (processor_ms() - before) / 9.0;
    figure("lookup, its time of the processor", cost, "ms");
    let mut each = |by, heads, times: usize| {
        let times = (0..times).map(|i| time(|| ask(reader, &find(by, heads, i))));
        median(times.collect())
    };
    let neurons = each(RankBy::Score, false, 9);
    figure("lookup, a word in all neurons (under 500)", neurons, "ms");
    figure(
        "lookup, by rank, all neurons ranked",
        each(RankBy::Rank, false, 3),
        "ms",
    );
    figure("lookup, heads too", each(RankBy::Score, true, 3), "ms");
    let directions = |part, head| {
        Query::Directions(DirectionsQuery {
            convention: Default::default(),
            part,
            layer: 7,
            head,
            n: 64,
            k: 10,
            filters: Filters::default(),
        })
    };
    let vo = MatrixKind::Form(Form::Vo);
    let before = processor_ms();
    (0..9).for_each(|head| first(reader, &directions(vo, head)));
    let cost = (processor_ms() - before) / 9.0;
    figure("directions, its time of the processor", cost, "ms");
    let times = (0..9).map(|head| time(|| first(reader, &directions(vo, head))));
    figure(
        "directions, a head (under 150)",
        median(times.collect()),
        "ms",
    );
    let times = (0..5).map(|head| time(|| ask(reader, &directions(vo, 9 + head % 7))));
    figure(
        "directions, and copying over the vocabulary",
        median(times.collect()),
        "ms",
    );
    let times = (0..3).map(|_| time(|| ask(reader, &directions(MatrixKind::FfIn, 0))));
    figure("directions, a layer's keys", median(times.collect()), "ms");
}

/// Until the first answer, which has all but the copying score over the vocabulary.
fn first(reader: &mut Reader, query: &Query) {
    let come = AtomicBool::new(false);
    let callbacks = Callbacks {
        cancel: CancelToken::flag(&come),
        on_partial: Some(&|_| come.store(true, Ordering::Relaxed)),
        ..Callbacks::none()
    };
    let cancelled = reader.answer(query, callbacks);
    std::hint::black_box(cancelled.expect_err("cancelled"));
}
