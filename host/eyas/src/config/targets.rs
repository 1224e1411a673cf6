//! What sinks write to: nothing twice, and a place for the dead letters that nobody takes.

use std::net::SocketAddr;
use std::path::Path;

use eyas_engine::{Component, Feed, OnFault};
use jiff::fmt::strtime::BrokenDownTime;

use super::plan::{DeadLetters, Plan, SinkKind, SinkPlan, SourceKind};
use super::problem::Problems;
use super::tree::Text;

const DEAD_LETTERS: &str = "dead_letters.ndjson";
/// In the state folder, how large that file may become before another is begun: nobody looks there every day.
const DEAD_LETTERS_BYTES: u64 = 64 << 20;

/// Two writers on one file would mix their lines; two readers of standard input would each get half.
pub fn check_shared(plan: &Plan, problems: &Problems) {
    let stdins = plan.sources.iter().filter(|source| matches!(source.kind, SourceKind::Stdin));
    for source in stdins.skip(1) {
        problems.at(&source.place, "two sources read standard input", "there is only one: name it in the inputs of both their readers");
    }
    let mut targets: Vec<(Target<'_>, &str)> = Vec::new();
    for sink in &plan.sinks {
        let (target, shown) = match &sink.kind {
            // A receiver may be asked by many.
            SinkKind::Blackhole | SinkKind::Network(_) => continue,
            SinkKind::Stdout => (Target::Stdout, "standard output".to_owned()),
            SinkKind::Stderr => (Target::Stderr, "standard error".to_owned()),
            SinkKind::File { path, .. } => (Target::File(&path.value), format!("the file {path:?}")),
        };
        if let (Some((_, other)), Some(place)) = (targets.iter().find(|(other, _)| other.meets(target)), &sink.place) {
            let help = format!("give it another path, or one sink all inputs: those of {other:?} and those of {:?}", sink.name);
            problems.at(place, format!("sinks {other:?} and {:?} both write to {shown}", sink.name), help);
        }
        targets.push((target, &sink.name));
    }
    check_addresses(plan, problems);
}

/// What a sink writes to, where two would mix their lines.
#[derive(Clone, Copy, PartialEq)]
enum Target<'a> {
    Stdout,
    Stderr,
    File(&'a str),
}

impl Target<'_> {
    /// Whether both may write to the same thing.
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(other)) => same_files(one, other),
            _ => self == other,
        }
    }
}

/// One port is one listener's, and so is one path.
fn check_addresses(plan: &Plan, problems: &Problems) {
    let overlap = |one: SocketAddr, other: SocketAddr| {
        let same_host = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
        // The operating system chooses a free one for 0.
        one.port() == other.port() && one.port() != 0 && same_host
    };
    let mut taken: Vec<(SocketAddr, String)> = plan.top.admin.map(|address| (address, "[admin]".to_owned())).into_iter().collect();
    let mut sockets: Vec<(&str, &str)> = Vec::new();
    for source in &plan.sources {
        let SourceKind::Network(plan) = &source.kind else { continue };
        for address in plan.door.addresses() {
            if let Some((_, other)) = taken.iter().find(|(other, _)| overlap(*other, address)) {
                let message = format!("source {:?} and {other} both listen at {address}", source.name);
                problems.at(&source.place, message, "give one of them another port, or send all events to one of them");
            }
            taken.push((address, format!("source {:?}", source.name)));
        }
        if let Some(path) = plan.door.socket_path() {
            if let Some((_, other)) = sockets.iter().find(|(other, _)| same_file(other) == same_file(&path.value)) {
                let message = format!("sources {other:?} and {:?} both listen at {path}", source.name);
                problems.at(&source.place, message, "give one of them another path, or send all events to one of them");
            }
            sockets.push((&path.value, &source.name));
        }
    }
}

/// What a path is called on one day: strftime's conversions in it stand for the date.
fn dated(path: &str) -> Result<String, jiff::Error> {
    if !path.contains('%') {
        return Ok(path.to_owned());
    }
    // Any day would do of which no two parts are written alike.
    let day = jiff::civil::date(2026, 11, 21).at(19, 4, 58, 123_456_789).to_zoned(jiff::tz::TimeZone::UTC)?;
    jiff::fmt::strtime::format(path, &day)
}

