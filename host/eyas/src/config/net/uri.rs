//! `uri`: where a sink sends to.

use crate::config::reader::Reader;
use crate::config::secret::hide;
use crate::config::tree::Text;

/// What a URI begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http://`.
    Http,
    /// `https://`: TLS.
    Https,
}

/// `uri`, which must be there; `has_path`: whether more than a host and a port means anything in it.
pub fn read_uri(reader: &Reader<'_>, example: &str, has_path: bool) -> Option<(Text, Option<Scheme>)> {
    let (text, place) = reader.required("uri", &format!("name where to send to, such as uri = {example:?}"))?;
    let scheme = scheme_of(&text.value);
    if let Err((message, help)) = check_uri(&text.value, scheme, has_path) {
        let help = if help.is_empty() { format!("it is one such as {example:?}") } else { help.to_owned() };
        reader.problems.at(place, format!("{text:?} {message}"), help);
    }
    Some((text.clone(), scheme.map(|(scheme, _)| scheme)))
}

/// With how many bytes it takes up.
fn scheme_of(uri: &str) -> Option<(Scheme, usize)> {
    let schemes = [("http://", Scheme::Http), ("https://", Scheme::Https)];
    let is = |name: &str| uri.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    schemes.into_iter().find(|(name, _)| is(name)).map(|(name, scheme)| (scheme, name.len()))
}

fn check_uri(uri: &str, scheme: Option<(Scheme, usize)>, has_path: bool) -> Result<(), (&'static str, &'static str)> {
    let rest = scheme.and_then(|(_, length)| uri.get(length..)).ok_or(("is no http:// or https:// URI", ""))?;
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains('#') {
        return Err(("is no URI", "blanks and the like are written with %, and there is no \"#\" in it"));
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if let Some((user, _)) = authority.rsplit_once('@') {
        // With a password, most likely.
        hide(user);
        return Err(("has a user in it", "who we are is said by auth, such as auth = { strategy = \"bearer\", token = \"${TOKEN}\" }"));
    }
    if !is_authority(authority, false) {
        return Err(("names no host and port", ""));
    }
    let path = rest.get(authority.len()..).unwrap_or_default();
    if has_path || path.is_empty() || path == "/" {
        Ok(())
    } else {
        Err(("has a path in it", "the protocol has its own: end it after the port"))
    }
}

/// Whether this is a host, with a port if there is one or if there must be one.
pub fn is_authority(text: &str, needs_port: bool) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let host_fits = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    host_fits && port.map_or(!needs_port, |port| port.parse::<u16>().is_ok_and(|port| port > 0))
}
