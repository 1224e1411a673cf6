//! The raw configuration: a tree of values, each with its place. Nothing in it has been checked.

use std::fmt;

use toml::de::{DeTable, DeValue};

use super::document::Place;
use super::problem::Problems;
use super::secret::{Environment, expand};

/// Text; what came from the environment is secret and shown as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// The text itself.
    pub value: String,
    /// What may be shown of it.
    pub shown: String,
}

impl fmt::Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.shown, formatter)
    }
}

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// A text.
    Text(Text),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A truth value.
    Boolean(bool),
    /// A date or time, as written.
    Datetime(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

impl Value {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Boolean(_) => "a truth value",
            Self::Datetime(_) => "a date",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its place.
    pub place: Place,
}

impl Node {
    /// Whether it is a table in which this key is `false`.
    pub fn says_false(&self, key: &str) -> bool {
        let Value::Table(table) = &self.value else { return false };
        table.get(key).is_some_and(|entry| matches!(entry.node.value, Value::Boolean(false)))
    }
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The key's place.
    pub place: Place,
    /// The value.
    pub node: Node,
}

/// A table, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Its entries.
    pub entries: Vec<Entry>,
}

impl Table {
    /// The entry of a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Puts an entry in, over one of the same key; tables are joined.
    pub fn set(&mut self, new: Entry) {
        let Some(old) = self.entries.iter_mut().find(|entry| entry.key == new.key) else { return self.entries.push(new) };
        match (&mut old.node.value, new.node.value) {
            (Value::Table(old), Value::Table(new)) => new.entries.into_iter().for_each(|entry| old.set(entry)),
            (_, value) => {
                (old.place, old.node) = (new.place, Node { value, place: new.node.place });
            }
        }
    }
}

/// Makes a tree of what was parsed.
pub struct Planter<'a> {
    /// Number of the document.
    pub document: usize,
    /// Where `${VAR}` is looked up.
    pub environment: &'a Environment<'a>,
    /// Where what is wrong is said.
    pub problems: &'a Problems,
}

impl Planter<'_> {
    /// A table.
    pub fn table(&self, parsed: &DeTable<'_>) -> Table {
        let entries = parsed.iter().map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            place: Place::new(self.document, key.span()),
            node: self.node(value),
        });
        let mut entries: Vec<_> = entries.collect();
        entries.sort_by(|a, b| a.place.cmp(&b.place));
        Table { entries }
    }

    /// A value.
    pub fn node(&self, parsed: &toml::Spanned<DeValue<'_>>) -> Node {
        let place = Place::new(self.document, parsed.span());
        let value = match parsed.get_ref() {
            DeValue::String(text) => Value::Text(self.text(text, &place)),
            DeValue::Integer(number) => self.integer(number.as_str(), number.radix(), &place),
            DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => Value::Boolean(*truth),
            DeValue::Datetime(time) => Value::Datetime(time.to_string()),
            DeValue::Array(list) => Value::List(list.iter().map(|item| self.node(item)).collect()),
            DeValue::Table(table) => Value::Table(self.table(table)),
        };
        Node { value, place }
    }

    /// A text, its variables replaced.
    pub fn text(&self, text: &str, place: &Place) -> Text {
        expand(text, self.environment).unwrap_or_else(|(message, help)| {
            self.problems.at(place, message, help);
            Text { value: text.into(), shown: text.into() }
        })
    }

    fn integer(&self, digits: &str, radix: u32, place: &Place) -> Value {
        Value::Integer(i64::from_str_radix(digits, radix).unwrap_or_else(|_| {
            self.problems.at(place, format!("{digits} is too large"), "whole numbers go from -9223372036854775808 to 9223372036854775807");
            0
        }))
    }
}
