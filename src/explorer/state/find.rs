//! Looking up by word: what is typed, what is asked for it, and the places that were found.

use super::{Choice, Chooser, Overlay, Shown, State};
use crate::query::{Address, Answer, By, FindAnswer, FindQuery, Hit, Query, Stand};
use crate::vocabulary::{Filters, Pattern};

/// Places of each kind.
const PLACES: usize = 20;

/// What outlives the list: it opens again as it was left.
#[derive(Default)]
pub struct Find {
    pub chooser: Chooser,
    pub by: By,
    /// The only kind that is shown; `None` for all.
    pub stand: Option<Stand>,
    /// Whether the places lie in the order of their layers.
    pub by_layer: bool,
    pub found: Option<Shown>,
}

/// A place of the list.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub stand: Stand,
    pub address: Address,
    pub hit: &'a Hit,
}

impl State {
    /// What the list on top asks for, if it is of places and a word is typed.
    pub(super) fn find_query(&self) -> Option<Query> {
        let Some(Overlay::Find(chooser)) = self.list_on_top() else {
            return None;
        };
        let words = Pattern::split(chooser.field.text());
        (!words.is_empty()).then(|| {
            Query::Find(FindQuery {
                convention: self.convention(),
                words,
                by: self.find.by,
                input: self.neurons.input,
                k: PLACES,
                heads: true,
                filters: Filters {
                    exclude_same: false,
                    exclude_similar: false,
                    positions: false,
                    ..self.filters.clone()
                },
            })
        })
    }

    /// What was found, and whether it is of what is typed now.
    pub fn found(&self) -> Option<(&FindAnswer, bool)> {
        let shown = self.find.found.as_ref()?;
        match &*shown.answer {
            Answer::Find(answer) => Some((answer, self.wanted.contains(&shown.query))),
            _ => None,
        }
    }

    pub(super) fn places_found(&self) -> Vec<Choice<'_>> {
        let answer = self.found().map(|(answer, _)| answer);
        let groups = answer.into_iter().flat_map(|answer| &answer.groups);
        let shown = groups.filter(|g| self.find.stand.is_none_or(|stand| stand == g.stand));
        let mut found: Vec<Found<'_>> = shown
            .flat_map(|group| {
                group.hits.iter().map(|hit| Found {
                    stand: group.stand,
                    address: group.address(hit),
                    hit,
                })
            })
            .collect();
        if self.find.by_layer {
            found.sort_by_key(|found| found.hit.layer);
        }
        found.into_iter().map(Choice::Found).collect()
    }
}
