//! `tls`: who we are, and whom we believe. What is in the files is looked at when all that the configuration says is right.

use super::uri::Scheme;
use crate::config::plan::{ClientTls, FileAt, Identity, ServerTls};
use crate::config::reader::Reader;
use crate::config::tree::Text;

/// Of a source.
pub fn read_server_tls(reader: &Reader<'_>) -> Option<ServerTls> {
    let tls = reader.within("tls")?;
    let enabled = tls.boolean("enabled", true);
    let identity = read_identity(&tls, enabled);
    let (ca_file, verify) = (read_file(&tls, "ca_file"), tls.boolean("verify_certificate", false));
    if verify && ca_file.is_none() && tls.table.get("ca_file").is_none() {
        let help = "name the file of the authority that signs the clients' certificates: ca_file = \"ca.pem\"";
        tls.problems.at(&tls.place, format!("{} has no \"ca_file\" to verify certificates with", tls.what), help);
    }
    if let (false, Some(entry)) = (verify, tls.table.get("ca_file")) {
        let help = "add verify_certificate = true, which asks clients for certificates, or take this away";
        tls.problems.at(&entry.place, "ca_file means nothing here: no client is asked for a certificate", help);
    }
    tls.finish();
    let identity = identity?;
    enabled.then_some(ServerTls { identity, client_ca: ca_file.filter(|_| verify) })
}

/// Of a sink. `scheme`: what its URI says, where it has one.
pub fn read_client_tls(reader: &Reader<'_>, scheme: Option<Scheme>) -> Option<ClientTls> {
    let Some(tls) = reader.within("tls") else { return (scheme == Some(Scheme::Https)).then(ClientTls::default) };
    let enabled = tls.boolean("enabled", true);
    match scheme {
        Some(Scheme::Http) if enabled => {
            let help = "write https://, or take tls away";
            tls.problems.at(&tls.place, "tls means nothing with a URI that begins with http://", help);
        }
        Some(Scheme::Https) if !enabled => {
            let help = "write http://, or take enabled = false away";
            tls.problems.at(&tls.place, "a URI that begins with https:// is TLS, and tls is not enabled", help);
        }
        _ => {}
    }
    let identity = if ["crt_file", "key_file"].iter().any(|key| tls.table.get(key).is_some()) {
        read_identity(&tls, true)
    } else {
        let _ = (tls.entry("crt_file"), tls.entry("key_file"));
        None
    };
    let (ca_file, verify_certificate) = (read_file(&tls, "ca_file"), tls.boolean("verify_certificate", true));
    let verify_hostname = tls.boolean("verify_hostname", true);
    if let (false, Some(entry)) = (verify_certificate, tls.table.get("ca_file")) {
        let help = "take verify_certificate = false away: with the right ca_file it is not needed";
        tls.problems.at(&entry.place, "ca_file means nothing here: no certificate is verified", help);
    }
    let server_name = read_server_name(&tls);
    tls.finish();
    enabled.then_some(ClientTls { identity, ca_file, verify_certificate, verify_hostname, server_name })
}

/// A certificate and its key, of which neither goes without the other.
fn read_identity(tls: &Reader<'_>, needed: bool) -> Option<Identity> {
    let file = |key: &'static str, help: &str| {
        if needed && tls.table.get(key).is_none() {
            tls.problems.at(&tls.place, format!("{} has no {key:?}", tls.what), help);
        }
        read_file(tls, key)
    };
    let certificate =
        file("crt_file", "name the file of the certificate, with those that it is signed by behind it: crt_file = \"crt.pem\"");
    let key = file("key_file", "name the file of the private key: key_file = \"key.pem\"");
    certificate.zip(key).map(|(certificate, key)| Identity { certificate, key })
}

fn read_file(tls: &Reader<'_>, key: &'static str) -> Option<FileAt> {
    let (path, place) = tls.text(key)?;
    if path.value.is_empty() {
        tls.problems.at(place, format!("{key} is empty"), "name a file in PEM");
        return None;
    }
    Some(FileAt { path: path.clone(), place: place.clone() })
}

fn read_server_name(tls: &Reader<'_>) -> Option<Text> {
    let (name, place) = tls.text("server_name")?;
    if name.value.is_empty() || !name.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte)) {
        tls.problems.at(
            place,
            format!("{name:?} is no name of a host"),
            "it is the name in the receiver's certificate, such as \"eyas.example\"",
        );
    }
    Some(name.clone())
}
