//! One annotated event: the splice, the member of the same name that came with it, and how the two are joined.

use std::collections::BTreeMap;

use eyas_event::{Events, Tags};
use serde_json::value::RawValue;

use super::{Note, Output, Said};
use crate::json::walk::Namesake;
use crate::json::write;

/// Writes annotated events.
#[derive(Debug)]
pub(crate) struct Annotator {
    name: String,
    /// The key as JSON, and the one that members of the same name are renamed to.
    key: Vec<u8>,
    renamed: Vec<u8>,
    trusted: bool,
    order: Vec<u32>,
}

impl Annotator {
    pub(super) fn new(key: &str, trusted: bool) -> Self {
        let json = |text: &str| {
            let mut json = Vec::new();
            write::string(text, &mut json);
            json
        };
        Self { name: key.to_owned(), key: json(key), renamed: json(&format!("{key}_in")), trusted, order: Vec::new() }
    }

    /// The key under which annotations stand.
    pub(crate) fn key(&self) -> &str {
        &self.name
    }

    /// What comes in under that key is renamed to this, unless it is trusted.
    pub(crate) fn renamed(&self) -> String {
        format!("{}_in", self.name)
    }

    /// Whether what came in under that key, as JSON, is trusted and of our shape, so that ours joins it.
    pub(crate) fn is_ours(&self, came: &[u8]) -> bool {
        self.trusted && Joined::parse(came).is_some()
    }

    /// The annotation of one event as a JSON object; joined with what came in with it, as JSON, if that is trusted and ours.
    pub(crate) fn json(&mut self, said: &Said<'_>, came: Option<&[u8]>) -> Vec<u8> {
        let tags = said.tags.iter().fold(Tags::default(), |all, tag| all.with(tag.1));
        self.order(said.notes);
        let mut json = Vec::new();
        match came.and_then(Joined::parse) {
            Some(joined) => joined.write(tags, said.notes, &self.order, &mut json),
            None => member(tags, said.notes, &self.order, &mut json),
        }
        json
    }

    /// Appends one event as a line. What is said is of its row.
    pub(super) fn event(&mut self, output: &mut Output, events: &Events, row: usize, said: &Said<'_>) {
        let Said { tags, notes, namesakes, .. } = *said;
        let span = events.span(row);
        let tags = tags.iter().fold(Tags::default(), |all, tag| all.with(tag.1));
        let nothing_to_say = tags.is_empty() && notes.is_empty();
        if namesakes.is_empty() && nothing_to_say {
            return output.untouched(events, row..row + 1);
        }
        let ours =
            if self.trusted { namesakes.last().and_then(|(_, namesake)| Some((namesake, Joined::read(events, namesake)?))) } else { None };
        let mut at = span.start;
        if let Some((namesake, joined)) = ours {
            if nothing_to_say {
                return output.untouched(events, row..row + 1);
            }
            output.share(at..namesake.value.0 as usize);
            self.order(notes);
            output.write(|own| joined.write(tags, notes, &self.order, own));
            output.share(namesake.value.1 as usize..span.end);
            return output.own(b"\n");
        }
        for (_, namesake) in namesakes {
            output.share(at..namesake.key.0 as usize);
            output.own(&self.renamed);
            at = namesake.key.1 as usize;
        }
        if nothing_to_say {
            output.share(at..span.end);
            return output.own(b"\n");
        }
        let event = events.buffer.bytes().get(span.clone()).unwrap_or_default();
        let (brace, empty) = closing_brace(event);
        output.share(at..span.start + brace);
        self.order(notes);
        output.write(|own| {
            if !empty {
                own.push(b',');
            }
            own.extend_from_slice(&self.key);
            own.push(b':');
            member(tags, notes, &self.order, own);
            own.extend_from_slice(event.get(brace..).unwrap_or_default());
            own.push(b'\n');
        });
    }

