//! Reads one table of the raw configuration: every key that is asked for is known from then on, every other one is an error.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use eyas_event::NANOS_PER_SECOND;

use super::document::Place;
use super::problem::{Problems, suggest};
use super::tree::{Entry, Node, Table, Text, Value};

/// A table that is being read.
pub struct Reader<'a> {
    /// The table.
    pub table: &'a Table,
    /// Place of its name.
    pub place: Place,
    /// What it is, for messages: `source "shipper"`.
    pub what: String,
    /// Where what is wrong is said.
    pub problems: &'a Problems,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Reader<'a> {
    /// Reads a table.
    pub fn new(table: &'a Table, place: &Place, what: impl Into<String>, problems: &'a Problems) -> Self {
        Self { table, place: place.clone(), what: what.into(), problems, known: RefCell::default() }
    }

    /// The entry of a key, if there is one.
    pub fn entry(&self, key: &'static str) -> Option<&'a Entry> {
        let mut known = self.known.borrow_mut();
        if !known.contains(&key) {
            known.push(key);
        }
        self.table.get(key)
    }

    /// Says that a value is not what it should be.
    pub fn wrong(&self, node: &Node, wanted: &str) {
        self.problems.at(&node.place, format!("this is {}, not {wanted}", node.value.kind()), "");
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<(&'a Text, &'a Place)> {
        let entry = self.entry(key)?;
        self.as_text(&entry.node).map(|text| (text, &entry.node.place))
    }

    /// A text that must be there.
    pub fn required(&self, key: &'static str, help: &str) -> Option<(&'a Text, &'a Place)> {
        if self.table.get(key).is_none() {
            self.problems.at(&self.place, format!("{} has no {key:?}", self.what), help);
        }
        self.text(key)
    }

    /// A value as a text.
    pub fn as_text(&self, node: &'a Node) -> Option<&'a Text> {
        match &node.value {
            Value::Text(text) => Some(text),
            _ => {
                self.wrong(node, "a text in quotes");
                None
            }
        }
    }

    /// A list of texts; one text alone is a list of one.
    pub fn texts(&self, key: &'static str) -> Option<Vec<(&'a Text, &'a Place)>> {
        let entry = self.entry(key)?;
        let list = match &entry.node.value {
            Value::List(list) => list.as_slice(),
            Value::Text(_) => std::slice::from_ref(&entry.node),
            _ => {
                self.wrong(&entry.node, "a list of texts in quotes");
                return None;
            }
        };
        Some(list.iter().filter_map(|node| Some((self.as_text(node)?, &node.place))).collect())
    }

    /// A whole number within a range.
    pub fn integer(&self, key: &'static str, range: RangeInclusive<i64>, default: i64) -> i64 {
        let Some(entry) = self.entry(key) else { return default };
        match entry.node.value {
            Value::Integer(number) if range.contains(&number) => number,
            Value::Integer(number) => {
                let (least, most) = (range.start(), range.end());
                let right = if *most == i64::MAX { format!("at least {least}") } else { format!("{least} to {most}") };
                self.problems.at(&entry.node.place, format!("{key} = {number} is out of range"), format!("it may be {right}"));
                default
            }
            _ => {
                self.wrong(&entry.node, "a whole number");
                default
            }
        }
    }

    /// A size that is a whole number, as memory holds it.
    pub fn size(&self, key: &'static str, range: RangeInclusive<i64>, default: usize) -> usize {
        let default = i64::try_from(default).unwrap_or(i64::MAX);
        usize::try_from(self.integer(key, range, default)).unwrap_or(usize::MAX)
    }

    /// A number of seconds, as nanoseconds.
    pub fn seconds(&self, key: &'static str, default: i64) -> i64 {
        let default = default * NANOS_PER_SECOND;
        let Some(entry) = self.entry(key) else { return default };
        let seconds = match entry.node.value {
            Value::Integer(seconds) => seconds as f64,
            Value::Float(seconds) => seconds,
            _ => {
                self.wrong(&entry.node, "a number of seconds");
                return default;
            }
        };
        let nanos = seconds * NANOS_PER_SECOND as f64;
        // A hundred years: far from where sums of times would overflow.
        if (0.0..3.2e18).contains(&nanos) {
            return nanos as i64;
        }
        self.problems.at(&entry.node.place, format!("{key} is out of range"), "it may be 0 to 3153600000 seconds");
        default
    }

    /// A truth value.
    pub fn boolean(&self, key: &'static str, default: bool) -> bool {
        let Some(entry) = self.entry(key) else { return default };
        match entry.node.value {
            Value::Boolean(truth) => truth,
            _ => {
                self.wrong(&entry.node, "true or false");
                default
            }
        }
    }

    /// One of some names; the first where there is none.
    pub fn choice<T: Copy>(&self, key: &'static str, names: &[(&'static str, T)]) -> Option<T> {
        let Some((text, place)) = self.text(key) else { return names.first().map(|name| name.1) };
        let found = names.iter().find(|name| name.0 == text.value);
        if found.is_none() {
            self.problems.at(place, format!("{key} cannot be {text:?}"), suggest(&text.value, names.iter().map(|name| name.0)));
        }
        found.map(|name| name.1)
    }

    /// A table within.
    pub fn within(&self, key: &'static str) -> Option<Reader<'a>> {
        let entry = self.entry(key)?;
        match &entry.node.value {
            Value::Table(table) => Some(Reader::new(table, &entry.place, format!("{key:?} of {}", self.what), self.problems)),
            _ => {
                self.wrong(&entry.node, "a table");
                None
            }
        }
    }

    /// Says of every key that nobody asked for that it is unknown.
    pub fn finish(self) {
        let known = self.known.into_inner();
        for entry in self.table.entries.iter().filter(|entry| !known.contains(&entry.key.as_str())) {
            let help = suggest(&entry.key, known.iter().copied());
            self.problems.at(&entry.place, format!("{} has no key {:?}", self.what, entry.key), help);
        }
    }
}
