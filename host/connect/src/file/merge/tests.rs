//! Real files through a real engine without detectors.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use eyas_codec::{Decoding, Encoding, TimeSpec};
use eyas_engine::{Component, Engine, Feed, Input, Settings, Sink, Source, Topology};

use super::{FileError, FileReader, FileSource, SLICE};
use crate::{FileInput, Stop};

/// What came out: events, dead letters, and files that could not be read.
struct Out {
    events: String,
    dead: String,
    errors: Vec<FileError>,
}

pub fn decoding() -> Decoding {
    let time = TimeSpec::new("t", &["unix".to_owned()], "UTC").unwrap();
    Decoding { time: Some(time), max_event_bytes: 1 << 19, ..Decoding::default() }
}

fn read(files: &[PathBuf], decoding: Decoding) -> Out {
    let source = Source {
        name: "in".into(),
        decoding: decoding.clone(),
        max_lateness: 1 << 60,
        credit_batches: 4,
        credit_bytes: 1 << 24,
        logging: eyas_engine::Logging::Nothing,
        idle: None,
        clock_on_idle: false,
        dedupe: 0,
    };
    let sink = |feed| Sink { name: "out".into(), inputs: vec![feed], form: Default::default() };
    let sinks = vec![sink(Feed::Events(Input::Source(0))), sink(Feed::DeadLetters(Component::Source(0)))];
    let topology = Topology { sources: vec![source], detectors: Vec::new(), sinks };
    let settings = Settings { shards: 2, seed: 0, table_seed: 0, batch_events: 4096 };
    let (engine, admission, outlets) = Engine::start(&topology, &settings, None).unwrap();
    let files = files.iter().cloned().map(FileInput::Path).collect();
    let reader = FileReader::new(vec![FileSource { number: 0, decoding, files }], 1 << 20, &[]).unwrap();
    let (errors, mut written) = std::thread::scope(|scope| {
        let sinks = outlets.into_iter().map(|mut outlet| {
            scope.spawn(move || {
                let mut bytes = Vec::new();
                while let Some(delivery) = outlet.next_delivery() {
                    delivery.slices().for_each(|piece| bytes.extend_from_slice(piece));
                }
                String::from_utf8(bytes).unwrap()
            })
        });
        let sinks: Vec<_> = sinks.collect();
        let errors = reader.run(&admission, &Stop::new().unwrap());
        admission.finish();
        (errors, sinks.into_iter().map(|sink| sink.join().unwrap()).collect::<Vec<_>>())
    });
    engine.join().unwrap();
    let dead = written.pop().unwrap();
    Out { events: written.pop().unwrap(), dead, errors }
}

/// A file of events, `step` seconds apart, and its text.
pub fn file(folder: &Path, name: &str, start: u32, step: u32, count: u32) -> (PathBuf, String) {
    let filler = "x".repeat(80);
    let text: String =
        (0..count).map(|i| format!("{{\"t\":{},\"file\":\"{name}\",\"filler\":\"{filler}\"}}\n", start + i * step)).collect();
    let path = folder.join(name);
    fs::write(&path, &text).unwrap();
    (path, text)
}

/// SEMANTICS 1, written down again as simply as can be.
fn merged(texts: &[String]) -> String {
    let mut slices: Vec<Vec<String>> = texts.iter().map(|text| cut(text)).collect();
    let time = |slice: &String| slice[5..].split(',').next().unwrap().parse::<u64>().unwrap();
    let mut out = String::new();
    while let Some(next) = (0..slices.len()).filter(|&file| !slices[file].is_empty()).min_by_key(|&file| (time(&slices[file][0]), file)) {
        out += &slices[next].remove(0);
    }
    out
}

/// Whole lines of at most 256 KiB.
fn cut(text: &str) -> Vec<String> {
    let mut slices = vec![String::new()];
    for line in text.split_inclusive('\n') {
        if slices.last().unwrap().len() + line.len() > SLICE {
            slices.push(String::new());
        }
        *slices.last_mut().unwrap() += line;
    }
    slices
}