/// Whether two paths may be one file on some day.
fn same_files(one: &str, other: &str) -> bool {
    // What is wrong with a path has been said.
    let (Ok(one_day), Ok(other_day)) = (dated(one), dated(other)) else { return false };
    let absolute = |path: &str| std::path::absolute(path).map_or_else(|_| path.to_owned(), |path| path.display().to_string());
    // A path without a date may be spelled like a day of the other.
    let a_day_of = |pattern: &str, path: &str| {
        pattern.contains('%') && !path.contains('%') && BrokenDownTime::parse(absolute(pattern), absolute(path)).is_ok()
    };
    same_file(&one_day) == same_file(&other_day) || a_day_of(one, other) || a_day_of(other, one)
}

/// Whether there is something of that name that is no file, such as a device or a pipe.
pub fn is_device(path: &str) -> bool {
    std::fs::metadata(path).is_ok_and(|found| !found.is_file())
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

/// SEMANTICS 8: dead letters that no sink takes go to the state folder, else beside the first file sink, else to standard error.
pub fn place_dead_letters(plan: &mut Plan, problems: &Problems) {
    let sources = (0..plan.sources.len()).map(Component::Source);
    let detectors = plan.detectors.iter().enumerate().filter(|(_, detector)| detector.on_fault == OnFault::DeadLetter);
    let detectors = detectors.map(|(number, _)| Component::Detector(number));
    let sinks = plan.sinks.iter().enumerate().filter(|(_, sink)| sink.kind.may_refuse()).map(|(number, _)| Component::Sink(number));
    let all = sources.chain(detectors).chain(sinks).map(Feed::DeadLetters);
    let left: Vec<_> = all.filter(|feed| !plan.sinks.iter().any(|sink| sink.feeds.contains(feed))).collect();
    if left.is_empty() {
        return;
    }
    let beside = |text: &Text| {
        let sibling = |path: &str| Path::new(path).with_file_name(DEAD_LETTERS).display().to_string();
        Text { value: sibling(&text.value), shown: sibling(&text.shown) }
    };
    // Beside a device (/dev/null) is no place for a file.
    let mut files = plan.sinks.iter().filter_map(|sink| match &sink.kind {
        SinkKind::File { path, .. } if !is_device(&path.value) => Some(beside(path)),
        _ => None,
    });
    let file = match &plan.top.state {
        Some(state) => {
            // The folder's name is no pattern.
            let path = state.dir.join(DEAD_LETTERS).display().to_string().replace('%', "%%");
            Some((Text { shown: path.clone(), value: path }, Some(DEAD_LETTERS_BYTES)))
        }
        None => files.next().map(|path| (path, None)),
    };
    let (kind, whereto) = match file {
        Some((path, rotate_bytes)) => (SinkKind::File { path: path.clone(), rotate_bytes }, DeadLetters::File(path)),
        None => (SinkKind::Stderr, DeadLetters::Stderr),
    };
    plan.dead_letters = whereto;
    let same = |sink: &SinkPlan| match (&sink.kind, &kind) {
        (SinkKind::File { path: one, .. }, SinkKind::File { path: other, .. }) => same_files(&one.value, &other.value),
        (SinkKind::Stderr, SinkKind::Stderr) => true,
        _ => false,
    };
    match plan.sinks.iter_mut().find(|sink| same(sink)) {
        Some(sink) => {
            check_refused(sink, &left, problems);
            sink.feeds.extend(left);
        }
        None => plan.sinks.push(SinkPlan { name: "dead_letters".to_owned(), place: None, kind, feeds: left }),
    }
}

/// What sinks refuse never waits for a sink that takes events.
fn check_refused(sink: &SinkPlan, left: &[Feed], problems: &Problems) {
    let refused = left.iter().any(|feed| matches!(feed, Feed::DeadLetters(Component::Sink(_))));
    let events = sink.feeds.iter().any(|feed| matches!(feed, Feed::Events(_)));
    if let (true, true, Some(place)) = (refused, events, &sink.place) {
        let message = format!("sink {:?} takes events, and what other sinks refuse would go to the same place", sink.name);
        let help = "give that a sink of its own, such as type = \"file\" with inputs = [\"NAME.dead_letters\"], NAME being the sink that may refuse";
        problems.at(place, message, help);
    }
}
