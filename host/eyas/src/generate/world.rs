//! Who takes part: hosts inside, servers, addresses outside, users. Everything is text already, ready to be copied.

use super::random::Random;

/// The most hosts that have an address each.
pub const MOST_HOSTS: u64 = 32 * 256 * 250;
/// Servers, which all of them use.
pub const SERVERS: usize = 4_000;
/// Addresses outside.
pub const OUTSIDE: usize = 20_000;

/// Country, city, latitude, longitude, as they stand in an event.
const CITIES: [&str; 8] = [
    r#""country":"US","city":"Ashburn","latitude":39.04,"longitude":-77.49"#,
    r#""country":"DE","city":"Berlin","latitude":52.52,"longitude":13.4"#,
    r#""country":"GB","city":"London","latitude":51.5,"longitude":-0.12"#,
    r#""country":"JP","city":"Tokyo","latitude":35.68,"longitude":139.69"#,
    r#""country":"BR","city":"São Paulo","latitude":-23.55,"longitude":-46.63"#,
    r#""country":"IN","city":"Pune","latitude":18.52,"longitude":73.85"#,
    r#""country":"FR","city":"Paris","latitude":48.85,"longitude":2.35"#,
    r#""country":"AU","city":"Sydney","latitude":-33.86,"longitude":151.2"#,
];

/// A host and where it stands.
pub struct Host {
    /// Its address.
    pub address: String,
    /// Members of the event's `geo_location`.
    pub city: &'static str,
}

/// All who take part.
pub struct World {
    /// Hosts inside.
    pub hosts: Vec<Host>,
    /// [`SERVERS`] of them.
    pub servers: Vec<Host>,
    /// [`OUTSIDE`] of them.
    pub outside: Vec<Host>,
    /// Names of users.
    pub users: Vec<String>,
}

impl World {
    /// The world of a seed, with so many hosts inside.
    pub fn new(seed: u64, hosts: u64) -> Self {
        let mut random = Random::new(seed, 0);
        // Counting through the address spaces makes every address another one; the seed decides where the counting starts.
        let (inside, beyond) = (random.next(), random.next());
        let hosts = (0..hosts.min(MOST_HOSTS)).map(|host| {
            let number = (inside.wrapping_add(host.wrapping_mul(7919))) % MOST_HOSTS;
            host_at(format!("10.{}.{}.{}", number / 64_000, number / 250 % 256, number % 250 + 1))
        });
        let servers = (0..SERVERS).map(|server| host_at(format!("172.16.{}.{}", server / 250, server % 250 + 1)));
        let outside = (0..OUTSIDE as u64).map(|host| {
            // 128 to 171 and 173 to 190: nobody's own network.
            let number = (beyond.wrapping_add(host.wrapping_mul(611_953))) % (44 * 256 * 256 * 250);
            host_at(format!("{}.{}.{}.{}", 128 + number / 16_384_000, number / 64_000 % 256, number / 250 % 256, number % 250 + 1))
        });
        let (hosts, servers, outside) = (hosts.collect(), servers.collect(), outside.collect());
        let named = ["root", "admin", "svc_backup", "postgres"].map(String::from);
        let users = (0..5_000).map(|user| format!("user{user:05}")).chain(named).collect();
        Self { hosts, servers, outside, users }
    }
}

fn host_at(address: String) -> Host {
    let sum: usize = address.bytes().zip(1..).map(|(byte, weight)| usize::from(byte) * weight).sum();
    let city = CITIES.get(sum % CITIES.len()).copied().unwrap_or_default();
    Host { address, city }
}
