//! Looking up by word: what is typed, what is asked for it, and the places that were found.

use crate::explorer::action::TabId;
use crate::explorer::board::Shown;
use crate::explorer::state::{Chooser, State};
use crate::query::{
    Address, DictionaryAsk, DictionaryFound, DictionaryQuery, FindAnswer, FindQuery, Hit, Query,
    RankBy, Role, RoleHits,
};
use crate::vocabulary::{Filters, Pattern};

/// Places of each kind.
const PLACES: usize = 20;
/// Of these, where all kinds are shown.
const OVERVIEW: usize = 6;
/// First words of a neuron's list.
const GIST: usize = 8;

/// What outlives the list: it opens again as it was left.
#[derive(Clone, Default)]
pub struct Find {
    pub chooser: Chooser,
    pub by: RankBy,
    /// The only kind that is shown; `None` for all.
    pub role: Option<Role>,
    /// Whether the places lie in the order of their layers.
    pub by_layer: bool,
}

/// A place of the list.
#[derive(Clone, Copy, Debug)]
pub struct FoundPlace<'a> {
    pub role: Role,
    pub address: Address,
    pub hit: &'a Hit,
    /// The first words of the list it is in, once they are known.
    pub gist: &'a [u32],
}

impl FoundPlace<'_> {
    /// Of a head the pair in the order of its form: what is read or asks on the left.
    pub fn pair(&self) -> Option<[u32; 2]> {
        let partner = self.hit.partner?;
        Some(match self.role {
            Role::To | Role::Key => [partner, self.hit.token],
            _ => [self.hit.token, partner],
        })
    }
}

/// Whether a query looks words up: in the model, or in a dictionary.
pub(super) fn is_find(query: &Query) -> bool {
    match query {
        Query::Find(_) => true,
        Query::Dictionary(of) => matches!(of.ask, DictionaryAsk::Find { .. }),
        _ => false,
    }
}

/// The places of an answer to such a query.
pub(super) fn places(shown: &Shown) -> Option<&FindAnswer> {
    if let Some((_, answer)) = shown.of::<FindQuery>() {
        return Some(answer);
    }
    match &shown.of::<DictionaryQuery>()?.1.found {
        DictionaryFound::Places(found) => Some(found),
        _ => None,
    }
}

impl State {
    /// What the list asks for, if a word is typed.
    pub fn find_query(&self) -> Option<Query> {
        let words = Pattern::split(self.views.find.chooser.field.text());
        if self.tab == TabId::Dictionary && !words.is_empty() {
            let (by, k) = (self.views.find.by, PLACES);
            return self.dictionary_find(DictionaryAsk::Find { words, by, k });
        }
        (!words.is_empty()).then(|| {
            Query::Find(FindQuery {
                convention: self.convention(),
                words,
                by: self.views.find.by,
                input: self.views.neurons.input,
                k: PLACES,
                gist: GIST,
                heads: true,
                filters: Filters {
                    positions: false,
                    ..self.filters.per_token()
                },
            })
        })
    }

    /// The answer of which the places are on screen.
    pub fn found_shown(&self) -> Option<&Shown> {
        self.board.latest(is_find)
    }

    /// What was found, and whether it is of what is typed now.
    pub fn found(&self) -> Option<(&FindAnswer, bool)> {
        let shown = self.found_shown()?;
        Some((places(shown)?, self.wanted.contains(&shown.query)))
    }

    /// The places that Enter can go to: those of what is typed now, kind by kind.
    pub fn places_found(&self) -> Vec<FoundPlace<'_>> {
        match self.found() {
            Some((answer, true)) => self.places_of(answer),
            _ => Vec::new(),
        }
    }

    /// The places of an answer that are shown.
    pub(super) fn places_of<'a>(&self, answer: &'a FindAnswer) -> Vec<FoundPlace<'a>> {
        let shown = self.views.find.role;
        let groups = answer.groups.iter();
        let groups = groups.filter(|g| shown.is_none_or(|role| role == g.role));
        let places = groups.flat_map(|group| {
            let gist = |i: usize| group.gists.get(i).map_or(&[][..], |words| words);
            let hits = group.hits.iter().take(self.shown_of(group)).enumerate();
            let mut found: Vec<FoundPlace<'_>> = hits
                .map(|(i, hit)| FoundPlace {
                    role: group.role,
                    address: match self.tab {
                        TabId::Dictionary => Address::Direction { row: hit.index },
                        _ => self.named(group.address(hit)),
                    },
                    hit,
                    gist: gist(i),
                })
                .collect();
            if self.views.find.by_layer {
                found.sort_by_key(|found| found.hit.layer);
            }
            found
        });
        places.collect()
    }

    /// How many hits of a kind are shown.
    pub fn shown_of(&self, group: &RoleHits) -> usize {
        let most = match self.views.find.role {
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
        if let Some(why) = self.failure(is_find) {
            return Some(why.to_owned());
        }
        match self.found() {
            Some((_, true)) if !self.places_found().is_empty() => None,
            Some((answer, true)) if answer.done >= 1.0 => {
                let kind = self
                    .views
                    .find
                    .role
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
