//! Times against `jiff`, which knows them all.
#![allow(clippy::unwrap_used, reason = "tests")]

use crate::dialect::Dialect;
use jiff::Timestamp as Instant;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::read::Clock;
use super::{BadTime, TimeSpec, guess_time, rfc3339};
use crate::json::{Kind, Slot};

fn clock(formats: &[&str], zone: &str) -> Clock {
    let formats: Vec<String> = formats.iter().map(|&format| format.to_owned()).collect();
    Clock::new(TimeSpec::new("time", &formats, zone).unwrap(), Dialect::Json)
}

fn read(clock: &mut Clock, kind: Kind, text: &str) -> Result<i64, BadTime> {
    clock.read(Slot::new(0, text.len(), kind), text.as_bytes())
}

fn text(clock: &mut Clock, text: &str) -> Result<i64, BadTime> {
    read(clock, Kind::Text, text)
}

const SECOND: i64 = 1_000_000_000;

#[test]
fn rfc3339_is_read_in_all_its_spellings() {
    let mut clock = clock(&["rfc3339"], "UTC");
    let noon = 1_772_452_800 * SECOND;
    for (spelling, wanted) in [
        ("2026-03-02T12:00:00Z", noon),
        ("2026-03-02t12:00:00z", noon),
        ("2026-03-02 12:00:00Z", noon),
        ("2026-03-02T12:00:00+00:00", noon),
        ("2026-03-02T13:30:00+01:30", noon),
        ("2026-03-02T13:30:00+0130", noon),
        ("2026-03-02T00:00:00-12:00", noon),
        ("2026-03-02T12:00:00.5Z", noon + SECOND / 2),
        ("2026-03-02T12:00:00.123456789Z", noon + 123_456_789),
        // A leap second is the second before it.
        ("2016-12-31T23:59:60Z", 1_483_228_799 * SECOND),
        ("1677-09-21T00:12:43.145224192Z", i64::MIN),
        ("2262-04-11T23:47:16.854775807Z", i64::MAX),
    ] {
        assert_eq!(text(&mut clock, spelling), Ok(wanted), "{spelling}");
    }
    for unreadable in [
        "",
        "2026-03-02",
        "2026-03-02T12:00:00",
        "2026-02-29T12:00:00Z",
        "2026-13-02T12:00:00Z",
        "2026-03-02T24:00:00Z",
        "2026-03-02T12:00:00+26:00",
        "yesterday",
    ] {
        assert_eq!(text(&mut clock, unreadable), Err(BadTime::Unreadable), "{unreadable}");
    }
    for outside in ["0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "1677-09-21T00:12:43.145224191Z", "2262-04-11T23:47:16.854775808Z"] {
        assert_eq!(text(&mut clock, outside), Err(BadTime::OutOfRange), "{outside}");
    }
}

#[test]
fn unix_times_are_exact() {
    let mut seconds = clock(&["unix"], "UTC");
    for (kind, number, wanted) in [
        (Kind::Integer, "1772452800", Ok(1_772_452_800 * SECOND)),
        (Kind::Number, "1772452800.123456789", Ok(1_772_452_800_123_456_789)),
        (Kind::Number, "1772452800.1234567899", Ok(1_772_452_800_123_456_789)),
        (Kind::Number, "1.7724528001e9", Ok(1_772_452_800_100_000_000)),
        (Kind::Text, "1772452800.25", Ok(1_772_452_800_250_000_000)),
        (Kind::Integer, "-1", Ok(-SECOND)),
        (Kind::Number, "-0.5", Ok(-SECOND / 2)),
        (Kind::Integer, "9999999999999", Err(BadTime::OutOfRange)),
        (Kind::Number, "1e400", Err(BadTime::OutOfRange)),
        (Kind::Text, "1e9", Err(BadTime::Unreadable)),
        (Kind::Text, "", Err(BadTime::Unreadable)),
        (Kind::True, "true", Err(BadTime::Unreadable)),
        (Kind::Null, "null", Err(BadTime::Missing)),
    ] {
        assert_eq!(read(&mut seconds, kind, number), wanted, "{number}");
    }
    for (format, number) in [("unix_ms", "1772452800123"), ("unix_us", "1772452800123000"), ("unix_ns", "1772452800123000000")] {
        assert_eq!(read(&mut clock(&[format], "UTC"), Kind::Integer, number), Ok(1_772_452_800_123_000_000));
    }
}

#[test]
fn formats_are_tried_in_order() {
    let mut clock = clock(&["%d/%b/%Y:%H:%M:%S %z", "unix_ms", "rfc3339"], "UTC");
    let noon = 1_772_452_800 * SECOND;
    for spelling in ["02/Mar/2026:12:00:00 +0000", "02/Mar/2026:14:00:00 +0200", "1772452800000", "2026-03-02T12:00:00Z"] {
        assert_eq!(text(&mut clock, spelling), Ok(noon), "{spelling}");
    }
    assert_eq!(read(&mut clock, Kind::Integer, "1772452800000"), Ok(noon));
}

