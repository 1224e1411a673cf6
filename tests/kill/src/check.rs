//! What is left, compared with an undisturbed run over the input log, and with what was brought.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::load::{Followed, Posted};
use crate::receiver::{Key, Taken, key};
use crate::scene::Scene;

/// Annotations stand at the end of an event, behind this.
const ANNOTATION: &[u8] = b",\"eyas\":{";

/// What the clients know.
pub struct Brought {
    /// What was written to the log.
    pub followed: Followed,
    /// What was posted, by client.
    pub posted: Vec<Posted>,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Found {
    events: usize,
    alerts: usize,
    once: usize,
    followed: usize,
    piped: usize,
    acknowledged: usize,
}

impl fmt::Display for Found {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, alerts, once, followed, piped, acknowledged } = self;
        write!(
            formatter,
            "{events} events (files {once}, followed {followed}, pipe {piped}, acknowledged {acknowledged}), {alerts} alerts, all as they should be"
        )
    }
}

/// Looks at everything. Errors with all that is wrong.
pub fn check(scene: &Scene, brought: &Brought, taken: &Taken) -> Outcome<Found> {
    let mut wrong = Vec::new();
    let mut replay = scene.command(&[
        "replay",
        "eyas.toml",
        "--log",
        "--alerts",
        "replayed.alerts.ndjson",
        "--events",
        "replayed.events.ndjson",
        "--shards",
        "1",
        "--quiet",
    ])?;
    let ended = replay.status();
    if !ended.as_ref().is_ok_and(|status| status.success()) {
        return Err(format!("eyas replay --log ended with {ended:?}"));
    }
    let read = |name: &str| fs::read(scene.path(name)).unwrap_or_default();
    let (events, alerts) = (read("replayed.events.ndjson"), read("replayed.alerts.ndjson"));
    wrong.extend(difference("alerts", &read("alerts.ndjson"), &alerts));
    wrong.extend(difference("events", &read("events.ndjson"), &events));
    wrong.extend(difference("rotated events", &rotated(&scene.path("rotated.ndjson")), &events));
    let known: BTreeMap<Key, &[u8]> = lines(&alerts).filter_map(|line| Some((key(line)?, line))).collect();
    check_posted(&known, taken, &mut wrong);
    let mut found = check_events(scene, brought, &events, &mut wrong);
    check_garbage(&read("state/dead_letters.ndjson"), &brought.followed.garbage, &mut wrong);
    found.alerts = known.len();
    if wrong.is_empty() { Ok(found) } else { Err(wrong.join("\n")) }
}

/// The first line that differs, with the one before it.
fn difference(what: &str, given: &[u8], replayed: &[u8]) -> Option<String> {
    if given == replayed {
        return None;
    }
    let (given, replayed): (Vec<&[u8]>, Vec<&[u8]>) = (lines(given).collect(), lines(replayed).collect());
    let same = given.iter().zip(&replayed).take_while(|(one, other)| one == other).count();
    let shown =
        |lines: &[&[u8]], number: usize| lines.get(number).map_or("nothing".to_owned(), |line| String::from_utf8_lossy(line).into_owned());
    let before = if same > 0 { shown(&given, same - 1) } else { "nothing".to_owned() };
    Some(format!(
        "{what}: {} lines, replayed {}; line {} differs\n  before:   {before}\n  given:    {}\n  replayed: {}",
        given.len(),
        replayed.len(),
        same + 1,
        shown(&given, same),
        shown(&replayed, same),
    ))
}

/// A file and what was rotated away from it, the oldest first.
fn rotated(path: &Path) -> Vec<u8> {
    let name = |number: u32| PathBuf::from(format!("{}.{number}", path.display()));
    let mut names: Vec<PathBuf> = (1..).map(name).take_while(|name| name.exists()).collect();
    names.push(path.to_owned());
    names.iter().flat_map(|name| fs::read(name).unwrap_or_default()).collect()
}

fn check_posted(known: &BTreeMap<Key, &[u8]>, taken: &Taken, wrong: &mut Vec<String>) {
    wrong.extend(taken.wrong.iter().take(3).cloned());
    let show = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
    let missing: Vec<_> = known.iter().filter(|(key, _)| !taken.alerts.contains_key(*key)).collect();
    if let Some((_, line)) = missing.first() {
        wrong.push(format!("{} alerts were never posted, such as {}", missing.len(), show(line)));
    }
    let other: Vec<_> = taken.alerts.iter().filter(|(key, line)| known.get(*key) != Some(&line.as_slice())).collect();
    if let Some((key, line)) = other.first() {
        let replayed = known.get(*key).map_or_else(|| "nothing".to_owned(), |line| show(line));
        wrong.push(format!(
            "{} alerts were posted that the replay does not give\n  posted:   {}\n  replayed: {replayed}",
            other.len(),
            show(line)
        ));
    }
}

