//! What happens on an ordinary day, and never looks like an attack.
//!
//! **Invariant:** at whatever rate, no server or address gets 50 connections in any 60 s (half of `ddos`' threshold), and no pair has 3
//! failures in any 120 s (more than half of `brute_force`'s). So every alert on generated events is about an attack that has a label.

use eyas_event::NANOS_PER_SECOND;

use super::event::{Clock, Draft};
use super::random::Random;
use super::world::{OUTSIDE, SERVERS, World};

/// Connections that one address may get in one minute of the clock: two such minutes touch any 60 s.
const CONNECTIONS_A_MINUTE: u8 = 24;
const MINUTE: u64 = 60 * NANOS_PER_SECOND as u64;

const REASONS: [&str; 5] = ["invalid_password", "unknown_user", "account_locked", "expired_password", "mfa_failed"];
const PROTOCOLS: [&str; 7] = ["TCP", "TCP", "TCP", "TCP", "UDP", "UDP", "ICMP"];
const PORTS: [u16; 11] = [443, 443, 443, 80, 53, 22, 3306, 5432, 8080, 25, 123];
const LOGIN_PORTS: [u16; 3] = [22, 443, 389];
const QUIET: [&str; 3] = ["dns_query", "file_access", "process_start"];

/// The stream of ordinary events.
pub struct Background {
    random: Random,
    count: u64,
    done: u64,
    span: u64,
    failures: u64,
    minute: u64,
    /// Connections of this minute by destination: servers, then addresses outside.
    connections: Vec<u8>,
}

impl Background {
    /// So many events, evenly over a span of nanoseconds.
    pub fn new(seed: u64, count: u64, span: u64) -> Self {
        let connections = vec![0; SERVERS + OUTSIDE];
        Self { random: Random::new(seed, 1), count, done: 0, span, failures: 0, minute: 0, connections }
    }

    /// Time of the next event since the start; `None` after the last.
    pub fn next_time(&self) -> Option<u64> {
        let time = (u128::from(self.span) * u128::from(self.done)).checked_div(u128::from(self.count))?;
        (self.done < self.count).then_some(time as u64)
    }

    /// Appends the next event.
    pub fn write(&mut self, world: &World, clock: &mut Clock, line: &mut Vec<u8>) {
        let Some(time) = self.next_time() else { return };
        self.done += 1;
        let draft = match self.random.below(100) {
            0..62 => self.connection(world, time),
            62..90 => self.login(world, time),
            _ => None,
        };
        if let Some(draft) = draft.or_else(|| self.quiet(world, time)) {
            draft.write(clock, line);
        }
    }

    fn connection<'a>(&mut self, world: &'a World, time: u64) -> Option<Draft<'a>> {
        let number = self.destination(time)?;
        let destination = world.servers.get(number).or_else(|| world.outside.get(number - SERVERS))?;
        let source = world.hosts.get(self.random.skewed(world.hosts.len()))?;
        let protocol = self.random.choose(&PROTOCOLS)?;
        let port = *self.random.choose(&PORTS)?;
        // Between 64 and some 130,000 bytes, small ones more often.
        let size = self.random.next();
        let bytes = Some((64 + size % 961) << (size >> 61));
        let id = self.random.next();
        let (kind, result, severity) = ("network_connection", "success", "info");
        Some(Draft { time, id, kind, source, destination, user: None, result, protocol, port, severity, reason: None, bytes })
    }

    /// Where a connection goes: `None` if no address that was tried may get another one this minute.
    fn destination(&mut self, time: u64) -> Option<usize> {
        if time / MINUTE != self.minute {
            self.minute = time / MINUTE;
            self.connections.fill(0);
        }
        for attempt in 0..8 {
            let inside = attempt == 0 && self.random.below(10) < 7;
            let number = if inside { self.random.skewed(SERVERS) } else { self.random.below((SERVERS + OUTSIDE) as u64) as usize };
            let taken = self.connections.get_mut(number)?;
            if *taken < CONNECTIONS_A_MINUTE {
                *taken += 1;
                return Some(number);
            }
        }
        None
    }

    fn login<'a>(&mut self, world: &'a World, time: u64) -> Option<Draft<'a>> {
        let failed = self.random.below(100) < 7;
        let (source, destination) =
            if failed { self.failing_pair(world) } else { (self.random.skewed(world.hosts.len()), self.random.skewed(SERVERS)) };
        let (source, destination) = (world.hosts.get(source)?, world.servers.get(destination)?);
        let user = Some(world.users.get(self.random.skewed(world.users.len()))?.as_str());
        let port = *self.random.choose(&LOGIN_PORTS)?;
        let reason = if failed { self.random.choose(&REASONS).copied() } else { None };
        let (result, severity) = if failed { ("failure", "warning") } else { ("success", "info") };
        let id = self.random.next();
        let (kind, protocol) = ("authentication", "TCP");
        Some(Draft { time, id, kind, source, destination, user, result, protocol, port, severity, reason, bytes: None })
    }

    /// Hosts fail in turn, each at another server every time: with 10,000 hosts a pair comes back after 40 million failures.
    fn failing_pair(&mut self, world: &World) -> (usize, usize) {
        let hosts = world.hosts.len().max(1) as u64;
        let (host, round) = (self.failures % hosts, self.failures / hosts);
        self.failures += 1;
        (host as usize, ((host * 31 + round) % SERVERS as u64) as usize)
    }

    fn quiet<'a>(&mut self, world: &'a World, time: u64) -> Option<Draft<'a>> {
        let kind = self.random.choose(&QUIET)?;
        let source = world.hosts.get(self.random.skewed(world.hosts.len()))?;
        let destination = world.servers.get(self.random.skewed(SERVERS))?;
        let user = Some(world.users.get(self.random.skewed(world.users.len()))?.as_str());
        let id = self.random.next();
        let (result, protocol, port, severity) = ("success", "UDP", 53, "info");
        Some(Draft { time, id, kind, source, destination, user, result, protocol, port, severity, reason: None, bytes: None })
    }
}
