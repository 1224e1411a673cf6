//! The metrics: their names hold as long as there are dashboards that hang on them.

use std::collections::BTreeMap;

use super::{Metric, each, one};
use crate::admin::status::{
    CheckpointStatus, DetectorStatus, JournalStatus, NetSinkStatus, NetSourceStatus, OutboxStatus, SinkStatus, SourceStatus, State, Status,
};

/// Of the run as a whole.
pub const RUN: &[Metric<Status>] = &[
    each("eyas_build_info", "Always 1; the version is the label.", "version", |run| vec![(run.version.clone(), 1.0)]),
    one("eyas_ready", "1 while events are taken in, as /ready says.", |run| flag(run.state == State::Ready)),
    one("eyas_uptime_seconds", "How long the program has been running.", |run| Some(run.uptime_seconds)),
    one("eyas_problems", "How many things are wrong; /status says what, and what to do.", |run| Some(run.problems.len() as f64)),
    one("process_resident_memory_bytes", "How much memory the program holds.", |run| run.memory_bytes.map(|bytes| bytes as f64)),
    each("eyas_stage_seconds_total", "Time of all shard threads in each stage that events pass through.", "stage", |run| {
        run.stage_seconds.iter().map(|(stage, seconds)| (stage.clone(), *seconds)).collect()
    }),
    one("eyas_journal_bytes", "Size of the input log on disk.", |run| journal(run, |journal| Some(journal.bytes as f64))),
    one("eyas_journal_segments", "Files of the input log.", |run| journal(run, |journal| Some(journal.segments as f64))),
    one("eyas_journal_oldest_age_seconds", "How long ago the oldest events were read that no checkpoint covers.", |run| {
        journal(run, |journal| journal.oldest_age_seconds)
    }),
    one("eyas_journal_full", "1 while the disk of the input log is full and everything waits for room.", |run| {
        journal(run, |journal| flag(journal.full))
    }),
    one("eyas_checkpoints_total", "Checkpoints that were committed.", |run| checkpoint(run, |known| Some(known.committed as f64))),
    one("eyas_checkpoint_failures_total", "Checkpoints that could not be committed.", |run| {
        checkpoint(run, |known| Some(known.failed as f64))
    }),
    one("eyas_checkpoint_age_seconds", "How long ago the last checkpoint was taken that stands.", |run| {
        checkpoint(run, |known| known.age_seconds)
    }),
    one("eyas_checkpoint_next_record", "The first record of the input log that the last checkpoint knows nothing of.", |run| {
        checkpoint(run, |known| Some(known.next_record as f64))
    }),
];

/// Of each source.
pub const SOURCES: &[Metric<SourceStatus>] = &[
    one("eyas_source_events_total", "Events that came in, without dead letters.", |source| Some(source.events as f64)),
    one("eyas_source_bytes_total", "Bytes that came in, unpacked.", |source| Some(source.bytes as f64)),
    one("eyas_source_batches_total", "Batches that the events were cut into.", |source| Some(source.batches as f64)),
    one("eyas_source_late_events_total", "Events that were late for some detector.", |source| Some(source.late as f64)),
    one("eyas_source_untimed_events_total", "Events without a usable time.", |source| Some(source.untimed as f64)),
    each("eyas_source_dead_letters_total", "What could not be an event, by reason.", "reason", |source| counts(&source.dead_letters)),
    one("eyas_source_newest_event_age_seconds", "How far the newest event time is behind the clock.", |source| {
        source.newest_event_age_seconds
    }),
    one("eyas_source_credit_used_batches", "Batches inside: taken in, and not yet taken by all sinks.", |source| {
        Some(source.credit.batches as f64)
    }),
    one("eyas_source_credit_limit_batches", "How many batches may be inside.", |source| Some(source.credit.max_batches as f64)),
    one("eyas_source_credit_used_bytes", "Bytes inside: taken in, and not yet taken by all sinks.", |source| {
        Some(source.credit.bytes as f64)
    }),
    one("eyas_source_credit_limit_bytes", "How many bytes may be inside.", |source| Some(source.credit.max_bytes as f64)),
    each("eyas_source_requests_total", "Requests, by the class of their answer.", "status", |source| {
        source.net.as_ref().map_or_else(Vec::new, |net| counts(&net.requests))
    }),
    one("eyas_source_received_bytes_total", "Bytes of requests, as they came.", |source| heard(source, |net| net.bytes)),
    one("eyas_source_unacknowledged_requests", "Requests that were taken in and are not answered yet.", |source| {
        heard(source, |net| net.unacknowledged)
    }),
    one("eyas_source_repeated_requests_total", "Requests that had been taken before, and were not taken in again.", |source| {
        heard(source, |net| net.repeated)
    }),
    one(
        "eyas_source_forgotten_requests_total",
        "Requests that were forgotten before dedupe_secs had passed: there were too many.",
        |source| source.net.as_ref().map(|_| source.forgotten as f64),
    ),
    one("eyas_source_connections", "Connections that are open.", |source| heard(source, |net| net.connections)),
    one("eyas_source_refused_connections_total", "Connections that were refused because too many were open.", |source| {
        heard(source, |net| net.refused_connections)
    }),
    one("eyas_source_failed_handshakes_total", "Connections whose TLS handshake failed.", |source| {
        heard(source, |net| net.failed_handshakes)
    }),
];

