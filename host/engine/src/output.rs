//! What a batch brings to each sink: its events as after the detectors before it, alerts at their places, dead letters.

use std::sync::Arc;

use eyas_codec::{AlertLine, DeadLetter, Encoder, Form, Note, Notes, Output, UNTIMED};
use eyas_event::{Partition, Tags, alert_id};

use crate::flight::{Batch, Load};
use crate::layout::{Layout, Share};
use crate::merge::Results;
use crate::{Partitions, Topology};

/// What is written of a detector beside its findings.
struct Signature {
    name: String,
    plugin: String,
    version: String,
}

/// The names that stand in outputs.
pub(crate) struct Names {
    detectors: Vec<Signature>,
    sources: Vec<String>,
    partitions: Arc<Partitions>,
    /// By detector: its place in the order of names.
    pub(crate) ranks: Vec<usize>,
}

impl Names {
    pub(crate) fn new(topology: &Topology, partitions: Arc<Partitions>) -> Self {
        let signature = |detector: &crate::Detector| {
            let description = detector.plugin.description();
            Signature { name: detector.name.clone(), plugin: description.name.clone(), version: description.version.clone() }
        };
        let detectors: Vec<Signature> = topology.detectors.iter().map(signature).collect();
        let rank = |one: &Signature| detectors.iter().filter(|other| other.name < one.name).count();
        let ranks = detectors.iter().map(rank).collect();
        Self { sources: topology.sources.iter().map(|source| source.name.clone()).collect(), partitions, ranks, detectors }
    }

    fn source(&self, source: u16) -> &str {
        self.sources.get(usize::from(source)).map_or("", String::as_str)
    }
}

/// All alerts of a batch as lines, one after the other.
struct Lines {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    fn new(names: &Names, results: &Results) -> Self {
        let mut lines = Self { bytes: Vec::new(), ends: Vec::new() };
        let of_partition = |partition: Partition| (names.source(partition.source).to_owned(), names.partitions.name(partition));
        for entry in &results.alerts {
            let Some(signature) = names.detectors.get(entry.detector) else { continue };
            let id = alert_id(&signature.name, &entry.alert.rule, &entry.alert.dedup_key);
            let line = AlertLine {
                alert: &entry.alert,
                id: &id,
                detector: &signature.name,
                plugin: &signature.plugin,
                plugin_version: &signature.version,
                time: entry.time,
                names: &of_partition,
            };
            line.append(&mut lines.bytes);
            lines.ends.push(lines.bytes.len());
        }
        lines
    }

    fn get(&self, alert: usize) -> &[u8] {
        let start = alert.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        let end = self.ends.get(alert).copied().unwrap_or(start);
        self.bytes.get(start..end).unwrap_or_default()
    }
}

/// One batch on its way to the sinks; what several get alike is encoded once.
pub(crate) struct Packing<'a> {
    layout: &'a Layout,
    names: &'a Names,
    batch: Option<&'a Batch>,
    results: &'a Results,
    lines: Lines,
    /// Events as after a path, already encoded in a form.
    events: Vec<(Vec<usize>, Form, Arc<Output>)>,
}

impl<'a> Packing<'a> {
    pub(crate) fn new(layout: &'a Layout, names: &'a Names, load: &'a Load, results: &'a Results) -> Self {
        let batch = if let Load::Batch(batch) = load { Some(&**batch) } else { None };
        Self { layout, names, batch, results, lines: Lines::new(names, results), events: Vec::new() }
    }

    /// What a sink gets. The encoder is that of the batch's source.
    pub(crate) fn pieces(&mut self, sink: usize, encoder: Option<&mut Encoder>) -> Vec<Arc<Output>> {
        let taken = self.layout.alerts.get(sink).map_or(&[][..], Vec::as_slice);
        let alerts = self.results.alerts.iter().enumerate();
        let alerts: Vec<usize> = alerts.filter(|(_, entry)| taken.contains(&entry.detector)).map(|(index, _)| index).collect();
        let source = self.batch.and_then(|batch| self.layout.sources.get(usize::from(batch.slice.partition.source)));
        let share = source.and_then(|source| source.shares.get(sink));
        let form = self.layout.forms.get(sink).copied().unwrap_or_default();
        let (Some(batch), Some(share), Some(encoder)) = (self.batch, share, encoder) else {
            return self.alerts_alone(&alerts, form).into_iter().collect();
        };
        let first = match &share.events {
            None => self.alerts_alone(&alerts, form),
            Some(path) if alerts.is_empty() => Some(self.events_alone(batch, path, form, encoder)),
            Some(path) => {
                let lines: Vec<(u32, Vec<u8>)> =
                    alerts.iter().filter_map(|&alert| Some((self.row_behind(alert)?, self.alert(alert, form)))).collect();
                let lines: Vec<(u32, &[u8])> = lines.iter().map(|(row, line)| (*row, line.as_slice())).collect();
                Some(Arc::new(self.encode(batch, path, &lines, form, encoder)))
            }
        };
        first.into_iter().chain(self.dead_letters(batch, share)).collect()
    }

