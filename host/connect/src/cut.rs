//! Where to cut bytes into slices: behind whole events, or, of an event that is too long to be one, anywhere.

use eyas_codec::{Encoding, Framing, first_record};
use memchr::memchr;

/// Cuts the bytes of one partition. Where it cuts depends on the bytes, their position and the size asked for alone, never on how
/// many bytes a read happened to bring.
#[derive(Clone, Debug)]
pub struct Cutter {
    encoding: Encoding,
    /// More bytes than that without an end are no event.
    longest: usize,
    /// Whether the bytes to come go on with an event that was too long.
    inside: bool,
}

/// What the leading bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// So many bytes are whole events.
    Events(usize),
    /// So many bytes are a piece of an event that is too long.
    Piece(usize),
    /// That cannot be said before there are so many bytes, or no more come.
    More(usize),
}

impl Cutter {
    /// For events of at most this many bytes.
    pub fn new(encoding: Encoding, max_event_bytes: usize) -> Self {
        // The codec does not count CR and LF.
        Self { encoding, longest: max_event_bytes.saturating_add(2), inside: false }
    }

    /// What comes goes on with an event that was too long.
    pub fn go_on_inside(&mut self) {
        self.inside = true;
    }

    /// Says what the leading bytes are, of at most `size` unless one event alone is longer. `ended`: no more bytes come.
    pub fn cut(&mut self, bytes: &[u8], size: usize, ended: bool) -> Cut {
        if self.inside {
            let end = memchr(b'\n', bytes).map(|newline| newline + 1);
            if end.is_none() && bytes.len() < size && !ended {
                return Cut::More(size);
            }
            self.inside = end.is_none();
            return Cut::Piece(end.unwrap_or(bytes.len()));
        }
        if bytes.len() < size && !ended {
            return Cut::More(size);
        }
        let head = bytes.get(..size).unwrap_or(bytes);
        let whole = Framing::new(&self.encoding).whole(head);
        if ended && bytes.len() <= size && bytes.len() - whole <= self.longest {
            // A last line without a newline belongs to the slice before it, as it would with one.
            return Cut::Events(bytes.len());
        }
        if whole > 0 {
            return Cut::Events(whole);
        }
        match first_record(&self.encoding, bytes) {
            Some(end) if end <= self.longest.max(size) => Cut::Events(end),
            _ if bytes.len() >= self.longest => {
                self.inside = true;
                // Whole pieces are as long as an event may be.
                Cut::Piece(bytes.len().min(self.longest.saturating_sub(2)))
            }
            _ if ended => Cut::Events(bytes.len()),
            _ => Cut::More((bytes.len() * 2).min(self.longest)),
        }
    }

    /// Cuts what there is by now, however little: for a live stream whose next bytes may be long in coming.
    pub fn cut_now(&mut self, bytes: &[u8]) -> Cut {
        if self.inside {
            return self.cut(bytes, 0, false);
        }
        match Framing::new(&self.encoding).whole(bytes) {
            0 => Cut::More(bytes.len() + 1),
            whole => Cut::Events(whole),
        }
    }
}

#[cfg(test)]
mod tests {
    use eyas_codec::Encoding;

    use super::{Cut, Cutter};

    /// All slices of some bytes, when each read brings `step` of them.
    fn slices(bytes: &[u8], size: usize, longest: usize, step: usize) -> Vec<(bool, Vec<u8>)> {
        let mut cutter = Cutter::new(Encoding::Ndjson, longest);
        let (mut taken, mut read, mut slices) = (0, 0, Vec::new());
        while taken < bytes.len() {
            match cutter.cut(&bytes[taken..read], size, read == bytes.len()) {
                Cut::Events(0) | Cut::Piece(0) => read = (read + step).min(bytes.len()),
                Cut::More(wanted) => {
                    assert!(wanted > read - taken, "asks for what it has");
                    read = (taken + wanted).min(bytes.len());
                }
                Cut::Events(length) => {
                    slices.push((false, bytes[taken..taken + length].to_vec()));
                    taken += length;
                }
                Cut::Piece(length) => {
                    slices.push((true, bytes[taken..taken + length].to_vec()));
                    taken += length;
                }
            }
        }
        slices
    }

    fn joined(slices: &[(bool, Vec<u8>)]) -> Vec<u8> {
        slices.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
    }

    #[test]
    fn slices_are_whole_lines_and_lose_nothing() {
        let text: Vec<u8> = (0..200).flat_map(|number| format!("{number:0width$}\n", width = number * 7 % 40 + 1).into_bytes()).collect();
        for size in [1, 10, 64, 1000, 100_000] {
            let slices = slices(&text, size, 1024, size);
            assert_eq!(joined(&slices), text);
            assert!(slices.iter().all(|(piece, bytes)| !piece && bytes.ends_with(b"\n")));
            assert!(slices.iter().all(|(_, bytes)| bytes.len() <= size || bytes.iter().filter(|&&byte| byte == b'\n').count() == 1));
        }
    }

    #[test]
    fn a_line_that_is_too_long_comes_in_pieces_and_its_neighbours_whole() {
        let mut text = b"{\"a\":1}\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 10_000));
        text.extend(b"\n{\"b\":2}\n");
        let slices = slices(&text, 512, 1024, 512);
        assert_eq!(joined(&slices), text);
        let events: Vec<_> = slices.iter().filter(|(piece, _)| !piece).map(|(_, bytes)| bytes.as_slice()).collect();
        assert_eq!(events, [b"{\"a\":1}\n".as_slice(), b"{\"b\":2}\n"]);
        assert!(slices.iter().filter(|(piece, _)| *piece).count() >= 2);
    }

    #[test]
    fn a_last_line_without_an_end_is_where_it_would_be_with_one() {
        assert_eq!(slices(b"a\nb", 1024, 1024, 1024), [(false, b"a\nb".to_vec())]);
        assert_eq!(slices(b"a\nbcdefgh", 1024, 4, 1024).first(), Some(&(false, b"a\n".to_vec())), "too long a tail is no event");
    }
}
