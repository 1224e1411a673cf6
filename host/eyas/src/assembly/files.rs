//! What a configuration names in the file system, looked at: whether it is there, and what it should be.

use std::path::{Path, PathBuf};

use eyas_connect::{TlsError, discover};

use crate::config::{FileAt, Place, Plan, Problems, SinkKind, SourceKind};
use crate::execute::{client_tls, server_tls};

/// The files of a source, each once, in the order of their paths.
pub fn find_files(kind: &SourceKind, problems: &Problems) -> Vec<PathBuf> {
    let SourceKind::File { include, exclude, .. } = kind else { return Vec::new() };
    let exclude: Vec<_> = exclude.iter().map(|text| text.value.clone()).collect();
    let (mut files, mut seen) = (Vec::new(), std::collections::HashSet::new());
    for (pattern, place) in include {
        match discover(&pattern.value, &exclude) {
            Ok(found) => {
                files.extend(found.into_iter().filter(|path| seen.insert(std::fs::canonicalize(path).unwrap_or_else(|_| path.clone()))))
            }
            Err(error) => problems.at(place, error.to_string(), "paths are relative to the folder in which eyas was started"),
        }
    }
    files.sort();
    files
}

/// A file sink's folder must be there, and no file may be read while it is written to.
pub fn check_sinks(plan: &Plan, files: &[Vec<PathBuf>], problems: &Problems) {
    for sink in &plan.sinks {
        let (SinkKind::File { path, .. }, Some(place)) = (&sink.kind, &sink.place) else { continue };
        let target = Path::new(&path.value);
        // Folders that have the date in their names are made as they are needed.
        let parent = target.ancestors().skip(1).find(|folder| !folder.to_string_lossy().contains('%')).unwrap_or(target);
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        if target.is_dir() {
            problems.at(place, format!("sink {:?} would write to {path:?}, which is a directory", sink.name), "name a file in it");
        } else if !parent.is_dir() {
            let message = format!("sink {:?} would write to {path:?}, but there is no folder for it", sink.name);
            problems.at(
                place,
                message,
                format!("make it: mkdir -p {}", if path.value == path.shown { parent.display().to_string() } else { "***".into() }),
            );
        }
        let same = |file: &PathBuf| std::fs::canonicalize(file).ok().zip(std::fs::canonicalize(target).ok()).is_some_and(|(a, b)| a == b);
        if files.iter().flatten().any(same) && !target.starts_with("/dev") {
            let message = format!("sink {:?} would write to {path:?}, which a source reads", sink.name);
            problems.at(place, message, "give it another path, or exclude it from the source");
        }
    }
}

/// The folder of a Unix socket that a source listens at must be there.
pub fn check_sockets(plan: &Plan, problems: &Problems) {
    for source in &plan.sources {
        let SourceKind::Network(listening) = &source.kind else { continue };
        let Some(path) = listening.door.socket_path() else { continue };
        let parent = Path::new(&path.value).parent().filter(|parent| !parent.as_os_str().is_empty());
        if parent.is_some_and(|parent| !parent.is_dir()) {
            let message = format!("source {:?} would listen at {path:?}, but there is no folder for it", source.name);
            problems.at(&source.place, message, "make it, for those who may connect");
        }
    }
}

/// Certificates and keys must be in the files that are said to hold them.
pub fn check_tls(plan: &Plan, problems: &Problems) {
    for source in &plan.sources {
        let SourceKind::Network(listening) = &source.kind else { continue };
        let Some(tls) = &listening.tls else { continue };
        if let Err(error) = server_tls(tls) {
            let files = [Some(&tls.identity.certificate), Some(&tls.identity.key), tls.client_ca.as_ref()];
            say(&error, &files, &source.place, problems);
        }
    }
    for sink in &plan.sinks {
        let (SinkKind::Network(sending), Some(place)) = (&sink.kind, &sink.place) else { continue };
        let Some(tls) = &sending.tls else { continue };
        if let Err(error) = client_tls(tls) {
            let identity = tls.identity.as_ref();
            let files = [identity.map(|files| &files.certificate), identity.map(|files| &files.key), tls.ca_file.as_ref()];
            say(&error, &files, place, problems);
        }
    }
}

/// Shows it where the file is named that it is about.
fn say(error: &TlsError, files: &[Option<&FileAt>], component: &Place, problems: &Problems) {
    let file = match error {
        TlsError::Unreadable { file, .. } | TlsError::Unfit { file, .. } | TlsError::Mismatch { key: file, .. } => Some(file),
        _ => None,
    };
    let named = files.iter().flatten().find(|named| file.is_some_and(|file| *file == Path::new(&named.path.value)));
    let help = "certificates and keys are files in PEM; paths are relative to the folder in which eyas was started";
    problems.at(named.map_or(component, |named| &named.place), error.to_string(), help);
}
