//! The admin page (`[admin] address`): health, metrics and figures of a run, for the person at 3 a.m.
//!
//! There is one description of how a run stands, [`status::Status`]; the paths show it in different forms, and `eyas top` draws it.

mod metrics;
mod problems;
mod serve;
pub mod status;
mod view;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use eyas_connect::Stop;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use status::{State, Status};
pub use view::View;

/// The page of one run, until it is dropped.
pub struct Admin {
    page: Arc<Page>,
    task: JoinHandle<()>,
}

/// What the page shows.
struct Page {
    started: Instant,
    stop: Stop,
    /// The input has ended.
    ending: AtomicBool,
    /// Nothing before there is a run to look at, and after.
    view: Mutex<Option<Arc<View>>>,
}

impl Admin {
    /// Begins to listen and to answer. `stop` is that of the run.
    pub fn start(address: SocketAddr, runtime: &Handle, stop: &Stop) -> std::io::Result<Self> {
        let _inside = runtime.enter();
        let listener = serve::listen(address)?;
        let view = Mutex::default();
        let page = Arc::new(Page { started: Instant::now(), stop: stop.clone(), ending: AtomicBool::new(false), view });
        tracing::info!("health, metrics and figures are at http://{}/", listener.local_addr().unwrap_or(address));
        let task = runtime.spawn(serve::serve(listener, page.clone()));
        Ok(Self { page, task })
    }

    /// Shows a run.
    pub fn show(&self, view: View) {
        *self.page.view.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(view));
    }

    /// Nothing more is taken in.
    pub fn ending(&self) {
        self.page.ending.store(true, Ordering::Release);
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.task.abort();
        *self.page.view.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Page {
    /// Whether events are taken in.
    fn state(&self) -> State {
        if self.ending.load(Ordering::Acquire) || self.stop.requested().is_some() {
            return State::Stopping;
        }
        self.view().map_or(State::Starting, |view| view.state())
    }

    /// How the run stands.
    fn status(&self) -> Status {
        let status = Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            state: self.state(),
            uptime_seconds: self.started.elapsed().as_secs_f64(),
            memory_bytes: memory_bytes(),
            ..Status::default()
        };
        let status = match self.view() {
            Some(view) => view.describe(status),
            None => status,
        };
        Status { problems: problems::problems(&status), ..status }
    }

    fn view(&self) -> Option<Arc<View>> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How much memory this process holds.
fn memory_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}
