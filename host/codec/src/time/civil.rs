//! Days and seconds, forth and back.

use std::fmt;

use eyas_event::{NANOS_PER_SECOND, Timestamp};

/// Days since the epoch of a date of the proleptic Gregorian calendar; `None` where there is no such day.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > length {
        return None;
    }
    // Years from March on, so that the leap day is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Displays a time as RFC 3339, UTC, with no more digits behind the second than it has.
pub(crate) fn rfc3339(time: Timestamp) -> impl fmt::Display {
    struct Shown(Timestamp);
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let (seconds, nanos) = (self.0.div_euclid(NANOS_PER_SECOND), self.0.rem_euclid(NANOS_PER_SECOND));
            let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
            let (year, month, date) = date(day);
            let mut text = *b"0000-00-00T00:00:00.000000000Z";
            let places = [(3, year), (6, month), (9, date), (12, second / 3600), (15, second / 60 % 60), (18, second % 60), (28, nanos)];
            for (last, number) in places {
                digits(&mut text, last, number);
            }
            let fraction = text.get(20..29).unwrap_or_default().iter().rposition(|&digit| digit != b'0');
            let end = fraction.map_or(19, |last| last + 21);
            let text = text.get(..end).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
            f.write_str(text)?;
            f.write_str("Z")
        }
    }
    Shown(time)
}

/// Puts a number's digits in, the last of them at `last`.
fn digits(text: &mut [u8], last: usize, mut number: i64) {
    let places = text.get_mut(..=last).unwrap_or_default().iter_mut().rev();
    for place in places {
        if number == 0 {
            break;
        }
        *place = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day since the epoch.
fn date(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, date)
}
