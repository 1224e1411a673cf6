//! A plugin's configuration: TOML here, JSON there.

use serde_json::{Map, Number, Value as Json};

use crate::config::{Node, Place, Value};

/// As JSON; the error is the place of a number that JSON does not have.
pub fn to_json(node: &Node) -> Result<Json, Place> {
    Ok(match &node.value {
        Value::Text(text) => Json::String(text.value.clone()),
        Value::Integer(number) => Json::Number((*number).into()),
        Value::Float(number) => Json::Number(Number::from_f64(*number).ok_or_else(|| node.place.clone())?),
        Value::Boolean(truth) => Json::Bool(*truth),
        Value::Datetime(time) => Json::String(time.clone()),
        Value::List(list) => Json::Array(list.iter().map(to_json).collect::<Result<_, _>>()?),
        Value::Table(table) => {
            let members = table.entries.iter().map(|entry| Ok((entry.key.clone(), to_json(&entry.node)?)));
            Json::Object(members.collect::<Result<Map<_, _>, _>>()?)
        }
    })
}

/// The place that a JSON Pointer leads to, or the innermost one on the way where the rest is missing (and whether it is). An unknown key is
/// shown at the key, anything else at its value.
pub fn node_at<'a>(root: &'a Node, pointer: &str) -> (&'a Place, bool) {
    let mut node = root;
    let mut place = &root.place;
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        match &node.value {
            Value::Table(table) => match table.get(&segment) {
                Some(entry) => {
                    (node, place) =
                        (&entry.node, if matches!(entry.node.value, Value::Table(_)) { &entry.place } else { &entry.node.place })
                }
                None => return (place, true),
            },
            Value::List(list) => match segment.parse::<usize>().ok().and_then(|number| list.get(number)) {
                Some(item) => (node, place) = (item, &item.place),
                None => return (place, true),
            },
            _ => return (place, true),
        }
    }
    (place, false)
}
