//! What is wrong with a configuration: all of it is collected, then shown in the order of the file.

use std::cell::RefCell;
use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::document::{Document, Place};

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Where; none if it is about the whole.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

/// Collects problems while the configuration is read; shared by everything that reads.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Something is wrong at a place.
    pub fn at(&self, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.0.borrow_mut().push(Problem { place: Some(place.clone()), message: message.into(), help: help.into() });
    }

    /// Something is wrong with the whole.
    pub fn whole(&self, message: impl Into<String>, help: impl Into<String>) {
        self.0.borrow_mut().push(Problem { place: None, message: message.into(), help: help.into() });
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Everything that is wrong, with the texts to show it in.
    pub fn into_error(self, documents: Vec<Document>) -> ConfigError {
        let mut problems = self.0.into_inner();
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        ConfigError { problems, documents }
    }
}

/// A configuration that cannot be used, with all that is wrong with it.
#[derive(Clone, Debug)]
pub struct ConfigError {
    problems: Vec<Problem>,
    documents: Vec<Document>,
}

impl ConfigError {
    /// For people: each problem with its place, an excerpt and what would be right; in colour if asked for.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let shown: Vec<_> = self.problems.iter().map(|problem| renderer.render(&[self.group(problem)])).collect();
        let count = match shown.len() {
            1 => "1 error".into(),
            many => format!("{many} errors"),
        };
        let name = self.documents.first().map_or("configuration", |document| &document.name);
        format!("{}\n\n{name}: {count}", shown.join("\n\n"))
    }

    fn group<'a>(&'a self, problem: &'a Problem) -> Group<'a> {
        let title = Level::ERROR.primary_title(problem.message.as_str());
        let document = problem.place.as_ref().and_then(|place| Some((place, self.documents.get(place.document)?)));
        let mut group = match document {
            Some((place, document)) => {
                // A table's place may be many lines long: its first line says enough.
                let text = document.text.get(place.range()).unwrap_or_default();
                let length = text.lines().next().map_or(0, str::len);
                let annotation = AnnotationKind::Primary.span(place.start..place.start + length);
                title.element(Snippet::source(document.text.as_str()).path(document.name.as_str()).annotation(annotation))
            }
            None => Group::with_title(title),
        };
        if !problem.help.is_empty() {
            group = group.element(Level::HELP.message(problem.help.as_str()));
        }
        group
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for ConfigError {}

/// The name nearest to a wrong one, if one is near enough to be meant.
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.into_iter().map(|name| (strsim::normalized_damerau_levenshtein(wrong, name), name));
    scored.filter(|(likeness, _)| *likeness >= 0.5).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

/// Help for a wrong name: the nearest right one, else all of them.
pub fn suggest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(wrong, names.clone()) {
        Some(name) => format!("did you mean {name:?}?"),
        None => {
            let all: Vec<_> = names.into_iter().collect();
            if all.is_empty() { String::new() } else { format!("known here: {}", all.join(", ")) }
        }
    }
}
