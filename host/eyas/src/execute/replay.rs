//! The input log of a state folder, run again from its first record: the same alerts, byte for byte.

use std::iter::Peekable;
use std::time::{Duration, Instant};

use eyas_connect::Stop;
use eyas_engine::{Admission, Counters, Engine, Recovery, Report, State};
use eyas_state::{Folder, Journal, Logged, Reader, Record, Store};

use super::state::Bytes;
use super::{Ended, RunError, sinks};
use crate::assembly::Assembly;

/// Runs the input log of the configuration's state folder again, into the sinks of the assembly. Nothing in the folder changes.
pub fn replay_log(assembly: &Assembly) -> Result<Ended, RunError> {
    let plan = assembly.plan.top.state.as_ref();
    let plan = plan.ok_or_else(|| RunError::Usage("the configuration has no state_dir, so there is no input log".to_owned()))?;
    let folder = Folder::look(&plan.dir)?;
    let mut records = Journal::look(&folder, true)?.peekable();
    if let Some(Ok(Logged { number: first @ 1.., .. })) = records.peek() {
        return Err(RunError::Usage(format!(
            "the input log begins at record {first}: what stood before it went with a checkpoint; keep_log = true keeps it from the first run on"
        )));
    }
    // Between two ends of input the state lives here: as with `--resume`, it goes on from what it was before the first.
    let scratch = tempfile::tempdir()?;
    let scratch = Folder::open(scratch.path())?;
    let mut recovery = Recovery::scan(Journal::look(&folder, false)?, None)?;
    let mut bytes = Bytes::default();
    let (started, mut ended) = (Instant::now(), None);
    while ended.is_none() || records.peek().is_some() {
        let store = Store::open(&scratch)?;
        recovery.checkpoint = store.checkpoint()?;
        let state = State { store, journal: None, recovery: recovery.clone(), interval: Duration::MAX };
        ended = Some(stretch(assembly, state, &mut records, &mut bytes)?);
    }
    let (counters, partitions, report) = ended.ok_or_else(|| RunError::Usage("the input log is empty".to_owned()))?;
    Ok(Ended { elapsed: started.elapsed(), counters, partitions, report, cause: None, failures: Vec::new() })
}

type Stretch = (std::sync::Arc<Counters>, std::sync::Arc<eyas_engine::Partitions>, Report);

/// Up to the next end of input, or of the log.
fn stretch(assembly: &Assembly, state: State, records: &mut Peekable<Reader>, bytes: &mut Bytes) -> Result<Stretch, RunError> {
    let stop = Stop::new()?;
    let writers = sinks::open(&assembly.plan, None)?.into_iter().map(|(writer, _)| writer).collect();
    let (engine, admission, outlets) = Engine::start(&assembly.topology, &assembly.settings, Some(state))?;
    let running = sinks::start(writers, outlets, &stop, None)?;
    let fed = feed(&admission, records, bytes);
    match fed {
        Ok(true) => admission.finish(),
        _ => admission.stop(),
    }
    for sink in running {
        sink.join()?;
    }
    drop(admission);
    let (counters, partitions) = (engine.counters(), engine.partitions());
    let report = engine.join()?;
    fed.map(|_| (counters, partitions, report))
}

/// Gives whether it came to an end of input.
fn feed(admission: &Admission, records: &mut Peekable<Reader>, bytes: &mut Bytes) -> Result<bool, RunError> {
    for logged in records.by_ref() {
        let logged = logged?;
        let flush = logged.record == Record::Flush;
        let buffer = bytes.of(&logged.record, logged.bytes)?;
        if admission.replay(logged.number, logged.record, buffer).is_err() {
            break;
        }
        if flush {
            admission.replayed();
            return Ok(true);
        }
    }
    admission.replayed();
    Ok(false)
}
