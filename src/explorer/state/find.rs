//! Looking up by word: what is typed, what is asked for it, and the places that were found.

use super::{Choice, Chooser, Overlay, Shown, State};
use crate::query::{Address, Answer, By, FindAnswer, FindQuery, Group, Hit, Query, Stand};
use crate::vocabulary::{Filters, Pattern};

/// Places of each kind.
const PLACES: usize = 20;
/// Of these, where all kinds are shown.
const OVERVIEW: usize = 6;
/// First words of a neuron's list.
const GIST: usize = 8;

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
    /// The first words of the list it is in, once they are known.
    pub gist: &'a [u32],
}

impl Found<'_> {
    /// Of a head the pair in the order of its form: what is read or asks on the left.
    pub fn pair(&self) -> Option<[u32; 2]> {
        let partner = self.hit.partner?;
        Some(match self.stand {
            Stand::To | Stand::Key => [partner, self.hit.token],
            _ => [self.hit.token, partner],
        })
    }
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
                gist: GIST,
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

    /// The places that Enter can go to: those of what is typed now, kind by kind.
    pub(super) fn places_found(&self) -> Vec<Choice<'_>> {
        let Some((answer, true)) = self.found() else {
            return Vec::new();
        };
        let shown = self.find.stand;
        let groups = answer.groups.iter();
        let groups = groups.filter(|g| shown.is_none_or(|stand| stand == g.stand));
        let places = groups.flat_map(|group| {
            let gist = |i: usize| group.gists.get(i).map_or(&[][..], |words| words);
            let hits = group.hits.iter().take(self.shown_of(group)).enumerate();
            let mut found: Vec<Found<'_>> = hits
                .map(|(i, hit)| Found {
                    stand: group.stand,
                    address: group.address(hit),
                    hit,
                    gist: gist(i),
                })
                .collect();
            if self.find.by_layer {
                found.sort_by_key(|found| found.hit.layer);
            }
            found
        });
        places.map(Choice::Found).collect()
    }

    /// How many hits of a kind are shown.
    pub fn shown_of(&self, group: &Group) -> usize {
        let most = match self.find.stand {
            Some(_) => PLACES,
            None => OVERVIEW,
        };
        group.hits.len().min(most)
    }

    /// Why the list of places has no rows, in a sentence; `None` if it has some.
    pub fn find_status(&self) -> Option<String> {
        if self.find_query().is_none() {
            return Some(
                "type a word: dom, dom* for beginnings, /owa$/ for an expression".to_owned(),
            );
        }
        if let Some(why) = self.failure(|query| matches!(query, Query::Find(_))) {
            return Some(why.to_owned());
        }
        match self.found() {
            Some((_, true)) if !self.places_found().is_empty() => None,
            Some((answer, true)) if answer.done >= 1.0 => {
                let kind = self
                    .find
                    .stand
                    .map_or("any kind".to_owned(), |s| s.to_string());
                Some(format!(
                    "no place of {kind} is found; C-t shows other kinds"
                ))
            }
            Some((answer, true)) => {
                let done = (answer.done * 100.0).min(99.0);
                Some(format!("looking: {done:.0} %, nothing of this kind yet"))
            }
            Some((_, false)) | None => Some("looking it up …".to_owned()),
        }
    }
}
