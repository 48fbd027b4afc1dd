//! Answers as sheets, and the commands that make them again.

use super::difference::beside;
use super::jacobian::named_in;
use super::{
    Answer, Answered, BothListsQuery, ModelCard, Query, RobustnessAnswer, RobustnessQuery, Switch,
};
use crate::sheet::{CommandLine, Record, Sheet};
use crate::transformer::StoredPart;
use crate::vocabulary::{Filters, TextCount};

pub use super::contexts::contexts_lines;
pub use super::families_sheet::{HELD_ON_TEXTS, HELD_UNDER_CONVENTIONS, families_sheet};
pub use super::geometry::{
    Depth, GeometryChart, ModelGeometry, described, geometry_command, geometry_sheet,
};
pub use super::info_sheet::{models_sheet, outline_sheet, sheet as info_sheet};
pub use super::jacobian::{lens_effect_command, lens_effect_sheet};
pub use super::map::{MapOf, contexts, map_sheet};
pub use super::rank::{rank_command, rank_sheet};
pub use super::robustness::interval;
pub use super::similar::similar_sheet;

/// An answer to a query, with its robustness if that was asked too. `None` if they are
/// of two kinds, or of none that is a list of one model.
pub fn sheet(
    card: &ModelCard,
    query: &Query,
    answer: &Answer,
    robustness: Option<&RobustnessAnswer>,
) -> Option<Sheet> {
    let sheet = query.kind().listed()?.any_sheet(card, answer, robustness)?;
    let lens = query.convention().is_some_and(|c| c.has(Switch::Lens));
    let sheet = match lens || matches!(query, Query::Prompt(_)) {
        true => named_in(card, sheet),
        false => sheet,
    };
    let filters = query.filters();
    Some(sheet.with_text(filters.and_then(|filters| text_count(card, filters))))
}

/// How many tokens the text has that filters judge by. One that cannot be read has no lists.
pub(super) fn text_count(card: &ModelCard, filters: &Filters) -> Option<TextCount> {
    let text = filters.text.as_ref()?;
    card.vocabulary.count_in(&text.text).ok()
}

/// The types that parts are stored in, as JSON has them.
pub(super) fn stored_record(parts: &[StoredPart]) -> Record {
    let named = parts.iter().map(|part| (part.part, &*part.stored));
    named.collect()
}

/// The sheets of queries and their answers; a list's robustness goes with the list, and so do the lists
/// of both models of which it is the difference.
pub fn sheets(card: &ModelCard, answered: &[(&Query, &Answer)]) -> Vec<Sheet> {
    let robustness = |of: &Query| {
        let mut answered = answered.iter();
        let found = answered.find_map(|(query, answer)| {
            let of_list = RobustnessQuery::of(query, answer);
            of_list.filter(|(query, _)| query.is_about(of))
        });
        found.map(|(_, answer)| answer)
    };
    let lists = answered.iter();
    lists
        .filter_map(|(query, answer)| {
            let sheet = sheet(card, query, answer, robustness(query))?;
            let mut answered = answered.iter();
            let both = answered.find_map(|(other, answer)| {
                let of_both = BothListsQuery::of(other, answer);
                of_both.filter(|(both, _)| both.is_about(query))
            });
            Some(match both {
                Some((of, answer)) => beside(sheet, card, of, answer),
                None => sheet,
            })
        })
        .collect()
}

/// The command that answers a query as it was answered; with `robustness` also how far its lists can be
/// trusted. `None` if no command asks it.
pub fn command(model: &str, query: &Query, robustness: bool) -> Option<CommandLine> {
    let listed = query.kind().listed()?;
    Some(listed.any_command(model, robustness))
}
