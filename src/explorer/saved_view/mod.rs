//! A saved view: a place together with everything that decides what stands there. Marks, the
//! session, the history and copied addresses hold it. Its text is an address, then options as on
//! the command line: `L3.N103 --convention gain+cosine --ascii`.

mod read;
mod tab_options;
mod view_error;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::action::TabId;
use super::prompt_settings::PromptSettings;
use super::views::geometry::ChartSettings;
use crate::geometry::Texts;
use crate::projection::End;
use crate::query::sheet::Depth;
use crate::query::{Address, Convention, DictionarySource, NeuronColumn};
use crate::sheet::{filter_options, shell_line};
use crate::transformer::Input;
use crate::vocabulary::{FileSource, Filters};

pub use crate::sheet::option;
pub use view_error::ViewError;

/// Letters of a file's name that settings may take.
const NAME_LETTERS: usize = 80;

/// A place, and how it is looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedView {
    /// The model as the user named it; `None`: the one that is open.
    pub model: Option<String>,
    /// Of a head with the form in focus.
    pub address: Address,
    /// `None`: whatever is set where one is.
    pub settings: Option<Box<ViewSettings>>,
}

/// All that decides what stands at a place. What the place's pane does not have is as by default.
#[derive(Clone, Debug, PartialEq)]
pub struct ViewSettings {
    pub convention: Convention,
    /// Words and texts that are named by their files alone are empty until they are read.
    pub filters: Filters,
    pub shows: Shows,
    /// Neurons: the column in focus.
    pub column: NeuronColumn,
    /// Neurons: which input of a gated one is its key.
    pub input: Input,
    /// Heads: which end of the pairs.
    pub end: End,
    /// Heads: how many positions the key lies behind the query.
    pub distance: usize,
    /// The prompt.
    pub prompt: PromptSettings,
    /// The dictionary of a direction: the one that is open where it is none.
    pub dictionary: Option<Arc<DictionarySource>>,
    /// Geometry. Texts that are named by their file alone are empty until they are read.
    pub chart: ChartSettings,
}

impl Default for ViewSettings {
    /// What a text without options says.
    fn default() -> Self {
        Self {
            convention: Convention::RAW,
            filters: Filters::default(),
            shows: Shows::default(),
            column: NeuronColumn::default(),
            input: Input::default(),
            end: End::default(),
            distance: 0,
            prompt: PromptSettings::default(),
            dictionary: None,
            chart: ChartSettings {
                depth: Depth::Relative,
                token: None,
                ..ChartSettings::default()
            },
        }
    }
}

/// What stands in a pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shows {
    /// Columns of words, lists of pairs, a chart.
    #[default]
    Lists,
    /// Singular directions, of neurons and heads.
    Directions,
    /// What a neuron or head is linked to, on top of its lists.
    Links,
    /// Points: of a neuron's column, or of a token's occurrences.
    Points,
}

impl Shows {
    /// By what is switched on.
    pub fn of(directions: bool, points: bool) -> Self {
        match (directions, points) {
            (true, _) => Self::Directions,
            (_, true) => Self::Points,
            (false, false) => Self::Lists,
        }
    }
}

impl From<Address> for SavedView {
    fn from(address: Address) -> Self {
        Self {
            model: None,
            address,
            settings: None,
        }
    }
}

impl SavedView {
    /// The first direction of a dictionary.
    pub fn of_dictionary(source: DictionarySource) -> Self {
        let settings = ViewSettings {
            dictionary: Some(Arc::new(source)),
            ..ViewSettings::default()
        };
        Self {
            settings: Some(Box::new(settings)),
            ..Self::from(Address::Direction { row: 0 })
        }
    }

    /// Whether both are the same place of the same model, however it is looked at.
    pub fn same_place(&self, other: &Self) -> bool {
        self.model == other.model && self.address.without_form() == other.address.without_form()
    }

    /// Whether both are about one text of the Prompt pane or one dictionary, or about none.
    pub fn same_subject(&self, other: &Self) -> bool {
        let text = |view: &Self| {
            let settings = view.settings.as_ref()?;
            let of_prompt = matches!(view.address, Address::Token { .. });
            of_prompt.then(|| settings.prompt.text.clone())
        };
        let dictionary = |view: &Self| {
            let settings = view.settings.as_ref()?;
            let of_one = matches!(view.address, Address::Direction { .. });
            of_one.then(|| settings.dictionary.clone())
        };
        text(self) == text(other) && dictionary(self) == dictionary(other)
    }

