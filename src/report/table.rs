//! Aligned tables, for a terminal and for Markdown, and numbers as people write them.

use unicode_width::UnicodeWidthStr;

use super::Format;
use crate::outside::escape;

/// Where a column's cells stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A table of text: a head, and rows of as many cells.
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = (impl Into<String>, Align)>) -> Self {
        let columns = columns
            .into_iter()
            .map(|(name, align)| (escape::line(&name.into()).into_owned(), align))
            .collect();
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row, one cell a column; what a terminal would act on is escaped.
    pub fn push(&mut self, row: Vec<String>) {
        debug_assert_eq!(row.len(), self.columns.len());
        let cells = row.iter().map(|cell| escape::line(cell).into_owned());
        self.rows.push(cells.collect());
    }

    /// For people: as Markdown, or plain.
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::Markdown => self.markdown(),
            _ => self.plain(),
        }
    }

    /// For reading: two spaces between columns, no trailing space.
    pub fn plain(&self) -> String {
        let cells = |row: &[String]| row.to_vec();
        self.lines(&cells, "", "  ", "", '─').collect()
    }

    /// As a Markdown table.
    pub fn markdown(&self) -> String {
        let cells = |row: &[String]| row.iter().map(|cell| escaped(cell)).collect();
        self.lines(&cells, "| ", " | ", " |", '-').collect()
    }

    fn lines<'a>(
        &'a self,
        cells: &'a dyn Fn(&[String]) -> Vec<String>,
        before: &'a str,
        between: &'a str,
        after: &'a str,
        rule: char,
    ) -> impl Iterator<Item = String> + 'a {
        let head: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let all: Vec<Vec<String>> = std::iter::once(&head)
            .chain(&self.rows)
            .map(|row| cells(row))
            .collect();
        let width = |column: usize| {
            all.iter()
                .map(|row| row[column].width())
                .max()
                .unwrap_or_default()
                .max(2)
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let rules = self
            .columns
            .iter()
            .zip(&widths)
            .map(|((_, align), &width)| {
                let mut rule = rule.to_string().repeat(width);
                // Markdown says by a colon that numbers stand to the right.
                if *align == Align::Right && !before.is_empty() {
                    rule.pop();
                    rule.push(':');
                }
                rule
            });
        let rules = rules.collect();
        let mut rows = all.into_iter();
        let head = rows.next().into_iter();
        head.chain([rules]).chain(rows).map(move |row| {
            let padded =
                row.iter()
                    .zip(&self.columns)
                    .zip(&widths)
                    .map(|((cell, column), width)| {
                        let space = " ".repeat(width - cell.width());
                        if column.1 == Align::Left {
                            format!("{cell}{space}")
                        } else {
                            format!("{space}{cell}")
                        }
                    });
            let line = padded.collect::<Vec<_>>().join(between);
            format!("{}\n", format!("{before}{line}{after}").trim_end())
        })
    }
}

/// Text that Markdown leaves as it is.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(
            c,
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~'
        ) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A number with thousands separators: `51,200`.
pub fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A score with four significant digits at the list's own size, so that a column lines up:
/// `12.34`, `0.4120`, `0.0002150`.
pub fn score(score: f32, largest: f32) -> String {
    let whole = if largest > 0.0 && largest.is_finite() {
        largest.log10().floor()
    } else {
        0.0
    };
    format!("{score:.*}", (3.0 - whole).clamp(0.0, 12.0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_thousands() {
        let got = [0, 999, 1000, 51_200, 2_621_440_000].map(grouped);
        assert_eq!(got, ["0", "999", "1,000", "51,200", "2,621,440,000"]);
    }

    #[test]
    fn scores_have_the_digits_of_the_largest() {
        assert_eq!(
            [score(12.345, 12.345), score(1.5, 12.345)],
            ["12.35", "1.50"]
        );
        assert_eq!(score(0.412, 0.412), "0.4120");
        assert_eq!(score(-0.000_215, 0.000_215), "-0.0002150");
        assert_eq!(score(0.0, 0.0), "0.000");
    }

    #[test]
    fn wide_characters_keep_columns_in_line() {
        let mut table = Table::new([("token", Align::Left), ("n", Align::Right)]);
        table.push(vec!["日本".into(), "1".into()]);
        table.push(vec!["żona".into(), "20".into()]);
        assert_eq!(
            table.plain(),
            "token   n\n─────  ──\n日本    1\nżona   20\n"
        );
        table.push(vec!["a|b".into(), "3".into()]);
        assert!(
            table.markdown().contains("| a\\|b  |  3 |\n"),
            "{}",
            table.markdown()
        );
        assert!(
            table.markdown().contains("| ----- | -: |\n"),
            "{}",
            table.markdown()
        );
    }
}
