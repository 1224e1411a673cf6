//! What is wrong in a configuration is told by where it is, all at once, with what would be right.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use eyas_sdk::config::{Config as _, Json};
use eyas_sdk::{Condition, FieldType, Instance, Routing, Test};
use support::{Config, ManyDetector};

fn problems(config: &str) -> Vec<(String, String)> {
    match Instance::<ManyDetector>::new(config, "many", 0, 0) {
        Err(problems) => problems.into_iter().map(|p| (p.path, p.message)).collect(),
        Ok(_) => panic!("{config} was taken"),
    }
}

fn problem(config: &str) -> (String, String) {
    let all = problems(config);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

/// A filter's conditions, as the host is asked for them.
fn conditions(filter: &str) -> Vec<(String, Test, bool)> {
    let instance = Instance::<ManyDetector>::new(&format!(r#"{{"where": {filter}}}"#), "many", 0, 0).unwrap();
    let all = instance.subscription().conditions.clone();
    all.into_iter().map(|Condition { path, test, negate }| (path, test, negate)).collect()
}

#[test]
fn errors_are_told_by_path_with_what_would_be_right() {
    let cases = [
        ("[1]", "", "expected a table, got a list"),
        (r#"{"treshold": 1}"#, "/treshold", "unknown key; did you mean `threshold`?"),
        (r#"{"threshold": 0}"#, "/threshold", "must be at least 1, is 0"),
        (r#"{"threshold": 1.5}"#, "/threshold", "expected a whole number, not negative, got a number with a fraction"),
        (r#"{"threshold": -1}"#, "/threshold", "expected a whole number, not negative, got a whole number"),
        (r#"{"threshold": "5"}"#, "/threshold", "expected a whole number, not negative, got text"),
        (r#"{"key": []}"#, "/key", "must name at least one field"),
        (r#"{"key": ["a", "a"]}"#, "/key/1", "`a` is there twice"),
        (r#"{"key": ["a", 1]}"#, "/key/1", "expected a field name, got a whole number"),
        (r#"{"emit": "windws"}"#, "/emit", "must be \"alerts\" or \"windows\", is \"windws\""),
        (r#"{"window_secs": 100}"#, "/slide_secs", "window_secs must be a multiple of slide_secs; 100 is none of 30"),
        (r#"{"slide_secs": 0}"#, "/slide_secs", "must be from 1 to 92233720, is 0"),
        (r#"{"window_secs": 99999999999}"#, "/window_secs", "must be from 1 to 92233720, is 99999999999"),
        (r#"{"where": []}"#, "/where", "expected a table of fields, got a list"),
        (r#"{"where": {"a": 1.5}}"#, "/where/a", "numbers with a fraction are tested with min and below"),
        (r#"{"where": {"a": [1, "x"]}}"#, "/where/a", "expected integers of 64 bits alone"),
        (r#"{"where": {"a": ["x", 1]}}"#, "/where/a", "expected text alone, got a whole number"),
        (r#"{"where": {"a": []}}"#, "/where/a", "must hold at least one value"),
        (r#"{"where": {"a": null}}"#, "/where/a", "expected text, an integer or a boolean, got null"),
        (r#"{"where": {"a/b": {"prefx": "x"}}}"#, "/where/a~1b/prefx", "unknown key; did you mean `prefix`?"),
        (
            r#"{"where": {"a": {"cidr": "10.0.0.0/33"}}}"#,
            "/where/a/cidr",
            "\"10.0.0.0/33\" is neither an address nor a network such as \"10.0.0.0/8\"",
        ),
        (r#"{"where": {"a": {"not": true}}}"#, "/where/a", "needs a test: is, prefix, cidr, min, below or present"),
        (r#"{"where": {"a": {"is": 1, "prefix": "x", "not": true}}}"#, "/where/a/not", "turns one test round, and here are several"),
        (r#"{"where": {"a": {"min": "1"}}}"#, "/where/a/min", "expected a number, got text"),
    ];
    for (config, path, message) in cases {
        assert_eq!(problem(config), (path.to_owned(), message.to_owned()), "{config}");
    }
}

#[test]
fn all_errors_come_at_once() {
    let all = problems(r#"{"treshold": 1, "key": [], "emit": 3, "where": {"a": 0.5, "b": {"cidr": "x"}}}"#);
    let paths: Vec<&str> = all.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["/treshold", "/where/a", "/where/b/cidr", "/key", "/emit"]);
}

#[test]
fn what_is_no_json_says_so() {
    assert!(problem("{").1.starts_with("not JSON: "));
    assert!(Config::parse("").is_ok() && Config::parse(" {} ").is_ok());
}

#[test]
fn filters_become_the_hosts_conditions() {
    let text = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect::<Vec<String>>();
    let a = |test, negate| vec![("a".to_owned(), test, negate)];
    assert_eq!(conditions("{}"), []);
    assert_eq!(conditions(r#"{"a": "x"}"#), a(Test::Text(text(&["x"])), false));
    assert_eq!(conditions(r#"{"a": ["x", "y"]}"#), a(Test::Text(text(&["x", "y"])), false));
    assert_eq!(conditions(r#"{"a": [1, -2]}"#), a(Test::Integer(vec![1, -2]), false));
    assert_eq!(conditions(r#"{"a": true}"#), a(Test::Boolean(true), false));
    assert_eq!(conditions(r#"{"a": {"is": "x", "not": true}}"#), a(Test::Text(text(&["x"])), true));
    assert_eq!(conditions(r#"{"a": {"prefix": "x"}}"#), a(Test::Prefix(text(&["x"])), false));
    assert_eq!(conditions(r#"{"a": {"cidr": ["10.0.0.0/8", "::1"]}}"#), a(Test::Network(text(&["10.0.0.0/8", "::1"])), false));
    assert_eq!(conditions(r#"{"a": {"min": 1, "below": 2.5}}"#), a(Test::Number { at_least: Some(1.0), below: Some(2.5) }, false));
    assert_eq!(conditions(r#"{"a": {"below": 2, "not": true}}"#), a(Test::Number { at_least: None, below: Some(2.0) }, true));
    assert_eq!(conditions(r#"{"a": {"present": true}}"#), a(Test::Present, false));
    assert_eq!(conditions(r#"{"a": {"present": false}}"#), a(Test::Present, true));
    assert_eq!(conditions(r#"{"a": {"present": false, "not": true}}"#), a(Test::Present, false));
    assert_eq!(conditions(r#"{"b": 1, "a": {"min": 1, "prefix": "x"}}"#).len(), 3);
}

#[test]
fn key_fields_are_asked_for_as_addresses_and_not_read() {
    let config = r#"{"key": ["value", "user"]}"#;
    let instance = Instance::<ManyDetector>::new(config, "many", 0, 0).unwrap();
    let asked = instance.subscription();
    let fields: Vec<(&str, FieldType, bool)> = asked.fields.iter().map(|f| (f.path.as_str(), f.kind, f.read)).collect();
    assert_eq!(fields, [("value", FieldType::Ip, true), ("user", FieldType::Ip, false)]);
    assert_eq!(asked.routing, Routing::Keyed(vec![0, 1]));
}

#[test]
fn the_schema_names_each_key_with_its_default_and_description() {
    let schema = Config::schema();
    let threshold = &schema["properties"]["threshold"];
    assert_eq!((&threshold["default"], &threshold["minimum"]), (&Json::from(3), &Json::from(1)));
    assert_eq!(threshold["description"], "From here on.");
    assert_eq!(schema["additionalProperties"], false);
    let defaults: Json = schema["properties"].as_object().unwrap().iter().map(|(k, v)| (k.clone(), v["default"].clone())).collect();
    assert_eq!(Config::read(&defaults).unwrap().json(), Config::default().json());
}
