//! The handshake by a shared key, both sides of it: bytes in, bytes out. The server says HELO with a nonce; the client answers PING with a
//! digest of nonce and key, and, where it is asked for, one of a user's password; the server says PONG with a digest of its own, so that
//! both know that the other has the key, which nobody said.

use eyas_codec::forward::msgpack::{Reader, put_array, put_bin, put_bool, put_map, put_str};
use sha2::{Digest, Sha512};

/// Why a handshake does not come to its end. What is shown here may be told to anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not even the right words. A client without a key does that.
    #[error("no handshake by a shared key")]
    Words,
    /// The digests differ.
    #[error("shared_key mismatch")]
    Key,
    /// No such user, or another password.
    #[error("username/password mismatch")]
    User,
}

/// A longer word of a handshake is none.
pub const LONGEST_WORD: usize = 4096;

/// What both sides know beforehand.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedKey {
    /// The key.
    pub key: String,
    /// What we call ourselves. Some clients want it to differ from their own name.
    pub hostname: String,
    /// A user and a password: a source asks for them, a sink has them.
    pub user: Option<(String, String)>,
}

impl std::fmt::Debug for SharedKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SharedKey").field("hostname", &self.hostname).finish_non_exhaustive()
    }
}

/// The server's side of one handshake.
#[derive(Debug)]
pub struct Server<'a> {
    shared: &'a SharedKey,
    nonce: [u8; 16],
    salt: [u8; 16],
}

impl<'a> Server<'a> {
    /// Nonce and salt are chance, other ones each time.
    pub fn new(shared: &'a SharedKey, nonce: [u8; 16], salt: [u8; 16]) -> Self {
        Self { shared, nonce, salt }
    }

    /// What is said first.
    pub fn helo(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_array(2, &mut out);
        put_str("HELO", &mut out);
        put_map(3, &mut out);
        put_str("nonce", &mut out);
        put_bin(&self.nonce, &mut out);
        put_str("auth", &mut out);
        match self.shared.user {
            Some(_) => put_bin(&self.salt, &mut out),
            None => put_str("", &mut out),
        }
        put_str("keepalive", &mut out);
        put_bool(true, &mut out);
        out
    }

    /// Judges a PING. Gives the PONG, whatever it says.
    pub fn pong(&self, ping: &[u8]) -> (Vec<u8>, Result<(), Refusal>) {
        let judged = Ping::read(ping).ok_or(Refusal::Words).and_then(|ping| self.judge(&ping).map(|()| ping));
        let mut out = Vec::new();
        put_array(5, &mut out);
        put_str("PONG", &mut out);
        put_bool(judged.is_ok(), &mut out);
        // Fluent Bit has room for 31 bytes of it.
        put_str(&judged.as_ref().err().map(Refusal::to_string).unwrap_or_default(), &mut out);
        let (hostname, digest) = match &judged {
            Ok(ping) => (self.shared.hostname.as_str(), self.shared.digest(ping.salt, self.shared.hostname.as_bytes(), &self.nonce)),
            Err(_) => ("", String::new()),
        };
        put_str(hostname, &mut out);
        put_str(&digest, &mut out);
        (out, judged.map(drop))
    }

    fn judge(&self, ping: &Ping<'_>) -> Result<(), Refusal> {
        if !same(ping.digest, self.shared.digest(ping.salt, ping.hostname, &self.nonce).as_bytes()) {
            return Err(Refusal::Key);
        }
        let Some((user, password)) = &self.shared.user else { return Ok(()) };
        let digest = hex_digest([&self.salt, user.as_bytes(), password.as_bytes()]);
        // Both, so that the time it takes does not tell which is wrong.
        if same(ping.user, user.as_bytes()) & same(ping.password_digest, digest.as_bytes()) { Ok(()) } else { Err(Refusal::User) }
    }
}

/// `["PING", hostname, salt, digest, user, digest of the password]`.
struct Ping<'a> {
    hostname: &'a [u8],
    salt: &'a [u8],
    digest: &'a [u8],
    user: &'a [u8],
    password_digest: &'a [u8],
}

impl<'a> Ping<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = words(bytes, b"PING", 6)?;
        let mut next = || reader.bytes().ok();
        let [hostname, salt, digest, user, password_digest] = [next()?, next()?, next()?, next()?, next()?];
        reader.is_at_end().then_some(Self { hostname, salt, digest, user, password_digest })
    }
}

