//! What speaks over the network: from the plan to what it is made of.

use std::path::PathBuf;

use eyas_connect::{
    Address, Client, ClientTls, ClientTlsFiles, Credentials, Door, GrpcDoor, HttpClient, HttpClientConfig, HttpDoor, Listener, OtlpClient,
    OtlpHttpDoor, OtlpProtocol, ServerTls, ServerTlsFiles, Service, TlsError, VectorClient,
};

use crate::config::{self, Auth, ClientPlan, Compression, DoorPlan, FileAt, ListenPlan, SendPlan, Text};

/// Where a source listens, and what is spoken there. The message of an error says what is wrong.
pub fn listeners(plan: &ListenPlan) -> Result<Vec<Listener>, String> {
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
        _ => return Err("cannot run yet".to_owned()),
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
        compression: packed(compression),
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
        _ => Err("cannot run yet".to_owned()),
    }
}

fn credentials(auth: &Auth) -> Credentials {
    match auth {
        Auth::Bearer(token) => Credentials::Bearer { token: token.value.clone() },
        Auth::Basic { user, password } => Credentials::Basic { user: user.value.clone(), password: password.value.clone() },
    }
}

fn packed(compression: Compression) -> eyas_connect::Compression {
    match compression {
        Compression::None => eyas_connect::Compression::None,
        Compression::Gzip => eyas_connect::Compression::Gzip,
        Compression::Zstd => eyas_connect::Compression::Zstd,
        Compression::Snappy => eyas_connect::Compression::Snappy,
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
