//! What detectors find.

use crate::{Reference, Timestamp};

/// One value in an alert or an annotation.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// A signed integer.
    S64(i64),
    /// An unsigned integer.
    U64(u64),
    /// A number; never NaN or infinite.
    F64(f64),
    /// A truth value.
    Boolean(bool),
    /// A point in time.
    Time(Timestamp),
    /// An address, IPv4 mapped.
    Ip([u8; 16]),
    /// One JSON value, checked to be one.
    Json(String),
}

/// A named value.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The name.
    pub name: String,
    /// The value.
    pub value: Value,
}

/// Where an alert stands in the output (SEMANTICS 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Just before the first event or mark whose watermark reached this time.
    Timer(Timestamp),
    /// Right after the event of this row. Of the part when a guest gives it, of the batch once the engine has mapped it.
    Row(u32),
}

/// An alert's part in its episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Episode {
    /// It has begun.
    Open,
    /// Something about it changed.
    Update,
    /// It is over.
    Close,
}

/// What a detector found, as the guest gave it and the host checked it.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Which of the detector's rules.
    pub rule: String,
    /// For people.
    pub title: String,
    /// 0 to 100.
    pub severity: u8,
    /// Its part in the episode.
    pub state: Episode,
    /// 0, 1, … within the episode.
    pub revision: u32,
    /// Where it stands.
    pub place: Place,
    /// Names the episode.
    pub dedup_key: String,
    /// Alerts with the same group key belong to one incident.
    pub group_key: String,
    /// Start of the window or of the union of windows.
    pub start: Option<Timestamp>,
    /// End of the window or of the union of windows, exclusive.
    pub end: Option<Timestamp>,
    /// Who.
    pub entities: Vec<Fact>,
    /// What was measured.
    pub facts: Vec<Fact>,
    /// MITRE ATT&CK technique ids.
    pub techniques: Vec<String>,
    /// Events that show it.
    pub evidence: Vec<Reference>,
    /// How sure or how bad, as the detector defines it.
    pub score: Option<f64>,
    /// Deduplication key of the episode that this one went over into.
    pub merged_into: Option<String>,
    /// What was counted may be too small.
    pub degraded: bool,
}

impl Alert {
    /// How many bytes of memory its contents take, for limits; an estimate from below.
    pub fn weight(&self) -> usize {
        let text = self.rule.len() + self.title.len() + self.dedup_key.len() + self.group_key.len();
        let facts = self.entities.iter().chain(&self.facts).map(|fact| fact.name.len() + fact.value.weight());
        let lists = self.techniques.iter().map(String::len).sum::<usize>() + self.evidence.len() * size_of::<Reference>();
        size_of::<Self>() + text + facts.sum::<usize>() + lists + self.merged_into.as_ref().map_or(0, String::len)
    }
}

impl Value {
    /// How many bytes of memory it takes; an estimate from below.
    pub fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(text) | Self::Json(text) => text.len(),
                _ => 0,
            }
    }
}
