//! For native tests and benches of detectors: batches built by hand.

use std::net::IpAddr;

use crate::{ColumnData, Detector, Field, FieldType, Instance, Problem, Recorder, Rows, SeededHash, Strings};

/// The routing key of these fields, as the host makes it (SEMANTICS 3): an address if it reads as one, else its text; none is null.
pub fn routing_key(fields: &[Option<&str>]) -> Vec<u8> {
    let mut key = Vec::new();
    for field in fields {
        let (tag, bytes) = match field.map(|text| (text, address(text))) {
            None => (0, Vec::new()),
            Some((_, Some(ip))) => (8, ip.to_vec()),
            Some((text, None)) => (10, text.as_bytes().to_vec()),
        };
        key.push(tag);
        key.extend((bytes.len() as u32).to_le_bytes());
        key.extend(bytes);
    }
    key
}

/// What a detector with this configuration gives for all rows of a feed and then the end of input.
pub fn run<D: Detector>(config: &str, feed: &Feed) -> Result<Recorder, Vec<Problem>> {
    let mut instance = Instance::<D>::new(config, D::INFO.name, 0, 0)?;
    let mut out = Recorder::default();
    feed.batch(0, feed.len(), |rows| instance.process(rows, &mut out));
    instance.flush(&mut out);
    Ok(out)
}

/// The hash of a routing key; any seeded hash of 64 bits will do.
pub fn key_hash(key: &[u8]) -> u64 {
    SeededHash::new(0).bytes(key)
}

/// One column of a [`Feed`].
#[derive(Clone, Debug)]
enum Cells {
    /// Not read by the detector.
    Unread,
    /// Addresses, none where not valid.
    Ip(Vec<Option<[u8; 16]>>),
    /// Text, none where not valid.
    Text(Vec<Option<String>>),
    /// Integers, none where not valid.
    S64(Vec<Option<i64>>),
    /// Numbers, none where not valid.
    F64(Vec<Option<f64>>),
}

/// Rows in input order, to be fed in batches.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    times: Vec<i64>,
    watermarks: Vec<i64>,
    hashes: Vec<u64>,
    offsets: Vec<u32>,
    keys: Vec<u8>,
    columns: Vec<Cells>,
}

impl Cells {
    /// Adds a value, or none; a value of another type is none.
    fn push(&mut self, value: Option<&str>) {
        match self {
            Cells::Unread => {}
            Cells::Ip(cells) => cells.push(value.and_then(address)),
            Cells::Text(cells) => cells.push(value.map(str::to_owned)),
            Cells::S64(cells) => cells.push(value.and_then(|v| v.parse().ok())),
            Cells::F64(cells) => cells.push(value.and_then(|v| v.parse().ok())),
        }
    }
}

fn address(text: &str) -> Option<[u8; 16]> {
    Some(match text.parse().ok()? {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    })
}

impl Feed {
    /// For a detector with this configuration: its columns, as it subscribes to them.
    pub fn of<D: Detector>(config: &str) -> Result<Feed, Vec<Problem>> {
        let instance = Instance::<D>::new(config, D::INFO.name, 0, 0)?;
        let cells = |field: &Field| match field.kind {
            _ if !field.read => Cells::Unread,
            FieldType::Ip => Cells::Ip(Vec::new()),
            FieldType::S64 | FieldType::Timestamp => Cells::S64(Vec::new()),
            FieldType::F64 => Cells::F64(Vec::new()),
            FieldType::Text | FieldType::Bytes | FieldType::Raw => Cells::Text(Vec::new()),
            FieldType::U64 | FieldType::Boolean => Cells::Unread,
        };
        let columns = instance.subscription().fields.iter().map(cells).collect();
        Ok(Feed { columns, offsets: vec![0], ..Feed::default() })
    }

    /// Adds a row: its time and watermark, the fields of its key, and the values of its columns by number (those that are not read may be
    /// left out at the end).
    pub fn row(&mut self, time: i64, watermark: i64, key: &[Option<&str>], values: &[Option<&str>]) {
        self.row_of_key(time, watermark, &routing_key(key), values);
    }

