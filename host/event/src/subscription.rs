//! What a detector asks to see: fields, conditions, and what its state is kept by.

use std::net::IpAddr;

/// The types in which a field can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// UTF-8 text.
    Text,
    /// A text's bytes.
    Bytes,
    /// A signed integer.
    S64,
    /// An unsigned integer.
    U64,
    /// Any number.
    F64,
    /// `true` or `false`.
    Boolean,
    /// A point in time, read by the formats of the source's event time.
    Timestamp,
    /// An address, in any spelling.
    Ip,
    /// The value's bytes as they stand.
    Raw,
}

impl FieldType {
    /// The name of the type in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::S64 => "s64",
            Self::U64 => "u64",
            Self::F64 => "f64",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
            Self::Ip => "ip",
            Self::Raw => "raw",
        }
    }
}

/// A field that a detector asked for: one column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field {
    /// Path as the detector wrote it; the source's field map may lead it elsewhere.
    pub path: String,
    /// The type of the column.
    pub kind: FieldType,
}

/// A network: an address and how many of its leading bits count, both as IPv6 (IPv4 mapped).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    prefix: u32,
}

impl Network {
    /// Reads "10.0.0.0/8", "2001:db8::/32" or a single address. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address or network, such as \"10.0.0.0/8\"");
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (bits, widest) = match address {
            IpAddr::V4(v4) => (u128::from(v4.to_ipv6_mapped()), 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        let length = match length {
            Some(digits) => digits.parse::<u32>().ok().filter(|&bits| bits <= widest).ok_or_else(wrong)?,
            None => widest,
        };
        Ok(Self { bits, prefix: length + 128 - widest })
    }

    /// Whether the network holds an address, given as 16 bytes, IPv4 mapped.
    pub fn contains(&self, address: [u8; 16]) -> bool {
        let differing = self.bits ^ u128::from_be_bytes(address);
        differing.leading_zeros() >= self.prefix
    }
}

/// A test on one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// There is a value that is not null.
    Present,
    /// A text equal to one of these.
    Text(Vec<String>),
    /// A whole number equal to one of these.
    Integer(Vec<i64>),
    /// This truth value.
    Boolean(bool),
    /// A number in a range; no bound where `None`.
    Number {
        /// The least number that passes.
        at_least: Option<f64>,
        /// The least number that is too large.
        below: Option<f64>,
    },
    /// A text that starts with one of these.
    Prefix(Vec<String>),
    /// An address in one of these networks.
    Network(Vec<Network>),
}

/// A condition: only rows that meet all conditions of a subscription reach its detector.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// Path of the field, as in [`Field`].
    pub path: String,
    /// What is asked of it. A field that is absent, null or of another type meets no test.
    pub test: Test,
    /// Turns the test round.
    pub negate: bool,
}

/// What state is kept by, and so where a row must go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keying {
    /// Rows with equal values in these columns go to one instance.
    Keyed(Vec<u32>),
    /// One instance sees all rows.
    #[default]
    Global,
    /// Rows go to any instance.
    Stateless,
}

/// All that a detector asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subscription {
    /// The columns, by number.
    pub fields: Vec<Field>,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// What state is kept by.
    pub keying: Keying,
    /// Does not use event time.
    pub timeless: bool,
    /// May drop events.
    pub drops: bool,
}
