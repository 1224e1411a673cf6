//! Peers that do exactly what they are told.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use eyas_codec::forward::{messages, write};
use eyas_codec::{Decoding, Encoding};
use eyas_engine::{Delivery, Outlet};

use crate::bed::{LONG, source};
use crate::forward::{ForwardDoor, SharedKey};
use crate::net::{Address, Door, Listener, NetSource};

/// What Fluent Bit sent: without acks, with them, and packed; the same 100 events.
pub const PLAIN: &[u8] = include_bytes!("../../../tests/forward/fb.forward.bin");
pub const WITH_ACK: &[u8] = include_bytes!("../../../tests/forward/fb.forward.ack.bin");
pub const PACKED: &[u8] = include_bytes!("../../../tests/forward/fb.forward.gzip.ack.bin");
/// What the latter two call their chunk.
pub const CHUNK: &str = "e2sZstgyf7w3Wa1DlV0fFg==";

pub fn shared_key() -> SharedKey {
    SharedKey { key: "open sesame".into(), hostname: "eyas".into(), user: None }
}

/// A source of one door.
pub fn forward_source(shared_key: Option<SharedKey>) -> NetSource {
    let door = Door::Forward(ForwardDoor::new(shared_key, 1 << 20));
    let listener = Listener { address: Address::Tcp("127.0.0.1:0".parse().unwrap()), tls: None, door };
    NetSource { decoding: Decoding { encoding: Encoding::Forward, ..Decoding::default() }, ..source(vec![listener]) }
}

/// One entry, `[n, {"n": n}]`.
pub fn entry(n: u16) -> Vec<u8> {
    let [high, low] = n.to_be_bytes();
    vec![0x92, 0xcd, high, low, 0x81, 0xa1, b'n', 0xcd, high, low]
}

pub fn entries(numbers: std::ops::Range<u16>) -> Vec<u8> {
    numbers.flat_map(entry).collect()
}

/// A message in PackedForward mode.
pub fn message(tag: &str, numbers: std::ops::Range<u16>, chunk: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    write(tag, &entries(numbers.clone()), numbers.len(), chunk, None, &mut out);
    out
}

/// What answers a chunk.
pub fn ack(chunk: &str) -> Vec<u8> {
    let mut ack = b"\x81\xa3ack".to_vec();
    eyas_codec::forward::msgpack::put_str(chunk, &mut ack);
    ack
}

/// All entries of a stream form, one after the other, and the tags.
pub fn unframed(stream: &[u8]) -> (Vec<String>, Vec<u8>) {
    let (mut tags, mut entries) = (Vec::new(), Vec::new());
    for batch in messages(stream) {
        tags.push(batch.tag.into_owned());
        entries.extend_from_slice(&batch.entries);
    }
    (tags, entries)
}

/// The next delivery with something in it.
pub fn delivery(outlet: &mut Outlet) -> Delivery {
    loop {
        let delivery = outlet.next_delivery().unwrap();
        if !delivery.is_empty() {
            return delivery;
        }
        delivery.accept();
    }
}

/// A connection on which anything may be said.
pub struct Peer(pub TcpStream);

impl Peer {
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Reads so many bytes.
    pub fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    pub fn expect(&mut self, bytes: &[u8]) {
        assert_eq!(self.read(bytes.len()), bytes);
    }

    /// All that comes until the connection ends.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.0.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("{error}"),
        }
        bytes
    }

    /// Whether nothing has come by now.
    pub fn is_waiting(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let peeked = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}