    /// The same with a routing key that was made before.
    pub fn row_of_key(&mut self, time: i64, watermark: i64, key: &[u8], values: &[Option<&str>]) {
        self.times.push(time);
        self.watermarks.push(watermark);
        self.hashes.push(key_hash(key));
        self.keys.extend_from_slice(key);
        self.offsets.push(self.keys.len() as u32);
        for (i, cells) in self.columns.iter_mut().enumerate() {
            cells.push(values.get(i).copied().flatten());
        }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Calls with the rows from one number up to another as a batch.
    pub fn batch<T>(&self, from: usize, to: usize, call: impl FnOnce(&Rows<'_>) -> T) -> T {
        let to = to.min(self.len());
        let from = from.min(to);
        let columns: Vec<Owned> = self.columns.iter().map(|cells| Owned::new(cells, from, to)).collect();
        let columns: Vec<(ColumnData<'_>, &[u8])> = columns.iter().map(|owned| (owned.data(), owned.valid.as_slice())).collect();
        // Keys keep their offsets into all of `keys`.
        call(&Rows {
            count: to - from,
            times: self.times.get(from..to).unwrap_or_default(),
            watermarks: self.watermarks.get(from..to).unwrap_or_default(),
            keys: Strings { offsets: self.offsets.get(from..=to).unwrap_or_default(), data: &self.keys },
            key_hashes: self.hashes.get(from..to).unwrap_or_default(),
            columns: &columns,
        })
    }
}

/// A part of a column as the host gives it.
#[derive(Default)]
struct Owned {
    kind: Kind,
    valid: Vec<u8>,
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    s64: Vec<i64>,
    f64: Vec<f64>,
}

#[derive(Clone, Copy, Default)]
enum Kind {
    #[default]
    Unread,
    Ip,
    Text,
    S64,
    F64,
}

impl Owned {
    fn new(cells: &Cells, from: usize, to: usize) -> Owned {
        fn part<T>(all: &[T], from: usize, to: usize) -> &[T] {
            all.get(from..to).unwrap_or_default()
        }
        let mut owned = Owned { offsets: vec![0], ..Owned::default() };
        let mut bits = Vec::new();
        match cells {
            Cells::Unread => {}
            Cells::Ip(cells) => {
                owned.kind = Kind::Ip;
                for cell in part(cells, from, to) {
                    bits.push(cell.is_some());
                    owned.bytes.extend(cell.unwrap_or_default());
                }
            }
            Cells::Text(cells) => {
                owned.kind = Kind::Text;
                for cell in part(cells, from, to) {
                    bits.push(cell.is_some());
                    owned.bytes.extend(cell.as_deref().unwrap_or_default().as_bytes());
                    owned.offsets.push(owned.bytes.len() as u32);
                }
            }
            Cells::S64(cells) => {
                owned.kind = Kind::S64;
                bits.extend(part(cells, from, to).iter().map(Option::is_some));
                owned.s64.extend(part(cells, from, to).iter().map(|v| v.unwrap_or_default()));
            }
            Cells::F64(cells) => {
                owned.kind = Kind::F64;
                bits.extend(part(cells, from, to).iter().map(Option::is_some));
                owned.f64.extend(part(cells, from, to).iter().map(|v| v.unwrap_or_default()));
            }
        }
        if bits.contains(&false) {
            owned.valid = bits.chunks(8).map(|c| c.iter().enumerate().fold(0, |b, (i, v)| b | u8::from(*v) << i)).collect();
        }
        owned
    }

    fn data(&self) -> ColumnData<'_> {
        match self.kind {
            Kind::Unread => ColumnData::Unread,
            Kind::Ip => ColumnData::Ip(&self.bytes),
            Kind::Text => ColumnData::Strings(Strings { offsets: &self.offsets, data: &self.bytes }),
            Kind::S64 => ColumnData::S64(&self.s64),
            Kind::F64 => ColumnData::F64(&self.f64),
        }
    }
}
