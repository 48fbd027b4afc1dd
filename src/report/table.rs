//! Sheets for reading: aligned tables with the lines around them, plain or as Markdown.

use unicode_width::UnicodeWidthStr;

use crate::outside::escape;
use crate::sheet::{
    Block, Cell, NumberForm, Provenance, Section, Sheet, TokenNames, VERSION, grouped, score,
};

/// How tables and lines are marked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Two spaces between columns.
    Plain,
    Markdown,
}

/// What a person reads of a sheet, ending with where it comes from and the command that makes it.
pub(super) fn write(sheet: &Sheet, style: Style) -> String {
    let mut out = String::new();
    for block in &sheet.blocks {
        match (block, style) {
            (Block::Text(text), _) => out += &escape::lines(text),
            (Block::Heading(text), Style::Plain) => {
                out += &format!("\n{}\n", escape::line(text));
            }
            (Block::Heading(text), Style::Markdown) => {
                out += &format!("\n## {}\n\n", escape::line(text));
            }
            (Block::Table { sections, rows }, _) => {
                let sections = sections.iter().filter_map(|&at| sheet.sections.get(at));
                let sections: Vec<&Section> = sections.collect();
                out += &table(&sections, *rows, &sheet.names, style);
            }
        }
    }
    match &sheet.provenance {
        Some(provenance) => out + &ending(provenance, style),
        None => out,
    }
}

/// What a sheet is of, and the command, a line each.
fn ending(provenance: &Provenance, style: Style) -> String {
    let said = format!("{} · lexiscope {VERSION}", provenance.said);
    let said = escape::line(&said);
    let format = match style {
        Style::Plain => "table",
        Style::Markdown => "markdown",
    };
    let command = provenance
        .command
        .as_ref()
        .map(|command| command.in_format(format));
    let command = command.as_deref().map(escape::line);
    match (style, command) {
        (Style::Markdown, Some(command)) => {
            // A span of code ends where as many backticks stand as it began with.
            let fence = if command.contains('`') { "``" } else { "`" };
            format!("\n{}  \n{fence}{command}{fence}\n", escaped(&said))
        }
        (Style::Markdown, None) => format!("\n{}\n", escaped(&said)),
        (Style::Plain, Some(command)) => format!("\n{said}\n{command}\n"),
        (Style::Plain, None) => format!("\n{said}\n"),
    }
}

/// A column of a table, its head first.
struct TextColumn {
    cells: Vec<String>,
    right: bool,
}

/// Sections side by side, of each at most `rows`; what a terminal would act on is escaped.
fn table(sections: &[&Section], rows: usize, names: &TokenNames, style: Style) -> String {
    let most = sections.iter().map(|section| section.rows).max();
    let rows = rows.min(most.unwrap_or_default());
    let mut columns = Vec::new();
    for section in sections {
        for column in &section.columns {
            let Some(shown) = &column.shown else { continue };
            let cell = |row| match row < section.rows {
                true => text(column.values.cell(row), shown.form, names),
                false => String::new(),
            };
            let cells = std::iter::once(shown.head.clone()).chain((0..rows).map(cell));
            let cells = cells.map(|cell| match style {
                Style::Plain => escape::line(&cell).into_owned(),
                Style::Markdown => escaped(&escape::line(&cell)),
            });
            columns.push(TextColumn {
                cells: cells.collect(),
                right: shown.right,
            });
        }
    }
    aligned(&columns, rows, style)
}

fn aligned(columns: &[TextColumn], rows: usize, style: Style) -> String {
    let (before, between, after, rule) = match style {
        Style::Plain => ("", "  ", "", '─'),
        Style::Markdown => ("| ", " | ", " |", '-'),
    };
    let width = |column: &TextColumn| {
        let widths = column.cells.iter().map(|cell| cell.width());
        widths.max().unwrap_or_default().max(2)
    };
    let widths: Vec<usize> = columns.iter().map(width).collect();
    let line = |cell: &dyn Fn(&TextColumn, usize) -> String| {
        let columns = columns.iter().zip(&widths);
        let cells: Vec<String> = columns
            .map(|(column, &width)| cell(column, width))
            .collect();
        let line = format!("{before}{}{after}", cells.join(between));
        line.trim_end().to_owned() + "\n"
    };
    let rules = |column: &TextColumn, width: usize| {
        let mut rule = rule.to_string().repeat(width);
        // Markdown says by a colon that numbers stand to the right.
        if column.right && style == Style::Markdown {
            rule.pop();
            rule.push(':');
        }
        rule
    };
    let row = |row: usize| {
        line(&|column, width| {
            let cell = &column.cells[row];
            let space = " ".repeat(width - cell.width());
            match column.right {
                true => space + cell,
                false => format!("{cell}{space}"),
            }
        })
    };
    let mut out = row(0) + &line(&rules);
    out.extend((1..=rows).map(row));
    out
}

/// A cell as a person reads it.
fn text(cell: Cell<'_>, form: NumberForm, names: &TokenNames) -> String {
    let decimal = |x: f64| match form {
        NumberForm::Decimals(decimals) => format!("{x:.decimals$}"),
        NumberForm::Largest(largest) => score(x as f32, largest),
        NumberForm::Plain | NumberForm::Grouped | NumberForm::First(_) => x.to_string(),
    };
    let tokens = |ids: &[u32], most: usize| {
        let tokens = ids.iter().take(most).map(|&id| names.marked(id));
        tokens.collect::<Vec<_>>().join(" ")
    };
    match cell {
        Cell::Empty => String::new(),
        Cell::Integer(n) => match form {
            NumberForm::Grouped => grouped(n),
            NumberForm::Plain
            | NumberForm::Decimals(_)
            | NumberForm::Largest(_)
            | NumberForm::First(_) => n.to_string(),
        },
        Cell::Single(x) => decimal(f64::from(x)),
        Cell::Double(x) => decimal(x),
        Cell::Text(text) => text.to_owned(),
        Cell::Token(id) => names.marked(id),
        Cell::Tokens(ids) => match form {
            NumberForm::First(most) => tokens(ids, most),
            NumberForm::Plain
            | NumberForm::Decimals(_)
            | NumberForm::Largest(_)
            | NumberForm::Grouped => tokens(ids, usize::MAX),
        },
    }
}

/// Text that Markdown leaves as it is.
fn escaped(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::Column;

    #[test]
    fn wide_characters_keep_columns_in_line() {
        let written = |tokens: &[&str], style| {
            let texts = tokens.iter().map(|&token| token.to_owned());
            let lengths = tokens.iter().map(|token| token.len());
            let section = Section::new([
                Column::of(texts).shown("token", NumberForm::Plain),
                Column::of(lengths).shown("n", NumberForm::Plain),
            ]);
            table(&[&section], usize::MAX, &TokenNames::default(), style)
        };
        assert_eq!(
            written(&["日本", "żona, brat"], Style::Plain),
            "token        n\n──────────  ──\n日本         6\nżona, brat  11\n"
        );
        let markdown = written(&["日本", "żona", "a|b"], Style::Markdown);
        assert!(markdown.contains("| a\\|b  |  3 |\n"), "{markdown}");
        assert!(markdown.contains("| ----- | -: |\n"), "{markdown}");
    }
}
