//! Duplicate keys, exactly: of each object the last value of a key counts, with all that is in it (SEMANTICS 7.3).
//!
//! The walk overwrites as it goes, which is right but for one case: a later duplicate of an object takes back what an earlier one gave.
//! Lines in which an asked-for key came twice are therefore read once more, here.

use super::scan::{Padded, Scan};
use super::trie::{Node, ROOT};
use super::walk::Walk;
use super::{Kind, Slot};

/// Reads the valid line at `at` once more, into the slots of the walk.
#[cold]
pub(crate) fn resolve<S: Scan>(walk: &mut Walk<'_>, at: usize) {
    walk.slots.fill(Slot::default());
    let start = at + memchr::memchr(b'{', walk.bytes.get(at..).unwrap_or_default()).unwrap_or_default();
    object::<S>(walk, start, ROOT);
}

/// An object, its brace at `at`, whose keys are looked up at `node`.
fn object<S: Scan>(walk: &mut Walk<'_>, at: usize, node: Node) {
    let mut members: Vec<(usize, Node, usize, Slot)> = Vec::new();
    let mut at = at + 1;
    while let Some(quote) = next(walk.bytes, at, b'"') {
        let Ok((key_end, kind)) = super::string::string::<S>(walk.bytes, quote + 1) else { return };
        let mut key = Vec::new();
        super::string::unescape(walk.bytes.get(quote + 1..key_end).unwrap_or_default(), &mut key);
        debug_assert!(matches!(kind, Kind::Text | Kind::Escaped));
        let Some(colon) = next(walk.bytes, key_end + 1, b':') else { return };
        let start = colon + 1 + spaces(walk.bytes, colon + 1);
        let Ok((end, value)) = walk.value::<S>(start, None, 1) else { return };
        if let Some((to, number)) = walk.trie.find(node, &key) {
            members.retain(|&(known, ..)| known != number);
            members.push((number, to, start, value));
        }
        let Some(comma) = next(walk.bytes, end, b',') else { break };
        at = comma + 1;
    }
    for (_, to, start, value) in members {
        if let Some(slot) = walk.trie.slot(to).and_then(|slot| walk.slots.get_mut(usize::from(slot))) {
            *slot = value;
        }
        if value.kind() == Kind::Object && walk.trie.leads_on(to) {
            object::<S>(walk, start, to);
        }
    }
}

fn spaces(bytes: Padded<'_>, at: usize) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count()
}

/// Where the wanted byte is, if it comes next.
fn next(bytes: Padded<'_>, at: usize, wanted: u8) -> Option<usize> {
    let at = at + spaces(bytes, at);
    (bytes.byte(at) == wanted).then_some(at)
}
