//! Where one is in the guide, and what stands there.

use crate::explorer::state::Field;
use crate::explorer::widget;
use crate::guide::{self, MarkdownBlock, Page, PageLine, anchor};

/// Where one is in the guide.
#[derive(Clone, Debug, Default)]
pub struct Guide {
    /// The page's place in the order of the pages.
    pub page: usize,
    /// The first row on screen.
    pub first: usize,
    /// The link that Enter follows, by its place among those of the page.
    pub link: Option<usize>,
    /// Pages that links led away from, with their first rows, the latest last.
    pub before: Vec<(usize, usize)>,
    /// What is looked for in the page.
    pub search: Field,
    /// Whether that is being typed.
    pub typing: bool,
    /// The row of the last match.
    pub found: Option<usize>,
}

/// A link of a page: its rows, and where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageLink {
    pub first: usize,
    pub last: usize,
    pub target: String,
}

impl Guide {
    /// The page.
    pub fn shown(&self) -> &'static Page {
        let pages = guide::pages();
        &pages[self.page.min(pages.len() - 1)]
    }

    /// The page's lines, of so many cells.
    pub fn lines(&self, cells: usize) -> Vec<PageLine> {
        guide::lines(&guide::blocks(self.shown().text), cells, widget::width)
    }

    /// The largest first row: with it the page's last row is the screen's.
    pub fn last_first(&self, cells: usize, rows: usize) -> usize {
        self.lines(cells).len().saturating_sub(rows)
    }

    /// The line of a heading, by its anchor.
    pub fn line_of(&self, wanted: &str, cells: usize) -> Option<usize> {
        let blocks = guide::blocks(self.shown().text);
        let is_heading = |block: &MarkdownBlock| match block {
            MarkdownBlock::Heading { text, .. } => anchor(text) == wanted,
            MarkdownBlock::Paragraph(_)
            | MarkdownBlock::Item { .. }
            | MarkdownBlock::Code(_)
            | MarkdownBlock::Table(_) => false,
        };
        let at = blocks.iter().position(is_heading)?;
        let rows = |blocks| guide::lines(blocks, cells, widget::width).len();
        Some(rows(&blocks[..=at]) - rows(&blocks[at..=at]))
    }

    /// The rows in which a text stands, letter case aside.
    pub fn matches(&self, lines: &[PageLine]) -> Vec<usize> {
        let wanted = self.search.text().trim().to_lowercase();
        let holds = |line: &PageLine| text(line).to_lowercase().contains(&wanted);
        let rows = lines.iter().enumerate();
        let rows = rows.filter(|(_, line)| !wanted.is_empty() && holds(line));
        rows.map(|(row, _)| row).collect()
    }
}

/// A line without its styles.
pub fn text(line: &PageLine) -> String {
    line.iter().map(|span| &*span.text).collect()
}

/// The links of a page, from its top on. One that is broken over two rows is one.
pub fn links(lines: &[PageLine]) -> Vec<PageLink> {
    let mut links: Vec<PageLink> = Vec::new();
    for (row, line) in lines.iter().enumerate() {
        for (at, span) in line.iter().enumerate() {
            let Some(target) = &span.target else { continue };
            match links.last_mut() {
                Some(link) if at == 0 && link.last + 1 == row && link.target == **target => {
                    link.last = row;
                }
                _ => links.push(PageLink {
                    first: row,
                    last: row,
                    target: target.to_string(),
                }),
            }
        }
    }
    links
}
