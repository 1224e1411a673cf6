//! The events for which Spark's answers are kept under `data/oracle`.
//!
//! Spark 4.3 answered in batch, with UTC times: `brute_force` groups failed authentications by `window(timestamp, "2 minutes",
//! "30 seconds")`, source and destination, `count >= 5`; `ddos` groups network connections by `window(timestamp, "1 minute",
//! "30 seconds")` and destination, `count >= 100`, with `exact_sources` counted from the events.

use std::fmt::Write;

use crate::mersenne::Mersenne;

/// A stream of events by its parameters.
pub struct Oracle {
    /// Its name under `data/oracle`.
    pub name: &'static str,
    events: usize,
    seed: u32,
    per_second: f64,
    /// XXH3 of the bytes for which Spark answered.
    digest: u64,
}

/// 200,000 events over 800 seconds.
pub const A: Oracle = Oracle { name: "a", events: 200_000, seed: 11, per_second: 250.0, digest: 0x41f8_5a2e_2192_7750 };
/// 120,000 events over one minute.
pub const B: Oracle = Oracle { name: "b", events: 120_000, seed: 12, per_second: 2000.0, digest: 0x66bd_42ae_79ac_f320 };

const USERS: usize = 5_000;
const CITIES: [(&str, &str, &str, &str); 8] = [
    ("US", "Ashburn", "39.04", "-77.49"),
    ("DE", "Berlin", "52.52", "13.4"),
    ("GB", "London", "51.5", "-0.12"),
    ("JP", "Tokyo", "35.68", "139.69"),
    ("BR", "São Paulo", "-23.55", "-46.63"),
    ("IN", "Pune", "18.52", "73.85"),
    ("FR", "Paris", "48.85", "2.35"),
    ("AU", "Sydney", "-33.86", "151.2"),
];
const REASONS: [&str; 5] = ["invalid_password", "unknown_user", "account_locked", "expired_password", "mfa_failed"];
const PROTOCOLS: [&str; 7] = ["TCP", "TCP", "TCP", "TCP", "UDP", "UDP", "ICMP"];
const PORTS: [u16; 11] = [443, 443, 443, 80, 53, 22, 3306, 5432, 8080, 25, 123];

impl Oracle {
    /// The events as NDJSON. Panics unless they are the very bytes for which Spark answered.
    pub fn events(&self) -> Vec<u8> {
        let mut maker = Maker::new(self.seed);
        let span = self.events as f64 / self.per_second;
        let attacks = ((span / 60.0) as usize).max(1);
        for i in 0..attacks {
            maker.brute_force((i as f64 * 60.0 + 5.0).min(span * 0.6));
            if i % 3 == 0 {
                maker.ddos((i as f64 * 60.0 + 20.0).min(span * 0.7));
            }
        }
        let background = self.events - maker.rows.len();
        for i in 0..background {
            maker.background(span * i as f64 / background as f64);
        }
        maker.rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let text: String = maker.rows.into_iter().map(|(_, line)| line).collect();
        assert_eq!(xxhash_rust::xxh3::xxh3_64(text.as_bytes()), self.digest, "not the events of oracle {}", self.name);
        text.into_bytes()
    }
}

/// Draws events in the order in which the oracle drew them.
struct Maker {
    random: Mersenne,
    hosts: Vec<String>,
    servers: Vec<String>,
    outside: Vec<String>,
    users: Vec<String>,
    rows: Vec<(f64, String)>,
}

/// What differs between events beside time, type and addresses.
struct Rest<'a> {
    user: Option<&'a str>,
    result: &'a str,
    protocol: &'a str,
    port: u16,
    severity: &'a str,
    reason: Option<&'a str>,
    bytes: Option<u64>,
}

impl Rest<'_> {
    const SUCCESS: Self = Self { user: None, result: "success", protocol: "TCP", port: 443, severity: "info", reason: None, bytes: None };
}

impl Maker {
    fn new(seed: u32) -> Self {
        let mut random = Mersenne::new(seed);
        let mut from = |low: usize, high: usize| low + random.below(high - low);
        let hosts = (0..10_000).map(|_| format!("10.{}.{}.{}", from(0, 32), from(0, 256), from(1, 255))).collect();
        let servers = (0..500).map(|i| format!("172.16.{}.{}", i / 250, i % 250 + 1)).collect();
        let outside = (0..20_000).map(|_| format!("{}.{}.{}.{}", from(11, 223), from(0, 256), from(0, 256), from(1, 255))).collect();
        let named = ["root", "admin", "svc_backup", "postgres"].map(str::to_owned);
        let users = (0..USERS).map(|i| format!("user{i:05}")).chain(named).collect();
        Self { random, hosts, servers, outside, users, rows: Vec::new() }
    }

