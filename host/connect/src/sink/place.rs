//! Where a file sink writes: a path, or a pattern that takes the date of what is written (`out/%Y-%m-%d/events.ndjson`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use eyas_event::Timestamp;
use jiff::tz::TimeZone;

/// A path that may hold strftime conversions, which are filled in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pattern: PathBuf,
    dated: bool,
}

/// Says what is wrong with the path of a file sink, if anything is.
pub fn check_path(path: &str) -> Result<(), String> {
    let place = Place::new(Path::new(path));
    if !place.dated {
        return Ok(());
    }
    jiff::fmt::strtime::format(path, &jiff::Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC))
        .map(drop)
        .map_err(|error| format!("{path:?} is no path with a date: {error} (a plain % is written %%)"))
}

impl Place {
    pub fn new(path: &Path) -> Self {
        let dated = path.to_str().is_some_and(|path| path.contains('%'));
        Self { pattern: path.to_owned(), dated }
    }

    /// Whether it depends on the date.
    pub fn is_dated(&self) -> bool {
        self.dated
    }

    /// As it is configured.
    pub fn pattern(&self) -> &Path {
        &self.pattern
    }

    /// The path for what was read at this time.
    pub fn at(&self, time: Timestamp) -> PathBuf {
        let filled = self.pattern.to_str().filter(|_| self.dated).and_then(|pattern| {
            let time = jiff::Timestamp::from_nanosecond(time.into()).ok()?.to_zoned(TimeZone::UTC);
            jiff::fmt::strtime::format(pattern, &time).ok()
        });
        // A pattern is checked with the configuration, and such times are all in range.
        filled.map_or_else(|| self.pattern.clone(), PathBuf::from)
    }

    /// The folder that must be there; those below it, which depend on the date, are made.
    pub fn root(&self) -> &Path {
        let named = |folder: &Path| folder.to_str().is_none_or(|folder| !folder.contains('%'));
        let root = self.pattern.ancestors().skip(1).find(|folder| !self.dated || named(folder));
        root.filter(|root| !root.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }
}

/// What a file is called once it has been rotated away.
pub fn rotated(path: &Path, number: u64) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// The path and the number that a rotated file's name is made of.
pub fn unrotated(path: &Path) -> Option<(PathBuf, u64)> {
    let (base, number) = path.to_str()?.rsplit_once('.')?;
    let number = number.parse().ok()?;
    (rotated(Path::new(base), number) == path).then(|| (PathBuf::from(base), number))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::path::{Path, PathBuf};

    use super::{Place, check_path, rotated, unrotated};

    #[test]
    fn a_path_takes_the_date_and_only_dated_folders_are_made() {
        let place = Place::new(Path::new("/var/out/%Y/%m-%d/x.%H"));
        assert_eq!(place.at(1_763_751_599_999_999_999), Path::new("/var/out/2025/11-21/x.18"));
        assert_eq!(place.root(), Path::new("/var/out"));
        assert_eq!(Place::new(Path::new("a/b")).root(), Path::new("a"));
        assert_eq!(Place::new(Path::new("%d")).root(), Path::new("."));
        assert_eq!(Place::new(Path::new("100%%")).at(0), Path::new("100%"));
    }

    #[test]
    fn what_is_no_conversion_is_refused() {
        assert!(check_path("out/%Y/events").is_ok() && check_path("events").is_ok());
        assert!(check_path("out/%!").unwrap_err().contains("%%"));
    }

    #[test]
    fn rotated_names_are_known_again() {
        assert_eq!(unrotated(&rotated(Path::new("/a/b.1"), 12)), Some((PathBuf::from("/a/b.1"), 12)));
        assert_eq!(unrotated(Path::new("/a/b.01")), None);
        assert_eq!(unrotated(Path::new("/a/b")), None);
    }
}
