//! What the admin page looks at: the figures of a run that is going on. Looking waits for nobody who works.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use eyas_codec::DeadReason;
use eyas_connect::{NetFigures, NetSinkFigures, ingest_time};
use eyas_engine::{CreditFigures, DetectorCounters, SourceCounters, Stage};
use eyas_event::Timestamp;

use super::status::{
    CheckpointStatus, CreditStatus, DetectorStatus, JournalStatus, NetSinkStatus, NetSourceStatus, OutboxStatus, SinkStatus, SourceStatus,
    State, Status,
};
use crate::config::Plan;
use crate::execute::{SinkFigures, Watched};
use crate::text::time;

/// A run to look at.
pub struct View {
    watched: Watched,
    sources: Vec<String>,
    detectors: Vec<String>,
    sinks: Vec<String>,
    outbox_bytes: u64,
    /// By source that was out of credit when it was last looked at: how many batches it had brought, and since when it has been seen so.
    stuck: Mutex<Vec<Option<(u64, Instant)>>>,
}

impl View {
    /// Of a run of this plan.
    pub fn new(plan: &Plan, watched: Watched) -> Self {
        Self {
            watched,
            sources: plan.sources.iter().map(|source| source.name.clone()).collect(),
            detectors: plan.detectors.iter().map(|detector| detector.name.clone()).collect(),
            sinks: plan.sinks.iter().map(|sink| sink.name.clone()).collect(),
            outbox_bytes: plan.top.outbox_bytes as u64,
            stuck: Mutex::new(vec![None; plan.sources.len()]),
        }
    }

    /// Whether it takes events in.
    pub fn state(&self) -> State {
        match (self.watched.ready.load(Acquire), &self.watched.journal) {
            (true, _) => State::Ready,
            (false, Some(_)) => State::Replaying,
            (false, None) => State::Starting,
        }
    }

    /// The figures of all components, beside what is there already.
    pub fn describe(&self, status: Status) -> Status {
        let now = ingest_time();
        let counters = &self.watched.counters;
        let sources = self.sources.iter().zip(&counters.sources).zip(self.watched.admission.credit()).enumerate();
        let detectors = self.detectors.iter().zip(&counters.detectors);
        let sinks = self.sinks.iter().zip(&self.watched.sinks);
        let seconds = |stage: &Stage| counters.stage_nanos.get(*stage as usize).map_or(0.0, |nanos| nanos.load(Relaxed) as f64 / 1e9);
        Status {
            sources: sources.map(|(number, ((name, source), credit))| self.source(number, name, source, credit, now)).collect(),
            detectors: detectors.map(|(name, detector)| detector_status(name, detector, now)).collect(),
            sinks: sinks.map(|(name, sink)| self.sink(name, sink)).collect(),
            journal: self.journal(now),
            checkpoint: self.checkpoint(now),
            stage_seconds: Stage::ALL.iter().map(|stage| (stage.name().to_owned(), seconds(stage))).collect(),
            ..status
        }
    }

    fn source(&self, number: usize, name: &str, counters: &SourceCounters, credit: CreditFigures, now: Timestamp) -> SourceStatus {
        let batches = get(&counters.batches);
        let dead = DeadReason::NAMES.iter().zip(&counters.dead_letters).map(|(name, count)| ((*name).to_owned(), get(count)));
        let newest = counters.newest.get();
        SourceStatus {
            name: name.to_owned(),
            events: get(&counters.events),
            bytes: get(&counters.bytes),
            batches,
            late: get(&counters.late),
            untimed: get(&counters.untimed),
            forgotten: get(&counters.forgotten),
            dead_letters: dead.collect(),
            newest_event: newest.map(time),
            newest_event_age_seconds: newest.map(|newest| since(newest, now)),
            credit: CreditStatus {
                batches: credit.batches as u64,
                max_batches: credit.most_batches as u64,
                bytes: credit.bytes as u64,
                max_bytes: credit.most_bytes as u64,
                stuck_seconds: self.stuck(number, batches, credit),
            },
            net: self.watched.sources.net.get(number).and_then(Option::as_deref).map(listening),
        }
    }

    /// For how long a source has brought nothing, with all of its credit in use; as far as it was looked at.
    fn stuck(&self, number: usize, batches: u64, credit: CreditFigures) -> Option<f64> {
        let mut stuck = self.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = stuck.get_mut(number)?;
        let full = credit.batches >= credit.most_batches || credit.bytes >= credit.most_bytes;
        *stuck = full.then(|| stuck.filter(|(known, _)| *known == batches).unwrap_or_else(|| (batches, Instant::now())));
        stuck.map(|(_, since)| since.elapsed().as_secs_f64())
    }

