//! The guide: the pages of `assets/guide`, which are part of the program, and their text as blocks
//! that a terminal can draw.

mod layout;
mod markdown;

pub use layout::{PageLine, lines};
pub use markdown::{Emphasis, MarkdownBlock, Span, anchor, blocks};

/// A page of the guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its name on the command line; its file is `assets/guide/TOPIC.md`.
    pub topic: &'static str,
    /// What it is about, in one line.
    pub summary: &'static str,
    /// Markdown, as it lies in the file.
    pub text: &'static str,
}

impl Page {
    /// Its first heading.
    pub fn title(&self) -> &'static str {
        let first = self.text.lines().next().unwrap_or_default();
        first.trim_start_matches('#').trim()
    }
}

macro_rules! page {
    ($topic:literal, $summary:literal) => {
        Page {
            topic: $topic,
            summary: $summary,
            text: include_str!(concat!("../../assets/guide/", $topic, ".md")),
        }
    };
}

/// Every page, in the order in which they are best read.
const PAGES: &[Page] = &[
    page!(
        "reading-lists",
        "the explorer step by step: neurons, heads, look-up, directions"
    ),
    page!("keys", "every key, screen by screen"),
    page!(
        "prompt",
        "from a sentence to a weight: what a text sets off in a model, and what changes when a part is switched off"
    ),
    page!(
        "tuned",
        "what a fine-tune or an adapter changed: neurons, heads, directions"
    ),
    page!(
        "geometry",
        "how contextual embeddings spread through the layers"
    ),
    page!(
        "definitions",
        "what each list, score and measure is, as a formula"
    ),
    page!(
        "conventions",
        "norms, biases and lengths: how weights become words, and how far to trust a list"
    ),
    page!(
        "undertrained-tokens",
        "tokens that training hardly saw: how they are found, and how well"
    ),
    page!(
        "relations",
        "which heads map words to related words, what heads attend to, neurons that are alike"
    ),
    page!(
        "models",
        "what can be opened: families, files, tokenizers, the hub, models larger than memory"
    ),
    page!(
        "commands",
        "the same answers from the command line: filters, formats, exit status"
    ),
    page!(
        "lens",
        "through a fitted Jacobian lens: early layers in the words of the last, and fitting one"
    ),
    page!(
        "dictionaries",
        "directions from files: autoencoders, transcoders and any rows, as words"
    ),
    page!(
        "scan",
        "every list of a model as one table, on one machine or many"
    ),
    page!(
        "marks-and-exports",
        "addresses, views, bookmarks, history, and what an export contains"
    ),
    page!(
        "files",
        "where settings, marks, caches and logs are kept, and the environment variables"
    ),
    page!(
        "terminals",
        "what is asked of a terminal, and what happens in poor ones"
    ),
    page!("performance", "how fast it is, and how that is measured"),
    page!("gpu", "builds that compute on a GPU"),
    page!(
        "developers",
        "the map of the code, how to extend it, how it is tested"
    ),
];

/// Every page, in the order in which they are best read.
pub fn pages() -> &'static [Page] {
    PAGES
}

/// The page of a topic.
pub fn page(topic: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.topic == topic)
}
