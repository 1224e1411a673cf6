//! The configuration, in two stages: a raw tree in which every value knows its place, then a [`Plan`] in which nothing is unchecked.
//!
//! Reading never stops at the first problem: all of them are collected and shown at once, each where it stands.

mod component;
mod document;
mod forms;
mod graph;
mod live;
mod load;
mod net;
mod plan;
mod problem;
mod reader;
mod secret;
mod sink;
mod source;
mod targets;
mod top;
mod tree;

pub use document::{Document, Place};
pub use load::{Config, load};
pub use plan::{
    Auth, ClientPlan, ClientTls, DeadLetters, DoorPlan, Endpoint, FileAt, ListenPlan, Plan, SendPlan, ServerTls, SinkKind, SinkPlan,
    SourceKind, SourcePlan, StatePlan, TagPlan,
};
pub use problem::{ConfigError, Problems, suggest};
pub use secret::redact;
pub use tree::{Entry, Node, Text, Value};
