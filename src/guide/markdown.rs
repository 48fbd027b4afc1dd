//! Markdown → blocks of styled text: the part of it that the guide's pages use.

use std::sync::Arc;

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Emphasis {
    #[default]
    None,
    Heading,
    Strong,
    Italic,
    Code,
    Link,
}

/// A piece of text in one style.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub text: String,
    pub emphasis: Emphasis,
    /// Where a link leads: `keys.md#help`, or out of the guide.
    pub target: Option<Arc<str>>,
}

impl Span {
    pub(super) fn new(text: impl Into<String>, emphasis: Emphasis) -> Self {
        Self {
            text: text.into(),
            emphasis,
            target: None,
        }
    }

    /// Another text in the same style, leading to the same place.
    pub(super) fn with(&self, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..self.clone()
        }
    }

    /// Whether another one looks the same and leads to the same place.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.emphasis == other.emphasis && self.target == other.target
    }
}

/// The anchor of a heading, as GitHub makes it.
pub fn anchor(heading: &[Span]) -> String {
    let text = heading.iter().flat_map(|span| span.text.chars());
    let kept = text.flat_map(char::to_lowercase);
    let kept = kept.filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// What a page consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarkdownBlock {
    /// `level` is 1 for the page's title.
    Heading {
        level: usize,
        text: Vec<Span>,
    },
    Paragraph(Vec<Span>),
    /// An entry of a list; `marker` is `•` or its number with a full stop.
    Item {
        marker: String,
        text: Vec<Span>,
    },
    /// Lines of a program or a shell, as they are.
    Code(Vec<String>),
    /// Rows of cells. The first row is the heading; its cells may all be empty.
    Table(Vec<Vec<Vec<Span>>>),
}

/// The blocks of a page. Comments and pictures on lines of their own are left out; Markdown that is
/// not understood stays as it is written.
pub fn blocks(markdown: &str) -> Vec<MarkdownBlock> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines().peekable();
    while let Some(line) = lines.next() {
        let text = line.trim();
        let is_comment = text.starts_with("<!--") && text.ends_with("-->");
        if text.is_empty() || is_comment || text.starts_with("![") {
            continue;
        }
        if text.starts_with("```") {
            let code = lines.by_ref().take_while(|l| l.trim_end() != "```");
            blocks.push(MarkdownBlock::Code(code.map(str::to_owned).collect()));
        } else if let Some((level, heading)) = heading(line) {
            let text = spans(heading);
            blocks.push(MarkdownBlock::Heading { level, text });
        } else if text.starts_with('|') {
            let mut rows = vec![cells(text)];
            while let Some(row) = lines.next_if(|l| l.trim_start().starts_with('|')) {
                if !is_rule(row) {
                    rows.push(cells(row.trim()));
                }
            }
            blocks.push(MarkdownBlock::Table(rows));
        } else {
            let (marker, first) = match item(text) {
                Some((marker, first)) => (Some(marker), first),
                None => (None, text),
            };
            let mut whole = first.to_owned();
            while let Some(more) = lines.next_if(|l| goes_on(l)) {
                whole.push(' ');
                whole.push_str(more.trim());
            }
            let text = spans(&whole);
            blocks.push(match marker {
                Some(marker) => MarkdownBlock::Item { marker, text },
                None => MarkdownBlock::Paragraph(text),
            });
        }
    }
    blocks
}

fn heading(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    (level > 0)
        .then(|| text.strip_prefix(' '))?
        .map(|t| (level, t.trim()))
}

/// The marker of a list's entry, and what follows it.
fn item(text: &str) -> Option<(String, &str)> {
    if let Some(rest) = text.strip_prefix("- ") {
        return Some(("•".to_owned(), rest));
    }
    let (number, rest) = text.split_once(". ")?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| (format!("{number}."), rest))
}

/// Whether a line continues the paragraph or entry above it.
fn goes_on(line: &str) -> bool {
    let text = line.trim();
    let begins = ["```", "|", "<!--"].iter().any(|s| text.starts_with(s));
    !text.is_empty() && !begins && heading(line).is_none() && item(text).is_none()
}

/// Whether a table's row only divides its heading from the rest.
fn is_rule(row: &str) -> bool {
    row.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '))
}

/// The cells of a table's row. A `|` within backticks or after a backslash divides none.
fn cells(row: &str) -> Vec<Vec<Span>> {
    let inner = row.strip_prefix('|').unwrap_or(row);
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    let mut texts = vec![String::new()];
    let (mut in_code, mut escaped) = (false, false);
    for c in inner.chars() {
        in_code ^= c == '`' && !escaped;
        match texts.last_mut() {
            Some(text) if c != '|' || in_code || escaped => {
                if c == '|' && escaped {
                    text.pop();
                }
                text.push(c);
            }
            _ => texts.push(String::new()),
        }
        escaped = c == '\\' && !escaped;
    }
    texts.iter().map(|text| spans(text.trim())).collect()
}

