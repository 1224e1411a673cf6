//! What all shards know of the faults of detectors: what was skipped, how often there was a recovery, who is in quarantine. The crew
//! tells, the merge asks which alerts may lack something, a checkpoint takes all of it along.

mod known;
mod toll;
mod unseen;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use eyas_codec::Sharding;
use eyas_event::{Alert, Episode, Part, Place, Reference, Timestamp};
use eyas_state::{DetectorState, Journal, Record};

use crate::recovery::KnownSkip;
use crate::{OnFault, Recovery, Topology};
use known::Known;
pub(crate) use toll::PATIENCE;
use toll::Toll;
use unseen::{At, Unseen};

/// How many quarantine marks are remembered for their alerts: more cannot be inside at once.
const MARKS: usize = 64;

/// A row that a detector did not see, because it fails over it.
#[derive(Clone, Debug)]
pub(crate) struct Skipped {
    /// The row, of the part.
    pub(crate) row: u32,
    pub(crate) reason: Arc<str>,
}

/// Who makes a mark of it that a detector is to be put in quarantine, and why.
type Ask = Box<dyn Fn(usize, &str) + Send + Sync>;

/// How a detector stands from an item on.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    item: u64,
    /// Since when it is in quarantine, by its watermark; nothing: it is not.
    since: Option<Timestamp>,
    /// How often it has been put there so far.
    number: u32,
}

/// What is known of one detector.
#[derive(Debug, Default)]
struct Ward {
    toll: Toll,
    unseen: Unseen,
    known: Known,
    /// Quarantine was asked for, and the mark has not come yet.
    asked: bool,
    /// How it stood where the run began, and each mark since.
    start: Mark,
    marks: VecDeque<Mark>,
}

struct Book {
    name: String,
    on_fault: OnFault,
    max_faults: u32,
    /// Whether an alert may have to be looked up at all.
    marred: AtomicBool,
    /// Whether the input log told of rows that are to be skipped.
    knows: AtomicBool,
    ward: Mutex<Ward>,
}

/// What a checkpoint keeps of a detector's faults.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) quarantined: Option<Timestamp>,
    pub(crate) quarantines: u32,
    pub(crate) unseen: Vec<(Timestamp, Timestamp)>,
}

/// All of it, by detector.
pub(crate) struct Faults {
    books: Vec<Book>,
    shards: usize,
    journal: Option<Journal>,
    ask: OnceLock<Ask>,
    stopped: Mutex<Option<String>>,
}

impl Faults {
    /// `recovery`: what an earlier run knew.
    pub(crate) fn new(topology: &Topology, shards: usize, journal: Option<Journal>, recovery: Option<&Recovery>) -> Self {
        let book = |detector: &crate::Detector| Book {
            name: detector.name.clone(),
            on_fault: detector.on_fault,
            max_faults: detector.max_faults,
            marred: AtomicBool::new(false),
            knows: AtomicBool::new(false),
            ward: Mutex::default(),
        };
        let books: Vec<Book> = topology.detectors.iter().map(book).collect();
        for (book, recovery) in books.iter().filter_map(|book| Some((book, recovery?))) {
            let known = recovery.checkpoint.iter().flat_map(|checkpoint| &checkpoint.detectors);
            known.filter(|known| known.name == book.name).for_each(|known| book.restore(known));
            recovery.skips.iter().filter(|skip| skip.detector == book.name).for_each(|skip| book.learn(skip));
        }
        Self { books, shards, journal, ask: OnceLock::new(), stopped: Mutex::default() }
    }

    /// Whom to ask for a quarantine. Once; a second one is not listened to.
    pub(crate) fn on_quarantine(&self, ask: Ask) {
        let _ = self.ask.set(ask);
    }

    /// The key groups of a shard, the first and the last.
    pub(crate) fn groups(&self, shard: usize) -> (u8, u8) {
        let sharding = Sharding { shards: self.shards, seed: 0 };
        let mut groups = (0..=u8::MAX).filter(|group| sharding.owner(*group) == shard);
        let first = groups.next().unwrap_or(u8::MAX);
        (first, groups.next_back().unwrap_or(first))
    }

    /// What a checkpoint keeps, of all that came before an item.
    pub(crate) fn standing(&self, detector: usize, item: u64) -> Standing {
        let Some(book) = self.books.get(detector) else { return Standing::default() };
        let ward = book.ward();
        let Mark { since, number, .. } = ward.mark_before(item);
        Standing { quarantined: since, quarantines: number, unseen: ward.unseen.before(item) }
    }

