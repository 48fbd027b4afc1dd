//! The Dictionary tab: the columns of a direction from a file, and what is similar to it.

mod draw;
mod queries;
mod similar;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, Motion, TabId};
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::files::whole_path;
use crate::explorer::keymap::Scope;
use crate::explorer::saved_view::{ViewSettings, option};
use crate::explorer::screen::Canvas;
use crate::explorer::shell::export;
use crate::explorer::state::{COLUMN_MAX, RowCursor, State};
use crate::explorer::view::{Axis, Export, Exported, Tab, View, WordLists};
use crate::explorer::views::filters::{self, Showing};
use crate::explorer::views::legend::LegendEntry;
use crate::explorer::views::neurons::COLUMN_MIN;
use crate::query::{Address, DictionarySource, NeuronColumn, Query};
use crate::sheet::{grouped, with_boundary};

/// What is said where there is no dictionary.
pub const NONE: &str = "no dictionary is open: `:` and the path of its file opens one, or --directions FILE at the start";

/// The lists after the columns: directions and neurons that are similar.
const SIMILAR: usize = NeuronColumn::ALL.len();
/// All lists.
const LISTS: usize = SIMILAR + 2;

/// Where one is in a dictionary.
#[derive(Clone, Debug, Default)]
pub struct DictionaryPlace {
    /// The dictionary; `None` if there is none.
    pub source: Option<Arc<DictionarySource>>,
    pub row: usize,
    /// The list in focus: of the columns, then of what is similar.
    focus: usize,
    /// The cursor of the columns, and that of what is similar.
    cursor: RowCursor,
    similar: RowCursor,
    /// The dictionaries of the models that were open before, by their names.
    of_models: BTreeMap<String, Arc<DictionarySource>>,
}

impl DictionaryPlace {
    /// Shows the lists from their first rows.
    pub fn to_top(&mut self) {
        (self.cursor, self.similar) = Default::default();
    }

    /// Puts a column in focus.
    pub fn focus_column(&mut self, column: NeuronColumn) {
        let at = NeuronColumn::ALL.iter().position(|other| *other == column);
        self.focus = at.unwrap_or(self.focus);
    }
}

/// The tab.
pub struct DictionaryView;

impl View for DictionaryView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Dictionary, Scope::Words, Scope::Panes]
    }

    fn page(&self) -> Option<&'static str> {
        Some("dictionaries")
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        state.dictionary_queries()
    }

    fn idle_queries(&self, state: &State) -> Vec<Query> {
        state.dictionary_idle_queries()
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        if state.tab != TabId::Dictionary {
            return None;
        }
        let dictionary = &mut state.views.dictionary;
        match action {
            Action::Negate if dictionary.focus < SIMILAR => {
                dictionary.focus = (dictionary.focus + 2) % SIMILAR;
            }
            Action::Negate => dictionary.focus = SIMILAR + (dictionary.focus + 1) % 2,
            _ => return None,
        }
        Some(Vec::new())
    }

    fn failed(&self, _: &mut State, query: &Query) -> bool {
        matches!(query, Query::Dictionary(_))
    }

    /// The dictionary that was open beside the model.
    fn opened(&self, state: &mut State) {
        let name = state.card().map(|card| card.name.clone());
        let dictionary = &mut state.views.dictionary;
        let known = name.and_then(|name| dictionary.of_models.get(&name).cloned());
        (dictionary.source, dictionary.row) = (known, 0);
        if dictionary.source.is_none() && state.tab == TabId::Dictionary {
            state.tab = TabId::default();
        }
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn export(&self, state: &State) -> Option<Export> {
        let source = state.views.dictionary.source.as_ref()?;
        let file = source.path.file_stem();
        let file = file.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let in_focus = match state.views.dictionary.focus {
            SIMILAR.. => state.similar_shown(),
            _ => state.direction_shown(),
        };
        let all = state.direction_shown().into_iter();
        Some(Export {
            name: format!("{file}-D{}", state.views.dictionary.row),
            what: Exported::Answers {
                in_focus: in_focus.into_iter().cloned().collect(),
                all: all.chain(state.similar_shown()).cloned().collect(),
            },
        })
    }

    fn commands(&self, state: &State) -> Vec<String> {
        match state.views.dictionary.focus {
            SIMILAR.. => {
                let shown: Vec<Shown> = state.similar_shown().into_iter().cloned().collect();
                export::commands_of(state, &shown)
            }
            _ => export::command_in_focus(state, self),
        }
    }

    fn lines(&self, state: &State) -> (String, Vec<String>) {
        let focus = state.views.dictionary.focus;
        if focus >= SIMILAR {
            return similar::text(state, focus - SIMILAR);
        }
        let shown = state.direction().filter(|(_, fresh)| *fresh);
        let (Some(card), Some((of, _))) = (state.card(), shown) else {
            return (String::new(), Vec::new());
        };
        let asked = state.views.dictionary.cursor.rows(COLUMN_MIN, COLUMN_MAX);
        let rows = of.columns[focus].iter().take(asked);
        let line = |row: &crate::projection::Scored| {
            format!("{}\t{}", with_boundary(&card.vocabulary, row.id), row.score)
        };
        let column = NeuronColumn::ALL[focus];
        let what = format!("{column} of {}", state.address());
        (what, rows.map(line).collect())
    }

    fn legend(&self, _: &State, text: &str) -> Vec<LegendEntry> {
        let rows = [
            (
                "K",
                "words that the direction is active on: along its encoder's row, or along the row itself \
                 if it is said to be read",
            ),
            ("V", "words that it writes: along its decoder's row"),
            ("−K", "the low end of K"),
            ("−V", "the low end of V"),
        ];
        let shown = rows.into_iter().filter(|(sign, _)| {
            let title = |end: &str| text.contains(&format!("─ {sign}{end}"));
            title(" ") || text.contains(&format!("▌{sign} "))
        });
        let mut entries: Vec<LegendEntry> = shown
            .map(|(sign, words)| LegendEntry::new(sign, words, &["−"]))
            .collect();
        if text.contains("threshold") {
            let words = "activations up to it count as none";
            entries.push(LegendEntry::new("threshold", words, &["threshold"]));
        }
        if text.contains("‖K‖") || text.contains("‖V‖") {
            let words = "lengths of the direction's rows, as the file has them";
            entries.push(LegendEntry::new("‖K‖ ‖V‖", words, &["‖K‖", "‖V‖"]));
        }
        if text.contains("Similar") || text.contains("Neurons like it") {
            let words = "the directions of the file, and the model's neurons, with the largest cosines to \
                         it whatever their sign, by what they read (K) or write (V); Enter goes there";
            entries.push(LegendEntry::new("K 0.83", words, &["Similar"]));
        }
        entries
    }
}

