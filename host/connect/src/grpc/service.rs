//! What may be called: OpenTelemetry's collector services, and Vector's own.

use eyas_codec::Malformed;
use eyas_codec::otlp::{self, Signal};
use eyas_codec::vector;

use super::Code;

/// `SERVING` of `grpc.health.v1.HealthCheckResponse`.
const SERVING: &[u8] = &[0x08, 0x01];

/// Whose methods may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `Export` of OpenTelemetry's logs, metrics and traces.
    Otlp,
    /// `PushEvents` and `HealthCheck` of Vector.
    Vector,
}

/// What a method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Takes a request of OpenTelemetry's.
    Export(Signal),
    /// Takes events of Vector's.
    PushEvents,
    /// Says something.
    Say(&'static [u8]),
}

impl Service {
    /// By the path that is called.
    pub fn method(self, path: &str) -> Option<Method> {
        let export = |signal| (self == Self::Otlp).then_some(Method::Export(signal));
        let vector = |method| (self == Self::Vector).then_some(method);
        match path {
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => export(Signal::Logs),
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => export(Signal::Metrics),
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => export(Signal::Traces),
            "/vector.Vector/PushEvents" => vector(Method::PushEvents),
            // There SERVING is 0, which is not written.
            "/vector.Vector/HealthCheck" => vector(Method::Say(&[])),
            "/grpc.health.v1.Health/Check" => Some(Method::Say(SERVING)),
            _ => None,
        }
    }

    /// What may be called, for those who call something else.
    pub fn called(self) -> &'static str {
        match self {
            Self::Otlp => "what is called is Export of OTLP's LogsService, MetricsService and TraceService",
            Self::Vector => "what is called is PushEvents and HealthCheck of vector.Vector",
        }
    }

    /// What makes a sender give up a request that is too large. Vector comes back after `RESOURCE_EXHAUSTED`, OpenTelemetry after
    /// `OUT_OF_RANGE`.
    pub fn too_large(self) -> Code {
        match self {
            Self::Otlp => Code::ResourceExhausted,
            Self::Vector => Code::OutOfRange,
        }
    }
}

impl Method {
    /// The stream form of a message; of one that brings no events nothing.
    pub fn stream(self, message: Vec<u8>) -> Result<Vec<u8>, Malformed> {
        match self {
            Self::Export(signal) => otlp::stream(signal, message),
            Self::PushEvents => vector::stream(&message),
            Self::Say(_) => Ok(Vec::new()),
        }
    }

    /// What is answered where all is well.
    pub fn says(self) -> &'static [u8] {
        match self {
            Self::Export(_) | Self::PushEvents => &[],
            Self::Say(message) => message,
        }
    }
}
