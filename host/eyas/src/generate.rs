//! Synthetic security events with labelled attacks: the same options give the same bytes, everywhere.
//!
//! Background and attacks are three streams in event-time order, merged as they are made, so that memory does not depend on how many
//! events there are. All arithmetic that decides anything is on integers.

mod attacks;
mod background;
mod event;
mod random;
mod world;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Write};

use eyas_event::{NANOS_PER_SECOND, Timestamp};

use attacks::Attacks;
use background::Background;
use event::Clock;
use random::Random;
pub use world::MOST_HOSTS;
use world::World;

/// How many bytes are collected before they are written.
const CHUNK: usize = 256 * 1024;
/// By how much a late event is late at the most.
const LATEST: u64 = 60 * NANOS_PER_SECOND as u64;

/// What to generate.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many events.
    pub count: u64,
    /// How many of them a second of event time.
    pub rate: f64,
    /// How many hosts there are inside.
    pub hosts: u64,
    /// Another seed, other events.
    pub seed: u64,
    /// What share of the events is written up to a minute of event time after its place.
    pub late: f64,
    /// Event time of the first event.
    pub start: Timestamp,
}

/// Writes events to `out` and, if asked for, one line an attack to `labels`.
pub fn generate(options: &Options, out: &mut impl Write, labels: Option<&mut dyn Write>) -> io::Result<()> {
    let world = World::new(options.seed, options.hosts);
    let span = (options.count as f64 * (NANOS_PER_SECOND as f64 / options.rate)) as u64;
    let attacks = Attacks::plan(options.seed, options.count, span);
    if let Some(labels) = labels {
        attacks.write_labels(&world, options.start, labels)?;
    }
    let background = Background::new(options.seed, options.count - attacks.events(), span);
    let mut stream = Stream { world: &world, attacks, background, clock: Clock::new(options.start) };
    let mut delayed = Delayed::new(options);
    let mut chunk = Vec::with_capacity(CHUNK + 4096);
    for _ in 0..options.count {
        let from = chunk.len();
        let Some(time) = stream.next(&mut chunk) else { break };
        delayed.pass(time, from, &mut chunk);
        if chunk.len() >= CHUNK {
            out.write_all(&chunk)?;
            chunk.clear();
        }
    }
    delayed.release(u64::MAX, &mut chunk);
    out.write_all(&chunk)?;
    out.flush()
}

/// All events in the order of their times.
struct Stream<'a> {
    world: &'a World,
    attacks: Attacks,
    background: Background,
    clock: Clock,
}

impl Stream<'_> {
    /// Appends the next event and gives its time since the start.
    fn next(&mut self, chunk: &mut Vec<u8>) -> Option<u64> {
        match (self.attacks.next_time(), self.background.next_time()) {
            (None, None) => None,
            (Some(attack), background) if background.is_none_or(|background| attack <= background) => {
                self.attacks.write(self.world, &mut self.clock, chunk);
                Some(attack)
            }
            (_, background) => {
                self.background.write(self.world, &mut self.clock, chunk);
                background
            }
        }
    }
}

/// Events that wait to be written late.
struct Delayed {
    /// Chance of being late, in 2^-32.
    chance: u64,
    random: Random,
    waiting: BinaryHeap<Reverse<(u64, u64, Vec<u8>)>>,
    count: u64,
}

impl Delayed {
    fn new(options: &Options) -> Self {
        let chance = (options.late.clamp(0.0, 1.0) * 4_294_967_296.0) as u64;
        Self { chance, random: Random::new(options.seed, 3), waiting: BinaryHeap::new(), count: 0 }
    }

    /// Takes the event that was appended last away if it is to be late, and puts those back whose time has come.
    fn pass(&mut self, time: u64, from: usize, chunk: &mut Vec<u8>) {
        if self.chance == 0 {
            return;
        }
        let event = chunk.split_off(from);
        self.release(time, chunk);
        if self.random.next() >> 32 < self.chance {
            self.count += 1;
            self.waiting.push(Reverse((time + self.random.below(LATEST), self.count, event)));
        } else {
            chunk.extend_from_slice(&event);
        }
    }

    fn release(&mut self, until: u64, chunk: &mut Vec<u8>) {
        while self.waiting.peek().is_some_and(|Reverse((due, ..))| *due <= until) {
            let Some(Reverse((_, _, event))) = self.waiting.pop() else { return };
            chunk.extend_from_slice(&event);
        }
    }
}

#[cfg(test)]
mod tests;
