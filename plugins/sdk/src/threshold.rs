//! The most common kind of detector: so many events of one key within a window of event time. A [`Rule`] says what is special about
//! one; `Threshold` does windows (SEMANTICS 4) and episodes (SEMANTICS 6) for all of them.

mod panes;

mod count;
mod episodes;
mod report;

pub use panes::Totals;
pub use report::{Finding, Report};

use count::Track;

use crate::config::{Emit, Filter, Key, problem};
use crate::{Aggregate, Config, Context, Detector, Fact, Info, Problem, Row, Setup};

const SECOND: u64 = 1_000_000_000;

/// What the configuration of every windowed threshold has.
#[derive(Clone, Debug)]
pub struct Windowed {
    /// Which events count.
    pub filter: Filter,
    /// By which fields they are counted.
    pub key: Key,
    /// The windows' length.
    pub window_secs: u64,
    /// The time from the start of one window to the start of the next; divides the length.
    pub slide_secs: u64,
    /// Events within one window from which on it is an attack.
    pub threshold: u64,
    /// Keys that may have state.
    pub max_keys: u64,
    /// What is given.
    pub emit: Emit,
}

/// What is special about one windowed threshold.
pub trait Rule: Sized + 'static {
    /// Its configuration, declared with `config!`.
    type Config: Config;
    /// What is collected beside the number of events and their first and last time: `()`, [`crate::Distinct`], [`crate::Sum`], a pair.
    type Extra: Aggregate;
    /// Who it is. Its name is the alerts' rule.
    const INFO: Info;
    /// MITRE ATT&CK techniques.
    const TECHNIQUES: &'static [&'static str];
    /// Configuration keys beside `threshold` and `max_keys` with which state of another value can go on.
    const MAY_CHANGE: &'static [&'static str] = &["threshold", "max_keys"];

    /// Makes it, and subscribes to what `add` reads; key and filter are subscribed for it.
    fn new(config: &Self::Config, setup: &mut Setup) -> Result<(Self, Windowed), Vec<Problem>>;

    /// Collects from a row that counts; says whether `qualifies` may now answer otherwise than before, but for there being one event more.
    #[inline]
    fn add(&self, _row: &Row<'_>, _extra: &mut Self::Extra) -> bool {
        true
    }

    /// Whether a window with enough events is one after all; `extra` gives what it collected. Once true it must stay true as a window
    /// takes in more.
    #[inline]
    fn qualifies(&self, _extra: &mut dyn FnMut() -> Self::Extra) -> bool {
        true
    }

    /// Facts beside `count`, `first` and `last`.
    fn facts(&self, _extra: &Self::Extra) -> Vec<Fact> {
        Vec::new()
    }

    /// Title and severity of an alert.
    fn report(&self, finding: &Finding<'_, Self::Extra>) -> Report;
}

/// A detector made of a rule.
#[derive(Debug)]
pub struct Threshold<R> {
    rule: R,
    key: Key,
    threshold: u64,
    max_keys: u64,
    emit: Emit,
    /// Nanoseconds, like all that follow.
    length: i64,
    slide: i64,
    /// Times whose windows can be told in 64 bits.
    earliest: i64,
    latest: i64,
}

impl<R: Rule> Threshold<R> {
    /// The end of the window that starts here.
    #[inline]
    fn end(&self, start: i64) -> i64 {
        start.saturating_add(self.length)
    }

    /// The start of the earliest window that is open at this watermark: its end is after it.
    fn open_from(&self, watermark: i64, cx: &mut Context<'_>) -> i64 {
        if watermark < self.earliest {
            return i64::MIN;
        }
        cx.floor(watermark, self.slide) - self.length + self.slide
    }
}

fn windows(windowed: &Windowed) -> Result<(i64, i64), Vec<Problem>> {
    let (window, slide) = (windowed.window_secs, windowed.slide_secs);
    // A hundredth of the range of times, so that sums of a few never leave it.
    let most = i64::MAX as u64 / SECOND / 100;
    let mut problems = Vec::new();
    for (path, secs) in [("/window_secs", window), ("/slide_secs", slide)] {
        if !(1..=most).contains(&secs) {
            problems.push(problem(path, format!("must be from 1 to {most}, is {secs}")));
        }
    }
    if problems.is_empty() && !window.is_multiple_of(slide) {
        let message = format!("window_secs must be a multiple of slide_secs; {window} is none of {slide}");
        problems.push(problem("/slide_secs", message));
    }
    if windowed.threshold == 0 {
        problems.push(problem("/threshold", "must be at least 1, is 0"));
    }
    if problems.is_empty() { Ok(((window * SECOND) as i64, (slide * SECOND) as i64)) } else { Err(problems) }
}

impl<R: Rule> Detector for Threshold<R> {
    type Config = R::Config;
    type State = Track<R::Extra>;
    const INFO: Info = R::INFO;
    const MAY_CHANGE: &'static [&'static str] = R::MAY_CHANGE;

    fn new(config: &Self::Config, setup: &mut Setup) -> Result<Self, Vec<Problem>> {
        let (rule, windowed) = R::new(config, setup)?;
        let (length, slide) = windows(&windowed)?;
        setup.filter(&windowed.filter);
        setup.keyed(&windowed.key);
        Ok(Threshold {
            rule,
            key: windowed.key,
            threshold: windowed.threshold,
            max_keys: windowed.max_keys,
            emit: windowed.emit,
            length,
            slide,
            earliest: i64::MIN + 4 * length,
            latest: i64::MAX - 4 * length,
        })
    }

    fn max_keys(&self) -> u64 {
        self.max_keys
    }

    /// Whether a window that holds the row is open: the last to close starts with the row's own slide.
    #[inline]
    fn takes(&self, row: &Row<'_>) -> bool {
        let time = row.time();
        (self.earliest..=self.latest).contains(&time)
            && (time >= row.watermark() || self.end(time - time.rem_euclid(self.slide)) > row.watermark())
    }

    #[inline]
    fn warm(state: &Self::State) -> u64 {
        state.panes.warm()
    }

    #[inline]
    fn row(&self, row: &Row<'_>, state: &mut Self::State, cx: &mut Context<'_>) {
        self.count_row(row, state, cx);
    }

    fn timer(&self, at: i64, state: &mut Self::State, cx: &mut Context<'_>) {
        self.close_windows(at, state, cx);
    }

    fn flush(&self, state: &mut Self::State, cx: &mut Context<'_>) {
        self.close_all(state, None, cx);
    }

    fn evict(&self, state: &mut Self::State, cx: &mut Context<'_>) -> i64 {
        let place = cx.place();
        self.close_all(state, Some(place), cx);
        state.panes.newest().map_or(i64::MIN, |pane| self.end(cx.floor(pane.first, self.slide)))
    }
}