    /// Orders the notes of one event by detector and name; of the same name only the last stays.
    fn order(&mut self, notes: &[Note<'_>]) {
        self.order.clear();
        self.order.extend(0..notes.len() as u32);
        if let [_] = notes {
            return;
        }
        let name = |&i: &u32| notes.get(i as usize).map(|note| (note.detector, note.name));
        self.order.sort_by(|a, b| name(a).cmp(&name(b)).then(b.cmp(a)));
        self.order.dedup_by(|later, first| name(later) == name(first));
    }
}

/// Where an object's closing brace is, and whether the object is empty. The event is a valid object, perhaps with spaces around it.
fn closing_brace(event: &[u8]) -> (usize, bool) {
    let brace = event.iter().rposition(|&byte| byte == b'}').unwrap_or_default();
    let inside = event.get(..brace).unwrap_or_default();
    let before = inside.iter().rfind(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
    (brace, before == Some(&b'{'))
}

/// Appends `{"tags":[…],"detectors":{…}}` with what there is of the two.
fn member(tags: Tags, notes: &[Note<'_>], order: &[u32], out: &mut Vec<u8>) {
    out.push(b'{');
    if !tags.is_empty() {
        out.extend_from_slice(b"\"tags\":[");
        let names = Tags::NAMES.iter().filter(|(tag, _)| tags.has(*tag));
        list(names, out, |(_, name), out| write::string(name, out));
        out.push(b']');
    }
    if !order.is_empty() {
        out.extend_from_slice(if tags.is_empty() { b"\"detectors\":{" } else { b",\"detectors\":{" });
        let mut detector = None;
        for note in order.iter().filter_map(|&i| notes.get(i as usize)) {
            if detector != Some(note.detector) {
                out.extend_from_slice(if detector.is_none() { b"" } else { b"}," });
                write::string(note.detector, out);
                out.extend_from_slice(b":{");
            } else {
                out.push(b',');
            }
            detector = Some(note.detector);
            write::string(note.name, out);
            out.push(b':');
            write::value(note.value, out);
        }
        out.extend_from_slice(b"}}");
    }
    out.push(b'}');
}

/// Appends items with commas between them.
fn list<T>(items: impl Iterator<Item = T>, out: &mut Vec<u8>, mut write: impl FnMut(T, &mut Vec<u8>)) {
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write(item, out);
    }
}

type Raw = Box<RawValue>;

/// Annotations that came with an event and are trusted.
struct Joined {
    tags: Vec<String>,
    detectors: BTreeMap<String, BTreeMap<String, Raw>>,
    others: BTreeMap<String, Raw>,
}

impl Joined {
    /// Reads them; `None` where they have another shape than ours, and so are not ours.
    fn read(events: &Events, namesake: &Namesake) -> Option<Self> {
        let (start, end) = namesake.value;
        Self::parse(events.buffer.bytes().get(start as usize..end as usize)?)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut others: BTreeMap<String, Raw> = serde_json::from_slice(bytes).ok()?;
        let tags = others.remove("tags").map_or(Some(Vec::new()), |tags| serde_json::from_str(tags.get()).ok())?;
        let detectors = others.remove("detectors").map_or(Some(BTreeMap::new()), |all| serde_json::from_str(all.get()).ok())?;
        Some(Self { tags, detectors, others })
    }

    /// Appends them with those of this run; of the same name ours count.
    fn write(mut self, tags: Tags, notes: &[Note<'_>], order: &[u32], out: &mut Vec<u8>) {
        for (_, name) in Tags::NAMES.iter().filter(|(tag, _)| tags.has(*tag)) {
            if !self.tags.iter().any(|known| known == name) {
                self.tags.push((*name).to_owned());
            }
        }
        for note in order.iter().filter_map(|&i| notes.get(i as usize)) {
            let mut json = Vec::new();
            write::value(note.value, &mut json);
            if let Ok(value) = serde_json::from_slice(&json) {
                self.detectors.entry(note.detector.to_owned()).or_default().insert(note.name.to_owned(), value);
            }
        }
        let members = |members: &BTreeMap<String, Raw>, out: &mut Vec<u8>| {
            list(members.iter(), out, |(name, value), out| {
                write::string(name, out);
                out.push(b':');
                out.extend_from_slice(value.get().as_bytes());
            });
        };
        out.push(b'{');
        let mut comma: &[u8] = b"";
        if !self.tags.is_empty() {
            out.extend_from_slice(b"\"tags\":[");
            list(self.tags.iter(), out, |tag, out| write::string(tag, out));
            out.push(b']');
            comma = b",";
        }
        if !self.detectors.is_empty() {
            out.extend_from_slice(comma);
            out.extend_from_slice(b"\"detectors\":{");
            list(self.detectors.iter(), out, |(name, values), out| {
                write::string(name, out);
                out.extend_from_slice(b":{");
                members(values, out);
                out.push(b'}');
            });
            out.push(b'}');
            comma = b",";
        }
        if !self.others.is_empty() {
            out.extend_from_slice(comma);
            members(&self.others, out);
        }
        out.push(b'}');
    }
}
