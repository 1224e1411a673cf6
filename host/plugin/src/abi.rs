//! The types of the contract as they cross the border. Their fields are documented in wit/0.1.0-rc.1/detector.wit; nothing outside
//! `convert.rs`, `guest.rs` and `imports/` sees them.

use std::sync::Arc;

use wasmtime::component::{ComponentType, Lift, Lower};

/// `strings` on the way in: the columns' own memory, so that wasmtime's copy into the guest is the only one.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct SharedStrings {
    pub offsets: Arc<Vec<u32>>,
    pub data: Arc<Vec<u8>>,
}

/// `strings` on the way out.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Strings {
    pub offsets: Vec<u32>,
    pub data: Vec<u8>,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Value {
    #[component(name = "text")]
    Text(String),
    #[component(name = "s64")]
    S64(i64),
    #[component(name = "u64")]
    U64(u64),
    #[component(name = "f64")]
    F64(f64),
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "time")]
    Time(i64),
    #[component(name = "ip")]
    Ip(Vec<u8>),
    #[component(name = "json")]
    Json(String),
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Fact {
    pub name: String,
    pub value: Value,
}

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Place {
    #[component(name = "row")]
    Row(u32),
    #[component(name = "timer")]
    Timer(i64),
}

#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "made by `Lift` from a number")]
pub(crate) enum Episode {
    #[component(name = "open")]
    Open,
    #[component(name = "update")]
    Update,
    #[component(name = "close")]
    Close,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Alert {
    pub rule: String,
    pub title: String,
    pub severity: u8,
    pub state: Episode,
    pub revision: u32,
    pub place: Place,
    #[component(name = "dedup-key")]
    pub dedup_key: String,
    #[component(name = "group-key")]
    pub group_key: String,
    pub start: Option<i64>,
    pub end: Option<i64>,
    pub entities: Vec<Fact>,
    pub facts: Vec<Fact>,
    pub techniques: Vec<String>,
    pub evidence: Vec<Vec<u8>>,
    pub score: Option<f64>,
    #[component(name = "merged-into")]
    pub merged_into: Option<String>,
    pub degraded: bool,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Description {
    pub name: String,
    pub version: String,
    #[component(name = "state-version")]
    pub state_version: u32,
    pub summary: String,
    #[component(name = "config-schema")]
    pub config_schema: String,
    pub labels: Vec<(String, String)>,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Problem {
    pub path: String,
    pub message: String,
}

/// `entries` on the way out of a guest.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Entries {
    pub groups: Vec<u8>,
    pub keys: Strings,
    #[component(name = "sub-keys")]
    pub sub_keys: Strings,
    pub values: Strings,
    pub deleted: Vec<u8>,
}

/// `entries` on the way into a guest.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct SharedEntries {
    pub groups: Vec<u8>,
    pub keys: SharedStrings,
    #[component(name = "sub-keys")]
    pub sub_keys: SharedStrings,
    pub values: SharedStrings,
    pub deleted: Vec<u8>,
}

#[derive(Clone, Copy, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Scope {
    #[component(name = "full")]
    Full,
    #[component(name = "changed")]
    Changed,
}

#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "made by `Lift` from a number")]
pub(crate) enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}
