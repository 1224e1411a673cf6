//! The asked-for paths as a trie of keys, each path split at its points in every way (SEMANTICS 7.3).

use std::collections::HashMap;

/// A place in the trie: an object reached by a prefix of some path.
pub(crate) type Node = u16;

/// The root: the event itself.
pub(crate) const ROOT: Node = 0;

/// No more points in a path than this, since each pair of them gives a key.
pub(crate) const MAX_POINTS: usize = 32;

#[derive(Debug, Default)]
struct Inner {
    /// The path that ends here.
    slot: Option<u16>,
    /// Keys that lead on, with where to.
    keys: Vec<(Box<[u8]>, Node)>,
    /// For each hash of a key the first with it, plus 1; keys with the same one stand next to each other.
    heads: Vec<u16>,
}

/// All asked-for paths.
#[derive(Debug)]
pub(crate) struct Trie {
    nodes: Vec<Inner>,
}

const HASHES: usize = 64;

#[inline(always)]
fn hash(key: &[u8]) -> usize {
    let (first, last) = (key.first().copied().unwrap_or_default(), key.last().copied().unwrap_or_default());
    (key.len() * 7 + usize::from(first) * 3 + usize::from(last)) % HASHES
}

impl Trie {
    /// Nothing is asked for.
    pub(crate) const NOTHING: &Self = &Self { nodes: Vec::new() };

    /// Path i goes to slot i. Paths are different, and so few that a [`Node`] numbers all their prefixes.
    pub(crate) fn new<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut growing = Growing::default();
        growing.node(&[]);
        for (slot, path) in paths.enumerate() {
            growing.insert(path, slot as u16);
        }
        let node = |(slot, keys): (Option<u16>, Keys)| {
            let mut keys: Vec<_> = keys.into_iter().collect();
            keys.sort_by_cached_key(|(key, _)| (hash(key), key.clone()));
            let mut heads = vec![0; HASHES];
            for (i, (key, _)) in keys.iter().enumerate().rev() {
                if let Some(head) = heads.get_mut(hash(key)) {
                    *head = i as u16 + 1;
                }
            }
            Inner { slot, keys, heads }
        };
        Self { nodes: growing.nodes.into_iter().map(node).collect() }
    }

    /// Where a key leads from a node, and its number among the node's keys.
    #[inline(always)]
    pub(crate) fn find(&self, node: Node, key: &[u8]) -> Option<(Node, usize)> {
        let node = self.nodes.get(usize::from(node))?;
        let hash = hash(key);
        let mut i = usize::from(*node.heads.get(hash)?).checked_sub(1)?;
        while let Some((known, to)) = node.keys.get(i) {
            if **known == *key {
                return Some((*to, i));
            }
            if self::hash(known) != hash {
                break;
            }
            i += 1;
        }
        None
    }

    /// The slot of the path that ends at a node.
    #[inline(always)]
    pub(crate) fn slot(&self, node: Node) -> Option<u16> {
        self.nodes.get(usize::from(node))?.slot
    }

    /// Whether paths lead on from a node.
    #[inline(always)]
    pub(crate) fn leads_on(&self, node: Node) -> bool {
        self.nodes.get(usize::from(node)).is_some_and(|node| !node.keys.is_empty())
    }
}

/// Where the keys of a node lead.
type Keys = HashMap<Box<[u8]>, Node>;

/// A trie in the making.
#[derive(Default)]
struct Growing {
    /// The node of each prefix of a path.
    prefixes: HashMap<Vec<String>, Node>,
    nodes: Vec<(Option<u16>, Keys)>,
}

impl Growing {
    fn insert(&mut self, path: &str, slot: u16) {
        let segments: Vec<String> = path.split('.').map(str::to_owned).collect();
        // The nodes of all prefixes, the root first.
        let chain: Vec<Node> = (0..=segments.len()).map(|depth| self.node(segments.get(..depth).unwrap_or_default())).collect();
        for (from, &parent) in chain.iter().enumerate() {
            for (to, &child) in chain.iter().enumerate().skip(from + 1) {
                let key = segments.get(from..to).unwrap_or_default().join(".").into_bytes().into_boxed_slice();
                if let Some((_, keys)) = self.nodes.get_mut(usize::from(parent)) {
                    keys.insert(key, child);
                }
            }
        }
        if let Some((end, _)) = chain.last().and_then(|&end| self.nodes.get_mut(usize::from(end))) {
            *end = Some(slot);
        }
    }

    fn node(&mut self, prefix: &[String]) -> Node {
        if let Some(&known) = self.prefixes.get(prefix) {
            return known;
        }
        let new = self.nodes.len() as Node;
        self.nodes.push((None, HashMap::new()));
        self.prefixes.insert(prefix.to_vec(), new);
        new
    }
}
