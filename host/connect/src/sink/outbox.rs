//! Alerts on their way to one sink: whoever collects them does not wait for whoever writes them, until there are too many.
//!
//! Alerts are a function of the input log. So this is a bounded queue in memory: what is in it is written with each checkpoint, and what
//! came after the checkpoint comes again with the replay (SEMANTICS 10.3).

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many bytes wait at the most, unless told otherwise.
pub const OUTBOX_BYTES: usize = 64 << 20;

/// What a line costs beside its bytes: so many empty ones are bounded, too.
const LINE: usize = size_of::<Box<[u8]>>();

/// Lines for one sink, the oldest first. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Outbox {
    shared: Arc<Shared>,
}

/// The outbox takes nothing in any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the outbox takes nothing in any more")]
pub struct OutboxClosed;

/// What there is to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The oldest lines.
    Batch(OutboxBatch),
    /// Nothing yet.
    Nothing,
    /// Nothing, and no more comes.
    Closed,
}

/// The oldest lines of an outbox. They stay in it until they are [`Outbox::taken`]; whoever asks before gets them again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxBatch {
    /// Whole lines, each with its newline; one at least.
    pub bytes: Vec<u8>,
    /// How many lines they are.
    pub lines: usize,
    /// The number of the first of them, counted from 0 when the outbox was made.
    first: u64,
}

impl OutboxBatch {
    /// Each line as a batch of its own.
    pub(crate) fn each(&self) -> impl Iterator<Item = OutboxBatch> {
        let lines = self.bytes.split_inclusive(|&byte| byte == b'\n');
        lines.zip(self.first..).map(|(line, first)| OutboxBatch { bytes: line.to_vec(), lines: 1, first })
    }
}

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    limit: usize,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Box<[u8]>>,
    bytes: usize,
    /// How many lines have been taken out.
    taken: u64,
    /// How many checkpoints have captured it.
    passed: u64,
    /// How many entrances there are.
    entrances: usize,
    closed: bool,
}

impl Outbox {
    /// Holds `pending` lines from the start, and about so many bytes at the most.
    pub fn new(limit: usize, pending: &[String]) -> Self {
        let mut queue = Queue::default();
        pending.iter().for_each(|line| queue.add(line.as_bytes()));
        Self { shared: Arc::new(Shared { queue: Mutex::new(queue), changed: Condvar::new(), limit }) }
    }

    /// Adds whole lines, all at once. Waits while the outbox is full; it may be over its limit by one such call. Blank lines are dropped.
    ///
    /// Errors once it is closed: nothing has been added then.
    pub fn push(&self, lines: &[u8]) -> Result<(), OutboxClosed> {
        self.add(lines, |_| ())
    }

    /// The same; `note` gets to know how many checkpoints had captured the outbox when the lines came in.
    fn add(&self, lines: &[u8], note: impl FnOnce(u64)) -> Result<(), OutboxClosed> {
        let full = |queue: &mut Queue| queue.bytes >= self.shared.limit && !queue.closed;
        let mut queue = self.shared.changed.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        if queue.closed {
            return Err(OutboxClosed);
        }
        lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).for_each(|line| queue.add(line));
        note(queue.passed);
        drop(queue);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// The oldest lines, at most so many bytes unless one alone is longer; waits for them so long.
    pub fn next(&self, max_bytes: usize, wait: Duration) -> Next {
        let empty = |queue: &mut Queue| queue.lines.is_empty() && !queue.closed;
        // A poisoned lock only means that another thread panicked between two whole changes.
        let (queue, _) = self.shared.changed.wait_timeout_while(self.lock(), wait, empty).unwrap_or_else(PoisonError::into_inner);
        let mut batch = OutboxBatch { bytes: Vec::new(), lines: 0, first: queue.taken };
        for line in &queue.lines {
            if batch.lines > 0 && batch.bytes.len() + line.len() + 1 > max_bytes {
                break;
            }
            batch.bytes.extend_from_slice(line);
            batch.bytes.push(b'\n');
            batch.lines += 1;
        }
        match batch.lines {
            0 if queue.closed => Next::Closed,
            0 => Next::Nothing,
            _ => Next::Batch(batch),
        }
    }

    /// A batch has been written, or refused for good: its lines leave.
    pub fn taken(&self, batch: &OutboxBatch) {
        self.taken_with(batch, || ());
    }

    /// As [`Outbox::taken`]; what `note` does is seen by [`Outbox::capture`] together with it.
    pub fn taken_with<R>(&self, batch: &OutboxBatch, note: impl FnOnce() -> R) -> R {
        let mut queue = self.lock();
        let noted = note();
        while queue.taken < batch.first + batch.lines as u64 && queue.drop_first() {}
        drop(queue);
        self.shared.changed.notify_all();
        noted
    }

