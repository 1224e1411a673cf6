//! What a detector is: made from its configuration, then called with one row and the state of that row's key at a time.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Alert, Config, Episode, Fact, Host, Info, Place, Problem, Row, Setup, Value, entity};

/// A detector. Its code gets `&self` and the state of one key, so that nothing can hide from a snapshot.
pub trait Detector: Sized + 'static {
    /// Its configuration, declared with `config!`.
    type Config: Config;
    /// What it keeps for a key. Deriving `Default`, `Serialize` and `Deserialize` is all that bounds, snapshots and restoring need.
    type State: Default + Serialize + DeserializeOwned;
    /// Who it is.
    const INFO: Info;
    /// Configuration keys with which state of another value can go on; with any other change a restore is refused.
    const MAY_CHANGE: &'static [&'static str] = &["max_keys"];

    /// Makes it, and subscribes through `setup`.
    fn new(config: &Self::Config, setup: &mut Setup) -> Result<Self, Vec<Problem>>;

    /// How many keys may have state, over all shards; each of the 256 key groups has its part of them, rounded up.
    fn max_keys(&self) -> u64 {
        1_000_000
    }

    /// Whether the row matters at all. One that does not makes no key, and counts as nobody's last event; it is counted as `ignored`.
    #[inline]
    fn takes(&self, _row: &Row<'_>) -> bool {
        true
    }

    /// Reads what a row of this key will need first. It is called for all rows of a batch in one tight loop, before any of them is worked
    /// on, so that the memory of many keys comes at once; what it gives is not used.
    #[inline]
    fn warm(_state: &Self::State) -> u64 {
        0
    }

    /// A row of this key.
    fn row(&self, row: &Row<'_>, state: &mut Self::State, cx: &mut Context<'_>);

    /// The timer that this key asked for. A key that asks for no other here is forgotten.
    fn timer(&self, _at: i64, _state: &mut Self::State, _cx: &mut Context<'_>) {}

    /// The end of input: report what is open as it stands. The key is forgotten after it.
    fn flush(&self, _state: &mut Self::State, _cx: &mut Context<'_>) {}

    /// The key has to make room for another: report what is open. Gives the time up to which something may now be missing, which
    /// marks the alerts of new keys (`Context::suspect_before`).
    fn evict(&self, _state: &mut Self::State, _cx: &mut Context<'_>) -> i64 {
        i64::MIN
    }
}

/// One key's side of a call: who it is, what it wants, and where its results go.
pub struct Context<'a> {
    pub(crate) host: &'a mut dyn Host,
    pub(crate) key: &'a [u8],
    pub(crate) place: Place,
    pub(crate) timer: i64,
    pub(crate) open: bool,
    pub(crate) keep: bool,
    pub(crate) suspect_before: i64,
    pub(crate) evictions: u32,
    /// The last answer of `floor`, and for which step.
    pub(crate) floor: &'a mut (i64, i64),
}

/// No timer.
pub(crate) const NEVER: i64 = i64::MAX;

impl Context<'_> {
    /// The routing key.
    pub fn key(&self) -> &[u8] {
        self.key
    }

    /// The key as text, a JSON list.
    pub fn key_text(&self) -> String {
        entity::text(self.key)
    }

    /// The key's fields by these names; null ones are left out.
    pub fn entities(&self, names: &[String]) -> Vec<Fact> {
        entity::entities(self.key, names)
    }

    /// Where an alert given now stands: at the row or at the timer of this call.
    pub fn place(&self) -> Place {
        self.place
    }

    /// For alerts whose place is another: at the end of input, when they would have come.
    pub fn set_place(&mut self, place: Place) {
        self.place = place;
    }

    /// Asks for a call of [`Detector::timer`] at this time, if none is asked for earlier.
    #[inline]
    pub fn wake_at(&mut self, at: i64) {
        self.timer = self.timer.min(at);
    }

    /// Whether something of this key is open: such keys are evicted last.
    #[inline]
    pub fn set_open(&mut self, open: bool) {
        self.open = open;
    }

    /// The key is not needed any longer.
    pub fn forget(&mut self) {
        self.keep = false;
    }

    /// What begins before this may have lost events to an eviction: this key was first seen after one.
    pub fn suspect_before(&self) -> i64 {
        self.suspect_before
    }

    /// How many keys of this key group were evicted with something open: part of new deduplication keys, so that none comes twice.
    pub fn evictions(&self) -> u32 {
        self.evictions
    }

    /// The largest multiple of `step` that is not after `time`. Costs nothing while times stay within one step.
    #[inline]
    pub fn floor(&mut self, time: i64, step: i64) -> i64 {
        let (start, of) = *self.floor;
        let since = time.wrapping_sub(start);
        if of == step && (0..step).contains(&since) {
            return start;
        }
        let start = time.saturating_sub(time.checked_rem_euclid(step).unwrap_or(0));
        *self.floor = (start, step);
        start
    }

    /// An alert of this call's place with the key in its deduplication and group key, to be filled in: `Alert { severity: 60, ..cx.alert("rule", title) }`.
    /// One that may come again for the same key needs a deduplication key that says which it is.
    pub fn alert(&self, rule: &str, title: impl Into<String>) -> Alert {
        let key = self.key_text();
        Alert {
            rule: rule.to_owned(),
            title: title.into(),
            severity: 50,
            state: Episode::Open,
            revision: 0,
            place: self.place,
            dedup_key: key.clone(),
            group_key: key,
            start: None,
            end: None,
            entities: Vec::new(),
            facts: Vec::new(),
            techniques: Vec::new(),
            evidence: Vec::new(),
            score: None,
            merged_into: None,
            degraded: false,
        }
    }

    /// Gives an alert.
    pub fn report(&mut self, alert: Alert) {
        self.host.report(alert);
    }

    /// The id that an alert of this rule and deduplication key has.
    pub fn alert_id(&mut self, rule: &str, dedup_key: &str) -> String {
        self.host.alert_id(rule, dedup_key)
    }

    /// Puts `name: value` beside the row's event.
    pub fn annotate(&mut self, row: &Row<'_>, name: &str, value: &Value) {
        self.host.annotate(row.number(), name, value);
    }

    /// The row's event goes no further; has to be announced in the subscription.
    pub fn drop_event(&mut self, row: &Row<'_>) {
        self.host.drop_event(row.number());
    }

    /// The row cannot be used.
    pub fn row_error(&mut self, row: &Row<'_>, message: &str) {
        self.host.row_error(row.number(), message);
    }

    /// Adds to one of the detector's own counters.
    pub fn count(&mut self, name: &str, n: u64) {
        self.host.count(name, n);
    }

    /// What names the row's event as evidence.
    pub fn reference(&mut self, row: &Row<'_>) -> Vec<u8> {
        self.host.reference(row.number())
    }

    /// The row's whole event, as it came.
    pub fn event(&mut self, row: &Row<'_>) -> Vec<u8> {
        self.host.event(row.number())
    }
}