/// Every event that was safe has come out, and none twice.
fn check_events(scene: &Scene, brought: &Brought, events: &[u8], wrong: &mut Vec<String>) -> Found {
    let mut came: HashMap<Vec<u8>, u32> = HashMap::new();
    let (mut last_piped, mut piped) = (String::new(), 0);
    for line in lines(events) {
        let event = without_annotation(line);
        if let Some(id) = id(&event).filter(|id| id.starts_with("p-")) {
            if *id <= *last_piped {
                wrong.push(format!("of standard input {id} came after {last_piped}"));
            }
            (last_piped, piped) = (id.to_owned(), piped + 1);
        }
        *came.entry(event).or_default() += 1;
    }
    let mut ids: HashMap<String, u32> = HashMap::new();
    for (event, times) in &came {
        *ids.entry(id(event).unwrap_or_default().to_owned()).or_default() += times;
    }
    let mut exactly_once = |what: &str, expected: &mut dyn Iterator<Item = (String, u32)>| {
        let (mut all, mut bad) = (0, Vec::new());
        for (name, times) in expected {
            all += 1;
            if times != 1 {
                bad.push(format!("{times} times: {name}"));
            }
        }
        if let Some(first) = bad.first() {
            wrong.push(format!("{what}: {} of {all} did not come exactly once; the first: {first}", bad.len()));
        }
        all
    };
    let times = |line: &[u8]| (String::from_utf8_lossy(line).into_owned(), came.get(line).copied().unwrap_or(0));
    let once: Vec<u8> = scene.once.iter().flat_map(|path| fs::read(path).unwrap_or_default()).collect();
    let once = exactly_once("files read once", &mut lines(&once).map(times));
    let followed = exactly_once("followed lines", &mut brought.followed.lines.iter().map(|line| times(line.as_bytes())));
    let acknowledged = brought.posted.iter().flat_map(|posted| &posted.acknowledged);
    let times = |id: &String| (id.clone(), ids.get(id).copied().unwrap_or(0));
    let acknowledged = exactly_once("acknowledged events", &mut acknowledged.map(times));
    for posted in &brought.posted {
        wrong.extend(posted.wrong.iter().take(1).map(|answer| format!("a client was told: {answer}")));
        let came: Vec<_> = posted.refused.iter().filter(|id| ids.contains_key(*id)).collect();
        if let Some(first) = came.first() {
            wrong.push(format!("{} events came out for which there had been no room, such as {first}", came.len()));
        }
    }
    if let Some((event, times)) = came.iter().find(|(_, times)| **times > 1) {
        wrong.push(format!("{times} times: {}", String::from_utf8_lossy(event)));
    }
    Found { events: lines(events).count(), alerts: 0, once, followed, piped, acknowledged }
}

/// What is no event is a dead letter, once.
fn check_garbage(dead_letters: &[u8], garbage: &[String], wrong: &mut Vec<String>) {
    let letters: Vec<serde_json::Value> = lines(dead_letters).filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let of_log = letters.iter().filter(|letter| letter["source"] == "follow").filter_map(|letter| letter["event"].as_str());
    let (mut given, mut expected): (Vec<&str>, Vec<&str>) = (of_log.collect(), garbage.iter().map(String::as_str).collect());
    given.sort_unstable();
    expected.sort_unstable();
    if given != expected {
        let same = given.iter().zip(&expected).take_while(|(one, other)| one == other).count();
        let (given_there, expected_there) = (given.get(same), expected.get(same));
        wrong.push(format!(
            "dead letters: {} of {} expected; the first difference: {given_there:?} instead of {expected_there:?}",
            given.len(),
            expected.len()
        ));
    }
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}

fn without_annotation(line: &[u8]) -> Vec<u8> {
    match memchr::memmem::rfind(line, ANNOTATION) {
        Some(place) => [&line[..place], b"}"].concat(),
        None => line.to_owned(),
    }
}

fn id(event: &[u8]) -> Option<&str> {
    let start = memchr::memmem::find(event, b"\"event_id\":\"")? + 12;
    let rest = event.get(start..)?;
    std::str::from_utf8(rest.get(..memchr::memchr(b'"', rest)?)?).ok()
}
