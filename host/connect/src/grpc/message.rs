//! A message on the wire: whether it is packed, its length, its bytes.

use eyas_event::PADDING;

/// What stands before a message.
const HEAD: usize = 5;
/// What is set aside at once for a message whose length is announced.
const AT_ONCE: usize = 1 << 20;

/// Why a request's body is not one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// It is announced to be larger than what is taken.
    #[error("the message is larger than {0} bytes: send fewer events at once")]
    TooLarge(usize),
    /// There is none.
    #[error("the request holds no message")]
    Missing,
    /// It ends within the message.
    #[error("the request ends before its message does")]
    Short,
    /// Something follows.
    #[error("the request holds more than one message")]
    Several,
    /// The first byte is neither 0 nor 1.
    #[error("the message begins with {0}, which is neither 0 (plain) nor 1 (compressed)")]
    Flag(u8),
}

/// What stands before a message of this length.
pub fn prefix(packed: bool, length: usize) -> [u8; HEAD] {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [u8::from(packed), a, b, c, d]
}

/// Puts the one message of a body together, from pieces cut anywhere.
#[derive(Debug)]
pub struct Reader {
    most: usize,
    head: [u8; HEAD],
    /// How much of the head is there.
    begun: usize,
    length: usize,
    message: Vec<u8>,
}

impl Reader {
    /// For a message of at most so many bytes.
    pub fn new(most: usize) -> Self {
        Self { most, head: [0; HEAD], begun: 0, length: 0, message: Vec::new() }
    }

    /// The next piece of the body.
    pub fn push(&mut self, mut data: &[u8]) -> Result<(), BadMessage> {
        if let Some(missing) = self.head.get_mut(self.begun..).filter(|missing| !missing.is_empty()) {
            let (head, rest) = data.split_at(missing.len().min(data.len()));
            missing.iter_mut().zip(head).for_each(|(to, from)| *to = *from);
            self.begun += head.len();
            data = rest;
            if self.begun < HEAD {
                return Ok(());
            }
            self.open()?;
        }
        if data.len() > self.length - self.message.len() {
            return Err(BadMessage::Several);
        }
        if data.len() > self.message.capacity() - self.message.len() {
            // It is being sent in earnest.
            self.message.reserve_exact(self.length + 1 + PADDING - self.message.len());
        }
        self.message.extend_from_slice(data);
        Ok(())
    }

    /// The head is there.
    fn open(&mut self) -> Result<(), BadMessage> {
        let [flag, length @ ..] = self.head;
        if flag > 1 {
            return Err(BadMessage::Flag(flag));
        }
        self.length = u32::from_be_bytes(length) as usize;
        if self.length > self.most {
            return Err(BadMessage::TooLarge(self.most));
        }
        // Room for what a buffer has behind its bytes.
        self.message.reserve_exact(self.length.min(AT_ONCE) + 1 + PADDING);
        Ok(())
    }

    /// The body is at its end. Gives the message, and whether it is packed.
    pub fn end(self) -> Result<(bool, Vec<u8>), BadMessage> {
        match self.begun {
            0 => Err(BadMessage::Missing),
            HEAD if self.message.len() == self.length => Ok((self.head == prefix(true, self.length), self.message)),
            _ => Err(BadMessage::Short),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use proptest::prelude::*;

    use super::{AT_ONCE, BadMessage, HEAD, Reader, prefix};

    fn read(most: usize, pieces: &[&[u8]]) -> Result<(bool, Vec<u8>), BadMessage> {
        let mut reader = Reader::new(most);
        pieces.iter().try_for_each(|piece| reader.push(piece))?;
        reader.end()
    }

    fn framed(packed: bool, message: &[u8]) -> Vec<u8> {
        [&prefix(packed, message.len())[..], message].concat()
    }

    #[test]
    fn only_one_whole_message_is_taken() {
        let body = framed(false, b"events");
        assert_eq!(read(6, &[&body]), Ok((false, b"events".to_vec())));
        assert_eq!(read(6, &[&framed(true, b"")]), Ok((true, Vec::new())));
        assert_eq!(read(5, &[&body]), Err(BadMessage::TooLarge(5)));
        assert_eq!(read(6, &[]), Err(BadMessage::Missing));
        assert_eq!(read(6, &[&body, b"\0"]), Err(BadMessage::Several));
        assert_eq!(read(6, &[b"\x02\0\0\0\0"]), Err(BadMessage::Flag(2)));
        assert_eq!(read(6, &[b"GET / HTTP/1.1"]), Err(BadMessage::Flag(b'G')));
        assert!((1..body.len()).all(|end| read(6, &[&body[..end]]) == Err(BadMessage::Short)));
    }

    #[test]
    fn a_length_that_is_only_announced_sets_little_aside() {
        let mut reader = Reader::new(usize::MAX);
        reader.push(&prefix(false, u32::MAX as usize)).unwrap();
        assert!(reader.message.capacity() < 2 * AT_ONCE);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_a_body_is_cut(message: Vec<u8>, packed: bool, cuts: [prop::sample::Index; 3]) {
            let body = framed(packed, &message);
            let mut cuts = cuts.map(|cut| cut.index(body.len() + 1));
            cuts.sort_unstable();
            let pieces = [&body[..cuts[0]], &body[cuts[0]..cuts[1]], &body[cuts[1]..cuts[2]], &body[cuts[2]..]];
            prop_assert_eq!(read(message.len(), &pieces), Ok((packed, message)));
        }

        #[test]
        fn whatever_comes_is_a_message_or_none(body: Vec<u8>, most in 0..100usize, piece in 1..10usize) {
            let pieces: Vec<_> = body.chunks(piece).collect();
            if let Ok((packed, message)) = read(most, &pieces) {
                prop_assert_eq!(framed(packed, &message), body);
            }
        }

        #[test]
        fn small_bodies_with_small_lengths_are_read_alike(flag in 0..3u8, length in 0..4u8, rest in prop::collection::vec(any::<u8>(), 0..6)) {
            let body = [&[flag, 0, 0, 0, length][..], &rest].concat();
            let whole = read(3, &[&body]);
            let bytewise = read(3, &body.chunks(1).collect::<Vec<_>>());
            prop_assert_eq!(&whole, &bytewise);
            prop_assert_eq!(whole.is_ok(), flag < 2 && body.len() == HEAD + usize::from(length));
        }
    }
}
