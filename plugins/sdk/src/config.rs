//! Configuration: one declaration gives the struct, its defaults, its JSON Schema, and errors by path.
//!
//! ```
//! eyas_sdk::config! {
//!     /// What the detector can be told.
//!     pub struct Config {
//!         /// Events within one window that are too many.
//!         threshold: u64 = 5, 1..=1_000_000;
//!         /// Which events count.
//!         filter as "where": eyas_sdk::Filter = eyas_sdk::Filter::parse(r#"{"result": "failure"}"#);
//!     }
//! }
//! use eyas_sdk::Config as _;
//! assert_eq!(Config::parse(r#"{"threshold": 9}"#).unwrap().threshold, 9);
//! let problems = Config::parse(r#"{"treshold": 9}"#).unwrap_err();
//! assert_eq!(problems[0].path, "/treshold");
//! assert_eq!(problems[0].message, "unknown key; did you mean `threshold`?");
//! ```

mod filter;
mod key;
mod plain;

use std::ops::RangeInclusive;

pub use filter::Filter;
pub use key::Key;
pub use plain::Emit;
pub use serde_json::{Value as Json, json};

use crate::Problem;

/// A configuration struct, as `config!` declares it.
pub trait Config: Clone + Default + 'static {
    /// Reads it from JSON, with defaults for what is not there, or gives all that is wrong.
    fn read(json: &Json) -> Result<Self, Vec<Problem>>;
    /// As JSON, defaults written out.
    fn json(&self) -> Json;
    /// Its JSON Schema, with descriptions and defaults.
    fn schema() -> Json;

    /// Reads it from text. Nothing at all is an empty object.
    fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        match serde_json::from_str(text) {
            Ok(json) => Self::read(&json),
            Err(error) => Err(vec![problem("", format!("not JSON: {error}"))]),
        }
    }
}

/// The type of a configuration key.
pub trait Setting: Sized {
    /// Reads a value; what is wrong goes to `problems`, by JSON Pointer.
    fn read(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Self>;
    /// As JSON.
    fn json(&self) -> Json;
    /// Its part of the JSON Schema.
    fn schema() -> Json;
}

/// An error in the configuration.
pub fn problem(path: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem { path: path.into(), message: message.into() }
}

fn wrong(json: &Json, path: &str, want: &str) -> Problem {
    let got = match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(n) if n.is_f64() => "a number with a fraction",
        Json::Number(_) => "a whole number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a table",
    };
    problem(path, format!("expected {want}, got {got}"))
}

/// A name as one step of a JSON Pointer.
fn step(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// "unknown key", with the nearest right name if one is near.
fn unknown(name: &str, path: &str, right: &[&str]) -> Problem {
    let near = right.iter().map(|r| (distance(name, r), r)).min().filter(|(d, r)| *d <= 1 + r.len() / 4);
    let hint = match near {
        Some((_, right)) => format!("did you mean `{right}`?"),
        None => format!("there are {}", right.join(", ")),
    };
    problem(step(path, name), format!("unknown key; {hint}"))
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut left = i + 1;
        let mut corner = i;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let here = (corner + usize::from(x != *y)).min(left + 1).min(*cell + 1);
            corner = std::mem::replace(cell, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// Reads the keys of one table; used by `config!`.
#[derive(Debug)]
pub struct Reader<'a> {
    table: Option<&'a serde_json::Map<String, Json>>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Of this value, which may have these keys.
    pub fn new(json: &'a Json, keys: &[&str]) -> Reader<'a> {
        let Some(table) = json.as_object() else {
            return Reader { table: None, problems: vec![wrong(json, "", "a table")] };
        };
        let strangers = table.keys().filter(|k| !keys.contains(&k.as_str()));
        Reader { table: Some(table), problems: strangers.map(|k| unknown(k, "", keys)).collect() }
    }

    /// Puts the key's value into `field`, if it is there and right.
    pub fn field<T: Setting>(&mut self, key: &str, field: &mut T) {
        if let Some(json) = self.table.and_then(|t| t.get(key))
            && let Some(value) = T::read(json, &step("", key), &mut self.problems)
        {
            *field = value;
        }
    }

    /// The same for a number that has to be in a range.
    pub fn within(&mut self, key: &str, field: &mut u64, range: &RangeInclusive<u64>) {
        let mut value = *field;
        self.field(key, &mut value);
        if range.contains(&value) {
            *field = value;
        } else {
            let (from, to) = (range.start(), range.end());
            let want = if *to == u64::MAX { format!("at least {from}") } else { format!("from {from} to {to}") };
            self.problems.push(problem(step("", key), format!("must be {want}, is {value}")));
        }
    }

    /// The configuration if nothing was wrong.
    pub fn finish<C>(self, config: C) -> Result<C, Vec<Problem>> {
        if self.problems.is_empty() { Ok(config) } else { Err(self.problems) }
    }
}

/// The part of a JSON Schema for one key; used by `config!`.
pub fn property(mut schema: Json, doc: &str, default: Json, range: Option<&RangeInclusive<u64>>) -> Json {
    if let Some(schema) = schema.as_object_mut() {
        let doc: Vec<&str> = doc.lines().map(str::trim).collect();
        schema.insert("description".into(), doc.join(" ").trim().into());
        schema.insert("default".into(), default);
        if let Some(range) = range {
            schema.insert("minimum".into(), (*range.start()).into());
            if *range.end() < u64::MAX {
                schema.insert("maximum".into(), (*range.end()).into());
            }
        }
    }
    schema
}

/// Declares a configuration: `/// what it is` `name: type = default;`, with `name as "key"` where the key is no Rust name and with
/// `, from..=to` after the default of a number. See [`mod@crate::config`].
#[macro_export]
macro_rules! config {
    ($(#[doc = $about:literal])+ $vis:vis struct $name:ident {
        $($(#[doc = $doc:literal])+ $field:ident $(as $key:literal)? : $type:ty = $default:expr $(, $range:expr)?;)+
    }) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug)]
        $vis struct $name {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }
        impl $crate::config::Config for $name {
            fn read(json: &$crate::config::Json) -> Result<Self, Vec<$crate::Problem>> {
                let mut config = Self::default();
                let mut reader = $crate::config::Reader::new(json, &[$($crate::config!(@key $field $($key)?)),+]);
                $($crate::config!(@read reader, $crate::config!(@key $field $($key)?), config.$field $(, $range)?);)+
                reader.finish(config)
            }
            fn json(&self) -> $crate::config::Json {
                $crate::config::json!({ $(($crate::config!(@key $field $($key)?)): $crate::config::Setting::json(&self.$field),)+ })
            }
            fn schema() -> $crate::config::Json {
                let default = Self::default();
                $crate::config::json!({
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "type": "object",
                    "additionalProperties": false,
                    "properties": { $(($crate::config!(@key $field $($key)?)): $crate::config::property(
                        <$type as $crate::config::Setting>::schema(),
                        concat!($($doc, "\n"),+),
                        $crate::config::Setting::json(&default.$field),
                        $crate::config!(@range $($range)?),
                    ),)+ },
                })
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@read $reader:ident, $key:expr, $field:expr) => { $reader.field($key, &mut $field) };
    (@read $reader:ident, $key:expr, $field:expr, $range:expr) => { $reader.within($key, &mut $field, &$range) };
    (@range) => { None };
    (@range $range:expr) => { Some(&$range) };
}
