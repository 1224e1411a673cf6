//! Entries on their way out and in: checked out, unchanged in.

use eyas_event::{Entries, group_of, key_hash};
use eyas_hostile::Guest;
use eyas_plugin::{FaultKind, Findings, RestoreError, Scope};

use crate::support::{start, strings};

/// The flat parameters of `state.put` for these entries.
struct Chunk {
    groups: Vec<u8>,
    keys: (Vec<u32>, Vec<u8>),
    sub_keys: (Vec<u32>, Vec<u8>),
    values: (Vec<u32>, Vec<u8>),
    deleted: Vec<u8>,
}

impl Chunk {
    /// Two entries that are right in a detector that is not keyed.
    fn right() -> Self {
        let sub_keys = (vec![0, 1, 2], b"ab".to_vec());
        let values = (vec![0, 3, 4], b"one2".to_vec());
        Self { groups: vec![0, 0], keys: (vec![0, 0, 0], Vec::new()), sub_keys, values, deleted: Vec::new() }
    }

    fn put(&self, guest: &mut Guest) -> String {
        let mut parameters = String::new();
        let mut list = |guest: &mut Guest, bytes: &[u8], length: usize| {
            let address = guest.bytes(bytes);
            parameters.push_str(&format!("(i32.const {address}) (i32.const {length}) "));
        };
        list(guest, &self.groups, self.groups.len());
        for (offsets, data) in [&self.keys, &self.sub_keys, &self.values] {
            let bytes: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
            list(guest, &bytes, offsets.len());
            list(guest, data, data.len());
        }
        list(guest, &self.deleted, self.deleted.len());
        format!("(call $state.put {parameters})")
    }
}

fn snapshot(chunk: &Chunk, keyed: bool) -> Result<Vec<Entries>, eyas_plugin::Fault> {
    let mut guest = Guest::new();
    let path = guest.text("k");
    let columns = guest.bytes(&[0; 4]);
    if keyed {
        guest = guest.on("configure", &format!("(drop (call $setup.text {path})) (call $setup.keyed (i32.const {columns}) (i32.const 1))"));
    }
    let put = chunk.put(&mut guest);
    start(&guest.on("snapshot", &put)).unwrap().snapshot(Scope::Full)
}

#[test]
fn entries_come_out_as_the_guest_gave_them() {
    let chunks = snapshot(&Chunk::right(), false).unwrap();
    let [entries] = &*chunks else { panic!("{chunks:?}") };
    assert_eq!((entries.rows(), entries.values.get(0), entries.values.get(1)), (2, &b"one"[..], &b"2"[..]));
    assert_eq!(entries.sub_keys.get(1), b"b");
    let key = b"some key";
    let group = group_of(key_hash(42, key));
    let keyed = Chunk { groups: vec![group, 9], keys: (vec![0, 8, 8], key.to_vec()), deleted: vec![2], ..Chunk::right() };
    assert_eq!(snapshot(&keyed, true).unwrap()[0].groups, [group, 9]);
}

#[test]
fn entries_that_do_not_fit_together_are_refused() {
    let right = Chunk::right;
    for (chunk, keyed, says) in [
        (Chunk { values: (vec![1, 3, 4], b"one2".to_vec()), ..right() }, false, "the offsets of the values"),
        (Chunk { values: (vec![0, 5, 4], b"one2".to_vec()), ..right() }, false, "the offsets of the values"),
        (Chunk { values: (vec![0, 3, 3], b"one2".to_vec()), ..right() }, false, "the offsets of the values"),
        (Chunk { values: (Vec::new(), b"one2".to_vec()), ..right() }, false, "the offsets of the values"),
        (Chunk { sub_keys: (vec![0, 2], b"ab".to_vec()), ..right() }, false, "1 sub-keys for 2 groups"),
        (Chunk { deleted: vec![0, 0], ..right() }, false, "2 bytes of deleted for 2 rows"),
        (Chunk { groups: vec![0, 1], ..right() }, false, "the detector is not keyed"),
        (Chunk { keys: (vec![0, 0, 1], b"k".to_vec()), ..right() }, false, "the detector is not keyed"),
        (
            Chunk { groups: vec![0, group_of(key_hash(42, b"k")) ^ 1], keys: (vec![0, 0, 1], b"k".to_vec()), ..right() },
            true,
            "but its key is not",
        ),
    ] {
        let fault = snapshot(&chunk, keyed).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Refused, "{fault}");
        assert!(fault.message.contains(says), "{fault}");
    }
}

