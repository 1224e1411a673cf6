//! What a source that goes on for ever has beside what every source has: silence, the journal, acknowledgement (SEMANTICS 2.5, 10.1).

use eyas_connect::Acknowledge;

use super::plan::{SourceKind, StatePlan};
use super::reader::Reader;
use super::tree::Value;

/// What is the same for all live sources.
pub struct Live {
    /// Nanoseconds of silence after which a partition holds back no other.
    pub idle: Option<i64>,
    /// Whether the watermark goes on by the clock where all is silent.
    pub clock_on_idle: bool,
    /// Whether its bytes are kept until a checkpoint covers them.
    pub journal: bool,
    /// When whoever sends is told that it is safe.
    pub acknowledge: Acknowledge,
}

/// Reads these keys; where they mean nothing it says why.
pub fn read_live(reader: &Reader<'_>, kind: &SourceKind, has_time: bool, state: Option<&StatePlan>) -> Live {
    let idle = match reader.table.get("idle_secs").map(|entry| &entry.node.value) {
        Some(Value::Boolean(false)) => reader.entry("idle_secs").and(None),
        _ => Some(reader.seconds("idle_secs", 60)).filter(|nanos| *nanos > 0),
    };
    let clock = reader.choice("on_idle", &[("hold", false), ("clock", true)]).unwrap_or_default();
    let journal = reader.boolean("journal", true);
    let acknowledges = [("delivered", Acknowledge::Delivered), ("journalled", Acknowledge::Journalled)];
    let acknowledge = reader.choice("acknowledge", &acknowledges).unwrap_or_default();
    let means_nothing = |key: &'static str, why: &str, help: &str| {
        if let Some(entry) = reader.table.get(key) {
            reader.problems.at(&entry.place, format!("{key} means nothing here: {why}"), help);
        }
    };
    let finished = matches!(kind, SourceKind::File { follow: false, .. });
    if finished {
        let away = "take it away, or write follow = true";
        means_nothing("idle_secs", "files that are read once are never silent", away);
        means_nothing("on_idle", "files that are read once are never silent", away);
        means_nothing("journal", "files that are read once can be read again after a restart", away);
    } else {
        if state.is_none() {
            means_nothing("journal", "there is no journal without a state_dir", "add state_dir = \"...\" at the top, or take this away");
        }
        if !has_time {
            means_nothing("on_idle", "without event time there is no watermark", "add time, or take this away");
        } else if clock && idle.is_none() {
            means_nothing("on_idle", "with idle_secs = 0 nothing counts as silent", "give idle_secs, or take this away");
        }
    }
    if !matches!(kind, SourceKind::Network(plan) if plan.door.answers()) {
        let help = "sources of type http, otlp, vector and forward answer whoever sends; take it away";
        means_nothing("acknowledge", "nobody waits to be told", help);
    } else if acknowledge == Acknowledge::Journalled
        && let Some(entry) = reader.table.get("acknowledge")
    {
        let problem = |why: &str, help: &str| reader.problems.at(&entry.node.place, why, help);
        if state.is_none() {
            problem("there is no journal without a state_dir", "add state_dir = \"...\" at the top, or acknowledge = \"delivered\"");
        } else if !journal {
            problem("this source has journal = false", "take that away, or write acknowledge = \"delivered\"");
        }
    }
    Live { idle: if finished { None } else { idle }, clock_on_idle: clock, journal, acknowledge }
}
