//! `eyas state`: what is in a folder is shown, exported and dropped, and only by one program at a time.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::sync::Arc;

use common::Folder;
use eyas_event::{Entries, Strings};
use eyas_state::{Change, Checkpoint, DetectorState, PartitionState, SinkFile, SinkState, Standing, Store};

fn strings(values: &[&[u8]]) -> Strings {
    let mut offsets = vec![0];
    for value in values {
        offsets.push(offsets[offsets.len() - 1] + value.len() as u32);
    }
    Strings { offsets: Arc::new(offsets), data: Arc::new(values.concat()) }
}

/// Entries by their keys, which are texts; without a value they are gone.
fn entries(rows: &[(&str, Option<&[u8]>)]) -> Entries {
    let keys: Vec<Vec<u8>> =
        rows.iter().map(|(key, _)| [b"\x01", &(key.len() as u32).to_le_bytes()[..], key.as_bytes()].concat()).collect();
    let deleted = rows.iter().enumerate().map(|(row, (_, value))| u8::from(value.is_none()) << row).sum();
    Entries {
        groups: vec![5; rows.len()],
        keys: strings(&keys.iter().map(Vec::as_slice).collect::<Vec<_>>()),
        sub_keys: strings(&vec![b"window".as_slice(); rows.len()]),
        values: strings(&rows.iter().map(|(_, value)| value.unwrap_or_default()).collect::<Vec<_>>()),
        deleted: vec![deleted],
    }
}

/// Two detectors, three keys of which one is gone again.
fn fill(folder: &Folder) {
    let detector = |name: &str| DetectorState {
        name: name.to_owned(),
        plugin: "brute_force".to_owned(),
        version: "0.1.0".to_owned(),
        state_version: 1,
        config: "{}".to_owned(),
        quarantined: None,
        quarantines: 0,
        unseen: Vec::new(),
    };
    let partition = PartitionState {
        source: 0,
        number: 0,
        name: "in.ndjson".to_owned(),
        file: None,
        position: 4321,
        turn_end: None,
        watermark: Some(1_772_438_400_000_000_000),
        standing: Standing::Active,
    };
    let sink = SinkState {
        name: "alerts".to_owned(),
        files: vec![SinkFile { path: "alerts.ndjson".into(), length: 99 }],
        rotations: 0,
        pending: vec!["{}\n".to_owned()],
        dead_letters: Vec::new(),
    };
    let checkpoint = Checkpoint {
        next: 7,
        finished: true,
        flushes: 1,
        sources: vec!["shipper".to_owned()],
        partitions: vec![partition],
        detectors: vec![detector("one"), detector("other")],
        sinks: vec![sink],
        ..Checkpoint::default()
    };
    let change = |name: &str, full, rows: &[(&str, Option<&[u8]>)]| Change {
        detector: name.to_owned(),
        shard: 0,
        full,
        chunks: vec![entries(rows)],
    };
    let held = eyas_state::Folder::open(&folder.path("state")).unwrap();
    let mut store = Store::open(&held).unwrap();
    let first = [change("one", true, &[("b", Some(b"\x01\xff")), ("a", Some(b"old"))]), change("other", true, &[("c", Some(b"c"))])];
    store.commit(&checkpoint, &first, true).unwrap();
    store.commit(&checkpoint, &[change("one", false, &[("a", None)])], false).unwrap();
}

#[test]
fn a_checkpoint_is_shown_to_people() {
    let folder = Folder::new();
    fill(&folder);
    folder.write("eyas.toml", "state_dir = \"state\"\n[sources.in]\ntype = \"stdin\"\n[sinks.out]\ntype = \"stdout\"\ninputs = [\"in\"]\n");
    for named in ["state", "eyas.toml"] {
        let shown = folder.run(&["state", "show", named]).ok().out;
        for part in [
            "the first 7 records of the input log",
            "wants --resume or --fresh",
            "one: brute_force 0.1.0, state version 1",
            "in.ndjson: at byte 4,321, watermark 2026-03-02T08:00:00Z",
            "alerts: 1 alert not taken yet",
            "alerts.ndjson as far as byte 99",
        ] {
            assert!(shown.contains(part), "{named}: {part}: {shown}");
        }
    }
}

#[test]
fn entries_are_exported_as_they_are_now() {
    let folder = Folder::new();
    fill(&folder);
    let exported = folder.run(&["state", "export", "state"]).ok().out;
    let lines: Vec<serde_json::Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{exported}");
    let expected = serde_json::json!({"detector": "one", "group": 5, "key": ["b"], "sub_key": "window", "bytes": 2, "value": "01ff"});
    assert_eq!(lines[0], expected);
    assert_eq!(folder.run(&["state", "export", "state", "--detector", "other"]).ok().out.lines().count(), 1);
    let wrong = folder.run(&["state", "export", "state", "--detector", "on"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("did you mean \"one\"?"), "{}", wrong.err);
}

#[test]
fn the_state_of_one_detector_is_dropped_and_the_others_stay() {
    let folder = Folder::new();
    fill(&folder);
    assert!(folder.run(&["state", "drop", "state", "--detector", "one"]).ok().out.contains("begins anew with the next run"));
    assert_eq!(folder.run(&["state", "export", "state"]).ok().out.lines().count(), 1);
    assert_eq!(folder.run(&["state", "drop", "state", "--detector", "one"]).code, Some(2), "it is not there any more");
}

#[test]
fn a_folder_that_is_held_is_left_alone() {
    let folder = Folder::new();
    fill(&folder);
    let held = eyas_state::Folder::open(&folder.path("state")).unwrap();
    let store = Store::open(&held).unwrap();
    for arguments in [&["state", "drop", "state", "--detector", "one"][..], &["state", "show", "state"], &["state", "export", "state"]] {
        let refused = folder.run(arguments);
        assert!(refused.code == Some(2) && refused.err.contains("in use"), "{arguments:?}: {:?} {}", refused.code, refused.err);
    }
    drop((store, held));
    folder.run(&["state", "drop", "state", "--detector", "one"]).ok();
}

#[test]
fn what_is_no_state_folder_is_said_and_not_made_one() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("empty")).unwrap();
    folder.write("eyas.toml", "[sources.in]\ntype = \"stdin\"\n[sinks.out]\ntype = \"stdout\"\ninputs = [\"in\"]\n");
    for (named, told) in [("empty", "no checkpoint in empty"), ("eyas.toml", "no state_dir"), ("missing", "cannot read missing")] {
        for arguments in [&["state", "show", named][..], &["state", "drop", named, "--detector", "one"]] {
            let refused = folder.run(arguments);
            assert!(refused.code == Some(2) && refused.err.contains(told), "{arguments:?}: {}", refused.err);
        }
    }
    assert_eq!(std::fs::read_dir(folder.path("empty")).unwrap().count(), 0);
}
