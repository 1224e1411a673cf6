//! What a plugin imports and exports, compared with what is offered and asked for, before anything is linked: wasmtime's own
//! message for a mismatch names neither what is missing nor the versions.

use std::collections::BTreeSet;

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::PluginError;
use crate::imports::Offered;

/// The contract that this host offers: the package of `wit/` and its version.
pub const CONTRACT: &str = "eyas:detector@0.1.0-rc.1";

/// The functions that a detector exports, all in the interface `guest`.
pub(crate) const EXPORTS: [&str; 7] = ["describe", "configure", "process", "advance", "flush", "snapshot", "restore"];

/// The full name of an interface of the contract.
pub(crate) fn interface(name: &str) -> String {
    let (package, version) = package_and_version();
    format!("{package}/{name}@{version}")
}

fn package_and_version() -> (&'static str, &'static str) {
    CONTRACT.split_once('@').unwrap_or((CONTRACT, ""))
}

/// What a plugin imports and exports: "interface.function", sorted; other items by their full names.
#[derive(Debug)]
pub(crate) struct Surface {
    pub imports: Vec<String>,
    pub exports: Vec<String>,
}

/// Compares a component with the contract. The error names all that does not fit.
pub(crate) fn compare(origin: &str, engine: &Engine, component: &Component, offered: &Offered) -> Result<Surface, PluginError> {
    let kind = component.component_type();
    let imports: Vec<_> = kind.imports(engine).flat_map(|(name, item)| items(engine, name, &item.ty)).collect();
    let exports: Vec<_> = kind.exports(engine).flat_map(|(name, item)| items(engine, name, &item.ty)).collect();
    if let Some(version) = imports.iter().chain(&exports).find_map(Item::other_version) {
        return Err(PluginError::OtherContract { origin: origin.to_owned(), built_for: format!("{}@{version}", package_and_version().0) });
    }
    let foreign: BTreeSet<String> = imports.iter().filter(|item| !item.is_offered(offered)).map(Item::to_string).collect();
    if !foreign.is_empty() {
        return Err(PluginError::NotOffered { origin: origin.to_owned(), imports: foreign.into_iter().collect() });
    }
    let exports = names(&exports);
    let missing: Vec<_> = EXPORTS.iter().map(|name| format!("guest.{name}")).filter(|name| !exports.contains(name)).collect();
    if !missing.is_empty() {
        return Err(PluginError::MissingExports { origin: origin.to_owned(), missing });
    }
    Ok(Surface { imports: names(&imports), exports })
}

/// An item of the contract, or of something else.
struct Item {
    /// Of an interface of ours its name and version, of another one its full name.
    interface: Interface,
    /// Nothing: the interface holds types alone.
    function: Option<String>,
}

enum Interface {
    Ours { name: String, version: String },
    Foreign(String),
}

/// What a component's import or export consists of.
fn items(engine: &Engine, name: &str, item: &ComponentItem) -> Vec<Item> {
    let ComponentItem::ComponentInstance(instance) = item else {
        return vec![Item { interface: Interface::Foreign(name.to_owned()), function: None }];
    };
    let functions = instance.exports(engine).filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)));
    let mut items: Vec<_> = functions.map(|(function, _)| Item { interface: parse(name), function: Some(function.to_owned()) }).collect();
    if items.is_empty() {
        items.push(Item { interface: parse(name), function: None });
    }
    items
}

fn parse(name: &str) -> Interface {
    let ours = name.strip_prefix(package_and_version().0).and_then(|rest| rest.strip_prefix('/')).and_then(|rest| rest.split_once('@'));
    match ours {
        Some((name, version)) => Interface::Ours { name: name.to_owned(), version: version.to_owned() },
        None => Interface::Foreign(name.to_owned()),
    }
}

fn names(items: &[Item]) -> Vec<String> {
    let named: BTreeSet<String> = items.iter().filter(|item| !item.is_types()).map(Item::to_string).collect();
    named.into_iter().collect()
}

impl Item {
    fn other_version(&self) -> Option<&str> {
        match &self.interface {
            Interface::Ours { version, .. } if version != package_and_version().1 => Some(version),
            _ => None,
        }
    }

    /// Types alone: nothing to link.
    fn is_types(&self) -> bool {
        matches!(self.interface, Interface::Ours { .. }) && self.function.is_none()
    }

    fn is_offered(&self, offered: &Offered) -> bool {
        let Interface::Ours { name, .. } = &self.interface else { return false };
        let Some(function) = &self.function else { return true };
        offered.get(name.as_str()).is_some_and(|functions| functions.contains(function.as_str()))
    }
}

impl std::fmt::Display for Item {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.interface, &self.function) {
            (Interface::Ours { name, .. }, Some(function)) => write!(out, "{name}.{function}"),
            (Interface::Ours { name, .. }, None) => out.write_str(name),
            // Of a foreign interface the whole is missing: its functions tell nobody more.
            (Interface::Foreign(name), _) => out.write_str(name),
        }
    }
}
