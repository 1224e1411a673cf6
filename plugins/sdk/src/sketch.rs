//! How many distinct values there were, approximately: HyperLogLog with 4,096 registers (standard error 1.6 %), sparse while small.
//!
//! The answer is a function of the set of values and the seed alone: not of their order, of merging, or of serialisation. The estimator
//! is Ertl's improved one ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6): no bias tables, no
//! switch between two formulas, and it never falls when a register rises.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::Aggregate;

const BITS: u32 = 12;
const REGISTERS: usize = 1 << BITS;
/// Ranks go from 1 to 64 - 12 + 1.
const RANKS: usize = 64 - BITS as usize + 1;
/// Entries that are kept in place; most keys never have more.
const INLINE: usize = 4;
/// Entries at which the sparse list gives way to one byte a register.
const SPARSE: usize = 256;

/// Hashes values for sketches; seeded, the same on every machine.
#[derive(Clone, Copy, Debug)]
pub struct SeededHash(u64);

impl SeededHash {
    /// With the seed of [`crate::Setup::seed`].
    pub fn new(seed: u64) -> SeededHash {
        SeededHash(mix(seed ^ 0x9e37_79b9_7f4a_7c15))
    }

    /// Of an address.
    #[inline]
    pub fn ip(&self, value: &[u8; 16]) -> u64 {
        let wide = u128::from_le_bytes(*value);
        mix(mix(self.0 ^ wide as u64) ^ (wide >> 64) as u64)
    }

