//! An alert as it lies in a guest's memory.

use crate::Guest;

/// The record `alert`; right as it is, until a test changes it. Lists are pointer and length.
#[derive(Clone, Debug)]
pub struct AlertRecord {
    bytes: [u8; 152],
}

impl AlertRecord {
    /// A right one: of rule "r", placed at row 0, from 0 to 10.
    pub fn new(guest: &mut Guest) -> Self {
        let rule = guest.bytes(b"r");
        let mut record = Self { bytes: [0; 152] };
        record.list(0, rule, 1);
        record.time(Self::START, Some(0));
        record.time(Self::END, Some(10));
        record
    }

    /// Where the severity stands: one byte.
    pub const SEVERITY: usize = 16;
    /// The state: one byte.
    pub const STATE: usize = 17;
    /// The title: pointer and length.
    pub const TITLE: usize = 8;
    /// The place: a byte (0 row, 1 timer), and 8 bytes further the row or the time.
    pub const PLACE: usize = 24;
    /// The start: a byte, and 8 bytes further the time.
    pub const START: usize = 56;
    /// The end: a byte, and 8 bytes further the time.
    pub const END: usize = 72;
    /// The entities: pointer and length.
    pub const ENTITIES: usize = 88;
    /// The facts: pointer and length.
    pub const FACTS: usize = 96;
    /// The techniques: pointer and length.
    pub const TECHNIQUES: usize = 104;
    /// The evidence: pointer and length.
    pub const EVIDENCE: usize = 112;
    /// The score: a byte, and 8 bytes further the number.
    pub const SCORE: usize = 120;
    /// The episode that this one went over into: a byte, and 4 bytes further pointer and length.
    pub const MERGED: usize = 136;

    /// Sets bytes.
    pub fn set(&mut self, at: usize, bytes: &[u8]) {
        self.bytes.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
    }

    /// Sets a pointer and a length.
    pub fn list(&mut self, at: usize, pointer: u32, length: u32) {
        self.set(at, &[pointer.to_le_bytes(), length.to_le_bytes()].concat());
    }

    /// Sets a time or none.
    pub fn time(&mut self, at: usize, time: Option<i64>) {
        self.set(at, &[u8::from(time.is_some())]);
        self.set(at + 8, &time.unwrap_or_default().to_le_bytes());
    }

    /// Sets a list of facts to those with these names, all of value 0 (s64).
    pub fn facts(&mut self, guest: &mut Guest, at: usize, names: &[&str]) {
        let mut facts = Vec::new();
        for name in names {
            facts.extend(guest.bytes(name.as_bytes()).to_le_bytes());
            facts.extend((name.len() as u32).to_le_bytes());
            facts.extend(1u64.to_le_bytes());
            facts.extend(0u64.to_le_bytes());
        }
        let pointer = guest.bytes(&facts);
        self.list(at, pointer, names.len() as u32);
    }

    /// Puts the record into the guest's memory and gives "(i32.const ADDRESS)".
    pub fn put(&self, guest: &mut Guest) -> String {
        format!("(i32.const {})", guest.bytes(&self.bytes))
    }
}
