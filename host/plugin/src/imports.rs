//! The functions that the host offers, one file an interface. All that a guest gives is checked here, before anybody else sees it.

mod batch;
mod log;
mod results;
mod setup;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Linker, LinkerInstance, Lower};
use wasmtime::{Engine, Error, StoreContextMut};

use crate::host::{Host, Phase};
use crate::refusal::Refusal;
use crate::{PluginError, contract};

/// What is offered: functions by interface ("batch"), as they were linked.
pub(crate) type Offered = BTreeMap<&'static str, BTreeSet<&'static str>>;

/// Links the functions of one interface.
type LinkInterface = fn(&mut Interface) -> wasmtime::Result<()>;

/// Links all functions.
pub(crate) fn link(engine: &Engine) -> Result<(Linker<Host>, Offered), PluginError> {
    let mut linker = Linker::new(engine);
    let mut offered = Offered::new();
    let interfaces: [(&'static str, LinkInterface); 5] =
        [("log", log::link), ("setup", setup::link), ("batch", batch::link), ("results", results::link), ("state", state::link)];
    for (name, functions) in interfaces {
        let mut link = |linker: &mut Linker<Host>| {
            let linker = linker.instance(&contract::interface(name))?;
            functions(&mut Interface { linker, name, functions: offered.entry(name).or_default() })
        };
        link(&mut linker).map_err(|error| PluginError::Engine(format!("{error:#}")))?;
    }
    Ok((linker, offered))
}

/// One interface while its functions are linked.
struct Interface<'a> {
    linker: LinkerInstance<'a, Host>,
    name: &'static str,
    functions: &'a mut BTreeSet<&'static str>,
}

impl Interface<'_> {
    /// A function with a result.
    fn get<P, R>(
        &mut self,
        name: &'static str,
        phases: Phase,
        function: impl Fn(&mut Host, P) -> Result<R, Refusal> + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentType + Lower + 'static,
    {
        self.link(name, phases, move |host, parameters| Ok((function(host, parameters)?,)))
    }

    /// A function without one.
    fn act<P>(
        &mut self,
        name: &'static str,
        phases: Phase,
        function: impl Fn(&mut Host, P) -> Result<(), Refusal> + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
    {
        self.link(name, phases, function)
    }

    fn link<P, R>(
        &mut self,
        name: &'static str,
        phases: Phase,
        function: impl Fn(&mut Host, P) -> Result<R, Refusal> + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + 'static,
        R: ComponentNamedList + Lower + 'static,
    {
        self.functions.insert(name);
        let interface = self.name;
        let refused = move |refusal: Refusal| Error::new(refusal.at(&format!("{interface}.{name}")));
        self.linker.func_wrap(name, move |mut store: StoreContextMut<Host>, parameters: P| {
            let host = store.data_mut();
            if !host.phase.is_in(phases) {
                return Err(refused(Refusal::new(format!("may not be called in {}", host.phase.name()))));
            }
            function(host, parameters).map_err(refused)
        })
    }
}
