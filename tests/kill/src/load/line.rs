//! One event.

use super::Clock;

/// An event with an id of its own: a failed login, a connection, or something that no detector looks at. There are so many pairs of
/// addresses that each comes near the thresholds and now and then reaches them.
pub fn line(rng: &mut fastrand::Rng, clock: &Clock, id: &str) -> String {
    // Up to 20 s out of order, which is allowed; now and then so late that it counts as late.
    let behind = if rng.u8(..) == 0 { 300 } else { rng.u64(0..20) };
    let time = Clock::written(clock.now().saturating_sub(behind), ' ');
    let source = format!("10.9.0.{}", rng.u8(..40));
    match rng.u8(..20) {
        0..=8 => format!(
            r#"{{"timestamp":"{time}","event_id":"{id}","event_type":"authentication","source_ip":"{source}","destination_ip":"172.20.0.{}","result":"failure"}}"#,
            rng.u8(..30)
        ),
        9..=15 => format!(
            r#"{{"timestamp":"{time}","event_id":"{id}","event_type":"network_connection","source_ip":"10.8.{}.{}","destination_ip":"172.20.1.{}"}}"#,
            rng.u8(..4),
            rng.u8(..),
            rng.u8(..12)
        ),
        16..=18 => format!(r#"{{"timestamp":"{time}","event_id":"{id}","event_type":"dns_query","source_ip":"{source}"}}"#),
        // Over which a plugin fails.
        19 if rng.u8(..75) == 0 => format!(r#"{{"timestamp":"{time}","event_id":"{id}","event_type":"dns_query","poison":1}}"#),
        // A key field that is missing is a key of its own; so is one that cannot be read.
        _ => format!(r#"{{"timestamp":"{time}","event_id":"{id}","event_type":"authentication","source_ip":"{id}","result":"failure"}}"#),
    }
}
