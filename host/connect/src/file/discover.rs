//! Which files a source reads.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Paths, Pattern};

/// `*` stays within a name, and hidden files are meant only where the pattern says so.
const OPTIONS: MatchOptions = MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// A pattern that brings no files to read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoverError {
    /// It is no pattern.
    #[error("{pattern:?} is no pattern: {reason}")]
    Pattern {
        /// As written.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such file.
    #[error("there is no file {pattern:?}")]
    Missing {
        /// As written.
        pattern: String,
    },
    /// No file is named so.
    #[error("no file matches {pattern:?}")]
    Nothing {
        /// As written.
        pattern: String,
    },
    /// A folder was named, not its files.
    #[error("{pattern:?} is a directory: name its files, as in \"{pattern}/*\"")]
    Directory {
        /// As written.
        pattern: String,
    },
}

/// Says what is wrong with a pattern, if it is none.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    Pattern::new(pattern).map(drop).map_err(|error| error.to_string())
}

/// The files of one pattern, without those that one of `exclude` matches; in the order of their paths, each once.
pub fn discover(include: &str, exclude: &[String]) -> Result<Vec<PathBuf>, DiscoverError> {
    discover_with(include, exclude, |_| true)
}

/// The same; `say`: whether to log that a folder cannot be looked into.
pub fn discover_with(include: &str, exclude: &[String], mut say: impl FnMut(&Path) -> bool) -> Result<Vec<PathBuf>, DiscoverError> {
    let wrong = |pattern: &str, reason: String| DiscoverError::Pattern { pattern: pattern.to_owned(), reason };
    let parse = |pattern: &String| Pattern::new(pattern).map_err(|error| wrong(pattern, error.to_string()));
    let excluded = exclude.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    let excluded = |path: &Path| excluded.iter().any(|pattern| pattern.matches_path_with(path, OPTIONS));
    if !include.contains(['*', '?', '[']) {
        let path = PathBuf::from(include);
        return match fs::metadata(&path) {
            Ok(found) if found.is_dir() => Err(DiscoverError::Directory { pattern: include.trim_end_matches('/').to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(DiscoverError::Missing { pattern: include.to_owned() }),
            // What else may be wrong with it shows when it is opened.
            _ if excluded(&path) => Err(DiscoverError::Nothing { pattern: include.to_owned() }),
            _ => Ok(vec![path]),
        };
    }
    let paths: Paths = glob::glob_with(include, OPTIONS).map_err(|error| wrong(include, error.to_string()))?;
    let found = paths.filter_map(|path| match path {
        Ok(path) => Some(path),
        Err(error) => {
            if say(error.path()) {
                tracing::warn!(path = %error.path().display(), error = %error.error(), "this folder cannot be looked into");
            }
            None
        }
    });
    let files: BTreeSet<_> = found.filter(|path| !path.is_dir() && !excluded(path)).collect();
    if files.is_empty() { Err(DiscoverError::Nothing { pattern: include.to_owned() }) } else { Ok(files.into_iter().collect()) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{DiscoverError, discover};

    #[test]
    fn patterns_find_files_in_order_and_leave_folders_and_excluded_ones_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.log", "a.log", "c.txt", ".hidden.log"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("d.log")).unwrap();
        let pattern = |name: &str| folder.path().join(name).display().to_string();
        let names =
            |found: Vec<std::path::PathBuf>| found.iter().map(|path| path.file_name().unwrap().display().to_string()).collect::<Vec<_>>();
        assert_eq!(names(discover(&pattern("*.log"), &[]).unwrap()), ["a.log", "b.log"]);
        assert_eq!(names(discover(&pattern("*.log"), &[pattern("b*")]).unwrap()), ["a.log"]);
        assert_eq!(names(discover(&pattern("c.txt"), &[]).unwrap()), ["c.txt"]);
        assert!(matches!(discover(&pattern("*.none"), &[]), Err(DiscoverError::Nothing { .. })));
        assert!(matches!(discover(&pattern("none"), &[]), Err(DiscoverError::Missing { .. })));
        assert!(matches!(discover(&pattern("d.log"), &[]), Err(DiscoverError::Directory { .. })));
        assert!(matches!(discover("a[", &[]), Err(DiscoverError::Pattern { .. })));
    }
}