    /// The lines that have not been taken, without their newlines.
    pub fn pending(&self) -> Vec<String> {
        self.lock().pending()
    }

    /// For a checkpoint: gives `look` the lines that have not been taken, while nothing can be added or taken, so that both are of one
    /// moment. It has captured the outbox if that gives something.
    pub fn capture<R>(&self, look: impl FnOnce(Vec<String>) -> Option<R>) -> Option<R> {
        let mut queue = self.lock();
        let captured = look(queue.pending());
        queue.passed += u64::from(captured.is_some());
        captured
    }

    /// How many checkpoints have captured it.
    pub fn passed(&self) -> u64 {
        self.lock().passed
    }

    /// Another way in than that of whoever closes it.
    pub fn entrance(&self) -> Entrance {
        self.lock().entrances += 1;
        Entrance { outbox: self.clone(), late: Mutex::default() }
    }

    /// Does something while nothing can be added or taken.
    pub(crate) fn still<R>(&self, act: impl FnOnce() -> R) -> R {
        let _queue = self.lock();
        act()
    }

    /// Closes it once nobody is left who may come in by an entrance.
    pub fn close_behind_all(&self) {
        let busy = |queue: &mut Queue| queue.entrances > 0 && !queue.closed;
        drop(self.shared.changed.wait_while(self.lock(), busy).unwrap_or_else(PoisonError::into_inner));
        self.close();
    }

    /// Takes nothing in any more; what is in it can be written still.
    pub fn close(&self) {
        self.lock().closed = true;
        self.shared.changed.notify_all();
    }