    /// The same view whichever list of it is in focus, as text.
    pub fn without_focus(&self) -> String {
        let mut view = self.clone();
        view.address = view.address.without_form();
        if let Some(settings) = &mut view.settings {
            settings.column = NeuronColumn::default();
        }
        view.to_string()
    }

    /// Its settings as options of the command line, the value with its name.
    fn options(&self) -> Vec<Vec<String>> {
        let Some(settings) = &self.settings else {
            return Vec::new();
        };
        tab_of(self.address).map_or_else(Vec::new, |tab| tab.tab().options(settings))
    }

    /// Its settings as a part of a file's name, so that no two views share a name: empty for raw lists
    /// without filters, else `-gain+cosine-ascii`.
    pub fn name_part(&self) -> String {
        let mut name = String::new();
        for option in self.options() {
            let [flag, value @ ..] = &option[..] else {
                continue;
            };
            let flag = flag.trim_start_matches('-');
            let part = match (flag, value.first().map(String::as_str)) {
                // The place, what is always said, and what a file holds all of.
                ("convention", Some("raw"))
                | ("directions" | "layer" | "target" | "side" | "hook" | "tensor", Some(_))
                | ("column" | "by-layer" | "measure" | "words-sha256" | "text-sha256", _) => {
                    continue;
                }
                ("convention", Some(value)) => value.to_owned(),
                // A map's name has its token already; other measures have none.
                ("token", _) if !self.of_token() => continue,
                ("words" | "text" | "texts", Some(path)) => {
                    let file = path.rsplit(['/', '\\']).next().unwrap_or(path);
                    format!("{flag}-{file}")
                }
                (_, Some(value)) => format!("{flag}-{value}"),
                (_, None) => flag.to_owned(),
            };
            name.push('-');
            name.push_str(&part);
        }
        let plain = |c: char| match c.is_alphanumeric() || "+._-=".contains(c) {
            true => c,
            false => '_',
        };
        let safe: String = name.chars().map(plain).collect();
        if safe == name && name.chars().count() <= NAME_LETTERS {
            return safe;
        }
        // What was cut or replaced tells views apart still.
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let beginning: String = safe.chars().take(NAME_LETTERS).collect();
        format!("{beginning}-{:04x}", hasher.finish() & 0xffff)
    }

    /// Whether its token decides what its file holds, and is not said elsewhere in the name.
    fn of_token(&self) -> bool {
        let settings = self.settings.as_ref();
        settings.is_some_and(|s| s.chart.measure.of_token() && s.shows == Shows::Lists)
    }

    /// In what it differs from another view of the same pane, in a few words each: what this one
    /// has, then what it lacks. Which list is in focus makes no difference.
    pub fn unlike(&self, other: &Self) -> Vec<String> {
        let words = |options: &[Vec<String>]| -> Vec<String> {
            let shown = options
                .iter()
                .filter(|option| !option[0].ends_with("-sha256"))
                .filter(|option| !option[0].starts_with("--column"));
            let named = shown.map(|option| option.join(" ").trim_start_matches('-').to_owned());
            named.collect()
        };
        let (mine, theirs) = (words(&self.options()), words(&other.options()));
        let name = |option: &str| option.split(' ').next().unwrap_or_default().to_owned();
        let mut unlike: Vec<String> = mine
            .iter()
            .filter(|option| !theirs.contains(option))
            .map(|option| option.trim_start_matches("convention ").to_owned())
            .collect();
        let lacks = theirs
            .iter()
            .filter(|option| mine.iter().all(|own| name(own) != name(option)));
        unlike.extend(lacks.map(|option| format!("no {option}")));
        unlike
    }
}

impl fmt::Display for SavedView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        for option in self.options() {
            write!(f, " {}", shell_line(&option))?;
        }
        Ok(())
    }
}

impl ViewSettings {
    /// As options of the command line, each with its value, of a tab of words; with those that are
    /// the tab's own.
    pub fn of_words(&self, own: Vec<Vec<String>>) -> Vec<Vec<String>> {
        let mut options = vec![option("--convention", &self.convention.name())];
        options.extend(own);
        options.extend(self.shown());
        options.extend(pairs(filter_options(&self.filters)));
        let words = self.filters.words.as_ref().and_then(|w| w.source.as_ref());
        let text = self.filters.text.as_ref().and_then(|t| t.source.as_ref());
        for (name, source) in [("--words-sha256", words), ("--text-sha256", text)] {
            let known = source.filter(|source| !source.sha256.is_empty());
            options.extend(known.map(|source| option(name, &source.sha256)));
        }
        options
    }

