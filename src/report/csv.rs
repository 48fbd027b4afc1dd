//! Sheets as CSV: one head, the rows of all sections below it.

use csv::{Writer, WriterBuilder};

use crate::outside::escape;
use crate::sheet::{Cell, Section, Sheet, TokenNames, TokenPart};

/// Rows with a head, fields quoted where they must be, and what a terminal would act on escaped.
/// The head is that of the first section of the first sheet.
pub(super) fn write(sheets: &[Sheet]) -> String {
    text(|writer| {
        let mut headed = false;
        for sheet in sheets {
            let settings = sheet.csv_settings.iter();
            let settings = settings.map(|name| (*name, setting(sheet, name)));
            let settings: Vec<(&str, String)> = settings.collect();
            for section in sheet.sections.iter().filter(|section| has_columns(section)) {
                if !std::mem::replace(&mut headed, true) {
                    let names = section.columns.iter().flat_map(|column| &column.csv);
                    let names = names.map(|(name, _)| name.as_ref());
                    writer.write_record(names.chain(settings.iter().map(|(name, _)| *name)))?;
                }
                for row in 0..section.rows {
                    for column in &section.columns {
                        let value = column.values.cell(row);
                        for (_, part) in &column.csv {
                            let cell = cell(value, *part, &sheet.names);
                            writer.write_field(&*escape::line(&cell))?;
                        }
                    }
                    writer.write_record(settings.iter().map(|(_, value)| value))?;
                }
            }
        }
        Ok(())
    })
}

fn setting(sheet: &Sheet, name: &str) -> String {
    let provenance = sheet.provenance.as_ref();
    let value = provenance.map_or("", |provenance| provenance.setting(name));
    escape::line(value).into_owned()
}

fn has_columns(section: &Section) -> bool {
    section.columns.iter().any(|column| !column.csv.is_empty())
}

fn cell(value: Cell<'_>, part: TokenPart, names: &TokenNames) -> String {
    let token = |id: u32| match part {
        TokenPart::Id => id.to_string(),
        TokenPart::Raw => names.raw(id).into_owned(),
        TokenPart::Text => names.text(id).into_owned(),
    };
    match value {
        Cell::Empty => String::new(),
        Cell::Integer(n) => n.to_string(),
        Cell::Single(x) => x.to_string(),
        Cell::Double(x) => x.to_string(),
        Cell::Text(text) => text.to_owned(),
        Cell::Token(id) => token(id),
        Cell::Tokens(ids) => ids
            .iter()
            .map(|&id| token(id))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

/// What is written as one text. Writing to memory cannot fail, nor can UTF-8 become anything else.
fn text(write: impl FnOnce(&mut Writer<Vec<u8>>) -> csv::Result<()>) -> String {
    let mut writer = WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let written = write(&mut writer);
    debug_assert!(written.is_ok());
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// CSV whose cells no spreadsheet takes for formulas: before what begins with `=`, `+`, `-`, `@`, a
/// tab or a carriage return stands an apostrophe, unless the cell is a number.
pub fn safe_csv(csv: &str) -> String {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(csv.as_bytes());
    // What was just written as CSV reads as CSV.
    text(|writer| {
        let mut records = reader.records();
        records.try_for_each(|record| writer.write_record(record?.iter().map(safe_cell)))
    })
}

fn safe_cell(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    match formula && cell.parse::<f64>().is_err() {
        true => format!("'{cell}"),
        false => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::{Block, Column, Value};

    #[test]
    fn cells_are_escaped_and_formulas_are_text() {
        let columns = [
            ["=HYPERLINK(\"x\")", "-K", "−1"],
            ["-0.25", "+1e-3", "-"],
            ["\u{202e}a\x1b[2J", "@a, b", "a=b"],
        ];
        let columns = columns.map(|column| Column::of(column.map(str::to_owned)));
        let names = ["a", "b", "c"].into_iter();
        let columns = columns
            .into_iter()
            .zip(names)
            .map(|(column, name)| column.csv(name));
        let sheet = Sheet {
            provenance: None,
            names: TokenNames::default(),
            document: Value::Null,
            sections: vec![Section::new(columns)],
            blocks: vec![Block::table([0])],
            csv_settings: &[],
        };
        let csv = write(&[sheet]);
        assert!(csv.contains("\\u{202e}a\\u{1b}[2J"), "{csv}");
        let expected = "a,b,c\n\"'=HYPERLINK(\"\"x\"\")\",-0.25,\\u{202e}a\\u{1b}[2J\n\
                        '-K,+1e-3,\"'@a, b\"\n−1,'-,a=b\n";
        assert_eq!(safe_csv(&csv), expected);
    }
}
