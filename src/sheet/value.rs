//! What the JSON of a sheet is made of: values whose keys keep their order and whose numbers keep
//! their width.

use std::borrow::Cow;

/// A value of a JSON document.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(usize),
    /// Written with the digits of a single-precision number.
    Single(f32),
    Double(f64),
    Text(String),
    List(Vec<Value>),
    Record(Record),
    /// The id of a token, written with all its names.
    Token(u32),
    /// The rows of a section, by its number.
    Rows(usize),
}

/// Keys with their values, in order. The keys of a token under an empty key stand among its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record(pub Vec<(Cow<'static, str>, Value)>);

impl Record {
    /// An empty record.
    pub fn new() -> Self {
        Self::default()
    }

    /// The record with one key more.
    #[must_use]
    pub fn with(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.0.push((key.into(), value.into()));
        self
    }

    /// The record with one key more if there is a value for it.
    #[must_use]
    pub fn with_some(mut self, key: &'static str, value: Option<impl Into<Value>>) -> Self {
        self.push_some(key, value);
        self
    }

    /// The record with a token's own keys among its own.
    #[must_use]
    pub fn with_token(self, id: u32) -> Self {
        self.with("", Value::Token(id))
    }

    /// Adds a key if there is a value for it.
    pub fn push_some(&mut self, key: &'static str, value: Option<impl Into<Value>>) {
        let value = value.map(|value| (key.into(), value.into()));
        self.0.extend(value);
    }
}

impl<K: Into<Cow<'static, str>>, V: Into<Value>> FromIterator<(K, V)> for Record {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self(pairs.map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl<T: Into<Self>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Conversions of plain values.
macro_rules! from {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

from!(bool => Bool, usize => Integer, f32 => Single, f64 => Double, String => Text, Record => Record);
