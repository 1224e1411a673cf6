//! What is read of a connection and not handed in yet, in as little memory as may be: thousands of connections idle.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// What is set aside for one read, at the least and at the most.
const READ: (usize, usize) = (1 << 10, 256 << 10);

/// Bytes of a connection.
#[derive(Debug)]
pub struct Inlet {
    bytes: Vec<u8>,
    /// So many of them have been taken.
    taken: usize,
    /// How much the next read may bring: more where the last one was full, less where it was not.
    size: usize,
}

impl Inlet {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { bytes: Vec::new(), taken: 0, size: READ.0 }
    }

    /// What is there.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    /// The first so many bytes are not needed any more.
    pub fn take(&mut self, length: usize) {
        self.taken = self.bytes.len().min(self.taken + length);
    }

    /// Reads more. Gives how many bytes have come; none: the connection is at its end. May be given up without loss.
    pub async fn read(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        let size = self.size;
        if self.taken == self.bytes.len() && self.bytes.capacity() != size {
            self.bytes = Vec::with_capacity(size);
        } else if self.taken > 0 {
            self.bytes.drain(..self.taken);
        }
        self.taken = 0;
        self.bytes.reserve(size);
        let room = self.bytes.capacity() - self.bytes.len();
        let read = stream.read_buf(&mut self.bytes).await?;
        if read == room {
            self.size = (self.size * 4).min(READ.1);
        } else if read < self.size / 4 {
            self.size = (self.size / 4).max(READ.0);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::{Inlet, READ};

    #[tokio::test]
    async fn what_was_written_is_read_and_a_quiet_connection_gives_its_memory_back() {
        let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let (mut inlet, mut seen, mut stream) = (Inlet::new(), Vec::new(), bytes.as_slice());
        let mut largest = 0;
        for step in 1.. {
            if inlet.read(&mut stream).await.unwrap() == 0 {
                break;
            }
            let length = inlet.bytes().len() * (step % 3) / 2;
            seen.extend_from_slice(inlet.bytes().get(..length).unwrap_or(inlet.bytes()));
            inlet.take(length);
            largest = largest.max(inlet.size);
        }
        seen.extend_from_slice(inlet.bytes());
        assert!(seen == bytes);
        assert_eq!(largest, READ.1);
        inlet.take(usize::MAX >> 1);
        for _ in 0..6 {
            inlet.read(&mut b"x".as_slice()).await.unwrap();
            inlet.take(1);
        }
        inlet.read(&mut b"x".as_slice()).await.unwrap();
        assert!(inlet.bytes.capacity() <= 2 * READ.0, "{}", inlet.bytes.capacity());
    }
}