    /// Of any bytes.
    pub fn bytes(&self, value: &[u8]) -> u64 {
        let (words, rest) = value.as_chunks::<8>();
        let mut hash = mix(self.0 ^ value.len() as u64);
        for word in words {
            hash = mix(hash ^ u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        mix(hash ^ u64::from_le_bytes(last))
    }
}

/// A bijection of 64 bits in which each bit depends on all (Jon Maiga's mx3 round).
#[inline]
fn mix(mut h: u64) -> u64 {
    h ^= h >> 32;
    h = h.wrapping_mul(0xbea2_25f9_eb34_556d);
    h ^= h >> 29;
    h = h.wrapping_mul(0xbea2_25f9_eb34_556d);
    h ^ (h >> 32)
}

/// The number of distinct values, approximately.
#[derive(Clone, Debug)]
pub struct Distinct(Registers);

/// An entry is `register << 8 | rank`. The list is sorted; the entries in place are not.
#[derive(Clone, Debug)]
enum Registers {
    Inline(u8, [u32; INLINE]),
    Sparse(Vec<u32>),
    Dense(Box<[u8]>),
}

impl Default for Distinct {
    fn default() -> Self {
        Distinct(Registers::Inline(0, [0; INLINE]))
    }
}

impl Distinct {
    /// Adds a value by its hash; says whether the sketch changed.
    #[inline]
    pub fn add(&mut self, hash: u64) -> bool {
        let register = (hash >> (64 - BITS)) as u32;
        let rank = (hash << BITS | 1 << (BITS - 1)).leading_zeros() + 1;
        self.raise(register, rank as u8)
    }

    #[inline]
    fn raise(&mut self, register: u32, rank: u8) -> bool {
        let entry = register << 8 | u32::from(rank);
        match &mut self.0 {
            Registers::Inline(len, entries) => {
                let used = entries.get_mut(..*len as usize).unwrap_or_default();
                for old in used {
                    if *old >> 8 == register {
                        let higher = entry > *old;
                        *old = entry.max(*old);
                        return higher;
                    }
                }
                if let Some(free) = entries.get_mut(*len as usize) {
                    *free = entry;
                    *len += 1;
                    return true;
                }
                let all = *entries;
                self.0 = Registers::Sparse(Vec::with_capacity(2 * INLINE));
                for entry in all {
                    self.raise_list(entry);
                }
                self.raise_list(entry)
            }
            Registers::Sparse(_) => self.raise_list(entry),
            Registers::Dense(registers) => match registers.get_mut(register as usize) {
                Some(old) if *old < rank => {
                    *old = rank;
                    true
                }
                _ => false,
            },
        }
    }

    fn raise_list(&mut self, entry: u32) -> bool {
        let Registers::Sparse(list) = &mut self.0 else { return false };
        let at = list.partition_point(|old| old >> 8 < entry >> 8);
        if let Some(old) = list.get_mut(at).filter(|old| **old >> 8 == entry >> 8) {
            let higher = entry > *old;
            *old = entry.max(*old);
            return higher;
        }
        list.insert(at, entry);
        if list.len() > SPARSE {
            let mut registers = vec![0; REGISTERS].into_boxed_slice();
            for &entry in list.iter() {
                if let Some(register) = registers.get_mut((entry >> 8) as usize) {
                    *register = entry as u8;
                }
            }
            self.0 = Registers::Dense(registers);
        }
        true
    }

    /// Calls with each register that was raised and its rank.
    fn each(&self, mut visit: impl FnMut(u32, u8)) {
        match &self.0 {
            Registers::Inline(len, entries) => {
                entries.iter().take(*len as usize).for_each(|e| visit(e >> 8, *e as u8));
            }
            Registers::Sparse(list) => list.iter().for_each(|e| visit(e >> 8, *e as u8)),
            Registers::Dense(registers) => {
                registers.iter().enumerate().filter(|(_, rank)| **rank > 0).for_each(|(i, rank)| visit(i as u32, *rank));
            }
        }
    }

    /// The estimate, rounded to the nearest whole number.
    pub fn estimate(&self) -> u64 {
        let mut histogram = [0u32; RANKS + 1];
        let mut raised = 0;
        self.each(|_, rank| {
            raised += 1;
            if let Some(n) = histogram.get_mut(rank as usize) {
                *n += 1;
            }
        });
        let m = REGISTERS as f64;
        let empty = f64::from(REGISTERS as u32 - raised);
        // The last rank holds what would have gone on; the others halve, from the highest down.
        let (mut z, mut ranks) = (0.0, histogram.iter().skip(1).rev());
        z += m * tau(1.0 - f64::from(ranks.next().copied().unwrap_or(0)) / m);
        for &n in ranks {
            z = 0.5 * (z + f64::from(n));
        }
        z += m * sigma(empty / m);
        let alpha = 0.5 / std::f64::consts::LN_2;
        (alpha * m * m / z).round() as u64
    }
}

/// Ertl 2017, equation 38.
fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// Ertl 2017, equation 44.
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

impl Aggregate for Distinct {
    fn merge(&mut self, other: &Self) {
        if let (Registers::Dense(to), Registers::Dense(from)) = (&mut self.0, &other.0) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = (*to).max(*from));
        } else {
            other.each(|register, rank| {
                self.raise(register, rank);
            });
        }
    }
}

/// As bytes: all registers if they are dense, else three bytes an entry.
impl Serialize for Distinct {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Registers::Dense(registers) = &self.0 {
            return serializer.serialize_bytes(registers);
        }
        let mut bytes = Vec::new();
        self.each(|register, rank| bytes.extend([rank, register as u8, (register >> 8) as u8]));
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        let fits = |register: u32, rank: u8| (register as usize) < REGISTERS && rank as usize <= RANKS;
        if bytes.len() == REGISTERS {
            if !bytes.iter().all(|rank| fits(0, *rank)) {
                return Err(D::Error::custom("a register of a sketch is out of range"));
            }
            return Ok(Distinct(Registers::Dense(bytes.into())));
        }
        let (entries, rest) = bytes.as_chunks::<3>();
        let mut sketch = Distinct::default();
        for &[a, b, c] in entries {
            let entry = u32::from_le_bytes([a, b, c, 0]);
            if a == 0 || !fits(entry >> 8, a) || !rest.is_empty() {
                return Err(D::Error::custom("a sketch that cannot be read"));
            }
            sketch.raise(entry >> 8, a);
        }
        Ok(sketch)
    }
}
