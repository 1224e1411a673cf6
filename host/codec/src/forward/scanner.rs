//! Where a message ends, while its bytes still come.

use super::msgpack::head;
use crate::Malformed;

/// Finds the end of a MessagePack value in bytes that come piece by piece; looks at each byte once.
#[derive(Clone, Debug)]
pub struct Scanner {
    /// How far it has come: perhaps behind the bytes that are there.
    at: usize,
    /// So many values are to follow before the whole is one. No list of what is open is needed to know that.
    left: u64,
}

impl Default for Scanner {
    fn default() -> Self {
        Self { at: 0, left: 1 }
    }
}

impl Scanner {
    /// How many leading bytes are a whole value, once it is; then the next one is looked for, in the bytes behind. Until then `bytes` are
    /// those of the call before with more behind them. It is an error as soon as it is clear that the value has more bytes than the limit.
    pub fn scan(&mut self, bytes: &[u8], limit: usize) -> Result<Option<usize>, Malformed> {
        let (mut at, mut left) = (self.at, self.left);
        while left > 0 && at < bytes.len() {
            let Some(head) = head(bytes, at) else {
                if bytes.get(at) == Some(&0xc1) {
                    return Err(Malformed::new("no MessagePack value", at));
                }
                break;
            };
            let (values, length) = head.follows();
            at = head.at + length;
            left = left - 1 + values;
            // Each value has a byte at least.
            if at > limit || left > (limit - at) as u64 {
                return Err(Malformed::new("a message that is longer than it may be", at));
            }
        }
        (self.at, self.left) = (at, left);
        if left > 0 || at > bytes.len() {
            return Ok(None);
        }
        *self = Self::default();
        Ok(Some(at))
    }
}
