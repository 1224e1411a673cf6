//! Bytes as they were read, with room behind them, so that a scan may read past the end of an event without a check.

/// How many readable bytes stand behind the last byte of a [`Buffer`].
pub const PADDING: usize = 64;

/// The bytes of one read: whole lines, the last one ended by a newline, and [`PADDING`] zero bytes behind.
#[derive(Debug, Default)]
pub struct Buffer {
    padded: Vec<u8>,
}

impl Buffer {
    /// Takes bytes over; adds the padding (a copy only where the vector has no room for it).
    pub fn new(mut bytes: Vec<u8>) -> Self {
        bytes.resize(bytes.len() + PADDING, 0);
        Self { padded: bytes }
    }

    /// The bytes without the padding.
    pub fn bytes(&self) -> &[u8] {
        self.padded.get(..self.len()).unwrap_or_default()
    }

    /// The bytes and [`PADDING`] zero bytes behind them.
    pub fn padded(&self) -> &[u8] {
        &self.padded
    }

    /// How many bytes there are, without the padding.
    pub fn len(&self) -> usize {
        self.padded.len().saturating_sub(PADDING)
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The vector behind it, emptied, to be filled again.
    pub fn recycle(mut self) -> Vec<u8> {
        self.padded.clear();
        self.padded
    }
}
