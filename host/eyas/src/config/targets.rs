//! What sinks write to: nothing twice, and a place for the dead letters that nobody takes.

use std::path::Path;

use eyas_engine::{Component, Feed};

use super::plan::{DeadLetters, Plan, SinkKind, SinkPlan, SourceKind};
use super::problem::Problems;
use super::tree::Text;

/// Two writers on one file would mix their lines; two readers of standard input would each get half.
pub fn check_shared(plan: &Plan, problems: &Problems) {
    let stdins = plan.sources.iter().filter(|source| matches!(source.kind, SourceKind::Stdin));
    for source in stdins.skip(1) {
        problems.at(&source.place, "two sources read standard input", "there is only one: name it in the inputs of both their readers");
    }
    let mut targets: Vec<(String, &str)> = Vec::new();
    for sink in &plan.sinks {
        let (target, shown) = match &sink.kind {
            SinkKind::Blackhole => continue,
            SinkKind::Stdout => ("stdout".to_owned(), "standard output".to_owned()),
            SinkKind::Stderr => ("stderr".to_owned(), "standard error".to_owned()),
            SinkKind::File(path) => (format!("file {}", same_file(&path.value)), format!("the file {path:?}")),
        };
        if let (Some((_, other)), Some(place)) = (targets.iter().find(|(other, _)| *other == target), &sink.place) {
            let help = format!("give it another path, or one sink all inputs: those of {other:?} and those of {:?}", sink.name);
            problems.at(place, format!("sinks {other:?} and {:?} both write to {shown}", sink.name), help);
        }
        targets.push((target, &sink.name));
    }
}

/// One spelling for all paths that lead to a file, as far as it can be told before it is there.
fn same_file(path: &str) -> String {
    let path = Path::new(path);
    let whole = std::fs::canonicalize(path).ok();
    let parent = || {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(std::fs::canonicalize(parent).ok()?.join(path.file_name()?))
    };
    whole.or_else(parent).or_else(|| std::path::absolute(path).ok()).unwrap_or_else(|| path.to_owned()).display().to_string()
}

/// SEMANTICS 8: dead letters that no sink takes go beside the first file sink, else to standard error.
pub fn place_dead_letters(plan: &mut Plan) {
    let sources = (0..plan.sources.len()).map(Component::Source);
    let detectors = (0..plan.detectors.len()).map(Component::Detector);
    let all = sources.chain(detectors).map(Feed::DeadLetters);
    let left: Vec<_> = all.filter(|feed| !plan.sinks.iter().any(|sink| sink.feeds.contains(feed))).collect();
    if left.is_empty() {
        return;
    }
    let beside = |text: &Text| {
        let sibling = |path: &str| Path::new(path).with_file_name("dead_letters.ndjson").display().to_string();
        Text { value: sibling(&text.value), shown: sibling(&text.shown) }
    };
    // Beside a device (/dev/null) is no place for a file.
    let is_device = |path: &str| std::fs::metadata(path).is_ok_and(|found| !found.is_file());
    let file = plan.sinks.iter().find_map(|sink| match &sink.kind {
        SinkKind::File(path) if !is_device(&path.value) => Some(beside(path)),
        _ => None,
    });
    let (kind, whereto) = match file {
        Some(path) => (SinkKind::File(path.clone()), DeadLetters::File(path)),
        None => (SinkKind::Stderr, DeadLetters::Stderr),
    };
    plan.dead_letters = whereto;
    let target = |kind: &SinkKind| match kind {
        SinkKind::File(path) => Some(same_file(&path.value)),
        SinkKind::Stderr => Some(String::new()),
        _ => None,
    };
    match plan.sinks.iter_mut().find(|sink| target(&sink.kind) == target(&kind)) {
        Some(sink) => sink.feeds.extend(left),
        None => plan.sinks.push(SinkPlan { name: "dead_letters".to_owned(), place: None, kind, feeds: left }),
    }
}
