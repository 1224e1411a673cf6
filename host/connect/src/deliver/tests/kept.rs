//! With checkpoints.

use eyas_state::{Folder, Store};

use super::sending::{HOUR, Posting, client, config, refusing};
use crate::http::tests::support::*;
use crate::{NetSinkConfig, Outbox};

#[test]
fn a_checkpoint_knows_nothing_that_is_not_posted() {
    let folder = tempfile::tempdir().unwrap();
    let held = Folder::open(folder.path()).unwrap();
    let server = Server::start([Act::Answer(500, "")]);
    let config = NetSinkConfig { batch_timeout: HOUR, ..config(client(server.uri())) };
    let mut posting = Posting::start_with(config, 50, Some(state(&held)));
    posting.feed(&events(0..10));
    posting.end_by_stop();
    assert_eq!(server.taken(), [events(0..10)]);
    let checkpoint = Store::open(&held).unwrap().checkpoint().unwrap().unwrap();
    assert!(checkpoint.sinks.iter().any(|sink| sink.name == "back" && sink.pending.is_empty()));
}

#[test]
fn alerts_that_a_dead_server_has_not_taken_are_in_the_checkpoint_and_do_not_hold_up_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let held = Folder::open(folder.path()).unwrap();
    let outbox = Outbox::new(1 << 20, &["{\"n\":0}".to_owned()]);
    let (_socket, address) = refusing();
    let config = NetSinkConfig { outbox: Some(outbox), ..config(client(format!("http://{address}"))) };
    let mut posting = Posting::start_with(config, 50, Some(state(&held)));
    posting.feed(&events(1..10));
    posting.end_by_stop();
    let checkpoint = Store::open(&held).unwrap().checkpoint().unwrap().unwrap();
    let sink = checkpoint.sinks.iter().find(|sink| sink.name == "back").unwrap();
    assert_eq!(sink.pending.join("\n") + "\n", events(0..10));
}
