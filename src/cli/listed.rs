//! One query from the command line, its answer, and the robustness of that.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use super::convention::ConventionChoice;
use super::say::say;
use super::shared_args::{OutputArgs, ReadingArgs};
use super::{card_for, milliseconds, open, print_sheet};
use crate::query::sheet::sheets;
use crate::query::{
    Address, Answering, BothListsQuery, Callbacks, ListSeen, Query, QueryError, Reader,
    RobustnessQuery,
};
use crate::scan::Scanned;
use crate::sheet::Timings;

/// What is asked, and of which neuron: which number it has in its layer is known once the model is
/// open.
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) neuron: Option<Address>,
}

impl From<Query> for Asked {
    fn from(query: Query) -> Self {
        Self {
            query,
            neuron: None,
        }
    }
}

/// Answers one query, from the scan where it can, and the robustness of the answer.
pub(super) fn listed(
    model: &str,
    scan: Option<&Path>,
    asked: impl Into<Asked>,
    reading: ReadingArgs,
    output: OutputArgs,
) -> Result<()> {
    let (mut reader, query, open) = answering(model, scan, asked, reading.convention, output)?;
    let start = Instant::now();
    let robustness = match (&query, reading.robustness) {
        (Query::Neuron(query), true) => Some(RobustnessQuery::Neuron(query.clone())),
        (Query::Pairs(query), true) => Some(RobustnessQuery::Pairs(query.clone())),
        _ => None,
    };
    let card = card_for(&mut *reader, &query, output)?;
    let both = match &query {
        _ if card.against.is_none() => None,
        Query::Neuron(query) => Some(BothListsQuery::Neuron(query.clone())),
        Query::Pairs(query) => Some(BothListsQuery::Pairs(query.clone())),
        _ => None,
    };
    let beside = robustness.map(Query::Robustness);
    let beside = beside.into_iter().chain(both.map(Query::BothLists));
    let seen = ListSeen::since(start);
    let look = |partial| seen.look(&partial);
    let callbacks = Callbacks {
        on_partial: Some(&look),
        ..Callbacks::none()
    };
    let answer = reader.answer(&query, callbacks)?;
    seen.look(&answer);
    let mut answered = vec![(query, answer)];
    for query in beside {
        let answer = reader.answer(&query, Callbacks::none())?;
        answered.push((query, answer));
    }
    let timings = Timings {
        open,
        compute: milliseconds(start),
        stands: seen.stands().map(|stands| stands.as_secs_f64() * 1000.0),
    };
    let answered: Vec<_> = answered
        .iter()
        .map(|(query, answer)| (query, answer))
        .collect();
    let Some(sheet) = sheets(&card, &answered).pop() else {
        return Err(QueryError::WrongAnswer.into());
    };
    print_sheet(sheet, timings, output)
}

/// Opens a model, and the scan that it answers from where it can, and says why a query cannot be
/// answered from there; with the query under the convention that is meant in this model, and the
/// milliseconds that opening took.
pub(super) fn answering(
    model: &str,
    scan: Option<&Path>,
    asked: impl Into<Asked>,
    convention: ConventionChoice,
    output: OutputArgs,
) -> Result<(Box<dyn Answering>, Query, f64)> {
    let (reader, open) = open(model, output.machine)?;
    let Asked { query, neuron } = asked.into();
    let query = match neuron {
        Some(address) => query.of_neuron(reader.card().counted(address)?),
        None => query,
    };
    let (reader, query) = from_scan(reader, scan, query, convention)?;
    Ok((reader, query, open))
}

/// What answers from a scan where it can, if one is given, and says why a query cannot be answered
/// from there; with the query under the convention that is meant in this model.
pub(super) fn from_scan(
    mut reader: Reader,
    scan: Option<&Path>,
    query: Query,
    convention: ConventionChoice,
) -> Result<(Box<dyn Answering>, Query)> {
    let Some(path) = scan else {
        let query = query.under(convention.of(&mut reader)?);
        return Ok((Box::new(reader), query));
    };
    let mut scanned = Scanned::open(reader, path)?;
    let query = query.under(convention.of(&mut scanned)?);
    let lacks = match &query {
        Query::Rank(query) => scanned.lacks(query)?,
        Query::Evidence(query) => scanned.lacks_evidence(query)?,
        other => other.convention().and_then(|c| scanned.not_under(c)),
    };
    if let Some(why) = lacks {
        say(format_args!("computed, not from the scan: {why}"));
    }
    Ok((Box::new(scanned), query))
}
