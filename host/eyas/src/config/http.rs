//! What the components that speak HTTP have in common: addresses, URIs, tokens, headers.

use std::net::SocketAddr;

use super::reader::Reader;
use super::secret::hide;
use super::tree::{Text, Value};

/// `address`, which must be there: an IP address and a port to listen at.
pub fn listening_address(reader: &Reader<'_>, example: &str) -> Option<SocketAddr> {
    let help = format!("it is an IP address and a port, such as {example:?}");
    let (text, place) = reader.required("address", &help)?;
    match text.value.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            reader.problems.at(place, format!("{text:?} is no address to listen at"), help);
            None
        }
    }
}

/// `auth`: the token of the one strategy there is. It is never shown, even where it is written in the file itself.
pub fn read_auth(reader: &Reader<'_>) -> Option<Text> {
    let auth = reader.within("auth")?;
    let help = "the one that there is: auth = { strategy = \"bearer\", token = \"${TOKEN}\" }";
    if auth.required("strategy", help).is_some() {
        auth.choice("strategy", &[("bearer", ())]);
    }
    let token = auth.required("token", help).map(|(text, place)| {
        hide(&text.value);
        if text.value.is_empty() {
            auth.problems.at(place, "the token is empty", "anyone would know it: give it from the environment, token = \"${TOKEN}\"");
        } else if !text.value.bytes().all(|byte| byte.is_ascii_graphic()) {
            auth.problems.at(place, "this cannot be a token", "it is made of visible ASCII characters, without blanks");
        }
        Text { value: text.value.clone(), shown: "***".to_owned() }
    });
    auth.finish();
    token
}

/// `uri`, which must be there.
pub fn read_uri(reader: &Reader<'_>) -> Option<Text> {
    let (text, place) = reader.required("uri", "name where to post to, such as uri = \"http://127.0.0.1:8081/\"")?;
    if let Err((message, help)) = check_uri(&text.value) {
        reader.problems.at(place, format!("{text:?} {message}"), help);
    }
    Some(text.clone())
}

fn check_uri(uri: &str) -> Result<(), (&'static str, &'static str)> {
    let example = "it is one such as \"http://127.0.0.1:8081/events\"";
    if uri.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) {
        return Err(("asks for TLS, which is not there yet", "post to a proxy on this machine over http://, and let that speak TLS"));
    }
    let scheme = uri.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"));
    let Some(rest) = scheme.and_then(|scheme| uri.get(scheme.len()..)) else { return Err(("is no http:// URI", example)) };
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains('#') {
        return Err(("is no URI", "blanks and the like are written with %, and there is no \"#\" in it"));
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if let Some((user, _)) = authority.rsplit_once('@') {
        // With a password, most likely.
        hide(user);
        return Err(("has a user in it", "who we are is said by auth = { strategy = \"bearer\", token = \"${TOKEN}\" }"));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let host_fits = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    if host_fits && port_fits { Ok(()) } else { Err(("names no host and port", example)) }
}

/// `headers` of `request`: names and texts.
pub fn read_headers(request: &Reader<'_>) -> Vec<(String, Text)> {
    let Some(headers) = request.within("headers") else { return Vec::new() };
    let mut read = Vec::new();
    for entry in &headers.table.entries {
        let name = entry.key.to_ascii_lowercase();
        let problem = |message: String, help: &str| headers.problems.at(&entry.place, message, help);
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)) {
            problem(format!("{:?} cannot be the name of a header", entry.key), "it is made of letters, digits and \"-\"");
        } else if ["host", "content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
            problem(format!("the header {:?} is ours to send", entry.key), "take it away");
        } else if name == "authorization" {
            problem(format!("{:?} is said by auth", entry.key), "write auth = { strategy = \"bearer\", token = \"${TOKEN}\" }");
        }
        match &entry.node.value {
            Value::Text(text) if text.value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) => read.push((name, text.clone())),
            Value::Text(_) => {
                headers.problems.at(&entry.node.place, "this cannot be the value of a header", "it is made of visible ASCII characters")
            }
            _ => headers.wrong(&entry.node, "a text in quotes"),
        }
    }
    read
}
