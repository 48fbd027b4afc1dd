//! Answers as sheets, a file a kind of query: what each format has of them, and the command that
//! makes each again.

mod directions;
mod find;
mod geometry;
mod info;
mod map;
mod neuron;
mod pairs;
mod rank;
mod trust;

use super::{Answer, ModelCard, Query, TrustAnswer};
use crate::sheet::{CommandLine, Sheet};
use crate::vocabulary::{Filters, TextCount};

pub use geometry::{
    Chart, Depth, ModelGeometry, command as geometry_command, described, sheet as geometry_sheet,
};
pub use info::{models_sheet, sheet as info_sheet};
pub use map::{MapOf, sheet as map_sheet};
pub use rank::{command_of_all as rank_command, sheet_of_all as rank_sheet};
pub use trust::interval;

/// An answer to a query, with how far it can be trusted if that was asked too. `None` if they are
/// of two kinds, or of none that is a list of one model.
pub fn sheet(
    card: &ModelCard,
    query: &Query,
    answer: &Answer,
    trust: Option<&TrustAnswer>,
) -> Option<Sheet> {
    let sheet = match (query, answer) {
        (Query::Neuron(query), Answer::Neuron(answer)) => {
            Some(neuron::sheet(card, query, answer, trust))
        }
        (Query::Pairs(query), Answer::Pairs(answer)) => {
            Some(pairs::sheet(card, query, answer, trust))
        }
        (Query::Directions(query), Answer::Directions(answer)) => {
            Some(directions::sheet(card, query, answer))
        }
        (Query::Find(query), Answer::Find(answer)) => Some(find::sheet(card, query, answer)),
        (Query::Rank(query), Answer::Rank(answer)) => Some(rank::sheet(card, query, answer)),
        (
            Query::Neuron(_)
            | Query::Pairs(_)
            | Query::Directions(_)
            | Query::Find(_)
            | Query::Rank(_)
            | Query::ValueNorms
            | Query::Undertrained
            | Query::FirstConvention
            | Query::TextLanguage
            | Query::Geometry(_)
            | Query::ContextMap(_)
            | Query::NeuronMap(_)
            | Query::Trust(_),
            _,
        ) => None,
    };
    let text = query
        .filters()
        .and_then(|filters| text_count(card, filters));
    sheet.map(|sheet| sheet.with_text(text))
}

/// How many tokens the text has that filters judge by. One that cannot be read has no lists.
fn text_count(card: &ModelCard, filters: &Filters) -> Option<TextCount> {
    let text = filters.text.as_ref()?;
    card.vocabulary.count_in(&text.text).ok()
}

/// The sheets of queries and their answers; how far a list can be trusted goes with the list.
pub fn sheets(card: &ModelCard, answered: &[(&Query, &Answer)]) -> Vec<Sheet> {
    let trust = |of: &Query| {
        let mut answered = answered.iter();
        answered.find_map(|(query, answer)| match (query, answer) {
            (Query::Trust(query), Answer::Trust(answer)) if query.is_about(of) => Some(answer),
            _ => None,
        })
    };
    let lists = answered.iter();
    lists
        .filter_map(|(query, answer)| sheet(card, query, answer, trust(query)))
        .collect()
}

/// The command that answers a query as it was answered; with `trust` also how far its lists can be
/// trusted. `None` if no command asks it.
pub fn command(model: &str, query: &Query, trust: bool) -> Option<CommandLine> {
    match query {
        Query::Neuron(query) => Some(neuron::command(model, query, trust)),
        Query::Pairs(query) => Some(pairs::command(model, query, trust)),
        Query::Directions(query) => Some(directions::command(model, query)),
        Query::Find(query) => Some(find::command(model, query)),
        Query::Rank(query) => Some(rank::command(model, query)),
        Query::ValueNorms
        | Query::Undertrained
        | Query::FirstConvention
        | Query::TextLanguage
        | Query::Geometry(_)
        | Query::ContextMap(_)
        | Query::NeuronMap(_)
        | Query::Trust(_) => None,
    }
}
