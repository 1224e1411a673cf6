//! State on its way out of a detector's instance and into another (SEMANTICS 9).

use crate::Strings;

/// Entries of a snapshot: row i of each. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entries {
    /// Key group of each row; 0 in global and stateless instances.
    pub groups: Vec<u8>,
    /// The routing key; nothing: state of the group as a whole.
    pub keys: Strings,
    /// The guest's own names within a key.
    pub sub_keys: Strings,
    /// The values.
    pub values: Strings,
    /// Bits, least significant first: 1 = the entry is gone. Empty: none is.
    pub deleted: Vec<u8>,
}

impl Entries {
    /// How many entries there are.
    pub fn rows(&self) -> usize {
        self.groups.len()
    }

    /// How many bytes of memory the entries take.
    pub fn bytes(&self) -> usize {
        let strings = [&self.keys, &self.sub_keys, &self.values];
        let strings = strings.iter().map(|strings| strings.data.len() + strings.offsets.len() * size_of::<u32>()).sum::<usize>();
        strings + self.groups.len() + self.deleted.len()
    }
}
