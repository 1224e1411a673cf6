//! With an input log and checkpoints.

use eyas_state::{Folder, Store};

use super::support::*;
use crate::net::{Acknowledge, NetSource};

#[test]
fn a_request_that_need_only_be_journalled_does_not_wait_for_sinks() {
    let folder = tempfile::tempdir().unwrap();
    let held = Folder::open(folder.path()).unwrap();
    let source = NetSource { acknowledge: Acknowledge::Journalled, position: 77, ..source() };
    let (listening, outlet) = Listening::start_with(source, 8, Some(state(&held)));
    assert_eq!(listening.connect().post("", &events(0..5)).status, 200);
    let out = drain(outlet);
    listening.end_after(|| assert_eq!(out.join().unwrap(), events(0..5)));
    let checkpoint = Store::open(&held).unwrap().checkpoint().unwrap().unwrap();
    let partition = &checkpoint.partitions[0];
    assert_eq!((&*partition.name, partition.position), ("net", 77 + events(0..5).len() as u64));
}
