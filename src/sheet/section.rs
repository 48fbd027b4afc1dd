//! A section of a sheet: typed columns of one length, each with its name in every format.

use std::borrow::Cow;

/// Columns side by side.
pub struct Section {
    /// How many rows it has.
    pub rows: usize,
    pub columns: Vec<Column>,
}

/// A column, and what each format makes of it.
pub struct Column {
    pub values: Values,
    /// The columns of CSV that it becomes: of tokens, one for each name of a token that is wanted.
    pub csv: Vec<(Cow<'static, str>, TokenPart)>,
    /// Where a row's object in JSON has it, if it has.
    pub json: Option<JsonField>,
    /// How a person reads it, if it is shown.
    pub shown: Option<ShownColumn>,
}

/// The values of a column.
pub enum Values {
    /// The same in every row.
    Same(String),
    /// The number of the row, from 1.
    Count,
    Integers(Vec<Option<usize>>),
    Singles(Vec<f32>),
    Doubles(Vec<Option<f64>>),
    Texts(Vec<String>),
    /// Ids.
    Tokens(Vec<Option<u32>>),
    TokenLists(Vec<Option<Vec<u32>>>),
}

/// One value of a column.
#[derive(Clone, Copy)]
pub enum Cell<'a> {
    Empty,
    Integer(usize),
    Single(f32),
    Double(f64),
    Text(&'a str),
    Token(u32),
    Tokens(&'a [u32]),
}

/// Which of its names a token is written with in CSV.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TokenPart {
    Id,
    /// The vocabulary's own string.
    Raw,
    /// As a person reads it. What is no token has this part only.
    Text,
}

/// A place in the object that a row is in JSON. An empty cell is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum JsonField {
    Key(&'static str),
    /// A token's keys stand among the row's own.
    Flat,
}

/// A column of a table.
pub struct ShownColumn {
    pub head: String,
    pub form: NumberForm,
    /// Cells stand to the right.
    pub right: bool,
}

/// How a person reads a cell.
#[derive(Clone, Copy)]
pub enum NumberForm {
    Plain,
    /// With this number of decimals.
    Decimals(usize),
    /// With four significant digits of this number, the largest of the column.
    Largest(f32),
    /// With separators of thousands.
    Grouped,
    /// So many tokens of a list.
    First(usize),
}

impl Section {
    /// A section of these columns, with as many rows as the longest has values.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        let columns: Vec<Column> = columns.into_iter().collect();
        let lengths = columns.iter().filter_map(|column| column.values.len());
        Self {
            rows: lengths.max().unwrap_or_default(),
            columns,
        }
    }
}

impl Column {
    /// A column that no format has yet.
    fn new(values: Values) -> Self {
        Self {
            values,
            csv: Vec::new(),
            json: None,
            shown: None,
        }
    }

    /// A column of these values.
    pub fn of<T>(values: impl IntoIterator<Item = T>) -> Self
    where
        Values: FromIterator<T>,
    {
        Self::new(values.into_iter().collect())
    }

    /// The numbers of the rows, from 1.
    pub fn count() -> Self {
        Self::new(Values::Count)
    }

    /// A column of one value.
    pub fn same(value: impl Into<String>) -> Self {
        Self::new(Values::Same(value.into()))
    }

    /// The same column, in CSV too.
    #[must_use]
    pub fn csv(self, name: impl Into<Cow<'static, str>>) -> Self {
        self.csv_part(name, TokenPart::Text)
    }

    /// The same column, in CSV and in JSON under one name.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        self.csv(name).json(name)
    }

    /// The same column of tokens, in CSV too, with one of their names.
    #[must_use]
    pub fn csv_part(mut self, name: impl Into<Cow<'static, str>>, part: TokenPart) -> Self {
        self.csv.push((name.into(), part));
        self
    }

    /// The same column, in JSON too.
    #[must_use]
    pub fn json(mut self, key: &'static str) -> Self {
        self.json = Some(JsonField::Key(key));
        self
    }

    /// The same column of tokens, in JSON too, with a token's keys among the row's own.
    #[must_use]
    pub fn json_flat(mut self) -> Self {
        self.json = Some(JsonField::Flat);
        self
    }

    /// The same column, in tables too: numbers to the right, all else to the left.
    #[must_use]
    pub fn shown(mut self, head: impl Into<String>, form: NumberForm) -> Self {
        let right = match self.values {
            Values::Count | Values::Integers(_) | Values::Singles(_) | Values::Doubles(_) => true,
            Values::Same(_) | Values::Texts(_) | Values::Tokens(_) | Values::TokenLists(_) => false,
        };
        self.shown = Some(ShownColumn {
            head: head.into(),
            form,
            right,
        });
        self
    }

    /// As [`Self::shown`], but to the right.
    #[must_use]
    pub fn shown_right(self, head: impl Into<String>) -> Self {
        let mut column = self.shown(head, NumberForm::Plain);
        if let Some(shown) = &mut column.shown {
            shown.right = true;
        }
        column
    }
}

impl Values {
    /// How many there are, where it is not as many as there are rows.
    fn len(&self) -> Option<usize> {
        match self {
            Self::Same(_) | Self::Count => None,
            Self::Integers(values) => Some(values.len()),
            Self::Singles(values) => Some(values.len()),
            Self::Doubles(values) => Some(values.len()),
            Self::Texts(values) => Some(values.len()),
            Self::Tokens(values) => Some(values.len()),
            Self::TokenLists(values) => Some(values.len()),
        }
    }

    /// The value in a row; empty past the last.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        let cell = match self {
            Self::Same(value) => Some(Cell::Text(value)),
            Self::Count => Some(Cell::Integer(row + 1)),
            Self::Integers(values) => values.get(row).copied().flatten().map(Cell::Integer),
            Self::Singles(values) => values.get(row).copied().map(Cell::Single),
            Self::Doubles(values) => values.get(row).copied().flatten().map(Cell::Double),
            Self::Texts(values) => values.get(row).map(|text| Cell::Text(text)),
            Self::Tokens(values) => values.get(row).copied().flatten().map(Cell::Token),
            Self::TokenLists(values) => {
                let list = values.get(row).and_then(Option::as_ref);
                list.map(|list| Cell::Tokens(list))
            }
        };
        cell.unwrap_or(Cell::Empty)
    }
}

/// Columns from values of one type.
macro_rules! collected {
    ($($type:ty => $variant:ident, $value:expr;)*) => {$(
        impl FromIterator<$type> for Values {
            fn from_iter<I: IntoIterator<Item = $type>>(values: I) -> Self {
                Self::$variant(values.into_iter().map($value).collect())
            }
        }
    )*};
}

collected! {
    usize => Integers, Some;
    Option<usize> => Integers, |n| n;
    f32 => Singles, |x| x;
    f64 => Doubles, Some;
    Option<f64> => Doubles, |x| x;
    String => Texts, |text| text;
    u32 => Tokens, Some;
    Option<u32> => Tokens, |id| id;
    Vec<u32> => TokenLists, Some;
    Option<Vec<u32>> => TokenLists, |list| list;
}
