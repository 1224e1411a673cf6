//! Both sides against each other, against words as other programs write them, and against noise.

use proptest::prelude::{any, prop, proptest};
use rmpv::Value;

use super::{Client, Refusal, Server, SharedKey, hex_digest};

fn shared(key: &str, user: Option<(&str, &str)>) -> SharedKey {
    let user = user.map(|(user, password)| (user.to_owned(), password.to_owned()));
    SharedKey { key: key.into(), hostname: "eyas".into(), user }
}

/// What both sides say of it.
fn meet(server: &SharedKey, client: &SharedKey) -> (Result<(), Refusal>, Result<(), String>) {
    let (server, client) = (Server::new(server, [1; 16], [2; 16]), Client::new(client, [3; 16]));
    let (ping, nonce) = client.ping(&server.helo()).unwrap();
    let (pong, judged) = server.pong(&ping);
    (judged, client.judge(&pong, &nonce))
}

fn value(mut bytes: &[u8]) -> Value {
    let value = rmpv::decode::read_value(&mut bytes).unwrap();
    assert!(bytes.is_empty());
    value
}

fn bytes(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    rmpv::encode::write_value(&mut bytes, value).unwrap();
    bytes
}

#[test]
fn who_has_the_key_gets_in_and_nobody_else() {
    let users = [None, Some(("ann", "secret"))];
    for user in users {
        assert_eq!(meet(&shared("key", user), &shared("key", user)), (Ok(()), Ok(())));
        let (server, client) = meet(&shared("key", user), &shared("kez", user));
        assert_eq!((server, client.unwrap_err().contains("shared_key mismatch")), (Err(Refusal::Key), true));
    }
    for user in [None, Some(("ann", "wrong")), Some(("bob", "secret"))] {
        let (server, client) = meet(&shared("key", users[1]), &shared("key", user));
        assert_eq!((server, client.unwrap_err().contains("username/password mismatch")), (Err(Refusal::User), true));
    }
    assert_eq!(meet(&shared("key", None), &shared("key", users[1])), (Ok(()), Ok(())), "a user where none is asked for");
}

#[test]
fn the_words_are_those_of_the_protocol() {
    let (shared, other) = (shared("key", None), SharedKey { hostname: "shipper".into(), ..shared("key", None) });
    let server = Server::new(&shared, [0xff; 16], [0; 16]);
    let helo = value(&server.helo());
    let wanted =
        [("nonce".into(), Value::Binary(vec![0xff; 16])), ("auth".into(), Value::from("")), ("keepalive".into(), Value::from(true))];
    assert_eq!(helo, Value::Array(vec!["HELO".into(), Value::Map(wanted.to_vec())]));
    let (ping, nonce) = Client::new(&other, [7; 16]).ping(&server.helo()).unwrap();
    let salt = "07".repeat(16);
    let digest = hex_digest([salt.as_bytes(), b"shipper", &[0xff; 16], b"key"]);
    let words = ["PING", "shipper", &salt, &digest, "", ""];
    assert_eq!((value(&ping), nonce), (Value::Array(words.iter().map(|&word| word.into()).collect()), vec![0xff; 16]));
    let (pong, judged) = server.pong(&ping);
    let digest = hex_digest([salt.as_bytes(), b"eyas", &[0xff; 16], b"key"]);
    let words: [Value; 5] = ["PONG".into(), true.into(), "".into(), "eyas".into(), digest.as_str().into()];
    assert_eq!((value(&pong), judged), (Value::Array(words.to_vec()), Ok(())));
}

#[test]
fn a_salt_of_any_bytes_as_text_or_binary_will_do() {
    // Fluent Bit writes its salt as a text that is none, and answers for a user even where none is asked for.
    let shared = shared("key", None);
    let server = Server::new(&shared, [5; 16], [6; 16]);
    let salt = [0xfe; 16];
    let digest = hex_digest([&salt[..], b"shipper", &[5; 16], b"key"]);
    for head in [&[0xb0][..], &[0xc4, 16]] {
        let mut ping = vec![0x96];
        ping.extend(bytes(&"PING".into()));
        ping.extend(bytes(&"shipper".into()));
        ping.extend(head);
        ping.extend(salt);
        ping.extend(bytes(&digest.as_str().into()));
        ping.extend(bytes(&"".into()));
        ping.extend(bytes(&"0123456789abcdef".repeat(8).into()));
        assert_eq!(server.pong(&ping).1, Ok(()));
    }
}

#[test]
fn a_server_without_the_key_is_found_out() {
    let (ours, theirs) = (shared("key", None), shared("another", None));
    let client = Client::new(&ours, [3; 16]);
    let (ping, nonce) = client.ping(&Server::new(&theirs, [1; 16], [2; 16]).helo()).unwrap();
    assert!(Server::new(&theirs, [1; 16], [2; 16]).pong(&ping).1.is_err());
    let lie: [Value; 5] = ["PONG".into(), true.into(), "".into(), "eyas".into(), "0".repeat(128).into()];
    assert_eq!(client.judge(&bytes(&Value::Array(lie.to_vec())), &nonce), Err("the server does not know the shared key".into()));
}

#[test]
fn reasons_are_short_enough_for_clients_with_little_room() {
    for refusal in [Refusal::Words, Refusal::Key, Refusal::User] {
        assert!(refusal.to_string().len() < 32, "{refusal}");
    }
}

proptest! {
    #[test]
    fn noise_never_gets_in_and_never_panics(noise in prop::collection::vec(any::<u8>(), 0..300), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let shared = shared("key", Some(("ann", "secret")));
        let (server, client) = (Server::new(&shared, [1; 16], [2; 16]), Client::new(&shared, [3; 16]));
        assert!(server.pong(&noise).1.is_err());
        assert!(client.judge(&noise, &[1; 16]).is_err());
        let mut helo = server.helo();
        let (mut ping, _) = client.ping(&helo).unwrap();
        let (mut pong, _) = server.pong(&ping);
        client.judge(&pong, &[1; 16]).unwrap();
        for words in [&mut helo, &mut ping, &mut pong] {
            for length in 0..words.len() {
                assert!(client.ping(&words[..length]).is_none());
                assert!(server.pong(&words[..length]).1.is_err() && client.judge(&words[..length], &[1; 16]).is_err());
            }
            let at = at.index(words.len());
            words[at] = to;
        }
        // Whatever has changed: it is judged.
        let _ = (client.ping(&helo), server.pong(&ping), client.judge(&pong, &[1; 16]));
    }
}
