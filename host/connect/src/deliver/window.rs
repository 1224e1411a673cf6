//! Deliveries from when they come until they are accepted: cut into requests in order, accepted one by one as their requests are taken.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use eyas_codec::Form;
use eyas_engine::Delivery;

use super::overflow::Copied;
use super::request::{Origin, Request};

/// What comes into a window.
pub enum Parcel {
    /// To be accepted once it is taken; nothing is copied of it before it is sent.
    Delivery(Delivery),
    /// Of a sink that drops: accepted already.
    Copied(Copied),
}

impl Parcel {
    fn len(&self) -> usize {
        match self {
            Self::Delivery(delivery) => delivery.slices().map(<[u8]>::len).sum(),
            Self::Copied(copied) => copied.bytes.len(),
        }
    }

    fn wants_state(&self) -> bool {
        matches!(self, Self::Delivery(delivery) if delivery.wants_state())
    }

    fn origin(&self) -> Origin {
        match self {
            Self::Delivery(delivery) => Origin { source: delivery.source(), ingest_time: delivery.ingest_time() },
            Self::Copied(copied) => copied.origin,
        }
    }

    fn append(&self, body: &mut Vec<u8>) {
        match self {
            Self::Delivery(delivery) => delivery.slices().for_each(|slice| body.extend_from_slice(slice)),
            Self::Copied(copied) => body.extend_from_slice(&copied.bytes),
        }
    }

    fn bytes(&self) -> Bytes {
        if let Self::Copied(copied) = self {
            return copied.bytes.clone();
        }
        let mut body = Vec::with_capacity(self.len());
        self.append(&mut body);
        body.into()
    }
}

/// One that has come, and is not done.
enum Entry {
    /// It waits, or is in so many requests.
    Open { parcel: Parcel, length: usize, requests: usize },
    /// A checkpoint, of which no byte is left: passed once all before it is done.
    Barrier(Delivery),
}

/// A request, and the entries that are in it.
#[derive(Debug)]
pub struct Cut {
    pub request: Request,
    entries: Range<u64>,
}

/// All that has come and is not done.
#[derive(Default)]
pub struct Window {
    /// By number, in the order in which they came.
    entries: BTreeMap<u64, Entry>,
    /// How many came.
    count: u64,
    /// The number of the first that is in no request yet.
    next: u64,
    /// Bytes that are in no request that was given out.
    waiting: usize,
    /// Requests that are ready.
    ready: VecDeque<Cut>,
    /// Checkpoints that stand before `next`, counted from the beginning.
    epoch: u64,
}

impl Window {
    /// Takes one that is not empty, or a checkpoint.
    pub fn push(&mut self, parcel: Parcel) {
        let entry = match parcel {
            Parcel::Delivery(delivery) if delivery.wants_state() && delivery.is_empty() => Entry::Barrier(delivery),
            parcel => {
                let length = parcel.len();
                self.waiting += length;
                Entry::Open { parcel, length, requests: 0 }
            }
        };
        self.entries.insert(self.count, entry);
        self.count += 1;
    }

    /// Bytes that are in no request that was given out.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether all that came is done.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The events and bytes of a sink that drops which are not wholly taken.
    pub fn copied(&self) -> (u64, u64) {
        let copied = self.entries.values().filter_map(|entry| match entry {
            Entry::Open { parcel: Parcel::Copied(copied), .. } => Some(copied),
            _ => None,
        });
        copied.fold((0, 0), |(events, bytes), copied| (events + copied.events, bytes + copied.bytes.len() as u64))
    }

    /// The next request: at most so many bytes, unless one event alone is longer.
    pub fn cut(&mut self, form: Form, size: usize) -> Option<Cut> {
        if self.ready.is_empty() {
            self.gather(form, size);
        }
        let cut = self.ready.pop_front()?;
        self.waiting -= cut.request.body.len();
        Some(cut)
    }

    /// Makes a request of as many entries as there is room for; of one that is too long alone, several.
    fn gather(&mut self, form: Form, size: usize) {
        let (mut total, mut end, mut begin) = (0, self.next, None);
        for (&number, entry) in self.entries.range(self.next..) {
            match entry {
                Entry::Open { length, .. } if begin.is_some() && total + length > size => break,
                Entry::Open { length, .. } => {
                    begin.get_or_insert(number);
                    total += length;
                }
                Entry::Barrier(_) if begin.is_none() => self.epoch += 1,
                Entry::Barrier(_) => {}
            }
            end = number + 1;
        }
        self.next = end;
        let Some(begin) = begin else { return };
        let epoch = self.epoch;
        let (mut body, mut parts) = (Vec::new(), Vec::new());
        for entry in self.entries.range_mut(begin..end).map(|(_, entry)| entry) {
            let Entry::Open { parcel, length, requests } = entry else {
                self.epoch += 1;
                continue;
            };
            self.epoch += u64::from(parcel.wants_state());
            if total > size {
                // Alone, as nothing is put behind what is too long. Where an envelope is halved it stands in both.
                self.waiting -= *length;
                for piece in pieces(parcel.bytes(), form, size) {
                    self.waiting += piece.len();
                    *requests += 1;
                    self.ready.push_back(Cut { request: Request::new(piece, parcel.origin(), epoch), entries: begin..end });
                }
            } else {
                body.reserve_exact(total.saturating_sub(body.len()));
                parcel.append(&mut body);
                parts.push((body.len(), parcel.origin()));
                *requests += 1;
            }
        }
        if !body.is_empty() {
            self.ready.push_back(Cut { request: Request { body: body.into(), parts, epoch }, entries: begin..end });
        }
    }

