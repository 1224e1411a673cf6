//! A sink that posts: what its outlet gives is gathered into requests, which are taken one after the other. Alerts go by an outbox.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use eyas_engine::{Delivery, Next, Outlet};
use eyas_state::SinkState;
use memchr::{memchr, memrchr};
use tokio::runtime::Handle;

use super::Stopped;
use super::alerts::Alerts;
use super::client::Client;
use super::figures::HttpSinkFigures;
use super::retry::Poster;
use crate::{Outbox, Stop};

/// What a sink that posts is made of.
#[derive(Clone, Debug)]
pub struct HttpSinkConfig {
    /// Its configured name.
    pub name: String,
    /// Where it posts to: http://…
    pub uri: String,
    /// What its requests bear.
    pub token: Option<String>,
    /// Further headers.
    pub headers: Vec<(String, String)>,
    /// The most bytes of a request, unless one line alone is longer.
    pub batch_bytes: usize,
    /// How long bytes wait for more at the most.
    pub batch_timeout: Duration,
    /// How long a request may take, with its answer.
    pub timeout: Duration,
    /// How long to wait before the second try; doubles from try to try.
    pub retry_initial_backoff: Duration,
    /// How long to wait between tries at the most.
    pub retry_max: Duration,
    /// Of a sink of alerts alone: what waits there holds back no event until it is full, and is kept in checkpoints. What was pending is
    /// in it already.
    pub outbox: Option<Outbox>,
}

/// A sink that is ready to post.
pub struct HttpSink {
    config: HttpSinkConfig,
    client: Client,
    figures: Arc<HttpSinkFigures>,
}

impl HttpSink {
    /// Posts nothing yet, and does not connect: that the other side is there may come later.
    ///
    /// Errors where the URI or a header cannot be one; the message says which.
    pub fn new(config: HttpSinkConfig) -> Result<Self, String> {
        let figures = Arc::new(HttpSinkFigures::default());
        let client = Client::new(&config.uri, config.token.as_deref(), &config.headers, config.timeout, figures.clone());
        let client = client.map_err(|error| format!("sink {:?}: {error}", config.name))?;
        Ok(Self { config, client, figures })
    }

    /// The sink's configured name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// The figures, while it runs and after.
    pub fn figures(&self) -> Arc<HttpSinkFigures> {
        self.figures.clone()
    }

    /// Posts all that the outlet gives, until its end, on this thread; what is not taken is tried again for ever. Errors where the
    /// operating system does not give what it needs.
    pub fn run(self, outlet: Outlet, stop: &Stop, runtime: &Handle) -> io::Result<()> {
        let Self { config, client, figures } = self;
        let stopped = {
            let _inside = runtime.enter();
            Stopped::new(stop)?
        };
        let poster = Poster {
            sink: config.name.clone(),
            client,
            initial_backoff: config.retry_initial_backoff.min(config.retry_max),
            longest_backoff: config.retry_max,
            figures,
            stopped,
            stopping: false,
        };
        match config.outbox {
            Some(outbox) => Alerts { name: config.name, outbox, size: config.batch_bytes }.run(outlet, poster, stop, runtime),
            None => {
                let (size, age) = (config.batch_bytes.max(1), config.batch_timeout);
                Gatherer {
                    name: config.name,
                    poster,
                    runtime,
                    size,
                    age,
                    bytes: BytesMut::new(),
                    deliveries: VecDeque::new(),
                    gathered: 0,
                }
                .run(outlet);
                Ok(())
            }
        }
    }
}

/// Gathers deliveries into requests.
struct Gatherer<'a> {
    name: String,
    poster: Poster,
    runtime: &'a Handle,
    size: usize,
    age: Duration,
    /// What is not taken yet.
    bytes: BytesMut,
    /// The deliveries that these are of, each with where its bytes end.
    deliveries: VecDeque<(u64, Delivery)>,
    /// Where the bytes end that were ever gathered.
    gathered: u64,
}

impl Gatherer<'_> {
    fn run(mut self, mut outlet: Outlet) {
        let mut due: Option<Instant> = None;
        loop {
            let next = match due {
                None => outlet.next_delivery().map_or(Next::End, Next::Delivery),
                Some(due) => outlet.next_delivery_within(due.saturating_duration_since(Instant::now())),
            };
            let mut age = self.age;
            match next {
                Next::Delivery(delivery) if delivery.wants_state() => {
                    self.post_all();
                    delivery.save(SinkState { name: self.name.clone(), ..SinkState::default() });
                    delivery.accept();
                }
                Next::Delivery(delivery) => {
                    if delivery.holds_back() {
                        // There is only what is on its way already.
                        (due, age) = (None, Duration::ZERO);
                    }
                    self.add(delivery);
                    self.post_full();
                }
                Next::Late => self.post_all(),
                Next::End => return self.post_all(),
            }
            due = if self.bytes.is_empty() { None } else { due.or_else(|| Some(Instant::now() + age)) };
        }
    }

    fn add(&mut self, delivery: Delivery) {
        delivery.slices().for_each(|slice| self.bytes.extend_from_slice(slice));
        self.gathered += delivery.slices().map(|slice| slice.len() as u64).sum::<u64>();
        self.deliveries.push_back((self.gathered, delivery));
        self.accept_taken();
    }

    /// Posts what makes whole requests.
    fn post_full(&mut self) {
        while self.bytes.len() >= self.size {
            let head = self.bytes.get(..self.size).unwrap_or(&self.bytes);
            // Lines are not cut: the last end in it, or that of the one line that is longer.
            let end = memrchr(b'\n', head).or_else(|| memchr(b'\n', &self.bytes));
            self.post(end.map_or(self.bytes.len(), |end| end + 1));
        }
    }

    fn post_all(&mut self) {
        self.post_full();
        if !self.bytes.is_empty() {
            self.post(self.bytes.len());
        }
    }

    fn post(&mut self, length: usize) {
        let body = self.bytes.split_to(length).freeze();
        self.runtime.block_on(self.poster.post(body));
        self.accept_taken();
    }

    /// Accepts the deliveries of which every byte has been taken.
    fn accept_taken(&mut self) {
        let taken = self.gathered - self.bytes.len() as u64;
        while self.deliveries.front().is_some_and(|(end, _)| *end <= taken) {
            self.deliveries.pop_front().into_iter().for_each(|(_, delivery)| delivery.accept());
        }
    }
}