#[test]
fn where_a_zone_jumps_a_skipped_time_goes_on_and_a_doubled_one_is_the_first() {
    let mut clock = clock(&["%Y-%m-%d %H:%M:%S"], "Europe/Berlin");
    for (local, wanted) in [
        ("2026-03-29 02:30:00", "2026-03-29T01:30:00Z"),
        ("2026-03-29 03:30:00", "2026-03-29T01:30:00Z"),
        ("2026-10-25 02:30:00", "2026-10-25T00:30:00Z"),
        ("2026-07-01 12:00:00", "2026-07-01T10:00:00Z"),
        ("2026-12-01 12:00:00", "2026-12-01T11:00:00Z"),
    ] {
        assert_eq!(text(&mut clock, local).map(|time| rfc3339(time).to_string()), Ok(wanted.to_owned()), "{local}");
    }
}

#[test]
fn a_wrong_format_or_zone_is_said_when_it_is_named() {
    let error = |format: &str, zone: &str| TimeSpec::new("time", &[format.to_owned()], zone).unwrap_err();
    assert!(error("rfc 3339", "UTC").contains("unknown time format \"rfc 3339\"; one of rfc3339"));
    assert!(error("%H:%M:%S", "UTC").contains("does not give year, month and day"));
    assert!(error("%Y-%m-%d %!", "UTC").starts_with("time format \"%Y-%m-%d %!\": "));
    assert!(error("rfc3339", "Berlin").contains("unknown time zone \"Berlin\""));
    assert!(TimeSpec::new("", &["unix".to_owned()], "UTC").is_err() && TimeSpec::new("time", &[], "UTC").is_err());
}

#[test]
fn the_time_field_is_found_in_the_first_events() {
    let guess = |lines: &str| guess_time(lines.as_bytes());
    let found = |field: &str, format: &str| Some((field.to_owned(), format.to_owned()));
    assert_eq!(
        guess("{\"timestamp\":\"2026-03-02 08:00:00\"}\n{\"timestamp\":\"2026-03-02 08:00:01\"}\n{\"timest"),
        found("timestamp", "%Y-%m-%d %H:%M:%S")
    );
    assert_eq!(guess("{\"a\":1,\"ts\":\"2018-03-24T17:15:20.865716Z\"}\n"), found("ts", "rfc3339"));
    assert_eq!(guess("{\"date\":1772452800.25}\n"), found("date", "unix"));
    assert_eq!(guess("{\"__REALTIME_TIMESTAMP\":\"1772452800123456\"}\n"), found("__REALTIME_TIMESTAMP", "unix_us"));
    assert_eq!(guess("{\"event\":{\"created\":1772452800123}}\n"), found("event.created", "unix_ms"));
    // A name alone is not enough.
    assert_eq!(guess("{\"time\":\"soon\",\"ts\":\"2026-03-02T12:00:00Z\"}\n"), found("ts", "rfc3339"));
    assert_eq!(guess("{\"time\":17}\n"), None);
    assert_eq!(guess("not json\n"), None);
    assert_eq!(guess(""), None);
}

/// Any instant that a timestamp holds, in whole seconds at times.
fn instants() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        (-4_000_000_000i64..4_000_000_000).prop_map(|second| second * SECOND),
        (0..2_000_000_000_000i64).prop_map(|milli| milli * 1_000_000)
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_back(time in instants()) {
        let written = rfc3339(time).to_string();
        prop_assert_eq!(&written, &Instant::from_nanosecond(time.into()).unwrap().to_string());
        prop_assert_eq!(text(&mut clock(&["rfc3339"], "UTC"), &written), Ok(time));
    }

    #[test]
    fn patterns_are_read_as_jiff_reads_them(
        times in prop::collection::vec(instants(), 1..8),
        pattern in prop::sample::select(vec![
            "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f", "%F %T", "%F %T%.f%:z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S%z", "%d/%b/%Y:%H:%M:%S %z", "%Y%m%d%H%M%S",
        ]),
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
        flip in any::<(u8, u8)>(),
    ) {
        let mut clock = clock(&[pattern], zone);
        let zone = TimeZone::get(zone).unwrap();
        for (i, &time) in times.iter().enumerate() {
            let mut written = strtime::format(pattern, &Instant::from_nanosecond(time.into()).unwrap().to_zoned(zone.clone())).unwrap().into_bytes();
            if i % 2 == 1 && !written.is_empty() {
                let at = usize::from(flip.0) % written.len();
                if let Some(byte) = written.get_mut(at) {
                    *byte = b"0123456789-: TZ+.x"[usize::from(flip.1) % 18];
                }
            }
            let written = String::from_utf8(written).unwrap();
            let wanted = strtime::parse(pattern, &written).ok().and_then(|read| {
                let instant = read.to_timestamp().ok().or_else(|| zone.to_timestamp(read.to_datetime().ok()?).ok());
                instant.and_then(|instant| i64::try_from(instant.as_nanosecond()).ok())
            });
            prop_assert_eq!(text(&mut clock, &written).ok(), wanted, "{} by {}", written, pattern);
        }
    }
}
