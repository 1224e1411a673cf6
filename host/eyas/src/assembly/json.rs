//! A plugin's configuration: TOML here, JSON there.

use serde_json::{Map, Number, Value as Json};

use crate::config::{Entry, Node, Place, Value};

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

/// The place that a JSON Pointer leads to, key and value, or the innermost one on the way where the rest is missing, and whether it is.
pub fn node_at(root: &Node, pointer: &str) -> (Place, bool) {
    let (mut node, mut place) = (root, root.place.clone());
    for segment in pointer.split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        match &node.value {
            Value::Table(table) => match table.get(&segment) {
                Some(entry) => (node, place) = (&entry.node, whole(entry)),
                None => return (place, true),
            },
            Value::List(list) => match segment.parse::<usize>().ok().and_then(|number| list.get(number)) {
                Some(item) => (node, place) = (item, item.place.clone()),
                None => return (place, true),
            },
            _ => return (place, true),
        }
    }
    (place, false)
}

/// From the key to the end of its value; the key alone where the value stands elsewhere, as a table with a header of its own does.
fn whole(entry: &Entry) -> Place {
    let value = &entry.node.place;
    let follows = value.document == entry.place.document && value.start >= entry.place.end;
    if follows { Place { end: value.end, ..entry.place.clone() } } else { entry.place.clone() }
}
