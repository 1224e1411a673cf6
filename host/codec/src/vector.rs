//! Vector's protocol at the door: what a request brings.

use crate::Malformed;
use crate::binary::proto::{Fields, Wire};

/// The stream form of a `PushEventsRequest`: its events, whole on the outside. Fields that the protocol does not know are left out.
pub fn stream(request: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut stream = Vec::with_capacity(request.len());
    let mut fields = Fields::new(request, 0, request.len());
    for field in fields.by_ref() {
        match (field.number, field.wire) {
            (1, Wire::Bytes) => stream.extend_from_slice(request.get(field.start..field.end).unwrap_or_default()),
            (1, _) => return Err(Malformed::new("an event that is no message", field.start)),
            _ => {}
        }
    }
    if fields.is_whole() { Ok(stream) } else { Err(Malformed::new("no whole field of a PushEventsRequest", fields.at)) }
}
