//! Subscriptions: as the guest built them, or refused.

use eyas_event::{Condition, Field, FieldType, Keying, Network, Test};
use eyas_hostile::Guest;
use eyas_plugin::{FaultKind, PluginError, Problem};

use crate::support::{fault_at_start, start};

#[test]
fn a_subscription_is_what_the_guest_asked_for() {
    let mut guest = Guest::new();
    let (a, b, network) = (guest.text("a"), guest.text("b.c"), guest.text("10.0.0.0/8"));
    let list = {
        let words: Vec<u8> =
            network.split(['(', ')', ' ']).filter_map(|word| word.parse::<u32>().ok()).flat_map(u32::to_le_bytes).collect();
        guest.bytes(&words)
    };
    let columns = guest.bytes(&[1, 0, 0, 0, 0, 0, 0, 0]);
    let body = format!(
        "(drop (call $setup.ip {a})) (drop (call $setup.text {a}))
         (if (i32.ne (call $setup.ip {a}) (i32.const 0)) (then (unreachable)))
         (call $setup.where-present {b} (i32.const 1))
         (call $setup.where-number {b} (i32.const 1) (f64.const 0.5) (i32.const 0) (f64.const 0) (i32.const 0))
         (call $setup.where-network {a} (i32.const {list}) (i32.const 1) (i32.const 0))
         (call $setup.keyed (i32.const {columns}) (i32.const 2))
         (call $setup.drops)
         (if (i64.ne (call $setup.seed) (i64.const 42)) (then (unreachable)))
         (if (i64.ne (call $setup.table-seed) (i64.const 43)) (then (unreachable)))"
    );
    let instance = start(&guest.on("configure", &body)).unwrap();
    let subscription = instance.subscription();
    let field = |kind| Field { path: "a".to_owned(), kind };
    assert_eq!(subscription.fields, [field(FieldType::Ip), field(FieldType::Text)]);
    let condition = |path: &str, test, negate| Condition { path: path.to_owned(), test, negate };
    let number = Test::Number { at_least: Some(0.5), below: None };
    let network = Test::Network(vec![Network::parse("10.0.0.0/8").unwrap()]);
    assert_eq!(
        subscription.conditions,
        [condition("b.c", Test::Present, true), condition("b.c", number, false), condition("a", network, false)]
    );
    assert_eq!(subscription.keying, Keying::Keyed(vec![1, 0]));
    assert!(subscription.drops && !subscription.timeless);
}

#[test]
fn what_cannot_be_subscribed_to_is_refused() {
    let mut guest = Guest::new();
    let (a, long, points) = (guest.text("a"), guest.text(&"x".repeat(1025)), guest.text(&"x.".repeat(16)));
    let bad = guest.bytes(b"10.0.0.0/99");
    let networks = guest.bytes(&[bad.to_le_bytes(), 11u32.to_le_bytes()].concat());
    let twice = guest.bytes(&[0; 8]);
    let subscribe = format!("(drop (call $setup.text {a}))");
    for (body, says) in [
        ("(drop (call $setup.text (i32.const 0) (i32.const 0)))".to_owned(), "setup.text: a path may not be empty"),
        (format!("(drop (call $setup.ip {long}))"), "1025 bytes of a path are more than 1024"),
        (format!("(drop (call $setup.ip {points}))"), "16 points in a path are more than 15"),
        (format!("(call $setup.where-present {points} (i32.const 0))"), "points in a path"),
        (
            format!("(call $setup.where-network {a} (i32.const {networks}) (i32.const 1) (i32.const 0))"),
            "\"10.0.0.0/99\" is no address or network",
        ),
        (
            format!("(call $setup.where-number {a} (i32.const 1) (f64.const nan) (i32.const 0) (f64.const 0) (i32.const 0))"),
            "a bound is no number",
        ),
        ("(call $setup.keyed (i32.const 0) (i32.const 0))".to_owned(), "a key of no columns"),
        (format!("(call $setup.keyed (i32.const {twice}) (i32.const 1))"), "there is no column 0, the subscription has 0"),
        (format!("{subscribe} (call $setup.keyed (i32.const {twice}) (i32.const 2))"), "column 0 is given twice"),
        (format!("{subscribe} (call $setup.keyed (i32.const {twice}) (i32.const 1)) (call $setup.stateless)"), "was called before"),
        ("(call $setup.stateless) (call $setup.stateless)".to_owned(), "was called before"),
    ] {
        let fault = fault_at_start(&guest.clone().on("configure", &body));
        assert!(matches!(fault.kind, FaultKind::Refused | FaultKind::Limit), "{fault}");
        assert!(fault.message.contains(says), "{fault}");
    }
}

#[test]
fn columns_and_conditions_without_end_are_stopped() {
    let mut guest = Guest::new();
    let path = guest.bytes(b"aaaa");
    for (call, says) in [
        (format!("(drop (call $setup.s64 (i32.const {path}) (i32.const 4)))"), "columns are more than 256"),
        (format!("(call $setup.where-present (i32.const {path}) (i32.const 4) (i32.const 0))"), "conditions are more than 256"),
    ] {
        // Another path each time, counted in its letters.
        let body = format!(
            "(loop $again {call} (local.set $i (i32.add (local.get $i) (i32.const 1)))
               (i32.store16 (i32.const {path}) (i32.add (i32.const 0x6161) (i32.add (i32.and (local.get $i) (i32.const 15))
                 (i32.shl (i32.shr_u (local.get $i) (i32.const 4)) (i32.const 8)))))
               (br_if $again (i32.lt_u (local.get $i) (i32.const 400))))"
        );
        let fault = fault_at_start(&guest.clone().on("configure", &body));
        assert_eq!(fault.kind, FaultKind::Limit, "{fault}");
        assert!(fault.message.contains(says), "{fault}");
    }
}

#[test]
fn problems_with_the_configuration_are_no_faults() {
    let mut guest = Guest::new();
    let (path, message) = (guest.text("/threshold"), guest.text("must be \u{1b}[1mat least 1"));
    let words = format!("{path} {message}");
    let words: Vec<u8> = words.split(['(', ')', ' ']).filter_map(|word| word.parse::<u32>().ok()).flat_map(u32::to_le_bytes).collect();
    let problem = guest.bytes(&words);
    let answer: Vec<u8> = [1, problem, 1].iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    let answer = guest.bytes(&answer);
    let error = start(&guest.on("configure", &format!("(return (i32.const {answer}))"))).unwrap_err();
    let PluginError::Configuration(problems) = &error else { panic!("{error}") };
    let message = "must be \\u{1b}[1mat least 1".to_owned();
    assert_eq!(*problems, [Problem { path: "/threshold".to_owned(), message }]);
    assert_eq!(error.to_string(), "/threshold: must be \\u{1b}[1mat least 1");
}
