//! As much of Protocol Buffers and MessagePack as it takes to write.

/// A message in the making.
#[derive(Default)]
pub struct Message(pub Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    /// A message, a text or bytes.
    pub fn bytes(&mut self, field: u64, bytes: &[u8]) -> &mut Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// A whole number.
    pub fn int(&mut self, field: u64, number: i64) -> &mut Self {
        self.varint(field << 3);
        self.varint(number as u64);
        self
    }

    /// Eight bytes.
    pub fn fixed(&mut self, field: u64, bytes: [u8; 8]) -> &mut Self {
        self.varint(field << 3 | 1);
        self.0.extend_from_slice(&bytes);
        self
    }
}

/// A MessagePack text.
pub fn text(text: &str, out: &mut Vec<u8>) {
    match text.len() {
        length @ 0..32 => out.push(0xa0 | length as u8),
        length @ 32..256 => out.extend_from_slice(&[0xd9, length as u8]),
        length => {
            out.push(0xda);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

/// What stands before the members of a MessagePack map.
pub fn map(members: usize, out: &mut Vec<u8>) {
    match members {
        0..16 => out.push(0x80 | members as u8),
        _ => {
            out.push(0xde);
            out.extend_from_slice(&(members as u16).to_be_bytes());
        }
    }
}
