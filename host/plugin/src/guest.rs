//! The exports of a detector: found once a plugin, typed once an instance.

use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower, TypedFunc};
use wasmtime::{Result, Store};

use crate::abi;
use crate::contract;
use crate::host::Host;

/// Where the exports stand in a component.
#[derive(Debug)]
pub(crate) struct Exports {
    interface: ComponentExportIndex,
}

impl Exports {
    /// `None` where the component does not export the interface.
    pub fn find(component: &Component) -> Option<Self> {
        Some(Self { interface: component.get_export_index(None, contract::interface("guest").as_str())? })
    }
}

/// The exports of an instance.
pub(crate) struct Guest {
    pub describe: TypedFunc<(), (abi::Description,)>,
    pub configure: TypedFunc<(String,), (std::result::Result<(), Vec<abi::Problem>>,)>,
    pub process: TypedFunc<(u32,), ()>,
    pub advance: TypedFunc<(i64,), ()>,
    pub flush: TypedFunc<(), ()>,
    pub snapshot: TypedFunc<(abi::Scope,), ()>,
    pub restore: TypedFunc<(), (std::result::Result<(), String>,)>,
}

impl Guest {
    /// Fails where an export has other types than the contract says.
    pub fn new(store: &mut Store<Host>, instance: &Instance, exports: &Exports) -> Result<Self> {
        Ok(Self {
            describe: function(store, instance, exports, "describe")?,
            configure: function(store, instance, exports, "configure")?,
            process: function(store, instance, exports, "process")?,
            advance: function(store, instance, exports, "advance")?,
            flush: function(store, instance, exports, "flush")?,
            snapshot: function(store, instance, exports, "snapshot")?,
            restore: function(store, instance, exports, "restore")?,
        })
    }
}

fn function<P, R>(store: &mut Store<Host>, instance: &Instance, exports: &Exports, name: &str) -> Result<TypedFunc<P, R>>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    let missing = || wasmtime::Error::msg(format!("guest.{name} is missing"));
    let index = instance.get_export_index(&mut *store, Some(&exports.interface), name).ok_or_else(missing)?;
    instance.get_typed_func(&mut *store, index).map_err(|error| error.context(format!("guest.{name}")))
}