    /// A request has been taken. Accepts what is wholly taken by that.
    pub fn taken(&mut self, cut: &Cut) {
        let mut done = Vec::new();
        for (&number, entry) in self.entries.range_mut(cut.entries.clone()) {
            let Entry::Open { requests, .. } = entry else { continue };
            *requests -= 1;
            if *requests == 0 {
                done.push(number);
            }
        }
        for number in done {
            match self.entries.remove(&number) {
                Some(Entry::Open { parcel: Parcel::Delivery(delivery), .. }) if delivery.wants_state() => {
                    self.entries.insert(number, Entry::Barrier(delivery));
                }
                Some(Entry::Open { parcel: Parcel::Delivery(delivery), .. }) => delivery.accept(),
                _ => {}
            }
        }
    }

    /// The next checkpoint before which nothing is left to be done.
    pub fn passed(&mut self) -> Option<Delivery> {
        let first = self.entries.first_entry()?;
        let number = *first.key();
        if matches!(first.get(), Entry::Open { .. }) {
            return None;
        }
        let Entry::Barrier(delivery) = first.remove() else { return None };
        if number >= self.next {
            self.next = number + 1;
            self.epoch += 1;
        }
        Some(delivery)
    }
}

/// Cuts bytes between frames; a frame that is too long is taken apart as far as it goes.
fn pieces(mut bytes: Bytes, form: Form, size: usize) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let head = form.head(&bytes, size).clamp(1, bytes.len());
        let piece = bytes.split_to(head);
        match (piece.len() > size).then(|| form.halve(&piece)).flatten() {
            Some((first, second)) if !first.is_empty() && !second.is_empty() => {
                pieces.extend(self::pieces(first.into(), form, size));
                pieces.extend(self::pieces(second.into(), form, size));
            }
            _ => pieces.push(piece),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;
    use std::sync::atomic::Ordering::Relaxed;

    use eyas_codec::Form;

    use super::{Parcel, Window, pieces};
    use crate::deliver::overflow::Copied;
    use crate::deliver::request::Origin;

    /// Each event alone.
    fn events(form: Form, bytes: &[u8]) -> Vec<Vec<u8>> {
        match form.halve(bytes) {
            Some((first, second)) => [events(form, &first), events(form, &second)].concat(),
            None => vec![bytes.to_vec()],
        }
    }

    #[test]
    fn pieces_of_every_form_are_as_long_as_they_may_be_and_hold_every_event_once() {
        let lines: String = (0..50).map(|n| format!("{{\"n\":{n},\"text\":\"{}\"}}\n", "x".repeat(n % 30))).collect();
        for form in [Form::Ndjson, Form::Otlp, Form::Vector, Form::Forward] {
            let mut bytes = Vec::new();
            form.lines(lines.as_bytes(), &mut bytes);
            let all = events(form, &bytes);
            assert_eq!(all.len(), 50, "{form:?}");
            for size in [1, 100, 500, 5000] {
                let pieces = pieces(bytes.clone().into(), form, size);
                assert!(pieces.iter().all(|piece| piece.len() <= size || form.halve(piece).is_none()), "{form:?}");
                assert_eq!(pieces.iter().flat_map(|piece| events(form, piece)).collect::<Vec<_>>(), all, "{form:?}");
            }
        }
    }

    #[test]
    fn what_is_taken_is_forgotten_though_one_before_it_is_stuck() {
        let (mut window, figures) = (Window::default(), Arc::default());
        let send = |window: &mut Window| {
            window.push(Parcel::Copied(Copied::new("{}\n".into(), Origin::default(), 1, &figures)));
            window.cut(Form::Ndjson, 100).unwrap()
        };
        let stuck = send(&mut window);
        for _ in 0..1000 {
            let other = send(&mut window);
            window.taken(&other);
            assert_eq!(window.entries.len(), 1);
        }
        window.taken(&stuck);
        assert!(window.is_empty());
    }

    #[test]
    fn whatever_comes_goes_out_once_in_order_in_requests_that_fit_and_lives_until_it_is_taken() {
        for seed in 0..300 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (size, figures) = (random.usize(1..60), Arc::default());
            let (mut window, mut given, mut cut, mut under_way) = (Window::default(), String::new(), Vec::new(), Vec::new());
            for number in 0..120 {
                if number < 80 && random.bool() {
                    let text: String = (0..random.usize(1..8)).map(|_| format!("{}\n", "x".repeat(random.usize(0..20)))).collect();
                    given += &text;
                    window.push(Parcel::Copied(Copied::new(text.into(), Origin::default(), 1, &figures)));
                }
                if random.u8(..3) == 0
                    && let Some(request) = window.cut(Form::Ndjson, size)
                {
                    cut.push(request.request.body.clone());
                    under_way.push(request);
                }
                if random.u8(..4) == 0 && !under_way.is_empty() {
                    let back = under_way.swap_remove(random.usize(..under_way.len()));
                    window.taken(&back);
                    assert!(window.passed().is_none());
                }
            }
            while let Some(request) = window.cut(Form::Ndjson, size) {
                cut.push(request.request.body.clone());
                under_way.push(request);
            }
            assert_eq!((String::from_utf8(cut.concat()).unwrap(), window.waiting()), (given, 0), "seed {seed}");
            for body in &cut {
                assert!(body.ends_with(b"\n") && (body.len() <= size || body.iter().filter(|&&byte| byte == b'\n').count() == 1));
            }
            assert_eq!(window.is_empty(), under_way.is_empty());
            under_way.iter().for_each(|back| window.taken(back));
            assert!(window.passed().is_none() && window.is_empty());
            assert_eq!(figures.held_bytes.load(Relaxed), 0);
        }
    }
}
