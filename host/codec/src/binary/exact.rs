//! Duplicate keys in objects that are no text, exactly, as [`json::exact`](crate::json::exact) does it for lines.
//!
//! A walk overwrites as it goes, which is right but for one case: a later duplicate of an object takes back what an earlier one gave.
//! Events in which an asked-for key came twice are therefore read once more, here.

use crate::json::trie::{Node, Trie};
use crate::json::{Kind, Slot};

/// Key and value of each member of an object.
pub(crate) type Members<'a> = Vec<(&'a [u8], Slot)>;

/// Notes where the asked-for values among the members of an object stand, whose keys are looked up at `node`. `open` gives the members of
/// an object inside.
pub(crate) fn resolve<'a>(trie: &Trie, slots: &mut [Slot], node: Node, members: Members<'a>, open: &dyn Fn(Slot) -> Members<'a>) {
    let mut last: Vec<(usize, Node, Slot)> = Vec::new();
    for (key, value) in members {
        if let Some((to, number)) = trie.find(node, key) {
            last.retain(|&(known, ..)| known != number);
            last.push((number, to, value));
        }
    }
    for (_, to, value) in last {
        if let Some(slot) = trie.slot(to).and_then(|slot| slots.get_mut(usize::from(slot))) {
            *slot = value;
        }
        if value.kind() == Kind::Object && trie.leads_on(to) {
            resolve(trie, slots, to, open(value), open);
        }
    }
}