#[test]
fn the_slice_whose_first_event_is_earliest_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let files =
        [file(folder.path(), "a", 1000, 1, 9_000), file(folder.path(), "b", 1000, 3, 9_000), file(folder.path(), "c", 500, 2, 20_000)];
    let (paths, texts): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    let out = read(&paths, decoding());
    assert!(out.errors.is_empty());
    assert!(out.events == merged(&texts), "in another order");
}

#[test]
fn more_files_than_may_be_open_are_merged_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let count = super::OPEN_AT_ONCE as u32 + 40;
    let files = (0..count).map(|i| file(folder.path(), &format!("{i:04}"), 1000 + i * 37 % 400, 1, 4_000));
    let (paths, texts): (Vec<_>, Vec<_>) = files.into_iter().unzip();
    assert!(read(&paths, decoding()).events == merged(&texts), "in another order");
}

#[test]
fn packed_files_are_known_by_their_first_bytes_and_may_have_several_parts() {
    let folder = tempfile::tempdir().unwrap();
    let (_, text) = file(folder.path(), "plain", 1, 1, 10_000);
    let (first, second) = text.split_at(text.len() / 3);
    let gzip = |bytes: &str| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes.as_bytes()).unwrap();
        packed.finish().unwrap()
    };
    let zstd = |bytes: &str| zstd::encode_all(bytes.as_bytes(), 1).unwrap();
    for packed in [gzip(&text), [gzip(first), gzip(second)].concat(), zstd(&text), [zstd(first), zstd(second)].concat()] {
        let path = folder.path().join("no.extension");
        fs::write(&path, packed).unwrap();
        let out = read(&[path], decoding());
        assert!(out.errors.is_empty() && out.events == text);
    }
    for packed in [gzip(&text), zstd(&text)] {
        let path = folder.path().join("truncated");
        fs::write(&path, &packed[..packed.len() * 2 / 3]).unwrap();
        let (_, other) = file(folder.path(), "other", 2, 1, 10);
        let out = read(&[path, folder.path().join("other")], decoding());
        assert!(out.errors[0].to_string().contains("truncated"), "{}", out.errors[0]);
        assert!(out.events.contains(&other), "the other files are read");
        let whole = out.events.lines().filter(|line| line.contains("plain")).count();
        assert!(whole > 0 && text.contains(out.events.lines().next().unwrap()), "what could be unpacked comes out");
    }
}

#[test]
fn files_that_cannot_be_read_are_named_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (good, text) = file(folder.path(), "good", 1, 1, 10);
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let out = read(&[good, empty, folder.path().join("vanished"), folder.path().to_owned()], decoding());
    assert_eq!(out.events, text);
    let errors: Vec<_> = out.errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("vanished: No such file")), "{errors:?}");
    assert!(errors.iter().any(|error| error.contains("is no regular file")), "{errors:?}");
}

#[test]
fn an_event_that_is_too_long_comes_out_in_pieces_and_nothing_else_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long");
    let long = "x".repeat(3 << 20);
    fs::write(&path, format!("{{\"t\":1}}\n{{\"t\":2,\"long\":\"{long}\"}}\r\n{{\"t\":3}}")).unwrap();
    let out = read(&[path], decoding());
    assert_eq!(out.events, "{\"t\":1}\n{\"t\":3}\n");
    let pieces = out.dead.lines().map(|line| line.split("\"event\":\"").nth(1).unwrap().trim_end_matches("\"}").replace("\\\"", "\""));
    assert!(pieces.collect::<String>().starts_with(&format!("{{\"t\":2,\"long\":\"{long}\"}}")));
    assert!(out.dead.lines().all(|line| line.len() < (1 << 19) + 400));
}

#[test]
fn each_csv_file_has_a_header_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.csv", "b.csv"].map(|name| folder.path().join(name));
    fs::write(&paths[0], "t,who\n1,a\n2,\"b,c\"").unwrap();
    fs::write(&paths[1], "who,t\r\nd,3\r\n").unwrap();
    let csv = Encoding::Csv { delimiter: b',', header: true, columns: Vec::new() };
    let out = read(&paths, Decoding { encoding: csv, ..decoding() });
    assert_eq!(out.events, "{\"t\":\"1\",\"who\":\"a\"}\n{\"t\":\"2\",\"who\":\"b,c\"}\n{\"who\":\"d\",\"t\":\"3\"}\n");
}
