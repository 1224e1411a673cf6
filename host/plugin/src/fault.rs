//! From wasmtime's errors to faults that a person can read.

use std::time::Duration;

use wasmtime::{Error, Trap, WasmBacktrace};

use crate::host::Host;
use crate::refusal::Refusal;
use crate::text::escape;
use crate::{Fault, FaultKind};

const MESSAGE_BYTES: usize = 4096;
const FRAMES: usize = 4;

/// What a call that failed means. To be asked before the host's data is reset.
pub(crate) fn fault_of(error: &Error, host: &Host, deadline: Duration) -> Fault {
    let (kind, mut message) = cause(error, host, deadline);
    if let Some(said) = host.log.last_error().filter(|_| kind == FaultKind::Trap) {
        message = format!("{message}; it said: {said}");
    }
    if let Some(frames) = frames(error) {
        message = format!("{message}; in {frames}");
    }
    Fault { kind, message: escape(&message, MESSAGE_BYTES), progress: host.findings.progress }
}

fn cause(error: &Error, host: &Host, deadline: Duration) -> (FaultKind, String) {
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        return (refusal.kind, refusal.message.clone());
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::Interrupt) {
        return (FaultKind::Deadline, format!("{} took longer than {deadline:?}", host.phase.name()));
    }
    if host.memory.was_denied() {
        return (FaultKind::Memory, format!("wanted more memory than its {} bytes", host.memory.cap()));
    }
    match trap {
        Some(Trap::CannotLeaveComponent) => {
            (FaultKind::Refused, "called the host while the host was writing into its memory (in cabi_realloc)".to_owned())
        }
        Some(Trap::StackOverflow) => (FaultKind::Trap, "recursion too deep for its stack".to_owned()),
        Some(trap) => (FaultKind::Trap, trap.to_string().trim_start_matches("wasm trap: ").to_owned()),
        None => without_trap(error),
    }
}

/// wasmtime did not take what the guest handed over: not UTF-8, beyond its memory, no such case. Of these too much data has no type
/// of its own to be known by.
fn without_trap(error: &Error) -> (FaultKind, String) {
    let cause = error.root_cause().to_string();
    let kind = if cause.contains("fuel allocated for hostcalls") { FaultKind::Limit } else { FaultKind::Refused };
    (kind, cause)
}

/// The innermost functions, where the plugin kept their names.
fn frames(error: &Error) -> Option<String> {
    let backtrace = error.downcast_ref::<WasmBacktrace>()?;
    let names = backtrace.frames().iter().filter_map(|frame| frame.func_name());
    let names: Vec<_> = names.map(|name| format!("{:#}", rustc_demangle::demangle(name))).take(FRAMES).collect();
    if names.is_empty() { None } else { Some(names.join(" < ")) }
}