/// The client's side of one handshake.
#[derive(Debug)]
pub struct Client<'a> {
    shared: &'a SharedKey,
    /// As text: not every server takes other bytes.
    salt: String,
}

impl<'a> Client<'a> {
    /// The salt is chance, another one each time.
    pub fn new(shared: &'a SharedKey, salt: [u8; 16]) -> Self {
        Self { shared, salt: hex(&salt) }
    }

    /// Answers a HELO. Gives the PING, and what judges the PONG.
    pub fn ping(&self, helo: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let Helo { nonce, auth } = Helo::read(helo)?;
        let SharedKey { hostname, user, .. } = self.shared;
        let (user, password) = match user {
            Some((user, password)) if !auth.is_empty() => (user.as_str(), hex_digest([auth, user.as_bytes(), password.as_bytes()])),
            _ => ("", String::new()),
        };
        let mut out = Vec::new();
        put_array(6, &mut out);
        put_str("PING", &mut out);
        let digest = self.shared.digest(self.salt.as_bytes(), hostname.as_bytes(), nonce);
        [hostname, &self.salt, &digest, user, &password].iter().for_each(|text| put_str(text, &mut out));
        Some((out, nonce.to_vec()))
    }

    /// Whether the server takes us, and is who it should be; else the message says why not.
    pub fn judge(&self, pong: &[u8], nonce: &[u8]) -> Result<(), String> {
        let Some(pong) = Pong::read(pong) else { return Err("the server did not answer the handshake in its words".into()) };
        if !pong.taken {
            return Err(format!("the server refuses the handshake: {}", String::from_utf8_lossy(pong.reason)));
        }
        if !same(pong.digest, self.shared.digest(self.salt.as_bytes(), pong.hostname, nonce).as_bytes()) {
            return Err("the server does not know the shared key".into());
        }
        Ok(())
    }
}

/// `["HELO", {nonce, auth, keepalive}]`.
struct Helo<'a> {
    nonce: &'a [u8],
    auth: &'a [u8],
}

impl<'a> Helo<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = words(bytes, b"HELO", 2)?;
        let mut helo = Self { nonce: b"", auth: b"" };
        for _ in 0..reader.map().ok()? {
            match reader.bytes().ok()? {
                b"nonce" => helo.nonce = reader.bytes().ok()?,
                b"auth" => helo.auth = reader.bytes().ok()?,
                _ => drop(reader.value().ok()?),
            }
        }
        reader.is_at_end().then_some(helo)
    }
}

/// `["PONG", taken, reason, hostname, digest]`.
struct Pong<'a> {
    taken: bool,
    reason: &'a [u8],
    hostname: &'a [u8],
    digest: &'a [u8],
}

impl<'a> Pong<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = words(bytes, b"PONG", 5)?;
        let taken = reader.boolean().ok()?;
        let mut next = || reader.bytes().ok();
        let pong = Self { taken, reason: next()?, hostname: next()?, digest: next()? };
        reader.is_at_end().then_some(pong)
    }
}

/// Whether a server asks for a handshake; also of the first bytes of what it says.
pub fn is_helo(bytes: &[u8]) -> bool {
    words(bytes, b"HELO", 2).is_some()
}

/// Reads an array of so many values, the first of which is the word.
fn words<'a>(bytes: &'a [u8], word: &[u8], count: usize) -> Option<Reader<'a>> {
    let mut reader = Reader::new(bytes);
    (reader.array().ok()? == count && reader.bytes().ok()? == word).then_some(reader)
}

impl SharedKey {
    /// By which one side shows that it has the key.
    fn digest(&self, salt: &[u8], hostname: &[u8], nonce: &[u8]) -> String {
        hex_digest([salt, hostname, nonce, self.key.as_bytes()])
    }
}

fn hex_digest<const N: usize>(parts: [&[u8]; N]) -> String {
    hex(&parts.iter().fold(Sha512::new(), |digest, part| digest.chain_update(part)).finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How long it takes does not tell how much of it is the same.
fn same(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |differing, (one, other)| std::hint::black_box(differing | (one ^ other)));
    one.len() == other.len() && differing == 0
}

#[cfg(test)]
mod tests;
