//! What flows through Eyas: slices of bytes, the columns cut out of them, and what detectors find in them.
//!
//! Plain types that every other crate shares. No I/O, no clock, no serialisation: those live at the edges.

mod alert;
mod annotation;
mod buffer;
mod column;
mod entries;
mod hash;
mod part;
mod slice;
mod subscription;
mod time;

pub use alert::{Alert, Episode, Fact, Place, Value};
pub use annotation::{Annotation, Tags};
pub use buffer::{Buffer, PADDING};
pub use column::{Bits, CellState, Column, Strings, Values};
pub use entries::Entries;
pub use hash::{alert_id, group_of, key_hash};
pub use part::{Event, Events, Frame, Part, Reference};
pub use slice::{Partition, Position, Request, Slice};
pub use subscription::{Condition, Field, FieldType, Keying, Network, Subscription, Test};
pub use time::{NANOS_PER_SECOND, Timestamp};