    /// Why the run has to end, if a detector says so.
    pub(crate) fn stopped(&self) -> Option<String> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What becomes of events over which a detector fails.
    pub(crate) fn policy(&self, detector: usize) -> OnFault {
        self.books.get(detector).map_or(OnFault::Pass, |book| book.on_fault)
    }

    /// The rows of a part that the input log says are to be skipped, in order.
    pub(crate) fn known(&self, detector: usize, part: &Part) -> Vec<Skipped> {
        let Some(book) = self.books.get(detector).filter(|book| book.knows.load(Ordering::Acquire)) else { return Vec::new() };
        book.ward().known.rows(part)
    }

    /// Whether a detector is in quarantine where the run begins.
    pub(crate) fn is_quarantined(&self, detector: usize) -> bool {
        self.books.get(detector).is_some_and(|book| book.ward().start.since.is_some())
    }

    /// A recovery took so long. Gives why the detector has to go into quarantine, if it has to, and asks for that.
    pub(crate) fn recovered(&self, detector: usize, shard: usize, spent: Duration) -> Option<Arc<str>> {
        let book = self.books.get(detector)?;
        let reason = book.ward().toll.add(Instant::now(), shard, spent, book.max_faults)?;
        self.ask(detector, &reason);
        Some(reason.into())
    }

    /// Asks for a quarantine.
    pub(crate) fn ask(&self, detector: usize, reason: &str) {
        let Some(book) = self.books.get(detector) else { return };
        if std::mem::replace(&mut book.ward().asked, true) {
            return;
        }
        tracing::error!(detector = book.name, "the detector goes into quarantine: {reason}");
        if let Some(ask) = self.ask.get() {
            ask(detector, reason);
        }
    }

    /// Ends the run: whoever feeds it asks for [`Faults::stopped`].
    pub(crate) fn stop(&self, detector: usize, reason: &str) {
        let name = self.books.get(detector).map_or("", |book| &book.name);
        tracing::error!(detector = name, "the run ends: {reason}");
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.get_or_insert_with(|| format!("detector {name}: {reason}"));
    }

    /// Rows of a part are skipped, for good: that stands in the input log before anything is seen of it.
    pub(crate) fn skip(&self, detector: usize, item: u64, part: &Part, skipped: &[Skipped]) {
        for row in skipped {
            if let Some(event) = part.event(row.row as usize) {
                self.log(detector, event.reference, event.reference, (0, u8::MAX), &row.reason);
            }
        }
        self.note(detector, item, part, skipped);
    }

    /// All rows of a part from one on are skipped, those of these groups.
    pub(crate) fn skip_from(&self, detector: usize, item: u64, part: &Part, skipped: &[Skipped], groups: (u8, u8)) {
        let reference = |row: Option<&Skipped>| Some(part.event(row?.row as usize)?.reference);
        if let (Some(first), Some(last)) = (reference(skipped.first()), reference(skipped.last())) {
            let reason = skipped.first().map_or("", |row| &*row.reason);
            self.log(detector, first, last, groups, reason);
        }
        self.note(detector, item, part, skipped);
    }

    fn log(&self, detector: usize, first: Reference, last: Reference, groups: (u8, u8), reason: &str) {
        let (Some(journal), Some(book)) = (&self.journal, self.books.get(detector)) else { return };
        let positions = (first.position, last.position);
        let (detector_name, reason) = (book.name.clone(), reason.to_owned());
        let record = Record::Skip { detector: detector_name, partition: first.partition, positions, groups, reason };
        let logged = journal.append(&record, &[]).and_then(|number| journal.wait(number));
        if let Err(error) = logged {
            self.stop(detector, &format!("a skipped event cannot be written to the input log: {error}"));
        }
    }

    /// Remembers when the events were that a detector did not see.
    pub(crate) fn note(&self, detector: usize, item: u64, part: &Part, skipped: &[Skipped]) {
        let Some(book) = self.books.get(detector) else { return };
        let mut ward = book.ward();
        for row in skipped {
            let index = row.row as usize;
            if let (Some(time), Some(of_batch)) = (part.times.get(index), part.rows.get(index)) {
                ward.unseen.note(*time, *time, Some(At { item, row: *of_batch }));
            }
        }
        book.marred.store(true, Ordering::Release);
    }

    /// What a detector had seen of a stretch of time is lost.
    pub(crate) fn lost(&self, detector: usize, item: u64, stretch: (Timestamp, Timestamp)) {
        let Some(book) = self.books.get(detector) else { return };
        book.ward().unseen.note(stretch.0, stretch.1, Some(At { item, row: 0 }));
        book.marred.store(true, Ordering::Release);
    }

