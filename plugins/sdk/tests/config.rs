//! What is wrong in a configuration is told by where it is, all at once, with what would be right.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use eyas_sdk::config::{Config as _, Json};
use eyas_sdk::{Condition, FieldType, Instance, Routing, Test};
use proptest::prelude::*;
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

/// Any JSON, of the words that mean something here.
fn anything() -> impl Strategy<Value = Json> {
    let word = || {
        prop::sample::select(vec!["where", "key", "threshold", "window_secs", "slide_secs", "emit", "is", "not", "cidr", "min", "", "a/~"])
    };
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        word().prop_map(Json::from),
        "\\PC{0,8}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map(word().prop_map(str::to_owned), inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_configuration_is_taken_or_refused_with_places_that_exist(config in anything()) {
        if let Err(problems) = Instance::<ManyDetector>::new(&config.to_string(), "many", 0, 0) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                let defaulted = ["/window_secs", "/slide_secs"].contains(&problem.path.as_str());
                prop_assert!(defaulted || config.pointer(&problem.path).is_some(), "{}: {}", problem.path, problem.message);
            }
        }
    }
}
