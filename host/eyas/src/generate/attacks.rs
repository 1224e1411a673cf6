//! The attacks, each with a label: one brute force a minute of event time, one DDoS every third minute.

use std::io::{self, Write};

use eyas_event::{NANOS_PER_SECOND, Timestamp};

use super::event::{Clock, Draft};
use super::random::Random;
use super::world::{OUTSIDE, SERVERS, World};

const SECOND: u64 = NANOS_PER_SECOND as u64;
/// An attacker guesses 20 times, every 3 s, from second 5 of its minute.
const FAILURES: u64 = 20;
/// A server gets 3,000 connections, one every 10 ms, from second 20 of its minute.
const REQUESTS: u64 = 3_000;
/// From so many addresses.
const SOURCES: u64 = 400;

/// One kind of attack: attacks of equal length that do not overlap, of `events` each.
struct Series {
    /// From one attack's start to the next one's.
    every: u64,
    /// Start of the first.
    first: u64,
    /// Events of each attack.
    events: u64,
    /// From one event to the next.
    step: u64,
    /// How many attacks there are.
    attacks: u64,
    /// Events given so far.
    done: u64,
}

impl Series {
    /// As many attacks as end within the span.
    fn fit(span: u64, every: u64, first: u64, events: u64, step: u64) -> Self {
        let whole = first + events * step;
        let attacks = if span < whole { 0 } else { (span - whole) / every + 1 };
        Self { every, first, events, step, attacks, done: 0 }
    }

    fn total(&self) -> u64 {
        self.attacks * self.events
    }

    fn start(&self, attack: u64) -> u64 {
        self.first + attack * self.every
    }

    fn next_time(&self) -> Option<u64> {
        let (attack, event) = (self.done / self.events, self.done % self.events);
        (attack < self.attacks).then(|| self.start(attack) + event * self.step)
    }
}

/// The stream of attacks.
pub struct Attacks {
    random: Random,
    /// Where the choice of attackers and victims begins.
    offset: u64,
    guesses: Series,
    floods: Series,
}

impl Attacks {
    /// All attacks that fit into the span, and make up less than half of the events.
    pub fn plan(seed: u64, count: u64, span: u64) -> Self {
        let mut random = Random::new(seed, 2);
        let offset = random.below(OUTSIDE as u64);
        let mut guesses = Series::fit(span, 60 * SECOND, 5 * SECOND, FAILURES, 3 * SECOND);
        let mut floods = Series::fit(span, 180 * SECOND, 20 * SECOND, REQUESTS, SECOND / 100);
        floods.attacks = floods.attacks.min(count / 4 / REQUESTS);
        guesses.attacks = guesses.attacks.min(count / 4 / FAILURES);
        Self { random, offset, guesses, floods }
    }

    /// How many events they are in all.
    pub fn events(&self) -> u64 {
        self.guesses.total() + self.floods.total()
    }

    /// Time of the next event since the start; `None` after the last.
    pub fn next_time(&self) -> Option<u64> {
        match (self.guesses.next_time(), self.floods.next_time()) {
            (Some(guess), Some(flood)) => Some(guess.min(flood)),
            (guess, flood) => guess.or(flood),
        }
    }

    /// Appends the next event.
    pub fn write(&mut self, world: &World, clock: &mut Clock, line: &mut Vec<u8>) {
        let next = self.next_time();
        let draft = if self.guesses.next_time() == next { self.guess(world) } else { self.flood(world) };
        if let Some(draft) = draft {
            draft.write(clock, line);
        }
    }

    fn guess<'a>(&mut self, world: &'a World) -> Option<Draft<'a>> {
        let time = self.guesses.next_time()?;
        let attack = self.guesses.done / FAILURES;
        self.guesses.done += 1;
        let (source, destination) = (world.outside.get(self.attacker(attack))?, world.servers.get(self.guessed_at(attack))?);
        let user = Some(self.random.choose(&world.users)?.as_str());
        let (kind, result, severity, reason) = ("authentication", "failure", "warning", Some("invalid_password"));
        let id = self.random.next();
        Some(Draft { time, id, kind, source, destination, user, result, protocol: "TCP", port: 22, severity, reason, bytes: None })
    }

    fn flood<'a>(&mut self, world: &'a World) -> Option<Draft<'a>> {
        let time = self.floods.next_time()?;
        let (attack, request) = (self.floods.done / REQUESTS, self.floods.done % REQUESTS);
        self.floods.done += 1;
        // Each source once, then any of them.
        let bot = if request < SOURCES { request } else { self.random.below(SOURCES) };
        let source = world.outside.get(((self.offset + attack * SOURCES + bot) % OUTSIDE as u64) as usize)?;
        let destination = world.servers.get(self.flooded(attack))?;
        let bytes = Some(40 + self.random.below(80));
        let (kind, result, severity) = ("network_connection", "success", "info");
        let id = self.random.next();
        Some(Draft { time, id, kind, source, destination, user: None, result, protocol: "TCP", port: 443, severity, reason: None, bytes })
    }

    /// Attackers and victims come in turn: none comes back before all others were there.
    fn attacker(&self, attack: u64) -> usize {
        ((self.offset + attack * 7_001) % OUTSIDE as u64) as usize
    }

    fn guessed_at(&self, attack: u64) -> usize {
        ((self.offset + attack * 1_009) % SERVERS as u64) as usize
    }

    fn flooded(&self, attack: u64) -> usize {
        ((self.offset + 500 + attack * 1_511) % SERVERS as u64) as usize
    }

    /// Writes one line of JSON an attack.
    pub fn write_labels(&self, world: &World, start: Timestamp, labels: &mut dyn Write) -> io::Result<()> {
        let address = |host: Option<&super::world::Host>| host.map_or_else(String::new, |host| host.address.clone());
        let time = |offset: u64| {
            jiff::Timestamp::from_nanosecond(i128::from(start) + i128::from(offset)).map_or_else(|_| String::new(), |time| time.to_string())
        };
        for attack in 0..self.guesses.attacks {
            let (source, destination) =
                (address(world.outside.get(self.attacker(attack))), address(world.servers.get(self.guessed_at(attack))));
            let start = time(self.guesses.start(attack));
            writeln!(
                labels,
                r#"{{"attack":"brute_force","source_ip":"{source}","destination_ip":"{destination}","start":"{start}","failures":{FAILURES}}}"#
            )?;
        }
        for attack in 0..self.floods.attacks {
            let destination = address(world.servers.get(self.flooded(attack)));
            let start = time(self.floods.start(attack));
            writeln!(
                labels,
                r#"{{"attack":"ddos","destination_ip":"{destination}","start":"{start}","requests":{REQUESTS},"sources":{SOURCES}}}"#
            )?;
        }
        labels.flush()
    }
}
