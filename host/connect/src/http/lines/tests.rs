//! What becomes of bodies.

use proptest::prelude::*;
use serde_json::Value;

use super::{Declared, lines};

const ALL: [Declared; 3] = [Declared::Lines, Declared::Json, Declared::Other];

fn made(body: &str, declared: Declared) -> String {
    String::from_utf8(lines(body.as_bytes().to_vec(), declared).unwrap()).unwrap()
}

#[test]
fn lines_pass_as_they_are_whatever_they_are_said_to_be() {
    for declared in ALL {
        for body in ["{\"a\":1}\n", "{\"a\":1}\r\n\r\n{\"b\": [1,\t2]}\nnonsense\n[1,2]\n", "\n\n {\"a\":1}\n{\"cut off\n"] {
            assert_eq!(made(body, declared), body);
        }
        assert_eq!(made("{\"a\":1}\n{\"b\":2}", declared), "{\"a\":1}\n{\"b\":2}\n");
        assert_eq!(made("\u{feff}{\"a\":1}", declared), "{\"a\":1}\n");
    }
}

#[test]
fn nothing_is_in_an_empty_body() {
    for (body, declared) in ["", " ", "\r\n\n", "\u{feff}", "\u{feff}\n", "[]", " [ ]\n"].into_iter().zip(ALL.into_iter().cycle()) {
        assert_eq!(made(body, declared), "");
    }
}

#[test]
fn an_arrays_elements_are_events() {
    for declared in ALL {
        assert_eq!(made("[{\"a\":1},{\"b\":[1,2]}]", declared), "{\"a\":1}\n{\"b\":[1,2]}\n");
        let pretty = "\u{feff}[\n  {\n    \"a\": \"x\\n,]y\"\r\n  },\n  7 , \"text\",\n  {}\n]\n";
        assert_eq!(made(pretty, declared), "{     \"a\": \"x\\n,]y\"    }\n7\n\"text\"\n{}\n");
        assert_eq!(made("[1][2]\n[]\n[3]", declared), "1\n2\n3\n");
    }
}

#[test]
fn an_object_over_several_lines_is_one_event_and_objects_without_lines_are_several() {
    for declared in ALL {
        assert_eq!(made("{\n\"a\": 1,\r\n\"b\": {\n}\n}\n", declared), "{ \"a\": 1,  \"b\": { } }\n");
        assert_eq!(made("{\n\"a\":1}\n{\n\"b\":2\n}", declared), "{ \"a\":1}\n{ \"b\":2 }\n");
        assert_eq!(made("{\"a\":1}{\"b\":2}", declared), "{\"a\":1}\n{\"b\":2}\n");
    }
}

#[test]
fn what_is_no_json_is_refused_with_its_place_unless_lines_were_announced() {
    let bad = |body: &str, declared| lines(body.as_bytes().to_vec(), declared).unwrap_err();
    for (body, at, message) in [
        ("[{\"a\":1},", 9, "expected a value"),
        ("[{\"a\":1}", 8, "expected `,` or `]`"),
        ("[{\"a\":1} {\"b\":2}]", 9, "expected `,` or `]`"),
        ("[1,]", 3, "expected value"),
        ("[{\"a\":1},\n{\"b\":}]", 15, "expected value"),
        ("[{\"a\":\n\n1},{\"b\"", 15, "EOF while parsing an object"),
        ("[1]]", 3, "expected value"),
    ] {
        for declared in [Declared::Json, Declared::Other] {
            let bad = bad(body, declared);
            assert_eq!((bad.at, &*bad.message), (at, message), "{body}");
        }
        assert_eq!(made(body, Declared::Lines), format!("{body}\n"));
    }
    assert_eq!(bad("garbage", Declared::Json).to_string(), "the body is no JSON: expected value at byte 0");
    assert_eq!(made("garbage", Declared::Other), "garbage\n", "a dead letter");
    assert!(bad("{\"a\":1", Declared::Other).ended);
    assert_eq!(made("{\"a\" 1}\n{\"b\":2}\n", Declared::Other), "{\"a\" 1}\n{\"b\":2}\n", "one bad line is one dead letter");
}

#[test]
fn deep_nesting_and_bytes_that_are_no_text_are_not_for_us_to_judge() {
    let deep = format!("[{}{}]", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(made(&deep, Declared::Json).len(), 200_001);
    assert_eq!(lines(b"[\"\xff\",1]".to_vec(), Declared::Json).unwrap(), b"\"\xff\"\n1\n");
}

#[test]
fn content_types_are_known_with_their_parameters() {
    for (text, declared) in [
        ("application/x-ndjson", Declared::Lines),
        ("Application/JSON; charset=utf-8", Declared::Json),
        ("application/cloudevents+json", Declared::Json),
        ("text/plain", Declared::Other),
        ("", Declared::Other),
    ] {
        assert_eq!(Declared::new(text), declared);
    }
}

/// Values, a few levels deep.
fn value() -> impl Strategy<Value = Value> {
    let text = "[ -~\n\r\u{e9}\u{1f600}]{0,8}";
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from), text.prop_map(Value::from)];
    leaf.prop_recursive(3, 20, 4, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from);
        let object = prop::collection::vec((text, inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect()));
        prop_oneof![list, object]
    })
}

proptest! {
    #[test]
    fn each_value_is_one_line_that_says_the_same(values in prop::collection::vec(value(), 0..6), pretty: bool) {
        let list = Value::from(values.clone());
        let body = if pretty { serde_json::to_vec_pretty(&list) } else { serde_json::to_vec(&list) }.unwrap();
        for declared in ALL {
            let lines = lines(body.clone(), declared).unwrap();
            let read: Vec<Value> = lines.split_inclusive(|&byte| byte == b'\n').map(|line| serde_json::from_slice(line).unwrap()).collect();
            prop_assert_eq!(&read, &values);
            // As little is taken away from an array as can be.
            for cut in 1..body.len().min(40) {
                prop_assert!(super::lines(body[..body.len() - cut].to_vec(), Declared::Json).is_err());
            }
        }
    }

    #[test]
    fn anything_is_lines_or_refused_at_a_place_that_there_is(body in "[\\[\\]{},:\"\\\\a1 \t\r\n\u{feff}]{0,40}", cut in 0usize..40) {
        let bytes: Vec<u8> = body.bytes().take(cut).collect();
        for declared in ALL {
            match lines(bytes.clone(), declared) {
                Ok(lines) => prop_assert!(lines.is_empty() || lines.ends_with(b"\n")),
                Err(bad) => prop_assert!(declared != Declared::Lines && bad.at <= bytes.len()),
            }
        }
    }
}
