//! `where`: which events a detector looks at. A table of fields; for each a value, a list of values of one type, or a table of tests.

use std::net::IpAddr;

use super::{Json, Setting, json, problem, step, unknown, wrong};
use crate::Problem;
use crate::setup::{Condition, Test};

/// The events that count; all conditions must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    conditions: Vec<Condition>,
    json: Json,
}

impl Filter {
    /// From JSON text that is known to be right: for defaults. Text that is wrong takes all events.
    pub fn parse(text: &str) -> Filter {
        let json: Json = serde_json::from_str(text).unwrap_or_default();
        Self::read(&json, "", &mut Vec::new()).unwrap_or(Filter { conditions: Vec::new(), json: json!({}) })
    }

    /// What the host is asked to test.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}

impl Setting for Filter {
    fn read(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let Some(table) = json.as_object() else {
            problems.push(wrong(json, path, "a table of fields"));
            return None;
        };
        let before = problems.len();
        let mut conditions = Vec::new();
        for (field, wanted) in table {
            let path = step(path, field);
            if field.is_empty() {
                problems.push(problem(path, "must name a field, is empty"));
                continue;
            }
            let tests = match wanted.as_object() {
                Some(table) => tests(table, &path, problems),
                None => values(wanted, &path, problems).map(|test| vec![(test, false)]),
            };
            for (test, negate) in tests.unwrap_or_default() {
                conditions.push(Condition { path: field.clone(), test, negate });
            }
        }
        (problems.len() == before).then(|| Filter { conditions, json: json.clone() })
    }
    fn json(&self) -> Json {
        self.json.clone()
    }
    fn schema() -> Json {
        let value = json!({"type": ["string", "integer", "boolean"]});
        let list = json!({"type": "array", "items": value, "minItems": 1});
        let either = json!({"anyOf": [value, list]});
        let texts = json!({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]});
        json!({"type": "object", "additionalProperties": {"anyOf": [value, list, {
            "type": "object",
            "additionalProperties": false,
            "minProperties": 1,
            "properties": {
                "is": either, "prefix": texts, "cidr": texts, "min": {"type": "number"}, "below": {"type": "number"},
                "present": {"type": "boolean"}, "not": {"type": "boolean", "default": false},
            },
        }]}})
    }
}

/// A table of tests, each with whether it is turned round.
fn tests(table: &serde_json::Map<String, Json>, path: &str, problems: &mut Vec<Problem>) -> Option<Vec<(Test, bool)>> {
    let before = problems.len();
    let mut tests = Vec::new();
    let mut negate = false;
    for (name, value) in table {
        let at = step(path, name);
        match name.as_str() {
            "is" => tests.extend(values(value, &at, problems).map(|test| (test, false))),
            "prefix" => tests.extend(texts(value, &at, problems).map(|texts| (Test::Prefix(texts), false))),
            "cidr" => tests.extend(networks(value, &at, problems).map(|nets| (Test::Network(nets), false))),
            "present" => match value.as_bool() {
                Some(present) => tests.push((Test::Present, !present)),
                None => problems.push(wrong(value, &at, "true or false")),
            },
            "not" => match value.as_bool() {
                Some(not) => negate = not,
                None => problems.push(wrong(value, &at, "true or false")),
            },
            "min" | "below" => {
                if !value.is_number() {
                    problems.push(wrong(value, &at, "a number"));
                }
            }
            _ => problems.push(unknown(name, path, &["is", "prefix", "cidr", "min", "below", "present", "not"])),
        }
    }
    let bound = |name: &str| table.get(name).and_then(Json::as_f64);
    let (at_least, below) = (bound("min"), bound("below"));
    if at_least.is_some() || below.is_some() {
        tests.push((Test::Number { at_least, below }, false));
    }
    if problems.len() > before {
        return None;
    }
    if tests.is_empty() {
        problems.push(problem(path, "needs a test: is, prefix, cidr, min, below or present"));
        return None;
    }
    if negate && tests.len() > 1 {
        problems.push(problem(step(path, "not"), "turns one test round, and here are several"));
        return None;
    }
    tests.iter_mut().for_each(|(_, round)| *round ^= negate);
    Some(tests)
}

/// A value, or a list of values of one type.
fn values(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Test> {
    let list = match json {
        Json::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    match list {
        [] => problems.push(problem(path, "must hold at least one value")),
        [Json::String(_), ..] => return texts(json, path, problems).map(Test::Text),
        [Json::Bool(one)] => return Some(Test::Boolean(*one)),
        [Json::Bool(_), ..] => problems.push(problem(path, "one boolean is enough; for both use present = true")),
        [Json::Number(_), ..] => {
            let integers: Vec<i64> = list.iter().filter_map(Json::as_i64).collect();
            if integers.len() == list.len() {
                return Some(Test::Integer(integers));
            }
            let fraction = list.iter().any(|v| v.is_f64());
            let why = if fraction { "numbers with a fraction are tested with min and below" } else { "expected integers of 64 bits alone" };
            problems.push(problem(path, why));
        }
        [other, ..] => problems.push(wrong(other, path, "text, an integer or a boolean")),
    }
    None
}

/// A text, or a list of texts.
fn texts(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let list = match json {
        Json::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    if list.is_empty() {
        problems.push(problem(path, "must hold at least one value"));
        return None;
    }
    let texts: Vec<String> = list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
    if let Some(other) = list.iter().find(|v| !v.is_string()) {
        problems.push(wrong(other, path, "text alone"));
        return None;
    }
    Some(texts)
}

/// Addresses and networks.
fn networks(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let networks = texts(json, path, problems)?;
    for network in &networks {
        let (address, bits) = network.split_once('/').map_or((network.as_str(), None), |(a, b)| (a, Some(b)));
        let most = address.parse::<IpAddr>().ok().map(|a| if a.is_ipv4() { 32 } else { 128 });
        let fits = most.is_some_and(|most| bits.is_none_or(|b| b.parse::<u8>().is_ok_and(|b| b <= most)));
        if !fits {
            problems.push(problem(path, format!("{network:?} is neither an address nor a network such as \"10.0.0.0/8\"")));
            return None;
        }
    }
    Some(networks)
}
