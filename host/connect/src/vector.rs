//! Vector's own protocol, version 2: [`crate::grpc`] with a service of Vector's, in both directions.

use bytes::Bytes;

use crate::deliver::Failure;
use crate::grpc::{Channel, Code};
use crate::http::HttpClientConfig;

/// Sends events as Vector's sink does.
#[derive(Clone, Debug)]
pub struct VectorClient(Channel);

impl VectorClient {
    /// Does not connect yet. The message of an error says what is wrong with the configuration.
    pub fn new(config: &HttpClientConfig) -> Result<Self, String> {
        Channel::new(config).map(Self)
    }

    /// Another that does the same over the same connection.
    pub(crate) fn another(&self) -> Self {
        self.clone()
    }

    /// Sends bytes in the stream form, which is a `PushEventsRequest`. All is well once they have been taken.
    pub(crate) async fn send(&mut self, body: Bytes) -> Result<(), Failure> {
        let (status, _) = self.0.call("/vector.Vector/PushEvents", body).await?;
        let permanent = is_permanent(status.code);
        if status.code == Code::Ok { Ok(()) } else { Err(status.refused(permanent)) }
    }
}

/// Whether these bytes will never be taken. A source of Vector's says `UNAVAILABLE` when it ends, `INTERNAL` when a sink of its failed to
/// deliver, and `DATA_LOSS` when a sink of its refused some of the events for good. Vector itself would drop them after these and after
/// what is about how both are set up, which people can mend.
fn is_permanent(code: Code) -> bool {
    matches!(code, Code::InvalidArgument | Code::AlreadyExists | Code::OutOfRange | Code::DataLoss)
}

#[cfg(test)]
mod tests;
