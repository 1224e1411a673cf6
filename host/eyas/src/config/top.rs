//! What stands at the top: of the whole run, of what survives it, and of the page that shows it.

use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use eyas_state::Sync;

use super::net::listening_address;
use super::plan::{StatePlan, Top};
use super::reader::Reader;

/// Reads all that is not a component.
pub fn read_top(reader: &Reader<'_>) -> Top {
    let cores = available_parallelism().map_or(1, NonZero::get);
    let annotation_key = reader.text("annotation_key");
    if let Some((text, place)) = annotation_key
        && text.value.is_empty()
    {
        reader.problems.at(place, "annotation_key is empty", "annotations stand under this key of an event, \"eyas\" by default");
    }
    let drain = reader.seconds("drain_secs", 25);
    let mut top = Top {
        shards: reader.size("shards", 1..=256, cores.min(256)),
        seed: reader.integer("seed", 0..=i64::MAX, 0).unsigned_abs(),
        annotation_key: annotation_key.map_or_else(|| "eyas".to_owned(), |(text, _)| text.value.clone()),
        cache_dir: reader.text("cache_dir").map(|(text, _)| PathBuf::from(&text.value)),
        drain: Duration::from_nanos(drain.unsigned_abs()),
        batch_events: 4096,
        batch_bytes: 1 << 20,
        batch_age: Duration::from_millis(50),
        outbox_bytes: reader.size("outbox_bytes", 1 << 16..=1 << 40, 64 << 20),
        state: read_state(reader),
        admin: None,
    };
    if let Some(batch) = reader.within("batch") {
        top.batch_events = batch.size("max_events", 1..=1 << 20, top.batch_events);
        top.batch_bytes = batch.size("max_bytes", 1..=1 << 30, top.batch_bytes);
        top.batch_age = Duration::from_millis(batch.integer("max_age_ms", 0..=3_600_000, 50).unsigned_abs());
        batch.finish();
    }
    if let Some(admin) = reader.within("admin") {
        top.admin = listening_address(&admin, "127.0.0.1:9555");
        admin.finish();
    }
    top
}

/// The keys of the state folder. They mean nothing without one, and whoever wrote them thinks otherwise.
fn read_state(reader: &Reader<'_>) -> Option<StatePlan> {
    let always = reader.choice("sync", &[("interval", false), ("always", true)]).unwrap_or_default();
    let interval = reader.integer("sync_interval_ms", 1..=60_000, 1_000).unsigned_abs();
    let checkpoint = reader.integer("checkpoint_secs", 1..=3_600, 10).unsigned_abs();
    let keep_log = reader.boolean("keep_log", false);
    if let (true, Some(entry)) = (always, reader.table.get("sync_interval_ms")) {
        let help = "take it away, or write sync = \"interval\"";
        reader.problems.at(&entry.place, "sync = \"always\" waits for no interval", help);
    }
    let dir = reader.text("state_dir");
    if let Some((text, place)) = dir
        && text.value.is_empty()
    {
        reader.problems.at(place, "state_dir is empty", "name a folder for it: it is made where it is missing");
    }
    if reader.table.get("state_dir").is_none() {
        for key in ["sync", "sync_interval_ms", "checkpoint_secs", "keep_log"] {
            if let Some(entry) = reader.table.get(key) {
                let message = format!("{key} means nothing without a state_dir: nothing is durable then");
                reader.problems.at(&entry.place, message, "add state_dir = \"...\", or take this away");
            }
        }
        return None;
    }
    Some(StatePlan {
        dir: dir.map(|(text, _)| PathBuf::from(&text.value)).unwrap_or_default(),
        sync: if always { Sync::Always } else { Sync::Interval(Duration::from_millis(interval)) },
        checkpoint: Duration::from_secs(checkpoint),
        keep_log,
    })
}