    /// Waits until all has been written, or so long. Gives whether all has been.
    pub fn wait_empty(&self, wait: Duration) -> bool {
        let waited = self.shared.changed.wait_timeout_while(self.lock(), wait, |queue| !queue.lines.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.lines.is_empty()
    }

    /// Whether whoever adds to it would have to wait.
    pub fn is_full(&self) -> bool {
        self.lock().bytes >= self.shared.limit
    }

    /// Whether it takes nothing in any more.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// How many lines have not been taken, and their bytes.
    pub fn waiting(&self) -> (usize, usize) {
        let queue = self.lock();
        (queue.lines.len(), queue.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A way for another sink to bring its dead letters into an outbox, which is closed by its own sink only when all entrances are gone.
///
/// A checkpoint passes both sinks, each at its time. What the other sink brings for events before the checkpoint, after the checkpoint has
/// captured the outbox, is in neither's state: an entrance keeps it, for the other sink's state.
#[derive(Debug)]
pub struct Entrance {
    outbox: Outbox,
    late: Mutex<Vec<Late>>,
}

/// A line that no checkpoint before this one finds in the outbox.
#[derive(Debug)]
struct Late {
    until: u64,
    line: String,
}

impl Entrance {
    /// As [`Outbox::push`], for one line, about an event before which so many checkpoints had begun.
    pub fn push(&self, line: &[u8], epoch: u64) -> Result<(), OutboxClosed> {
        self.outbox.add(line, |passed| {
            if passed > epoch {
                let line = String::from_utf8_lossy(line).trim_end().to_owned();
                self.late.lock().unwrap_or_else(PoisonError::into_inner).push(Late { until: passed, line });
            }
        })
    }

    /// At a checkpoint, before which there were so many: the lines that whoever brought them has to keep for it.
    pub fn unsettled(&self, checkpoint: u64) -> Vec<String> {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.retain(|late| late.until > checkpoint);
        late.iter().map(|late| late.line.clone()).collect()
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        self.outbox.lock().entrances -= 1;
        self.outbox.shared.changed.notify_all();
    }
}

impl Queue {
    fn pending(&self) -> Vec<String> {
        self.lines.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    fn add(&mut self, line: &[u8]) {
        self.bytes += line.len() + LINE;
        self.lines.push_back(line.into());
    }

    fn drop_first(&mut self) -> bool {
        let Some(line) = self.lines.pop_front() else { return false };
        self.bytes -= line.len() + LINE;
        self.taken += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::time::Duration;

    use super::{Next, Outbox, OutboxBatch};

    const SOON: Duration = Duration::ZERO;
    const LATER: Duration = Duration::from_secs(10);

    fn batch(outbox: &Outbox, max_bytes: usize, wait: Duration) -> OutboxBatch {
        match outbox.next(max_bytes, wait) {
            Next::Batch(batch) => batch,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn lines_come_out_in_order_whole_and_stay_until_they_are_taken() {
        let outbox = Outbox::new(1000, &["old".to_owned()]);
        outbox.push(b"a\nbb\n\nccc").unwrap();
        let first = batch(&outbox, 6, SOON);
        assert_eq!(first.bytes, b"old\na\n");
        assert_eq!(batch(&outbox, 6, SOON), first, "not taken, so given again");
        outbox.taken(&first);
        outbox.taken(&first);
        assert_eq!(outbox.pending(), ["bb", "ccc"], "twice taken is once taken");
        assert_eq!(batch(&outbox, 1, SOON).bytes, b"bb\n", "one line at least");
    }

    #[test]
    fn nothing_yet_is_not_the_end() {
        let outbox = Outbox::new(1000, &[]);
        assert_eq!(outbox.next(10, SOON), Next::Nothing);
        outbox.push(b"a\n").unwrap();
        outbox.close();
        assert!(outbox.push(b"b\n").is_err());
        let last = batch(&outbox, 10, SOON);
        outbox.taken(&last);
        assert_eq!(outbox.next(10, LATER), Next::Closed);
    }

    #[test]
    fn it_never_holds_much_more_than_its_limit_and_loses_nothing() {
        let outbox = Outbox::new(200, &[]);
        let writer = outbox.clone();
        let pushing = std::thread::spawn(move || {
            for number in 0..500 {
                writer.push(format!("{number}\n").as_bytes()).unwrap();
                assert!(writer.waiting().1 < 200 + 40);
            }
            writer.close();
        });
        let mut all = Vec::new();
        loop {
            match outbox.next(16, LATER) {
                Next::Batch(batch) => {
                    outbox.taken(&batch);
                    all.extend(batch.bytes);
                }
                Next::Nothing => panic!("nobody pushes"),
                Next::Closed => break,
            }
        }
        pushing.join().unwrap();
        assert_eq!(all, (0..500).flat_map(|number| format!("{number}\n").into_bytes()).collect::<Vec<_>>());
    }

    /// A taker and another sink, which brings it dead letters of the events before and behind each checkpoint, while both pass checkpoints each
    /// at its own time.
    #[test]
    fn of_each_event_before_a_checkpoint_one_of_both_keeps_the_dead_letter() {
        for seed in 0..500 {
            let mut random = fastrand::Rng::with_seed(seed);
            let outbox = Outbox::new(1 << 20, &[]);
            let (entrance, mut written) = (outbox.entrance(), Vec::new());
            let (mut takers, mut others, mut brought) = (Vec::<Vec<String>>::new(), Vec::new(), Vec::new());
            for step in 0..60 {
                // The one that is behind, or either, for the last may be ahead by two.
                match random.u8(..6) {
                    0 if takers.len() <= others.len() + 1 => {
                        let pending = outbox.capture(Some).unwrap();
                        takers.push(written.iter().cloned().chain(pending).collect());
                    }
                    1 if others.len() <= takers.len() + 1 => others.push(entrance.unsettled(others.len() as u64)),
                    2 => {
                        if let Next::Batch(batch) = outbox.next(1, SOON) {
                            written.push(String::from_utf8(batch.bytes.trim_ascii().to_vec()).unwrap());
                            outbox.taken(&batch);
                        }
                    }
                    _ => {
                        // It may be of an event behind a checkpoint that has not passed yet.
                        let epoch = others.len() as u64 + u64::from(random.u8(..4) == 0);
                        entrance.push(step.to_string().as_bytes(), epoch).unwrap();
                        brought.push((epoch, step.to_string()));
                    }
                }
            }
            for (checkpoint, (taker, other)) in takers.iter().zip(&others).enumerate() {
                for (_, line) in brought.iter().filter(|(epoch, _)| *epoch <= checkpoint as u64) {
                    let copies = taker.iter().chain(other).filter(|kept| *kept == line).count();
                    assert_eq!(copies, 1, "seed {seed}: {line} at checkpoint {checkpoint}");
                }
            }
        }
    }

    #[test]
    fn what_is_captured_and_what_is_noted_are_of_one_moment() {
        let outbox = Outbox::new(1 << 20, &[]);
        for number in 0..2000 {
            outbox.push(format!("{number}\n").as_bytes()).unwrap();
        }
        outbox.close();
        let written = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while let Next::Batch(batch) = outbox.next(50, SOON) {
                    outbox.taken_with(&batch, || written.fetch_add(batch.lines, std::sync::atomic::Ordering::Relaxed));
                }
            });
            let look = |pending: Vec<String>| {
                assert_eq!(pending.len() + written.load(std::sync::atomic::Ordering::Relaxed), 2000);
                (!pending.is_empty()).then_some(())
            };
            while outbox.capture(look).is_some() {}
        });
    }
}
