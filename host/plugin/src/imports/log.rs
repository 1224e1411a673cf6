//! `log`: diagnostics, at any time.

use super::Interface;
use crate::abi::Level;
use crate::host::Phase;

pub(super) fn link(log: &mut Interface) -> wasmtime::Result<()> {
    log.act("log", Phase::ANY, |host, (level, message): (Level, String)| {
        host.log.line(level, &message);
        Ok(())
    })
}
