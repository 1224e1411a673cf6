//! The two hashes whose values outlive a run: of routing keys, and of what an alert is known by.
//!
//! Both are XXH3, whose values are fixed for good; hashes of tables that live in memory alone are others.

use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

/// The hash of a routing key: seeded, the same for the life of the state (SEMANTICS 3).
pub fn key_hash(seed: u64, key: &[u8]) -> u64 {
    xxh3_64_with_seed(key, seed)
}

/// The key group of a routing key's hash: bits 32 to 39, clear of the bits that hash tables use.
pub fn group_of(hash: u64) -> u8 {
    (hash >> 32) as u8
}

/// What an alert is known by: 32 hexadecimal digits, unseeded (SEMANTICS 5.1).
///
/// The parts go in with their lengths, so that no two triples run together.
pub fn alert_id(detector: &str, rule: &str, dedup_key: &str) -> String {
    let mut hash = Xxh3::new();
    for part in [detector, rule, dedup_key] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    format!("{:032x}", hash.digest128())
}

#[cfg(test)]
mod tests {
    use super::{alert_id, group_of, key_hash};

    /// The values are stored in checkpoints and in users' databases: they must never change.
    #[test]
    fn the_hashes_are_fixed_for_good() {
        assert_eq!(key_hash(0, b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(group_of(0x00ab_0000_0000), 0xab);
        assert_eq!(alert_id("a", "b", "c").len(), 32);
        assert_ne!(alert_id("ab", "c", ""), alert_id("a", "bc", ""));
    }
}
