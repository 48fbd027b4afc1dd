//! The relations that are part of the program, ten Polish ones and ten English ones.

use crate::geometry::Language;

/// Name, what it relates, and the pairs as a file has them.
struct RelationFile {
    name: &'static str,
    meaning: &'static str,
    pairs: &'static str,
}

macro_rules! relation_files {
    ($($name:literal: $meaning:literal,)*) => {
        [$(RelationFile {
            name: $name,
            meaning: concat!("share of ", $name, " (", $meaning, ") among the 10 best of VO"),
            pairs: include_str!(concat!("../../../assets/relations/", $name, ".tsv")),
        },)*]
    };
}

static FILES: [RelationFile; 20] = relation_files! {
    "pl-capital": "country → capital",
    "pl-plural": "noun → plural",
    "pl-feminine": "masculine → feminine",
    "pl-past": "present → past",
    "pl-comparative": "adjective → comparative",
    "pl-antonym": "word → opposite",
    "pl-number": "digits → number word",
    "pl-next": "month, day, number → next",
    "pl-capitalised": "lower case → capital",
    "pl-genitive": "nominative → genitive",
    "en-capital": "country → capital",
    "en-plural": "noun → plural",
    "en-feminine": "masculine → feminine",
    "en-past": "present → past",
    "en-comparative": "adjective → comparative",
    "en-antonym": "word → opposite",
    "en-number": "digits → number word",
    "en-next": "month, day, number → next",
    "en-capitalised": "lower case → capital",
    "en-nationality": "country → adjective",
};

/// A relation that is part of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BundledRelation(u8);

impl BundledRelation {
    /// All of them, the Polish ones first.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        (0..FILES.len() as u8).map(Self)
    }

    /// Those of a language.
    pub fn of(language: Language) -> impl Iterator<Item = Self> {
        Self::all().filter(move |relation| relation.language() == language)
    }

    /// The relation of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|relation| relation.name() == name)
    }

    fn file(self) -> &'static RelationFile {
        &FILES[usize::from(self.0)]
    }

    /// `pl-capital`, as on the command line and in JSON.
    pub fn name(self) -> &'static str {
        self.file().name
    }

    /// The language of its words.
    pub fn language(self) -> Language {
        match self.name().starts_with("en-") {
            true => Language::English,
            false => Language::Polish,
        }
    }

    /// What a head's figure by it is, in words.
    pub fn meaning(self) -> &'static str {
        self.file().meaning
    }

    /// Its pairs, as a file of pairs has them: see [`Relation::parse`](super::Relation::parse).
    pub(super) fn pairs(self) -> &'static str {
        self.file().pairs
    }
}
