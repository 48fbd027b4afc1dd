//! Sheets as JSON.

use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};

use crate::outside::escape;
use crate::sheet::{Cell, JsonField, Record, Sheet, Value};

/// Pretty JSON with a newline at its end: a sheet's document, or an array of several. What a terminal
/// would act on is written as `\uXXXX`.
pub(super) fn write(sheets: &[Sheet]) -> String {
    let documents: Vec<_> = sheets
        .iter()
        .map(|sheet| Written {
            value: &sheet.document,
            sheet,
        })
        .collect();
    let text = match &documents[..] {
        [only] => serde_json::to_string_pretty(only),
        several => serde_json::to_string_pretty(several),
    };
    match text {
        Ok(text) => escape::json(&text).into_owned() + "\n",
        // Only maps with odd keys and failing writers can fail; there are none here.
        Err(error) => format!("{{\"error\": {:?}}}\n", error.to_string()),
    }
}

/// A value of a sheet's document.
struct Written<'a> {
    value: &'a Value,
    sheet: &'a Sheet,
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let sheet = self.sheet;
        match self.value {
            Value::Null => to.serialize_unit(),
            Value::Bool(value) => to.serialize_bool(*value),
            Value::Integer(n) => n.serialize(to),
            Value::Single(x) => to.serialize_f32(*x),
            Value::Double(x) => to.serialize_f64(*x),
            Value::Text(text) => to.serialize_str(text),
            Value::List(values) => {
                to.collect_seq(values.iter().map(|value| Written { value, sheet }))
            }
            Value::Record(record) => {
                let mut map = to.serialize_map(None)?;
                keys(&mut map, record, sheet)?;
                map.end()
            }
            Value::Token(id) => Token { id: *id, sheet }.serialize(to),
            Value::Rows(section) => {
                let section = *section;
                let rows = sheet.sections.get(section).map(|section| section.rows);
                let rows = rows.ok_or_else(|| S::Error::custom("a section that there is not"))?;
                to.collect_seq((0..rows).map(|row| Row {
                    sheet,
                    section,
                    row,
                }))
            }
        }
    }
}

/// The keys of a record, with those of a token under an empty key among them.
fn keys<M: SerializeMap>(map: &mut M, record: &Record, sheet: &Sheet) -> Result<(), M::Error> {
    for (key, value) in &record.0 {
        match value {
            Value::Token(id) if key.is_empty() => keys(map, &sheet.names.record(*id), sheet)?,
            value => map.serialize_entry(key, &Written { value, sheet })?,
        }
    }
    Ok(())
}

struct Token<'a> {
    id: u32,
    sheet: &'a Sheet,
}

impl Serialize for Token<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let value = &Value::Record(self.sheet.names.record(self.id));
        let sheet = self.sheet;
        Written { value, sheet }.serialize(to)
    }
}

/// A row of a section: an object of the columns that JSON has. Empty cells are left out.
struct Row<'a> {
    sheet: &'a Sheet,
    section: usize,
    row: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let (sheet, mut map) = (self.sheet, to.serialize_map(None)?);
        for column in &sheet.sections[self.section].columns {
            let token = |id| Token { id, sheet };
            match (column.json, column.values.cell(self.row)) {
                (None, _) | (Some(_), Cell::Empty) => {}
                (Some(JsonField::Flat), Cell::Token(id)) => {
                    keys(&mut map, &sheet.names.record(id), sheet)?;
                }
                (Some(JsonField::Flat), _) => {
                    return Err(S::Error::custom("a cell without keys of its own"));
                }
                (Some(JsonField::Key(key)), cell) => match cell {
                    Cell::Empty => {}
                    Cell::Integer(n) => map.serialize_entry(key, &n)?,
                    Cell::Single(x) => map.serialize_entry(key, &x)?,
                    Cell::Double(x) => map.serialize_entry(key, &x)?,
                    Cell::Text(text) => map.serialize_entry(key, text)?,
                    Cell::Token(id) => map.serialize_entry(key, &token(id))?,
                    Cell::Tokens(ids) => {
                        let tokens: Vec<_> = ids.iter().map(|&id| token(id)).collect();
                        map.serialize_entry(key, &tokens)?;
                    }
                },
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheet::TokenNames;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        let sheet = Sheet {
            provenance: None,
            names: TokenNames::default(),
            document: Value::from_iter(["a\u{202e}b\u{9b}c\x7f"]),
            sections: Vec::new(),
            blocks: Vec::new(),
            csv_settings: &[],
        };
        let text = write(&[sheet]);
        assert!(text.contains("a\\u202eb\\u009bc\\u007f"), "{text}");
    }
}
