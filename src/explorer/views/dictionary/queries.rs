//! What the Dictionary tab asks, and what of it is on the board.

use std::path::Path;
use std::sync::Arc;

use super::SIMILAR;
use crate::explorer::action::TabId;
use crate::explorer::board::Shown;
use crate::explorer::saved_view::SavedView;
use crate::explorer::state::{COLUMN_MAX, State};
use crate::explorer::views::neurons::COLUMN_MIN;
use crate::query::{
    Convention, DictionaryAsk, DictionaryCard, DictionaryFound, DictionaryQuery, DictionarySource,
    DirectionColumns, Query, RankAnswer, RankQuery, SimilarVectors,
};
use crate::vocabulary::Filters;

/// A column is asked for at first for no longer, however high the screen is.
const COLUMN_FIRST_MAX: usize = 200;
/// Directions, and neurons, that are similar.
const LIKE: usize = 20;
/// Directions of a ranking.
const RANKED: usize = 100;
/// Ends of the names of files that hold directions.
const ENDINGS: [&str; 4] = [".safetensors", ".npz", ".npy", ".pt"];

impl State {
    fn of_dictionary(&self, ask: DictionaryAsk) -> Option<DictionaryQuery> {
        let source = self.views.dictionary.source.clone()?;
        let (filters, convention) = match ask {
            DictionaryAsk::About => (Filters::default(), Convention::RAW),
            // No words are in it.
            DictionaryAsk::Similar { .. } => (Filters::default(), self.convention()),
            _ => (self.filters.per_token(), self.convention()),
        };
        Some(DictionaryQuery {
            source,
            ask,
            filters,
            convention,
        })
    }

    /// The columns of the direction one is at.
    pub fn direction_query(&self) -> Option<DictionaryQuery> {
        let row = self.views.dictionary.row;
        let room = self.regions.list_rows;
        let least = room
            .next_multiple_of(10)
            .clamp(COLUMN_MIN, COLUMN_FIRST_MAX);
        let k = self.views.dictionary.cursor.length(least, room, COLUMN_MAX);
        self.of_dictionary(DictionaryAsk::Direction { row, k })
    }

    /// What the tab shows.
    pub(super) fn dictionary_queries(&self) -> Vec<Query> {
        let about = self.of_dictionary(DictionaryAsk::About);
        let asked = self.direction_query().into_iter().chain(about);
        let asked = asked.map(Query::Dictionary);
        let mut queries: Vec<Query> = asked.collect();
        queries.push(Query::Undertrained);
        queries.extend(self.convention_query());
        queries
    }

    /// What is similar to the direction.
    pub(super) fn dictionary_idle_queries(&self) -> Vec<Query> {
        let similar = self.similar_query();
        similar.map(Query::Dictionary).into_iter().collect()
    }

    fn similar_query(&self) -> Option<DictionaryQuery> {
        let row = self.views.dictionary.row;
        self.of_dictionary(DictionaryAsk::Similar { row, n: LIKE })
    }

    /// What looks words up in the dictionary.
    pub fn dictionary_find(&self, ask: DictionaryAsk) -> Option<Query> {
        let query = self.of_dictionary(ask).map(|mut query| {
            query.filters.positions = false;
            query
        });
        query.map(Query::Dictionary)
    }

    /// What ranks its directions.
    pub fn dictionary_rank(&self) -> Option<DictionaryQuery> {
        self.of_dictionary(DictionaryAsk::Rank {
            by: self.views.ranking.directions_by,
            count: RANKED,
            words: RankQuery::WORDS,
        })
    }

    /// Its ranking by the measure of the list, as far as it is known.
    pub fn dictionary_ranked(&self) -> Option<&RankAnswer> {
        let query = self.dictionary_rank()?;
        let shown = self.board.get(&Query::Dictionary(query))?;
        match &shown.of::<DictionaryQuery>()?.1.found {
            DictionaryFound::Ranked(ranked) => Some(ranked),
            _ => None,
        }
    }

    /// What the dictionary is, once it is open.
    pub fn dictionary_card(&self) -> Option<&DictionaryCard> {
        let source = self.views.dictionary.source.as_ref()?;
        let own = |query: &Query| matches!(query, Query::Dictionary(of) if of.source == *source);
        let (_, answer) = self.board.latest(own)?.of::<DictionaryQuery>()?;
        Some(&answer.card)
    }

    /// The answer of which the columns are on screen.
    pub(super) fn direction_shown(&self) -> Option<&Shown> {
        let source = self.views.dictionary.source.as_ref()?;
        self.board.latest(|query| {
            matches!(query, Query::Dictionary(DictionaryQuery {
                source: of,
                ask: DictionaryAsk::Direction { .. },
                ..
            }) if of == source)
        })
    }

    /// The direction's columns on screen, and whether they are those of the place one is at.
    pub fn direction(&self) -> Option<(&DirectionColumns, bool)> {
        let shown = self.direction_shown()?;
        match &shown.of::<DictionaryQuery>()?.1.found {
            DictionaryFound::Direction(of) => Some((of, self.wants_list(&shown.query))),
            _ => None,
        }
    }

    /// What is similar, once it is known.
    pub(super) fn similar_shown(&self) -> Option<&Shown> {
        self.board.get(&Query::Dictionary(self.similar_query()?))
    }

    /// What is similar of each side.
    pub(super) fn similar(&self) -> Option<&[SimilarVectors]> {
        match &self.similar_shown()?.of::<DictionaryQuery>()?.1.found {
            DictionaryFound::Similar(sides) => Some(sides),
            _ => None,
        }
    }

    /// The view of a dictionary whose path is typed, with what else is said of it as on the command
    /// line; `None` if it does not look like a path.
    pub fn named_dictionary(&self, text: &str) -> Option<SavedView> {
        let path = text.split_whitespace().next()?;
        let folder = ["/", "./", "../", "~/"];
        let looks = folder.iter().any(|begin| path.starts_with(begin))
            || ENDINGS.iter().any(|end| path.ends_with(end));
        let view = format!("D0 --directions {text}");
        let view: SavedView = looks.then(|| view.parse().ok())??;
        let source: Arc<DictionarySource> = view.settings?.dictionary?;
        let mut settings = TabId::Dictionary.tab().settings(self);
        settings.dictionary = Some(source);
        Some(SavedView {
            settings: Some(Box::new(settings)),
            ..SavedView::from(view.address)
        })
    }

    /// The name of the dictionary's file.
    pub(super) fn dictionary_name(&self) -> String {
        let source = self.views.dictionary.source.as_ref();
        let name = source.and_then(|source| Path::new(&source.path).file_name());
        name.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    }

    /// Whether a list of similar things is in focus.
    pub(super) fn looks_at_similar(&self) -> bool {
        self.views.dictionary.focus >= SIMILAR
    }
}
