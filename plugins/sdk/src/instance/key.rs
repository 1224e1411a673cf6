//! A routing key as it is kept: in place up to two addresses, and compared by words (small `memcmp`s are slow in WebAssembly).

/// The bytes of two fields of 16 bytes each, with tags and lengths.
const TWO_ADDRESSES: usize = 42;
const ONE_ADDRESS: usize = 21;

/// The bytes of a routing key.
#[derive(Debug)]
pub(crate) enum KeyBytes {
    Short(u8, [u8; TWO_ADDRESSES]),
    Long(Box<[u8]>),
}

impl Default for KeyBytes {
    fn default() -> Self {
        KeyBytes::Short(0, [0; TWO_ADDRESSES])
    }
}

impl KeyBytes {
    pub fn new(bytes: &[u8]) -> KeyBytes {
        let mut short = [0; TWO_ADDRESSES];
        match short.get_mut(..bytes.len()) {
            Some(part) => {
                part.copy_from_slice(bytes);
                KeyBytes::Short(bytes.len() as u8, short)
            }
            None => KeyBytes::Long(bytes.into()),
        }
    }

    #[inline]
    pub fn get(&self) -> &[u8] {
        match self {
            KeyBytes::Short(len, bytes) => bytes.get(..*len as usize).unwrap_or_default(),
            KeyBytes::Long(bytes) => bytes,
        }
    }

    #[inline]
    pub fn is(&self, other: &[u8]) -> bool {
        match self {
            KeyBytes::Short(len, bytes) if *len as usize == other.len() => match other.len() {
                ONE_ADDRESS => {
                    let (Some(a), Some(b)) = (bytes.first_chunk::<ONE_ADDRESS>(), other.first_chunk::<ONE_ADDRESS>()) else {
                        return false;
                    };
                    differ::<ONE_ADDRESS>(a, b, [0, 8, 13]) == 0
                }
                TWO_ADDRESSES => {
                    let Some(other) = other.first_chunk::<TWO_ADDRESSES>() else { return false };
                    differ::<TWO_ADDRESSES>(bytes, other, [0, 8, 16, 24, 32, 34]) == 0
                }
                _ => self.get() == other,
            },
            KeyBytes::Short(..) => false,
            KeyBytes::Long(bytes) => **bytes == *other,
        }
    }
}

/// The bits in which the words at these places differ.
#[inline]
fn differ<const N: usize>(a: &[u8; N], b: &[u8; N], words: impl IntoIterator<Item = usize>) -> u64 {
    let word = |bytes: &[u8; N], at: usize| bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |w| u64::from_le_bytes(*w));
    words.into_iter().fold(0, |all, at| all | word(a, at) ^ word(b, at))
}
