//! Connections: one request under way on each.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper::{Method, Request as HttpRequest, StatusCode, Uri, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Protocol;
use crate::events::Request;

/// A connection.
pub enum Connection {
    Http1 { sender: http1::SendRequest<Full<Bytes>>, path: &'static str, content_type: &'static str, host: String },
    Grpc { sender: http2::SendRequest<Full<Bytes>>, uri: Uri },
    Forward(TcpStream),
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl Connection {
    /// Connects.
    pub async fn open(protocol: Protocol, address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| format!("{address}: {error}"))?;
        stream.set_nodelay(true).map_err(told)?;
        let grpc = match protocol {
            Protocol::Forward | Protocol::Idle => return Ok(Self::Forward(stream)),
            Protocol::Http | Protocol::OtlpHttp => {
                let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
                tokio::spawn(connection);
                let (path, content_type) = match protocol {
                    Protocol::Http => ("/", "application/x-ndjson"),
                    _ => ("/v1/logs", "application/x-protobuf"),
                };
                return Ok(Self::Http1 { sender, path, content_type, host: address.to_string() });
            }
            Protocol::Otlp => "opentelemetry.proto.collector.logs.v1.LogsService/Export",
            Protocol::Vector => "vector.Vector/PushEvents",
        };
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(16 << 20).initial_connection_window_size(16 << 20);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(told)?;
        tokio::spawn(connection);
        Ok(Self::Grpc { sender, uri: format!("http://{address}/{grpc}").parse().map_err(told)? })
    }

    /// Sends a request and waits for its answer: whether it was taken; else it is to come back later.
    pub async fn send(&mut self, request: &Request) -> Result<bool, String> {
        match self {
            Self::Http1 { sender, path, content_type, host } => {
                let builder = HttpRequest::post(*path).header(header::HOST, &*host).header(header::CONTENT_TYPE, *content_type);
                let http = builder.body(Full::new(request.bytes.clone())).map_err(told)?;
                sender.ready().await.map_err(told)?;
                let answer = sender.send_request(http).await.map_err(told)?;
                let status = answer.status();
                let body = answer.into_body().collect().await.map_err(told)?.to_bytes();
                match status {
                    StatusCode::OK => Ok(true),
                    StatusCode::SERVICE_UNAVAILABLE => Ok(false),
                    other => Err(format!("answered {other}: {}", String::from_utf8_lossy(&body))),
                }
            }
            Self::Grpc { sender, uri } => {
                let builder = HttpRequest::builder().method(Method::POST).uri(uri.clone()).header(header::TE, "trailers");
                let builder = builder.header(header::CONTENT_TYPE, "application/grpc");
                let http = builder.body(Full::new(request.bytes.clone())).map_err(told)?;
                sender.ready().await.map_err(told)?;
                let answer = sender.send_request(http).await.map_err(told)?;
                let at_once = answer.headers().clone();
                let collected = answer.into_body().collect().await.map_err(told)?;
                let status = collected.trailers().and_then(|trailers| trailers.get("grpc-status")).or(at_once.get("grpc-status"));
                match status.map(|status| status.as_bytes()) {
                    Some(b"0") => Ok(true),
                    // UNAVAILABLE
                    Some(b"14") => Ok(false),
                    other => Err(format!("grpc-status {:?}", other.map(String::from_utf8_lossy))),
                }
            }
            Self::Forward(stream) => {
                stream.write_all(&request.bytes).await.map_err(told)?;
                // {"ack": chunk}
                let mut wanted = vec![0x81];
                crate::proto::text("ack", &mut wanted);
                crate::proto::text(&request.chunk, &mut wanted);
                let mut answer = vec![0; wanted.len()];
                stream.read_exact(&mut answer).await.map_err(told)?;
                if answer == wanted { Ok(true) } else { Err("another acknowledgement than the one asked for".to_owned()) }
            }
        }
    }
}
