//! The subscription: what a detector asks of the host while it is configured. It is collected as plain data; the bindings hand it
//! over when the configuration was found good, and a test reads it.

use std::marker::PhantomData;

/// What a detector says about itself before it is configured.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Lower case, digits, underscore.
    pub name: &'static str,
    /// Semantic version.
    pub version: &'static str,
    /// Raised when entries of older versions can no longer be read as they are.
    pub state_version: u32,
    /// One sentence for people.
    pub summary: &'static str,
}

/// The types that a field can be asked for as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// UTF-8.
    Text,
    /// Any bytes.
    Bytes,
    /// A signed integer.
    S64,
    /// An unsigned integer.
    U64,
    /// A finite number.
    F64,
    /// True or false.
    Boolean,
    /// Nanoseconds since the epoch.
    Timestamp,
    /// 16 bytes, IPv4 mapped.
    Ip,
    /// The value's bytes as they stand: lists, objects.
    Raw,
}

/// The types of columns, as the parameter of [`Column`].
pub mod column {
    macro_rules! kinds {
        ($($(#[$doc:meta])+ $name:ident)+) => { $($(#[$doc])+ #[derive(Clone, Copy, Debug)] pub struct $name;)+ };
    }
    kinds! {
        /// A text column.
        Text
        /// A column of bytes.
        Bytes
        /// A column of signed integers.
        S64
        /// A column of unsigned integers.
        U64
        /// A column of numbers.
        F64
        /// A column of booleans.
        Boolean
        /// A column of times.
        Timestamp
        /// A column of addresses.
        Ip
        /// A column of raw values.
        Raw
    }
}

/// A column that was subscribed to, with its type.
#[derive(Clone, Copy, Debug)]
pub struct Column<T> {
    pub(crate) number: usize,
    kind: PhantomData<T>,
}

/// A condition that the host evaluates; a row reaches the detector only if all hold. See `setup` in the contract.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "named as in the contract")]
pub enum Test {
    Present,
    Text(Vec<String>),
    Integer(Vec<i64>),
    Boolean(bool),
    Number { at_least: Option<f64>, below: Option<f64> },
    Prefix(Vec<String>),
    Network(Vec<String>),
}

/// One condition on one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The field's path.
    pub path: String,
    /// What must hold.
    pub test: Test,
    /// Turns it round.
    pub negate: bool,
}

/// How rows find their instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Routing {
    /// One instance sees all rows; there is one state.
    #[default]
    Global,
    /// By the values of these columns.
    Keyed(Vec<usize>),
    /// Any instance; the state is the instance's own and is not kept.
    Stateless,
}

/// A field that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its path.
    pub path: String,
    /// As what.
    pub kind: FieldType,
    /// Whether the detector reads it: a field that is only part of the key is never copied into the guest.
    pub read: bool,
}

/// Given to a detector while it is made: what it may know, and what it asks for.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    name: String,
    seed: u64,
    /// The fields asked for; a column's number is its place here.
    pub fields: Vec<Field>,
    /// The conditions; all must hold.
    pub conditions: Vec<Condition>,
    /// How rows find their instance.
    pub routing: Routing,
    /// Untimed events are wanted too, and event time is not used.
    pub timeless: bool,
    /// The detector may drop events.
    pub drops: bool,
}

impl Setup {
    /// For a detector of this name in the configuration; `seed` is the one for sketches.
    pub fn new(name: impl Into<String>, seed: u64) -> Setup {
        Setup { name: name.into(), seed, ..Setup::default() }
    }

    /// The detector's name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For sketches and whatever else needs chance; the same for the life of the state.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Only rows for which this holds.
    pub fn condition(&mut self, path: impl Into<String>, test: Test, negate: bool) {
        self.conditions.push(Condition { path: path.into(), test, negate });
    }

    /// Only rows that pass the configured filter.
    pub fn filter(&mut self, filter: &crate::Filter) {
        self.conditions.extend(filter.conditions().iter().cloned());
    }

    /// Keyed by the configured fields. Any spelling of an address is one key, everything else keeps its text.
    pub fn keyed(&mut self, key: &crate::Key) {
        let columns = key.fields().iter().map(|path| self.field(path, FieldType::Ip, false)).collect();
        self.routing = Routing::Keyed(columns);
    }

    /// Any instance will do.
    pub fn stateless(&mut self) {
        self.routing = Routing::Stateless;
    }

    fn field(&mut self, path: &str, kind: FieldType, read: bool) -> usize {
        if let Some(at) = self.fields.iter().position(|f| f.path == path && f.kind == kind) {
            if let Some(field) = self.fields.get_mut(at) {
                field.read |= read;
            }
            return at;
        }
        self.fields.push(Field { path: path.to_owned(), kind, read });
        self.fields.len() - 1
    }
}

macro_rules! subscribe {
    ($($(#[$doc:meta])+ $name:ident $kind:ident)+) => {
        impl Setup {
            $($(#[$doc])+
            pub fn $name(&mut self, path: &str) -> Column<column::$kind> {
                Column { number: self.field(path, FieldType::$kind, true), kind: PhantomData }
            })+
        }
    };
}
subscribe! {
    /// Subscribes to a field as text.
    text Text
    /// Subscribes to a field as bytes.
    bytes Bytes
    /// Subscribes to a field as a signed integer.
    s64 S64
    /// Subscribes to a field as an unsigned integer.
    u64 U64
    /// Subscribes to a field as a number.
    f64 F64
    /// Subscribes to a field as a boolean.
    boolean Boolean
    /// Subscribes to a field as a time.
    timestamp Timestamp
    /// Subscribes to a field as an address.
    ip Ip
    /// Subscribes to a field as the bytes of its value.
    raw Raw
}
