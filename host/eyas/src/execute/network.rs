//! What speaks over the network: from the plan to what it is made of.

use std::net::SocketAddr;
use std::path::PathBuf;

use eyas_connect::{
    Address, Client, ClientTls, ClientTlsFiles, Compression, Credentials, Door, ForwardClient, ForwardClientConfig, ForwardDoor, GrpcDoor,
    HttpClient, HttpClientConfig, HttpDoor, Listener, OtlpClient, OtlpHttpDoor, OtlpProtocol, Remote, ServerTls, ServerTlsFiles, Service,
    SharedKey, SocketClient, SocketClientConfig, SocketDoor, Tag, TlsError, VectorClient,
};

use crate::config::{self, Auth, ClientPlan, DoorPlan, Endpoint, FileAt, ListenPlan, SendPlan, TagPlan, Text};

/// Where a source listens, and what is spoken there. The message of an error says what is wrong.
pub fn listeners(plan: &ListenPlan, max_event_bytes: usize) -> Result<Vec<Listener>, String> {
    let tls = plan.tls.as_ref().map(server_tls).transpose().map_err(|error| error.to_string())?;
    let auth = plan.auth.as_ref().map(credentials);
    let max_body_bytes = plan.max_body_bytes;
    let grpc = |service| Door::Grpc(GrpcDoor { service, auth: auth.clone(), max_body_bytes });
    let places = match &plan.door {
        DoorPlan::Http { address, path } => {
            vec![(Address::Tcp(*address), Door::Http(HttpDoor { path: path.clone(), auth, max_body_bytes }))]
        }
        DoorPlan::Otlp { grpc: by_grpc, http } => {
            let by_grpc = by_grpc.map(|address| (Address::Tcp(address), grpc(Service::Otlp)));
            let door = || Door::OtlpHttp(OtlpHttpDoor { auth: auth.clone(), max_body_bytes });
            by_grpc.into_iter().chain(http.map(|address| (Address::Tcp(address), door()))).collect()
        }
        DoorPlan::Vector { address } => vec![(Address::Tcp(*address), grpc(Service::Vector))],
        DoorPlan::Forward { at, shared_key, self_hostname } => {
            let shared_key = handshake(shared_key.as_ref(), self_hostname.as_ref(), plan.auth.as_ref());
            vec![(place(at), Door::Forward(ForwardDoor::new(shared_key, max_body_bytes)))]
        }
        DoorPlan::Socket { at } => vec![(place(at), Door::Socket(SocketDoor::new(max_event_bytes)))],
    };
    Ok(places.into_iter().map(|(address, door)| Listener { address, tls: tls.clone(), door }).collect())
}

/// How a sink sends one request. The message of an error says what is wrong.
pub fn client(plan: &SendPlan) -> Result<Client, String> {
    let tls = plan.tls.as_ref().map(client_tls).transpose().map_err(|error| error.to_string())?;
    let by_http = |uri: &Text, compression: Compression| HttpClientConfig {
        uri: uri.value.clone(),
        tls: tls.clone(),
        credentials: plan.auth.as_ref().map(credentials),
        headers: plan.request.headers.iter().map(|(name, value)| (name.clone(), value.value.clone())).collect(),
        compression,
    };
    match &plan.client {
        ClientPlan::Http { uri, compression } => HttpClient::new(&by_http(uri, *compression)).map(|client| Client::Http(Box::new(client))),
        ClientPlan::Otlp { uri, grpc, json, compression } => {
            let protocol = match (grpc, json) {
                (true, _) => OtlpProtocol::Grpc,
                (false, false) => OtlpProtocol::HttpProto,
                (false, true) => OtlpProtocol::HttpJson,
            };
            OtlpClient::new(protocol, &by_http(uri, *compression)).map(|client| Client::Otlp(Box::new(client)))
        }
        ClientPlan::Vector { uri, compression } => VectorClient::new(&by_http(uri, *compression)).map(Client::Vector),
        ClientPlan::Forward { at, shared_key, self_hostname, require_ack, tag, compression } => {
            let config = ForwardClientConfig {
                remote: remote(at),
                tls,
                shared_key: handshake(shared_key.as_ref(), self_hostname.as_ref(), plan.auth.as_ref()),
                require_ack: *require_ack,
                tag: match tag {
                    TagPlan::Keep => Tag::Keep,
                    TagPlan::Replace(tag) => Tag::Replace(tag.value.clone()),
                    TagPlan::Prefix(prefix) => Tag::Prefix(prefix.value.clone()),
                },
                compression: *compression,
            };
            Ok(Client::Forward(Box::new(ForwardClient::new(config))))
        }
        ClientPlan::Socket { at } => Ok(Client::Socket(Box::new(SocketClient::new(SocketClientConfig { remote: remote(at), tls })))),
    }
}

fn place(at: &Endpoint<SocketAddr>) -> Address {
    match at {
        Endpoint::Tcp(address) => Address::Tcp(*address),
        Endpoint::Unix(path) => Address::Unix(PathBuf::from(&path.value)),
    }
}

fn remote(at: &Endpoint<Text>) -> Remote {
    match at {
        Endpoint::Tcp(address) => Remote::Tcp(address.value.clone()),
        Endpoint::Unix(path) => Remote::Unix(PathBuf::from(&path.value)),
    }
}

/// What Fluent Forward's handshake is about; nothing: there is none.
fn handshake(shared_key: Option<&Text>, hostname: Option<&Text>, auth: Option<&Auth>) -> Option<SharedKey> {
    let user = match auth {
        Some(Auth::Basic { user, password }) => Some((user.value.clone(), password.value.clone())),
        _ => None,
    };
    let hostname = hostname.map_or_else(|| "eyas".to_owned(), |name| name.value.clone());
    shared_key.map(|key| SharedKey { key: key.value.clone(), hostname, user })
}

fn credentials(auth: &Auth) -> Credentials {
    match auth {
        Auth::Bearer(token) => Credentials::Bearer { token: token.value.clone() },
        Auth::Basic { user, password } => Credentials::Basic { user: user.value.clone(), password: password.value.clone() },
    }
}

/// Reads what a source's TLS is made of.
pub fn server_tls(plan: &config::ServerTls) -> Result<ServerTls, TlsError> {
    ServerTls::read(&ServerTlsFiles {
        crt_file: path(&plan.identity.certificate),
        key_file: path(&plan.identity.key),
        ca_file: plan.client_ca.as_ref().map(path),
        verify_certificate: plan.client_ca.is_some(),
    })
}

/// Reads what a sink's TLS is made of.
pub fn client_tls(plan: &config::ClientTls) -> Result<ClientTls, TlsError> {
    ClientTls::read(&ClientTlsFiles {
        crt_file: plan.identity.as_ref().map(|identity| path(&identity.certificate)),
        key_file: plan.identity.as_ref().map(|identity| path(&identity.key)),
        ca_file: plan.ca_file.as_ref().map(path),
        verify_certificate: plan.verify_certificate,
        verify_hostname: plan.verify_hostname,
        server_name: plan.server_name.as_ref().map(|name| name.value.clone()),
    })
}

fn path(file: &FileAt) -> PathBuf {
    PathBuf::from(&file.path.value)
}
