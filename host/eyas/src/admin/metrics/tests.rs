//! The names, and what is written of them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use super::*;
use crate::admin::status::{DetectorStatus, SourceStatus};

/// As the tables of the document say it.
fn rows<T>(metrics: &[Metric<T>], of: Option<&str>) -> Vec<String> {
    let row = |metric: &Metric<T>| {
        let by = if let Value::Each(label, _) = metric.value { Some(label) } else { None };
        let labels: Vec<String> = of.into_iter().chain(by).map(|label| format!("`{label}`")).collect();
        format!("| `{}` | {} | {} | {} |", metric.name, kind(metric.name), labels.join(", "), metric.help)
    };
    metrics.iter().map(row).collect()
}

#[test]
fn the_document_lists_each_metric_with_its_kind_labels_and_meaning_and_no_other() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let document = std::fs::read_to_string(path).unwrap();
    let documented: Vec<&str> = document.lines().filter(|line| line.contains("` | gauge | ") || line.contains("` | counter | ")).collect();
    let mut exported = rows(tables::RUN, None);
    exported.extend(rows(tables::SOURCES, Some("source")));
    exported.extend(rows(tables::DETECTORS, Some("detector")));
    exported.extend(rows(tables::SINKS, Some("sink")));
    assert_eq!(documented, exported, "docs/metrics.md should say:\n{}", exported.join("\n"));
}

#[test]
fn names_are_of_base_units_and_each_is_there_once() {
    let of_components = tables::SOURCES.iter().map(|metric| metric.name).chain(tables::DETECTORS.iter().map(|metric| metric.name));
    let of_run = tables::RUN.iter().map(|metric| metric.name).chain(tables::SINKS.iter().map(|metric| metric.name));
    let names: Vec<&str> = of_run.chain(of_components).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    for name in names {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}");
        assert!(!["_ms", "_nanos", "_kb", "_mb", "_millis", "_percent"].iter().any(|unit| name.ends_with(unit)), "{name}");
    }
}

#[test]
fn whatever_stands_in_a_label_is_escaped_and_what_is_not_known_is_not_there() {
    let status = Status {
        version: "1.2.3".to_owned(),
        detectors: vec![DetectorStatus {
            name: "plain".to_owned(),
            rows: 12,
            counts: [("a \"b\" \\ c\nd".to_owned(), 1 << 40)].into(),
            busy_seconds: 0.25,
            ..DetectorStatus::default()
        }],
        sources: vec![SourceStatus { name: "one".to_owned(), ..SourceStatus::default() }],
        ..Status::default()
    };
    let text = metrics(&status);
    let lines: Vec<&str> = text.lines().collect();
    let of = |name: &str| lines.iter().filter(|line| line.starts_with(name)).copied().collect::<Vec<_>>();
    assert_eq!(of("eyas_build_info"), ["eyas_build_info{version=\"1.2.3\"} 1"]);
    assert_eq!(of("eyas_ready"), ["eyas_ready 0"]);
    assert_eq!(of("eyas_detector_rows_total"), ["eyas_detector_rows_total{detector=\"plain\"} 12"]);
    assert_eq!(of("eyas_detector_own_total"), [r#"eyas_detector_own_total{detector="plain",name="a \"b\" \\ c\nd"} 1099511627776"#]);
    assert_eq!(of("eyas_detector_busy_seconds_total"), ["eyas_detector_busy_seconds_total{detector=\"plain\"} 0.25"]);
    for absent in ["eyas_detector_keys", "eyas_journal_bytes", "eyas_source_connections", "eyas_sink"] {
        assert!(!text.contains(absent), "{absent}");
    }
    assert!(text.contains("# TYPE eyas_detector_rows_total counter\n") && text.contains("# TYPE eyas_ready gauge\n"));
}