/// A line of text in pieces of one style.
fn spans(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        // A backslash before a mark makes it a character.
        let escaped = rest.strip_prefix('\\').and_then(|rest| rest.chars().next());
        if let Some(mark) = escaped.filter(char::is_ascii_punctuation) {
            plain.push(mark);
            rest = &rest[1 + mark.len_utf8()..];
            continue;
        }
        match marked(rest, plain.chars().next_back()) {
            Some((span, after)) => {
                if !plain.is_empty() {
                    found.push(Span::new(std::mem::take(&mut plain), Emphasis::None));
                }
                found.push(span);
                rest = after;
            }
            None => {
                plain.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    if !plain.is_empty() {
        found.push(Span::new(plain, Emphasis::None));
    }
    found
}

/// The piece that begins here with a mark of its own, and what follows it. `before` is the
/// character in front of it.
fn marked(text: &str, before: Option<char>) -> Option<(Span, &str)> {
    let ticks = text.len() - text.trim_start_matches('`').len();
    if ticks > 0 {
        let (code, after) = between(text, &"`".repeat(ticks))?;
        // A space on either side keeps a backtick apart from the marks.
        let inner = code.strip_prefix(' ').and_then(|c| c.strip_suffix(' '));
        let code = inner.filter(|c| c.contains('`')).unwrap_or(code);
        return Some((Span::new(code, Emphasis::Code), after));
    }
    if let Some((strong, after)) = between(text, "**") {
        return Some((Span::new(strong, Emphasis::Strong), after));
    }
    if let Some((italic, after)) = between(text, "*")
        && !before.is_some_and(char::is_alphanumeric)
        && !italic.starts_with(' ')
        && !italic.ends_with(' ')
    {
        return Some((Span::new(italic, Emphasis::Italic), after));
    }
    link(text)
}

/// `[text](target)`. The target is shown where it leads out of the guide.
fn link(text: &str) -> Option<(Span, &str)> {
    let (label, rest) = text
        .trim_start_matches('!')
        .strip_prefix('[')?
        .split_once("](")?;
    let (target, after) = rest.split_once(')')?;
    if label.contains(['[', ']']) {
        return None;
    }
    let text = match target.contains("://") && label != target {
        true => format!("{label} <{target}>"),
        false => label.replace('`', ""),
    };
    let mut span = Span::new(text, Emphasis::Link);
    span.target = Some(target.into());
    Some((span, after))
}

/// What stands between a mark and its next occurrence, and what follows that.
fn between<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let (inside, after) = text.strip_prefix(mark)?.split_once(mark)?;
    (!inside.is_empty()).then_some((inside, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(spans: &[Span]) -> String {
        let mark = |span: &Span| match span.emphasis {
            Emphasis::None => span.text.clone(),
            Emphasis::Heading => format!("<h {}>", span.text),
            Emphasis::Strong => format!("<b {}>", span.text),
            Emphasis::Italic => format!("<i {}>", span.text),
            Emphasis::Code => format!("<c {}>", span.text),
            Emphasis::Link => format!("<a {}>", span.text),
        };
        spans.iter().map(mark).collect()
    }

    #[test]
    fn marks_become_styles_and_what_only_looks_like_one_stays() {
        for (markdown, wanted) in [
            ("plain", "plain"),
            ("press `J` now", "press <c J> now"),
            ("`` ` `` goes back", "<c `> goes back"),
            ("**K** and *V*", "<b K> and <i V>"),
            ("**bold with `code`**", "<b bold with `code`>"),
            ("2 * 3 * 4", "2 * 3 * 4"),
            ("W*x and y*z", "W*x and y*z"),
            ("[here](models.md#the-hub).", "<a here>."),
            ("[`keys`](keys.md)", "<a keys>"),
            ("[paper](https://a.b/c)", "<a paper <https://a.b/c>>"),
            ("VO(h)[s, t] = a[b]", "VO(h)[s, t] = a[b]"),
            ("an `open end", "an `open end"),
        ] {
            assert_eq!(shown(&spans(markdown)), wanted, "{markdown}");
        }
    }

    #[test]
    fn a_page_is_read_block_by_block() {
        let page = "# Title\n\nOne\ntwo.\n- a\n  b\n- c\n2. d\n<!-- made by a test -->\n![p](q.svg)\n\
                    ```sh\n# no heading\n| no table\n```\n### Sub\n\
                    | x | `a|b` |\n|---|:-:|\n| 1 \\| 2 | |\nend\n";
        let told: Vec<String> = blocks(page)
            .iter()
            .map(|block| match block {
                MarkdownBlock::Heading { level, text } => format!("h{level} {}", shown(text)),
                MarkdownBlock::Paragraph(text) => format!("p {}", shown(text)),
                MarkdownBlock::Item { marker, text } => format!("{marker} {}", shown(text)),
                MarkdownBlock::Code(lines) => format!("code {}", lines.join("/")),
                MarkdownBlock::Table(rows) => {
                    let row = |row: &Vec<Vec<Span>>| {
                        row.iter().map(|c| shown(c)).collect::<Vec<_>>().join(";")
                    };
                    format!(
                        "table {}",
                        rows.iter().map(row).collect::<Vec<_>>().join("/")
                    )
                }
            })
            .collect();
        let wanted = [
            "h1 Title",
            "p One two.",
            "• a b",
            "• c",
            "2. d",
            "code # no heading/| no table",
            "h3 Sub",
            "table x;<c a|b>/1 | 2;",
            "p end",
        ];
        assert_eq!(told, wanted);
    }
}