    /// The row that an alert's line stands just before.
    fn row_behind(&self, alert: usize) -> Option<u32> {
        let entry = self.results.alerts.get(alert)?;
        Some(entry.row + u32::from(!entry.is_before_row()))
    }

    /// An alert in the form that a sink takes.
    fn alert(&self, alert: usize, form: Form) -> Vec<u8> {
        let mut bytes = Vec::new();
        form.lines(self.lines.get(alert), &mut bytes);
        bytes
    }

    fn alerts_alone(&self, alerts: &[usize], form: Form) -> Option<Arc<Output>> {
        let bytes: Vec<u8> = alerts.iter().flat_map(|&alert| self.alert(alert, form)).collect();
        (!bytes.is_empty()).then(|| Arc::new(Output::of_lines(bytes)))
    }

    fn events_alone(&mut self, batch: &Batch, path: &[usize], form: Form, encoder: &mut Encoder) -> Arc<Output> {
        if let Some((.., output)) = self.events.iter().find(|(known, of, _)| known == path && *of == form) {
            return output.clone();
        }
        let output = Arc::new(self.encode(batch, path, &[], form, encoder));
        self.events.push((path.to_vec(), form, output.clone()));
        output
    }

    /// The events as after the detectors of a path, with lines among them.
    fn encode(&self, batch: &Batch, path: &[usize], lines: &[(u32, &[u8])], form: Form, encoder: &mut Encoder) -> Output {
        let skip = self.results.dropped(path);
        let mut tags: Vec<(u32, Tags)> = self.results.tags.iter().filter(|tag| path.contains(&tag.1)).map(|tag| (tag.0, tag.2)).collect();
        if batch.untimed > 0 {
            let rows = (0..).zip(&batch.times).filter(|(row, time)| **time == UNTIMED && batch.opaque.binary_search(row).is_err());
            tags.extend(rows.map(|(row, _)| (row, Tags::UNTIMED)));
            tags.sort_by_key(|tag| tag.0);
        }
        let notes = self.results.annotations.iter().filter(|(detector, _)| path.contains(detector));
        let note = |(detector, note): &'a (usize, eyas_event::Annotation)| {
            let detector = self.names.detectors.get(*detector)?.name.as_str();
            Some(Note { row: note.row, detector, name: &note.name, value: &note.value })
        };
        let annotations: Vec<Note<'_>> = notes.filter_map(note).collect();
        let notes = Notes { tags: &tags, annotations: &annotations, lines };
        encoder.encode(&batch.events, &batch.namesakes, &notes, &skip, form)
    }

    /// What could not be an event, then the events over which detectors failed.
    fn dead_letters(&self, batch: &Batch, share: &Share) -> Option<Arc<Output>> {
        let source = self.names.source(batch.slice.partition.source);
        let ingest_time = Some(batch.slice.ingest_time);
        let letter = DeadLetter { source: Some(source), position: None, ingest_time, component: source, reason: "", event: &[] };
        let mut lines = Vec::new();
        for dead in batch.dead.iter().filter(|_| share.dead_letters) {
            let event = batch.slice.buffer.bytes().get(dead.range.clone()).unwrap_or_default();
            DeadLetter { position: Some(dead.position), reason: &dead.reason.to_string(), event, ..letter }.append(&mut lines);
        }
        for (row, detector, reason) in self.results.diverted.iter().filter(|(_, detector, _)| share.diverted.contains(detector)) {
            let event = batch.events.get(*row as usize);
            let component = self.names.detectors.get(*detector).map_or("", |signature| signature.name.as_str());
            DeadLetter { position: Some(event.reference.position), component, reason, event: event.bytes, ..letter }.append(&mut lines);
        }
        (!lines.is_empty()).then(|| Arc::new(Output::of_lines(lines)))
    }
}