    fn sink(&self, name: &str, figures: &SinkFigures) -> SinkStatus {
        let written = figures.writer.as_deref();
        let sent = figures.net.as_deref();
        let full = written.is_some_and(|writer| writer.full.load(Relaxed)).then(|| "its disk is full".to_owned());
        SinkStatus {
            name: name.to_owned(),
            bytes: written.map_or(0, |writer| get(&writer.bytes)) + sent.map_or(0, |net| get(&net.bytes)),
            failing: full.or_else(|| sent.and_then(NetSinkFigures::failing)),
            outbox: figures.outbox.as_ref().map(|outbox| {
                let (alerts, bytes) = outbox.waiting();
                OutboxStatus { alerts: alerts as u64, bytes: bytes as u64, max_bytes: self.outbox_bytes }
            }),
            net: sent.map(|net| NetSinkStatus {
                requests: net.refused().into_iter().chain([("taken".to_owned(), get(&net.taken))]).collect(),
                unanswered: get(&net.unanswered),
                retries: get(&net.retries),
                under_way: get(&net.under_way),
                max_under_way: get(&net.limit),
                dead_letters: get(&net.dead_letters),
                dropped_events: get(&net.dropped_events),
                dropped_bytes: get(&net.dropped_bytes),
            }),
        }
    }

    fn journal(&self, now: Timestamp) -> Option<JournalStatus> {
        let figures = self.watched.journal.as_ref()?.figures();
        Some(JournalStatus {
            bytes: figures.bytes,
            segments: figures.segments,
            oldest: figures.oldest.map(time),
            oldest_age_seconds: figures.oldest.map(|oldest| since(oldest, now)),
            full: figures.full,
        })
    }

    fn checkpoint(&self, now: Timestamp) -> Option<CheckpointStatus> {
        self.watched.journal.as_ref()?;
        let counters = &self.watched.counters.checkpoints;
        let taken = counters.taken.get();
        Some(CheckpointStatus {
            taken: taken.map(time),
            age_seconds: taken.map(|taken| since(taken, now)),
            next_record: get(&counters.next),
            committed: get(&counters.committed),
            failed: get(&counters.failed),
            failing: counters.failing(),
        })
    }
}

fn detector_status(name: &str, counters: &DetectorCounters, now: Timestamp) -> DetectorStatus {
    let (mut counts, mut gauges) = (counters.own.counts(), counters.own.gauges());
    let watermark = counters.watermark.get();
    DetectorStatus {
        name: name.to_owned(),
        quarantined: get(&counters.quarantined) > 0,
        quarantine_reason: counters.reason().map(|reason| reason.to_string()),
        rows: get(&counters.rows),
        alerts: get(&counters.alerts),
        row_errors: get(&counters.row_errors),
        faults: get(&counters.faults),
        recoveries: get(&counters.recoveries),
        skipped: get(&counters.skipped),
        dead_letters: get(&counters.dead_letters),
        unwatched: get(&counters.unwatched),
        recycled: get(&counters.recycled),
        keys: gauges.remove("keys").and_then(|keys| u64::try_from(keys).ok()),
        evictions: counts.remove("evictions").unwrap_or_default(),
        counts,
        gauges,
        busy_seconds: get(&counters.nanos) as f64 / 1e9,
        watermark: watermark.map(time),
        watermark_lag_seconds: watermark.map(|watermark| since(watermark, now)),
    }
}

fn listening(figures: &NetFigures) -> NetSourceStatus {
    NetSourceStatus {
        requests: by_class(|class| figures.requests(class)),
        bytes: get(&figures.bytes),
        unacknowledged: get(&figures.unacknowledged),
        repeated: get(&figures.repeated),
        connections: get(&figures.connections),
        refused_connections: get(&figures.refused_connections),
        failed_handshakes: get(&figures.failed_handshakes),
    }
}

/// Answers by the class of their status; nobody ends with one of the first class.
fn by_class(count: impl Fn(usize) -> u64) -> BTreeMap<String, u64> {
    (2..=5).map(|class| (format!("{class}xx"), count(class))).collect()
}

fn get(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

/// Seconds from then to now.
fn since(then: Timestamp, now: Timestamp) -> f64 {
    now.saturating_sub(then) as f64 / 1e9
}
