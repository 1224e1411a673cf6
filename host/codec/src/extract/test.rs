//! Conditions, evaluated on what stands in the event.

use eyas_event::Test;

use super::cell::{boolean, digits, integer, missing, text};
use crate::ip;
use crate::json::Slot;

/// Whether a value meets a test. A value that is absent, null or of another type meets none.
#[inline(always)]
pub(crate) fn meets(slot: Slot, buffer: &[u8], test: &Test, loose: bool, scratch: &mut Vec<u8>) -> bool {
    if missing(slot, buffer, loose).is_some() {
        return false;
    }
    match test {
        Test::Present => true,
        Test::Text(any) => text(slot, buffer, scratch).is_some_and(|text| any.iter().any(|wanted| wanted.as_bytes() == text)),
        Test::Prefix(any) => text(slot, buffer, scratch).is_some_and(|text| any.iter().any(|wanted| text.starts_with(wanted.as_bytes()))),
        Test::Boolean(wanted) => boolean(slot, buffer, loose) == Some(*wanted),
        Test::Integer(any) => digits(slot, buffer, loose)
            .and_then(|digits| integer(digits).ok())
            .is_some_and(|number| any.iter().any(|&wanted| i128::from(wanted) == number)),
        Test::Number { at_least, below } => {
            let number = digits(slot, buffer, loose).and_then(|digits| std::str::from_utf8(digits).ok()?.parse::<f64>().ok());
            number.is_some_and(|number| at_least.is_none_or(|least| number >= least) && below.is_none_or(|below| number < below))
        }
        Test::Network(any) => {
            let address = text(slot, buffer, scratch).and_then(ip::parse);
            address.is_some_and(|address| any.iter().any(|network| network.contains(address)))
        }
    }
}
