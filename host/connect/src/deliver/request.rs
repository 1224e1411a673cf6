//! What is sent at once: bytes in the sink's form, and where they came from.

use bytes::Bytes;
use eyas_codec::Form;
use eyas_event::Timestamp;

/// Where bytes came from, as far as that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The source, by its place in the topology.
    pub source: Option<usize>,
    /// When they were read.
    pub ingest_time: Option<Timestamp>,
}

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Whole frames.
    pub body: Bytes,
    /// The stretches of the body by origin: where each ends, in order; the last at the body's end.
    pub parts: Vec<(usize, Origin)>,
    /// How many checkpoints had begun before the first of its deliveries.
    pub epoch: u64,
}

impl Request {
    /// Of bytes that have one origin.
    pub fn new(body: Bytes, origin: Origin, epoch: u64) -> Self {
        Self { parts: vec![(body.len(), origin)], body, epoch }
    }

    /// Two requests in its place, first where one delivery ends and another begins; nothing where there is but one event in it.
    pub fn halve(&self, form: Form) -> Option<(Self, Self)> {
        let &[(_, origin)] = self.parts.as_slice() else {
            let (first, second) = self.parts.split_at_checked(self.parts.len() / 2)?;
            let middle = first.last()?.0;
            let body = (middle <= self.body.len()).then(|| (self.body.slice(..middle), self.body.slice(middle..)))?;
            let second = second.iter().map(|(end, origin)| (end - middle, *origin)).collect();
            return Some((
                Self { body: body.0, parts: first.to_vec(), epoch: self.epoch },
                Self { body: body.1, parts: second, epoch: self.epoch },
            ));
        };
        let (first, second) = form.halve(&self.body)?;
        // Whatever would come back as it was would be halved for ever.
        let both = !first.is_empty() && !second.is_empty();
        both.then(|| (Self::new(first.into(), origin, self.epoch), Self::new(second.into(), origin, self.epoch)))
    }

    /// Where its first bytes came from.
    pub fn origin(&self) -> Origin {
        self.parts.first().map(|(_, origin)| *origin).unwrap_or_default()
    }
}