impl Tab for DictionaryView {
    fn title(&self) -> &'static str {
        "Dictionary"
    }

    fn name(&self) -> &'static str {
        "dictionary"
    }

    fn is_there(&self, state: &State) -> bool {
        state.views.dictionary.source.is_some()
    }

    fn check(
        &self,
        state: &State,
        address: Address,
        settings: Option<&ViewSettings>,
    ) -> Result<(), String> {
        if settings.is_some_and(|settings| settings.dictionary.is_some()) {
            return Ok(());
        }
        if !self.is_there(state) {
            return Err(NONE.to_owned());
        }
        match (address, state.dictionary_card()) {
            (Address::Direction { row }, Some(card)) if row >= card.count => {
                let last = grouped(card.count.saturating_sub(1));
                Err(format!(
                    "there is no direction {row}: the last one is {last}"
                ))
            }
            _ => Ok(()),
        }
    }

    fn address(&self, state: &State) -> Address {
        let row = state.views.dictionary.row;
        Address::Direction { row }
    }

    fn holds(&self, address: Address) -> bool {
        matches!(address, Address::Direction { .. })
    }

    fn place(&self, state: &mut State, address: Address) {
        if let Address::Direction { row } = address {
            state.views.dictionary.row = row;
        }
    }

    fn number(&self, _: &State) -> String {
        "D".to_owned()
    }

    fn axis<'s>(&self, state: &'s mut State, motion: Motion) -> Option<Axis<'s>> {
        if matches!(motion, Motion::Left | Motion::Right) {
            return None;
        }
        let len = state.dictionary_card()?.count;
        Some(Axis {
            what: "direction",
            first: 0,
            len,
            at: &mut state.views.dictionary.row,
        })
    }

    fn anywhere(&self, state: &mut State) -> Address {
        let count = state.dictionary_card().map_or(1, |card| card.count);
        let row = state.random.usize(0..count.max(1));
        Address::Direction { row }
    }

    fn ranked(&self, state: &State) -> Vec<Address> {
        let ranked = state.dictionary_ranked();
        let items = ranked.map_or(&[][..], |answer| &answer.items);
        let address = |item: &crate::query::RankedItem| Address::Direction { row: item.item };
        items.iter().map(address).collect()
    }

    fn settings(&self, state: &State) -> ViewSettings {
        let focus = state.views.dictionary.focus;
        ViewSettings {
            column: NeuronColumn::ALL.get(focus).copied().unwrap_or_default(),
            convention: state.convention,
            filters: state.filters.clone(),
            dictionary: state.views.dictionary.source.clone(),
            ..ViewSettings::default()
        }
    }

    fn options(&self, settings: &ViewSettings) -> Vec<Vec<String>> {
        let source = settings
            .dictionary
            .iter()
            .flat_map(|source| source.options());
        let mut own: Vec<Vec<String>> = source.map(|(name, value)| option(name, &value)).collect();
        if settings.column != NeuronColumn::default() {
            own.push(option("--column", settings.column.name()));
        }
        settings.of_words(own)
    }

    fn restore(&self, state: &mut State, settings: &ViewSettings) -> Vec<Effect> {
        let name = state.card().map(|card| card.name.clone());
        let dictionary = &mut state.views.dictionary;
        if let Some(source) = &settings.dictionary {
            let source = Arc::new(DictionarySource {
                path: whole_path(&source.path),
                options: source.options.clone(),
            });
            if let Some(name) = name {
                dictionary.of_models.insert(name, Arc::clone(&source));
            }
            dictionary.source = Some(source);
        }
        // What is similar is kept in focus: one came back from it.
        if dictionary.focus < SIMILAR || settings.column != NeuronColumn::default() {
            dictionary.focus_column(settings.column);
        }
        filters::restore(state, settings)
    }

    fn words(&self) -> Option<&dyn WordLists> {
        Some(self)
    }

    fn focus(&self, state: &State) -> Option<Query> {
        state.direction_query().map(Query::Dictionary)
    }

    fn rows_asked(&self, state: &State, _: &Query) -> usize {
        state.views.dictionary.cursor.rows(COLUMN_MIN, COLUMN_MAX)
    }

    fn settings_line(&self, canvas: &mut Canvas, row: Rect) {
        let state = canvas.state;
        let column = state.views.dictionary.focus;
        let showing = state.direction().map(|(of, _)| {
            let showing = Showing {
                // A file may say nothing of one side.
                shown: of.columns.iter().map(Vec::len).max().unwrap_or_default(),
                passing: of.passing,
                rows: of.rows,
                pairs: false,
            };
            filters::showing(state, showing)
        });
        filters::line(canvas, row, None, showing.filter(|_| column < SIMILAR));
    }
}