    /// The mark has come, to one of the shards.
    pub(crate) fn quarantine(&self, detector: usize, item: u64, watermark: Option<Timestamp>) {
        let Some(book) = self.books.get(detector) else { return };
        let mut ward = book.ward();
        let since = watermark.unwrap_or(Timestamp::MIN);
        let number = ward.mark_before(item).number + 1;
        if ward.mark(Mark { item, since: Some(since), number }) {
            ward.asked = true;
            ward.unseen.open(since, Some(At { item, row: 0 }));
            book.marred.store(true, Ordering::Release);
        }
    }

    /// Events pass a detector that is in quarantine.
    pub(crate) fn pass(&self, detector: usize, part: &Part) {
        let (Some(book), Some(first), Some(last)) = (self.books.get(detector), part.times.iter().min(), part.times.iter().max()) else {
            return;
        };
        book.ward().unseen.stretch(*first, *last);
    }

    /// The other mark has come, to one of the shards.
    pub(crate) fn resume(&self, detector: usize, item: u64, watermark: Option<Timestamp>) {
        let Some(book) = self.books.get(detector) else { return };
        let mut ward = book.ward();
        let number = ward.mark_before(item).number;
        if ward.mark(Mark { item, since: None, number }) {
            ward.asked = false;
            ward.toll = Toll::default();
            ward.unseen.close(watermark.unwrap_or(Timestamp::MAX));
        }
    }

    /// The so-manieth quarantine of a detector it is that begins, or ends, with an item.
    pub(crate) fn quarantines(&self, detector: usize, item: u64) -> u32 {
        self.books.get(detector).map_or(0, |book| book.ward().mark_before(item + 1).number)
    }

    /// Marks an alert that may lack something because its detector did not see all events. `item` and `row`: where it stands.
    pub(crate) fn degrade(&self, detector: usize, alert: &mut Alert, item: u64, row: u32) {
        let Some(book) = self.books.get(detector).filter(|book| book.marred.load(Ordering::Acquire)) else { return };
        if let (Some(start), Some(end), false) = (alert.start, alert.end, alert.degraded) {
            alert.degraded = book.ward().unseen.touches(start, end, At { item, row });
        }
    }
}

impl Ward {
    /// How it stood before an item.
    fn mark_before(&self, item: u64) -> Mark {
        self.marks.iter().rev().find(|mark| mark.item < item).copied().unwrap_or(self.start)
    }

    /// Adds a mark; not if another shard has.
    fn mark(&mut self, mark: Mark) -> bool {
        if self.marks.iter().any(|known| known.item == mark.item && known.since.is_some() == mark.since.is_some()) {
            return false;
        }
        while self.marks.len() >= MARKS {
            self.start = self.marks.pop_front().unwrap_or(self.start);
        }
        self.marks.push_back(mark);
        true
    }
}

impl Book {
    /// Goes on from a checkpoint.
    fn restore(&self, state: &DetectorState) {
        let mut ward = self.ward();
        ward.asked = state.quarantined.is_some();
        ward.start = Mark { item: 0, since: state.quarantined, number: state.quarantines };
        state.unseen.iter().for_each(|(from, to)| ward.unseen.note(*from, *to, None));
        if let Some(since) = state.quarantined {
            ward.unseen.open(since, None);
        }
        self.marred.store(!state.unseen.is_empty() || state.quarantined.is_some(), Ordering::Release);
    }

    /// Learns from the input log what is to be skipped.
    fn learn(&self, skip: &KnownSkip) {
        self.ward().known.add(skip);
        self.knows.store(true, Ordering::Release);
    }

    fn ward(&self) -> MutexGuard<'_, Ward> {
        self.ward.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The host's own alert of a detector that goes into quarantine, or comes out of it.
pub(crate) fn alert(number: u32, watermark: Option<Timestamp>, reason: Option<&str>) -> Alert {
    let title = match reason {
        Some(reason) => format!("in quarantine, its events pass unwatched: {reason}; it is tried again after a while"),
        None => "out of quarantine, tried again".to_owned(),
    };
    let number = number.to_string();
    Alert {
        rule: "quarantine".to_owned(),
        title,
        severity: 80,
        state: if reason.is_some() { Episode::Open } else { Episode::Close },
        revision: u32::from(reason.is_none()),
        // A timeless detector has no timers: the mark is a row of its own.
        place: watermark.map_or(Place::Row(0), Place::Timer),
        dedup_key: number.clone(),
        group_key: number,
        start: watermark,
        end: watermark,
        entities: Vec::new(),
        facts: Vec::new(),
        techniques: Vec::new(),
        evidence: Vec::new(),
        score: None,
        merged_into: None,
        degraded: false,
    }
}
