//! SIGTERM and SIGINT: the first one drains, the second one stops at once.

use std::io;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{Cause, Stop};

/// Starts the thread that waits for signals. After the first one a run has `drain` to write what it has taken in.
pub fn watch_signals(stop: Stop, drain: Duration) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (terminate, interrupt) = {
        let _inside = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    std::thread::Builder::new().name("signals".into()).spawn(move || runtime.block_on(watch(stop, drain, terminate, interrupt)))?;
    Ok(())
}

async fn watch(stop: Stop, drain: Duration, mut terminate: Signal, mut interrupt: Signal) {
    let first = either(&mut terminate, &mut interrupt).await;
    tracing::info!("stopping: what was read is still worked through; a second signal stops at once");
    stop.request(Cause::Signal(first));
    tokio::select! {
        second = either(&mut terminate, &mut interrupt) => std::process::exit(128 + second),
        () = tokio::time::sleep(drain) => {
            tracing::error!(drain_secs = drain.as_secs_f64(), "not everything could be written in time: a sink is too slow");
            std::process::exit(1);
        }
    }
}

/// The number of whichever signal comes first.
async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> i32 {
    tokio::select! {
        _ = terminate.recv() => SignalKind::terminate().as_raw_value(),
        _ = interrupt.recv() => SignalKind::interrupt().as_raw_value(),
    }
}