#[test]
fn a_snapshot_without_end_is_stopped_at_the_limit() {
    let mut guest = Guest::new();
    let large = Chunk { values: (vec![0, 3, 100_000], vec![7; 100_000]), ..Chunk::right() };
    let put = large.put(&mut guest);
    let fault = start(&guest.on("snapshot", &format!("(loop $again {put} (br $again))"))).unwrap().snapshot(Scope::Full).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Limit, "{fault}");
}

#[test]
fn one_entry_may_be_larger_than_what_is_given_elsewhere() {
    // 5 MiB: more than a host function takes in `process`.
    let mut guest = Guest::new().pages(200);
    let offsets = guest.bytes(&[0u32.to_le_bytes(), (5u32 << 20).to_le_bytes()].concat());
    let none = guest.bytes(&[0; 8]);
    let strings = format!("(i32.const {none}) (i32.const 2) (i32.const 0) (i32.const 0)");
    let put = format!(
        "(call $state.put (i32.const {none}) (i32.const 1) {strings} {strings}
            (i32.const {offsets}) (i32.const 2) (i32.const {}) (i32.const {}) (i32.const 0) (i32.const 0))",
        2 << 20,
        5 << 20
    );
    let entries = start(&guest.on("snapshot", &put)).unwrap().snapshot(Scope::Full).unwrap();
    assert_eq!(entries[0].values.data.len(), 5 << 20);
}

#[test]
fn restore_gives_the_chunks_their_hashes_and_what_they_were_made_with() {
    let mut guest = Guest::new();
    let (keys, version, config) = (guest.text("keys"), guest.text("version"), guest.text("config"));
    // Of each chunk the first hash goes out as a gauge, named by the chunk's first sub-key; the option's payload stands 4 bytes in,
    // the sub-keys' data 4 + 8 + 16 + 8 bytes in.
    let body = format!(
        "(call $results.gauge {version} (i64.extend_i32_u (call $state.state-version)))
         (call $state.config (i32.const 256))
         (call $results.gauge {config} (i64.load8_u (i32.load (i32.const 256))))
         (block $end (loop $again
           (call $state.next (i32.const 256))
           (br_if $end (i32.eqz (i32.load8_u (i32.const 256))))
           (call $state.key-hashes (i32.const 512))
           (call $results.gauge (i32.load (i32.const 292)) (i32.load (i32.const 296)) (i64.load (i32.load (i32.const 512))))
           (local.set $i (i32.add (local.get $i) (i32.const 1)))
           (br $again)))
         (call $results.gauge {keys} (i64.extend_i32_u (local.get $i)))"
    );
    let chunk = |key: &str, name: &str| Entries {
        groups: vec![group_of(key_hash(42, key.as_bytes()))],
        keys: strings(&[key.to_owned()]),
        sub_keys: strings(&[name.to_owned()]),
        values: strings(&["v".to_owned()]),
        deleted: Vec::new(),
    };
    let mut instance = start(&guest.on("restore", &body)).unwrap();
    instance.restore(7, "{}".to_owned(), vec![chunk("a", "first"), chunk("", "second")]).unwrap();
    let mut findings = Findings::default();
    instance.flush(&mut findings).unwrap();
    let gauge = |name: &str| findings.gauges.iter().find(|gauge| gauge.0 == name).unwrap().1;
    assert_eq!((gauge("version"), gauge("config"), gauge("keys")), (7, i64::from(b'{'), 2));
    assert_eq!((gauge("first"), gauge("second")), (key_hash(42, b"a") as i64, 0));
    instance.flush(&mut findings).unwrap();
    assert!(findings.gauges.is_empty(), "they are given once");
}

#[test]
fn a_guest_may_refuse_a_state_and_is_not_used_after_it() {
    let mut guest = Guest::new();
    let reason = guest.text("no such version");
    let words: Vec<u8> = reason.split(['(', ')', ' ']).filter_map(|word| word.parse::<u32>().ok()).flat_map(u32::to_le_bytes).collect();
    let answer = guest.bytes(&[&1u32.to_le_bytes()[..], &words].concat());
    let mut instance = start(&guest.on("restore", &format!("(return (i32.const {answer}))"))).unwrap();
    let error = instance.restore(1, String::new(), Vec::new()).unwrap_err();
    assert_eq!(error, RestoreError::Refused("no such version".to_owned()));
    assert!(instance.is_dead());
}