/// Of each detector.
pub const DETECTORS: &[Metric<DetectorStatus>] = &[
    one("eyas_detector_rows_total", "Events that met its conditions.", |detector| Some(detector.rows as f64)),
    one("eyas_detector_alerts_total", "Alerts, each revision of its own.", |detector| Some(detector.alerts as f64)),
    one("eyas_detector_row_errors_total", "Events that it could not use.", |detector| Some(detector.row_errors as f64)),
    one("eyas_detector_faults_total", "Traps, deadlines, memory caps, refused results.", |detector| Some(detector.faults as f64)),
    one("eyas_detector_recoveries_total", "Faults after which it went on.", |detector| Some(detector.recoveries as f64)),
    one("eyas_detector_skipped_events_total", "Events that it did not see because it fails over them.", |detector| {
        Some(detector.skipped as f64)
    }),
    one("eyas_detector_dead_letters_total", "Those of them that became dead letters.", |detector| Some(detector.dead_letters as f64)),
    one("eyas_detector_quarantined", "1 while it is in quarantine and events pass it unwatched.", |detector| flag(detector.quarantined)),
    one("eyas_detector_unwatched_events_total", "Events that passed it while it was in quarantine.", |detector| {
        Some(detector.unwatched as f64)
    }),
    one("eyas_detector_recycled_instances_total", "Instances that had grown too much and were made anew.", |detector| {
        Some(detector.recycled as f64)
    }),
    one("eyas_detector_keys", "Keys that it holds state of, if it says so.", |detector| detector.keys.map(|keys| keys as f64)),
    one("eyas_detector_evictions_total", "Keys that it had to forget before their time because its state was full.", |detector| {
        Some(detector.evictions as f64)
    }),
    each("eyas_detector_own_total", "What else the plugin counts, by its own name for it.", "name", |detector| counts(&detector.counts)),
    each("eyas_detector_own_gauge", "What else the plugin measures, by its own name for it.", "name", |detector| {
        detector.gauges.iter().map(|(name, gauge)| (name.clone(), *gauge as f64)).collect()
    }),
    one("eyas_detector_busy_seconds_total", "Time of all shard threads in its calls.", |detector| Some(detector.busy_seconds)),
    one("eyas_detector_watermark_lag_seconds", "How far its watermark is behind the clock.", |detector| detector.watermark_lag_seconds),
];

/// Of each sink.
pub const SINKS: &[Metric<SinkStatus>] = &[
    one("eyas_sink_bytes_total", "Bytes that were written, or sent and taken.", |sink| Some(sink.bytes as f64)),
    one("eyas_sink_failing", "1 while it takes nothing.", |sink| flag(sink.failing.is_some())),
    one("eyas_sink_outbox_alerts", "Alerts that wait for it.", |sink| outbox(sink, |outbox| outbox.alerts)),
    one("eyas_sink_outbox_bytes", "Bytes of the alerts that wait for it.", |sink| outbox(sink, |outbox| outbox.bytes)),
    one("eyas_sink_outbox_limit_bytes", "How many bytes may wait for it before events are held back.", |sink| {
        outbox(sink, |outbox| outbox.max_bytes)
    }),
    each("eyas_sink_requests_total", "Requests that were taken, and those that were refused, by the receiver's code.", "status", |sink| {
        sink.net.as_ref().map_or_else(Vec::new, |net| counts(&net.requests))
    }),
    one("eyas_sink_unanswered_requests_total", "Requests without an answer: no connection, cut off, too late.", |sink| {
        sent(sink, |net| net.unanswered)
    }),
    one("eyas_sink_retries_total", "Requests that were made again.", |sink| sent(sink, |net| net.retries)),
    one("eyas_sink_under_way_requests", "Requests that wait for their answers.", |sink| sent(sink, |net| net.under_way)),
    one("eyas_sink_under_way_limit_requests", "How many requests may be under way at the moment.", |sink| {
        sent(sink, |net| net.max_under_way)
    }),
    one("eyas_sink_dead_letters_total", "Events that the receiver refused for good.", |sink| sent(sink, |net| net.dead_letters)),
    one("eyas_sink_dropped_events_total", "Events that came while there was no room, and were dropped.", |sink| {
        sent(sink, |net| net.dropped_events)
    }),
    one("eyas_sink_dropped_bytes_total", "Bytes of the events that were dropped.", |sink| sent(sink, |net| net.dropped_bytes)),
];

fn flag(is: bool) -> Option<f64> {
    Some(f64::from(u8::from(is)))
}

fn counts(counts: &BTreeMap<String, u64>) -> Vec<(String, f64)> {
    counts.iter().map(|(name, count)| (name.clone(), *count as f64)).collect()
}

fn journal(run: &Status, value: impl Fn(&JournalStatus) -> Option<f64>) -> Option<f64> {
    run.journal.as_ref().and_then(value)
}

fn checkpoint(run: &Status, value: impl Fn(&CheckpointStatus) -> Option<f64>) -> Option<f64> {
    run.checkpoint.as_ref().and_then(value)
}

fn heard(source: &SourceStatus, value: impl Fn(&NetSourceStatus) -> u64) -> Option<f64> {
    source.net.as_ref().map(|net| value(net) as f64)
}

fn sent(sink: &SinkStatus, value: impl Fn(&NetSinkStatus) -> u64) -> Option<f64> {
    sink.net.as_ref().map(|net| value(net) as f64)
}

fn outbox(sink: &SinkStatus, value: impl Fn(&OutboxStatus) -> u64) -> Option<f64> {
    sink.outbox.as_ref().map(|outbox| value(outbox) as f64)
}
