//! The fields of a key.

use super::{Json, Setting, json, problem, step, wrong};
use crate::Problem;

/// The fields that make a key, as configured; entities are named by them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Vec<String>);

impl Key {
    /// Of these fields.
    pub fn of(fields: &[&str]) -> Key {
        Key(fields.iter().map(|f| (*f).to_owned()).collect())
    }

    /// The fields, in order.
    pub fn fields(&self) -> &[String] {
        &self.0
    }
}

impl Setting for Key {
    fn read(json: &Json, path: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        let Some(list) = json.as_array() else {
            problems.push(wrong(json, path, "a list of field names"));
            return None;
        };
        if list.is_empty() {
            problems.push(problem(path, "must name at least one field"));
            return None;
        }
        let mut fields: Vec<String> = Vec::with_capacity(list.len());
        for (i, item) in list.iter().enumerate() {
            let path = step(path, &i.to_string());
            match item.as_str() {
                None => problems.push(wrong(item, &path, "a field name")),
                Some("") => problems.push(problem(path, "must name a field, is empty")),
                Some(name) if fields.iter().any(|f| f == name) => {
                    problems.push(problem(path, format!("`{name}` is there twice")));
                }
                Some(name) => fields.push(name.to_owned()),
            }
        }
        (fields.len() == list.len()).then_some(Key(fields))
    }
    fn json(&self) -> Json {
        self.0.clone().into()
    }
    fn schema() -> Json {
        json!({"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "uniqueItems": true})
    }
}