    fn brute_force(&mut self, at: f64) {
        let source = self.random.choice(&self.outside).clone();
        let destination = self.random.choice(&self.servers).clone();
        for i in 0..20 {
            let user = self.random.choice(&self.users).clone();
            let rest =
                Rest { user: Some(&user), result: "failure", port: 22, severity: "warning", reason: Some(REASONS[0]), ..Rest::SUCCESS };
            self.push(at + f64::from(i) * 3.0, "authentication", &source, &destination, &rest);
        }
    }

    fn ddos(&mut self, at: f64) {
        let destination = self.random.choice(&self.servers).clone();
        let sources: Vec<String> = self.random.sample(&self.outside, 400).into_iter().cloned().collect();
        for i in 0..3000 {
            let source = self.random.choice(&sources);
            let bytes = 40 + self.random.below(80) as u64;
            let rest = Rest { bytes: Some(bytes), ..Rest::SUCCESS };
            self.push(at + f64::from(i) * 0.01, "network_connection", source, &destination, &rest);
        }
    }

    fn background(&mut self, at: f64) {
        let kind = self.random.random();
        if kind < 0.62 {
            let source = skewed(&mut self.random, &self.hosts).clone();
            let inside = self.random.random() < 0.7;
            let destination = if inside { skewed(&mut self.random, &self.servers) } else { self.random.choice(&self.outside) }.clone();
            let protocol = self.random.choice(&PROTOCOLS);
            let port = *self.random.choice(&PORTS);
            let bytes = self.random.lognormal(7.0, 1.4) as u64;
            let rest = Rest { protocol, port, bytes: Some(bytes), ..Rest::SUCCESS };
            self.push(at, "network_connection", &source, &destination, &rest);
        } else if kind < 0.90 {
            let good = self.random.random() < 0.93;
            let (source, destination) = self.pair();
            let user = skewed(&mut self.random, &self.users).clone();
            let port = *self.random.choice(&[22, 443, 389]);
            let reason = if good { None } else { Some(*self.random.choice(&REASONS)) };
            let (result, severity) = if good { ("success", "info") } else { ("failure", "warning") };
            let rest = Rest { user: Some(&user), result, port, severity, reason, ..Rest::SUCCESS };
            self.push(at, "authentication", &source, &destination, &rest);
        } else {
            let kind = *self.random.choice(&["dns_query", "file_access", "process_start"]);
            let (source, destination) = self.pair();
            let user = skewed(&mut self.random, &self.users).clone();
            let rest = Rest { user: Some(&user), protocol: "UDP", port: 53, ..Rest::SUCCESS };
            self.push(at, kind, &source, &destination, &rest);
        }
    }

    fn pair(&mut self) -> (String, String) {
        (skewed(&mut self.random, &self.hosts).clone(), skewed(&mut self.random, &self.servers).clone())
    }

    fn push(&mut self, at: f64, kind: &str, source: &str, destination: &str, rest: &Rest) {
        let place: usize = source.bytes().enumerate().map(|(i, byte)| usize::from(byte) * (i + 1)).sum();
        let (country, city, latitude, longitude) = CITIES[place % CITIES.len()];
        let id = self.random.bits64();
        let second = (at * 1e6).round_ties_even() as u64 / 1_000_000;
        let (hour, minute, second) = (8 + second / 3600, second / 60 % 60, second % 60);
        let mut line = String::with_capacity(400);
        let text = |value: Option<&str>| value.map_or("null".to_owned(), |value| format!("\"{value}\""));
        let _ = writeln!(
            line,
            "{{\"timestamp\":\"2026-03-02 {hour:02}:{minute:02}:{second:02}\",\"event_id\":\"{id:016x}\",\"event_type\":\"{kind}\",\
             \"source_ip\":\"{source}\",\"destination_ip\":\"{destination}\",\"username\":{},\"result\":\"{}\",\"protocol\":\"{}\",\
             \"port\":{},\"severity\":\"{}\",\"failure_reason\":{},\"bytes_transferred\":{},\"geo_location\":{{\"country\":\"{country}\",\
             \"city\":\"{city}\",\"latitude\":{latitude},\"longitude\":{longitude}}}}}",
            text(rest.user),
            rest.result,
            rest.protocol,
            rest.port,
            rest.severity,
            text(rest.reason),
            rest.bytes.map_or("null".to_owned(), |bytes| bytes.to_string()),
        );
        self.rows.push((at, line));
    }
}

/// One of a list, the first ones far more often.
fn skewed<'a, T>(random: &mut Mersenne, list: &'a [T]) -> &'a T {
    &list[((list.len() as f64 * random.random().powf(3.0)) as usize).min(list.len() - 1)]
}
