//! Plain values: numbers, text, booleans, one of a few words.

use super::{Json, Setting, json, problem, wrong};
use crate::Problem;

impl Setting for u64 {
    fn read(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let value = json.as_u64();
        if value.is_none() {
            problems.push(wrong(json, path, "a whole number, not negative"));
        }
        value
    }
    fn json(&self) -> Json {
        (*self).into()
    }
    fn schema() -> Json {
        json!({"type": "integer", "minimum": 0})
    }
}

impl Setting for bool {
    fn read(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let value = json.as_bool();
        if value.is_none() {
            problems.push(wrong(json, path, "true or false"));
        }
        value
    }
    fn json(&self) -> Json {
        (*self).into()
    }
    fn schema() -> Json {
        json!({"type": "boolean"})
    }
}

impl Setting for f64 {
    fn read(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let value = json.as_f64();
        if value.is_none() {
            problems.push(wrong(json, path, "a number"));
        }
        value
    }
    fn json(&self) -> Json {
        (*self).into()
    }
    fn schema() -> Json {
        json!({"type": "number"})
    }
}

impl Setting for String {
    fn read(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let value = json.as_str().map(str::to_owned);
        if value.is_none() {
            problems.push(wrong(json, path, "text"));
        }
        value
    }
    fn json(&self) -> Json {
        self.as_str().into()
    }
    fn schema() -> Json {
        json!({"type": "string"})
    }
}

/// What a windowed detector gives: alerts that open and close with an episode, or one for each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emit {
    /// An alert when an episode opens, one when it closes.
    Alerts,
    /// One alert a key and window, when the window closes.
    Windows,
}

impl Setting for Emit {
    fn read(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        match json.as_str() {
            Some("alerts") => Some(Emit::Alerts),
            Some("windows") => Some(Emit::Windows),
            Some(other) => {
                problems.push(problem(path, format!("must be \"alerts\" or \"windows\", is {other:?}")));
                None
            }
            None => {
                problems.push(wrong(json, path, "\"alerts\" or \"windows\""));
                None
            }
        }
    }
    fn json(&self) -> Json {
        match self {
            Emit::Alerts => "alerts".into(),
            Emit::Windows => "windows".into(),
        }
    }
    fn schema() -> Json {
        json!({"enum": ["alerts", "windows"]})
    }
}
