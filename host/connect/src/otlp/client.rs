//! The client: over gRPC or HTTP, a request for each run of one signal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bytes::Bytes;
use eyas_codec::otlp::{Signal, json_of, requests};

use super::answer::{Partial, is_permanent, is_permanent_http};
use crate::deliver::Failure;
use crate::grpc::{Channel, Code};
use crate::http::{HttpClient, HttpClientConfig};

/// How requests are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// Over gRPC.
    #[default]
    Grpc,
    /// Posted as protobuf.
    HttpProto,
    /// Posted as JSON.
    HttpJson,
}

/// Sends requests of OpenTelemetry's.
#[derive(Debug)]
pub struct OtlpClient {
    way: Way,
    /// Records that the receiver dropped out of requests that it took.
    rejected: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Way {
    Grpc(Channel),
    Http { clients: Box<[HttpClient; 3]>, json: bool },
}

impl OtlpClient {
    /// Does not connect yet. The message of an error says what is wrong with the configuration.
    pub fn new(protocol: OtlpProtocol, config: &HttpClientConfig) -> Result<Self, String> {
        let way = match protocol {
            OtlpProtocol::Grpc => Way::Grpc(Channel::new(config)?),
            OtlpProtocol::HttpProto => Way::http(config, false)?,
            OtlpProtocol::HttpJson => Way::http(config, true)?,
        };
        Ok(Self { way, rejected: Arc::default() })
    }

    /// Another that does the same. Over gRPC both share a connection.
    pub(crate) fn another(&self) -> Self {
        let way = match &self.way {
            Way::Grpc(channel) => Way::Grpc(channel.clone()),
            Way::Http { clients, json } => Way::Http { clients: Box::new(clients.each_ref().map(HttpClient::another)), json: *json },
        };
        Self { way, rejected: self.rejected.clone() }
    }

    /// Sends bytes in the stream form, in order; all is well once every request of them has been taken.
    pub(crate) async fn send(&mut self, body: Bytes) -> Result<(), Failure> {
        for (signal, request) in requests(&body) {
            let partial = match &mut self.way {
                Way::Grpc(channel) => call(channel, signal, request).await?,
                Way::Http { clients, json } => {
                    let [logs, metrics, traces] = &mut **clients;
                    let client = match signal {
                        Signal::Logs => logs,
                        Signal::Metrics => metrics,
                        Signal::Traces => traces,
                    };
                    post(client, signal, request, *json).await?
                }
            };
            self.note(&partial);
        }
        Ok(())
    }

    /// How many records receivers dropped out of requests that they took.
    pub fn rejected(&self) -> u64 {
        self.rejected.load(Relaxed)
    }

    /// What was dropped out of a request that was taken must not be sent again, says the protocol.
    fn note(&self, partial: &Partial) {
        if partial.rejected == 0 && partial.told.is_empty() {
            return;
        }
        let Partial { rejected, told } = partial;
        if self.rejected.fetch_add(*rejected, Relaxed) == 0 {
            tracing::warn!(
                "the receiver dropped {rejected} records out of a request that it took: {told}; further ones are told at debug level"
            );
        } else {
            tracing::debug!("the receiver dropped {rejected} records out of a request that it took: {told}");
        }
    }
}

impl Way {
    fn http(config: &HttpClientConfig, json: bool) -> Result<Self, String> {
        let client = |path: &str| {
            let uri = format!("{}{path}", config.uri.trim_end_matches('/'));
            let content_type = if json { "application/json" } else { "application/x-protobuf" };
            HttpClient::of(&HttpClientConfig { uri, ..config.clone() }, content_type)
        };
        Ok(Self::Http { clients: Box::new([client("/v1/logs")?, client("/v1/metrics")?, client("/v1/traces")?]), json })
    }
}

async fn call(channel: &Channel, signal: Signal, request: Vec<u8>) -> Result<Partial, Failure> {
    let path = match signal {
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    };
    let (status, message) = channel.call(path, request.into()).await?;
    if status.code == Code::Ok {
        return Ok(Partial::of_proto(&message));
    }
    let permanent = is_permanent(&status);
    Err(status.refused(permanent))
}

async fn post(client: &mut HttpClient, signal: Signal, request: Vec<u8>, json: bool) -> Result<Partial, Failure> {
    let body = if json { json_of(signal, &request) } else { request };
    let answer = client.exchange(body.into()).await?;
    if !answer.status.is_success() {
        let permanent = is_permanent_http(answer.status);
        return Err(answer.refused(permanent));
    }
    Ok(if json { Partial::of_json(&answer.body) } else { Partial::of_proto(&answer.body) })
}
