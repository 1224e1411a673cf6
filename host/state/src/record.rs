//! What stands in the input log (SEMANTICS 1).

use std::path::PathBuf;

use eyas_event::{Partition, Position, Request, Timestamp};
use serde::{Deserialize, Serialize};

/// Names a file, whatever it is called by now.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileId {
    /// Where it was found.
    #[serde(with = "crate::path")]
    pub path: PathBuf,
    /// Its file system.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

/// One entry of the input log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Record {
    /// A partition begins.
    Open {
        /// Which.
        #[serde(with = "partition")]
        partition: Partition,
        /// Its name, for people.
        name: String,
        /// The event time of its first event, where it is known.
        first: Option<Timestamp>,
        /// The file that it is, if it is one.
        file: Option<FileId>,
    },
    /// Events.
    Slice(SliceRecord),
    /// A partition has ended.
    Close {
        /// Which.
        #[serde(with = "partition")]
        partition: Partition,
    },
    /// A partition has been silent for so long that it holds back no other, until its next slice.
    Idle {
        /// Which.
        #[serde(with = "partition")]
        partition: Partition,
    },
    /// All is silent, and the watermark goes on by the clock.
    Clock {
        /// The source that says so.
        source: u16,
        /// By how many nanoseconds.
        elapsed: i64,
        /// But not past this.
        limit: Timestamp,
    },
    /// End of input: what was open closed as it stood.
    Flush,
    /// A detector sees nothing from here on.
    Quarantine {
        /// Its configured name.
        detector: String,
        /// Why, for people.
        reason: String,
    },
    /// It is tried again from here on.
    Resume {
        /// Its configured name.
        detector: String,
    },
    /// Events that a detector must not see: they are poison to it. Stands behind the slices that it is about.
    Skip {
        /// The detector's configured name.
        detector: String,
        /// Where the events are.
        #[serde(with = "partition")]
        partition: Partition,
        /// The positions of the first and the last of them.
        positions: (Position, Position),
        /// Of these, those whose key is of one of these groups.
        groups: (u8, u8),
        /// Why, for their dead letters.
        reason: String,
    },
    /// A checkpoint was begun here. Means nothing to a replay.
    Checkpoint,
    /// A file sink is about to write to a file that it had not open. Means nothing to a replay; recovery cuts back to it.
    Touch {
        /// The sink's configured name.
        sink: String,
        /// The file.
        #[serde(with = "crate::path")]
        path: PathBuf,
        /// How long it was.
        length: u64,
    },
}

/// A slice as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceRecord {
    /// Where it comes from.
    #[serde(with = "partition")]
    pub partition: Partition,
    /// Position of its first byte.
    pub position: Position,
    /// How many bytes it has.
    pub length: u64,
    /// When it was read.
    pub ingest_time: Timestamp,
    /// For CSV the header line.
    pub header: Option<Vec<u8>>,
    /// A piece of an event that is too long.
    pub oversize: bool,
    /// Of files that are merged: where the stretch ends whose turn it is.
    pub turn_end: Option<Position>,
    /// Whether its bytes stand in the log behind it. If not, they can be read again where it comes from.
    pub journalled: bool,
    /// What it is of a request.
    #[serde(with = "request")]
    pub request: Option<Request>,
}

impl Record {
    /// From its bytes in the log; nothing if they say nothing that is known.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        // Slices that were logged before there were requests end where that would stand.
        let older = || postcard::from_bytes(&[bytes, &[0]].concat());
        postcard::from_bytes(bytes).or_else(|_| older()).ok()
    }
}

/// Partitions as pairs.
mod partition {
    use eyas_event::Partition;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(partition: &Partition, serializer: S) -> Result<S::Ok, S::Error> {
        (partition.source, partition.number).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Partition, D::Error> {
        let (source, number) = Deserialize::deserialize(deserializer)?;
        Ok(Partition { source, number })
    }
}

/// What a slice is of a request, as three; the id takes its 16 bytes, whatever it is.
mod request {
    use eyas_event::Request;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(request: &Option<Request>, serializer: S) -> Result<S::Ok, S::Error> {
        request.map(|request| (request.id.to_le_bytes(), request.offset, request.last)).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Request>, D::Error> {
        let request: Option<([u8; 16], u64, bool)> = Deserialize::deserialize(deserializer)?;
        Ok(request.map(|(id, offset, last)| Request { id: u128::from_le_bytes(id), offset, last }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn slice(request: Option<Request>) -> Record {
        let partition = Partition { source: 3, number: 7 };
        let (position, length, ingest_time, header, turn_end) = (1 << 40, 1000, 5, Some(b"a,b".to_vec()), Some(9));
        let (oversize, journalled) = (false, true);
        Record::Slice(SliceRecord { partition, position, length, ingest_time, header, oversize, turn_end, journalled, request })
    }

    #[test]
    fn a_slice_comes_back_with_its_request_and_one_from_before_there_were_requests_without() {
        let request = Request { id: u128::MAX - 5, offset: 1 << 20, last: true };
        for record in [slice(None), slice(Some(request)), slice(Some(Request { id: 0, offset: 0, last: false }))] {
            let bytes = postcard::to_allocvec(&record).unwrap();
            assert_eq!(Record::decode(&bytes), Some(record));
        }
        let bytes = postcard::to_allocvec(&slice(None)).unwrap();
        assert_eq!(Record::decode(&bytes[..bytes.len() - 1]), Some(slice(None)));
        assert_eq!(Record::decode(&bytes[..bytes.len() - 2]), None);
    }
}
