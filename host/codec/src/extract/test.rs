//! Conditions, evaluated on what stands in the event.

use eyas_event::Test;

use super::cell::{address, boolean, figure, float, integer, missing, text};
use crate::dialect::Dialect;
use crate::json::scan::{Literal, Native, Padded, Scan};
use crate::json::{Kind, Slot};

/// A test, made ready.
#[derive(Debug)]
pub(crate) enum Ready {
    /// One text of at most 32 bytes, which is compared at once.
    Short(Literal),
    Any(Test),
}

impl Ready {
    pub(crate) fn new(test: &Test) -> Self {
        match test {
            Test::Text(any) => match any.as_slice() {
                [text] if (1..=Literal::LONGEST).contains(&text.len()) => Self::Short(Literal::new(text.as_bytes())),
                _ => Self::Any(test.clone()),
            },
            _ => Self::Any(test.clone()),
        }
    }

    /// Whether a value meets the test. A value that is absent, null or of another type meets none.
    #[inline(always)]
    pub(crate) fn meets(&self, slot: Slot, buffer: Padded<'_>, dialect: Dialect, scratch: &mut Vec<u8>) -> bool {
        match self {
            Self::Short(literal) if slot.kind() == Kind::Text => {
                let (start, length) = slot.place();
                length == literal.len() && Native::stands(buffer, start, literal)
            }
            Self::Short(literal) => text(slot, &buffer, scratch).is_some_and(|text| text == literal.text()),
            Self::Any(test) => meets(slot, buffer, test, dialect, scratch),
        }
    }
}

fn meets(slot: Slot, buffer: Padded<'_>, test: &Test, dialect: Dialect, scratch: &mut Vec<u8>) -> bool {
    if missing(slot, &buffer, dialect).is_some() {
        return false;
    }
    match test {
        Test::Present => true,
        Test::Text(any) => text(slot, &buffer, scratch).is_some_and(|text| any.iter().any(|wanted| wanted.as_bytes() == text)),
        Test::Prefix(any) => text(slot, &buffer, scratch).is_some_and(|text| any.iter().any(|wanted| text.starts_with(wanted.as_bytes()))),
        Test::Boolean(wanted) => boolean(slot, &buffer, dialect) == Some(*wanted),
        Test::Integer(any) => {
            let number = figure(slot, &buffer, dialect).and_then(|figure| integer(figure).ok());
            number.is_some_and(|number| any.iter().any(|&wanted| i128::from(wanted) == number))
        }
        Test::Number { at_least, below } => {
            let number = figure(slot, &buffer, dialect).and_then(float);
            number.is_some_and(|number| at_least.is_none_or(|least| number >= least) && below.is_none_or(|below| number < below))
        }
        Test::Network(any) => {
            let address = address(slot, buffer, scratch).map(u128::to_be_bytes);
            address.is_some_and(|address| any.iter().any(|network| network.contains(address)))
        }
    }
}
