//! Every type of column reads back what was put in, and nothing where a value is not valid, of another type, or not there.

#![allow(clippy::unwrap_used, reason = "tests")]

use eyas_sdk::{ColumnData, Rows, Setup, Strings};

#[test]
fn every_type_of_column_is_read_by_row() {
    let mut setup = Setup::new("rows", 0);
    let (text, bytes, raw) = (setup.text("t"), setup.bytes("b"), setup.raw("r"));
    let (s64, u64, f64) = (setup.s64("i"), setup.u64("u"), setup.f64("f"));
    let (boolean, time, ip) = (setup.boolean("o"), setup.timestamp("m"), setup.ip("p"));
    let strings = ColumnData::Strings(Strings { offsets: &[0, 1, 1, 3], data: b"a\xc3\xa4" });
    let address = [[7; 16], [8; 16], [9; 16]].concat();
    let all: &[u8] = &[];
    let columns = [
        (strings, all),
        (strings, all),
        (strings, all),
        (ColumnData::S64(&[-1, 0, 5]), all),
        (ColumnData::U64(&[1, 2, u64::MAX]), all),
        (ColumnData::F64(&[0.5, 1.5, 2.5]), all),
        (ColumnData::Bits(&[0b101]), all),
        (ColumnData::S64(&[10, 20, 30]), &[0b101][..]),
        (ColumnData::Ip(&address), all),
    ];
    let rows = Rows { count: 3, times: &[5, 6, 7], watermarks: &[5, 7, 7], columns: &columns, ..Rows::default() };
    let (first, second, third, none) = (rows.row(0), rows.row(1), rows.row(2), rows.row(3));
    assert_eq!((first.text(text), second.text(text), third.text(text)), (Some("a"), Some(""), Some("\u{e4}")));
    assert_eq!(
        (third.text_bytes(text), third.bytes(bytes), third.raw(raw)),
        (Some(&b"\xc3\xa4"[..]), Some(&b"\xc3\xa4"[..]), Some(&b"\xc3\xa4"[..]))
    );
    assert_eq!((first.s64(s64), third.u64(u64), second.f64(f64)), (Some(-1), Some(u64::MAX), Some(1.5)));
    assert_eq!((first.boolean(boolean), second.boolean(boolean)), (Some(true), Some(false)));
    assert_eq!((first.timestamp(time), second.timestamp(time), third.timestamp(time)), (Some(10), None, Some(30)));
    assert_eq!(second.ip(ip), Some(&[8; 16]));
    assert_eq!((none.s64(s64), none.ip(ip), none.u64(u64)), (None, None, None));
    assert_eq!((first.time(), first.late(), second.late()), (5, false, true));
    // A column of another type is not read as this one.
    let columns = [(ColumnData::Unread, all)];
    assert_eq!(Rows { columns: &columns, ..rows }.row(0).text(text), None);
}

#[test]
fn a_field_that_is_asked_for_twice_is_one_column() {
    let mut setup = Setup::new("rows", 0);
    setup.keyed(&eyas_sdk::Key::of(&["a", "b"]));
    setup.ip("b");
    setup.text("b");
    let fields: Vec<(&str, bool)> = setup.fields.iter().map(|f| (f.path.as_str(), f.read)).collect();
    assert_eq!(fields, [("a", false), ("b", true), ("b", true)]);
}