    /// As options of the command line, each with its value, of a prompt. Changes that are off are left
    /// out.
    pub fn of_prompt(&self) -> Vec<Vec<String>> {
        let prompt = &self.prompt;
        let mut options = Vec::new();
        if !prompt.text.is_empty() {
            options.push(option("--text", &prompt.text));
        }
        if prompt.special {
            options.push(vec!["--special".to_owned()]);
        }
        if prompt.chat {
            options.push(vec!["--chat".to_owned()]);
        }
        let words = [("--target", &prompt.target), ("--against", &prompt.against)];
        for (name, word) in words {
            options.extend(word.iter().map(|word| option(name, word)));
        }
        let on = prompt.changes.iter().filter(|listed| listed.on);
        options.extend(on.map(|listed| {
            let (name, value) = listed.change.option();
            option(name, &value)
        }));
        if let Some(how) = prompt.goes_on {
            options.push(option("--continue", &how.tokens.to_string()));
            options.extend(how.seed.map(|seed| option("--seed", &seed.to_string())));
        }
        if prompt.shade != Default::default() {
            options.push(option("--shade", prompt.shade.name()));
        }
        options
    }

    /// As options of the command line, each with its value, of a chart.
    pub fn of_chart(&self) -> Vec<Vec<String>> {
        let chart = &self.chart;
        let mut options = vec![option("--measure", chart.measure.name())];
        let flags = [
            (chart.corrected, "--corrected"),
            (chart.depth == Depth::State, "--by-layer"),
            (chart.log, "--log"),
            (chart.skip_first, "--skip-first"),
            (chart.skip_special, "--skip-special"),
        ];
        let on = flags.into_iter().filter(|(on, _)| *on);
        options.extend(on.map(|(_, name)| vec![name.to_owned()]));
        options.extend(chart.token.iter().map(|token| option("--token", token)));
        if chart.pieces != Default::default() {
            options.push(option("--pieces", chart.pieces.name()));
        }
        if chart.without_dominant > 0 {
            let dimensions = chart.without_dominant.to_string();
            options.push(option("--without-dominant", &dimensions));
        }
        match &chart.texts.path {
            Some(path) => options.push(option("--texts", &path.to_string_lossy())),
            None if chart.texts.label == Texts::TYPED => {
                let texts = chart.texts.texts.iter();
                options.extend(texts.map(|text| option("--text", text)));
            }
            None => {
                // Those that fit the model are taken by themselves.
                let chosen = chart.texts.language().filter(|_| chart.fitting.is_none());
                options.extend(chosen.map(|language| option("--texts", language.name())));
            }
        }
        options.extend(self.shown());
        options
    }

    fn shown(&self) -> Option<Vec<String>> {
        match self.shows {
            Shows::Lists => None,
            Shows::Directions => Some(vec!["--directions".to_owned()]),
            Shows::Links => Some(vec!["--links".to_owned()]),
            Shows::Points => Some(vec!["--points".to_owned()]),
        }
    }

    /// The files that its filters name and that are not read yet.
    pub fn unread(&self) -> Unread<'_> {
        let words = self.filters.words.as_ref();
        let text = self.filters.text.as_ref();
        Unread {
            words: words
                .filter(|words| words.words.is_empty())
                .and_then(|words| words.source.as_ref()),
            text: text
                .filter(|text| text.text.is_empty())
                .and_then(|text| text.source.as_ref()),
        }
    }
}

/// Files of filters that are not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread<'a> {
    pub words: Option<&'a FileSource>,
    pub text: Option<&'a FileSource>,
}

/// The tab of a place; a layer has none of its own.
pub fn tab_of(address: Address) -> Option<TabId> {
    TabId::ALL.into_iter().find(|id| id.tab().holds(address))
}

/// Options in a row, each with its value: a word that is no option is the value of the one before.
fn pairs(words: Vec<String>) -> Vec<Vec<String>> {
    let mut options: Vec<Vec<String>> = Vec::new();
    for word in words {
        match options.last_mut() {
            Some(option) if !word.starts_with("--") => option.push(word),
            _ => options.push(vec![word]),
        }
    }
    options
}

#[cfg(test)]
mod tests;
