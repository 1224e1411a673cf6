//! Episodes: runs of windows that reached the threshold, from their opening over their joining to their end (SEMANTICS 6).
//!
//! All open windows that reached the threshold lie in some run, and no two runs touch.

use serde::{Deserialize, Serialize};

use super::count::Track;
use super::panes::{Panes, Totals};
use super::report::Said;
use super::{Rule, Threshold};
use crate::config::Emit;
use crate::{Aggregate, Context, Episode, Place, Row, Value, entity};

/// A maximal run of windows that reached the threshold: an episode.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(bound = "E: Aggregate")]
pub(super) struct Run<E> {
    /// The first window.
    pub from: i64,
    /// The last window.
    pub to: i64,
    /// The first window when it opened, which names it.
    pub named: i64,
    /// Evictions in the group when it opened, which name it too.
    pub evictions: u32,
    /// Of the next alert.
    pub revision: u32,
    /// The event that opened it.
    pub evidence: Vec<u8>,
    /// Of panes that only closed windows of it hold.
    closed: Totals<E>,
    /// Once its last window has closed: of that window's other panes. They do not count any more events for it, unless the next window joins.
    tail: Option<Totals<E>>,
    /// `["id"]`, once it was asked for.
    #[serde(skip)]
    annotation: Option<Value>,
    /// At this row others went over into this one.
    #[serde(skip)]
    joined: bool,
    /// At this row it went over into another: what it had counted, and that one's deduplication key.
    #[serde(skip)]
    over: Option<(Totals<E>, String)>,
}

impl<E> Run<E> {
    fn within(&self, from: i64, to: i64) -> bool {
        from <= self.from && self.to <= to
    }
}

/// The name of the annotation that holds the ids of an event's alerts.
const ANNOTATION: &str = "alerts";

impl<R: Rule> Threshold<R> {
    /// Windows reached the threshold at this row: `reached` are maximal runs of them, ascending. They open, lengthen or join episodes.
    pub(super) fn join(&self, row: &Row<'_>, reached: &[(i64, i64)], track: &mut Track<R::Extra>, cx: &mut Context<'_>) {
        let mut grown: Vec<(i64, i64)> = Vec::new();
        for &(first, last) in reached {
            let (mut from, mut to) = (first, last);
            for run in track.runs.iter().filter(|run| run.from <= last + self.slide && run.to + self.slide >= first) {
                (from, to) = (from.min(run.from), to.max(run.to));
            }
            // An episode between two of them makes them one.
            if let Some((before, _)) = grown.pop_if(|(_, end)| *end + self.slide >= from) {
                from = from.min(before);
            }
            grown.push((from, to));
        }
        grown.retain(|&(from, to)| {
            let new = !track.runs.iter().any(|run| run.within(from, to));
            if !new {
                self.merge(from, to, track, cx);
            }
            new
        });
        self.tell_merged(track, cx);
        for (from, to) in grown {
            self.open(row, from, to, track, cx);
        }
        cx.set_open(true);
        if let Some(from) = track.runs.iter().map(|r| r.from).min() {
            let open = self.open_from(row.watermark(), cx);
            cx.wake_at(self.end(from.max(open)));
        }
    }

    /// The episodes within these windows become one: the first opened goes on, and the others close as they stand.
    fn merge(&self, from: i64, to: i64, track: &mut Track<R::Extra>, cx: &Context<'_>) {
        let mut members = track.runs.iter_mut().filter(|run| run.within(from, to));
        let Some(first) = members.next() else { return };
        for run in members {
            run.over = Some((self.totals(run, &track.panes), Self::dedup_key(cx, first.named, first.evictions)));
            // Of episodes that join, only the earliest can hold closed panes.
            first.closed.merge(&run.closed);
            first.joined = true;
        }
        (first.from, first.to, first.tail) = (from, to, None);
    }

    /// Updates of episodes that others joined, then the end of those others.
    fn tell_merged(&self, track: &mut Track<R::Extra>, cx: &mut Context<'_>) {
        if self.emit == Emit::Alerts {
            for run in track.runs.iter_mut().filter(|run| run.joined) {
                self.tell(self.said(run, Episode::Update, cx), &self.totals(run, &track.panes), cx);
                run.revision += 1;
            }
            for run in &track.runs {
                let Some((totals, into)) = &run.over else { continue };
                self.tell(Said { merged_into: Some(into.clone()), ..self.said(run, Episode::Close, cx) }, totals, cx);
            }
        }
        track.runs.retain(|run| run.over.is_none());
        track.runs.iter_mut().for_each(|run| run.joined = false);
    }

    fn open(&self, row: &Row<'_>, from: i64, to: i64, track: &mut Track<R::Extra>, cx: &mut Context<'_>) {
        let mut run = Run { from, to, named: from, evictions: cx.evictions(), ..Run::default() };
        if self.emit == Emit::Alerts {
            run.evidence = cx.reference(row);
            self.tell(self.said(&run, Episode::Open, cx), &self.totals(&run, &track.panes), cx);
            run.revision = 1;
        }
        // Nearly always the only one: `push` alone would make room for four.
        track.runs.reserve_exact(1);
        track.runs.push(run);
    }

    /// What was counted in the union of an episode's windows, each event once.
    fn totals(&self, run: &Run<R::Extra>, panes: &Panes<R::Extra>) -> Totals<R::Extra> {
        let mut totals = run.closed.clone();
        match &run.tail {
            Some(tail) => totals.merge(tail),
            None => totals.merge(&panes.totals(run.from, self.end(run.to))),
        }
        totals
    }

    /// Writes beside the event the ids of the open episodes that it counts in.
    #[cold]
    pub(super) fn annotate(&self, row: &Row<'_>, start: i64, earliest: i64, track: &mut Track<R::Extra>, cx: &mut Context<'_>) {
        if self.emit == Emit::Windows {
            return;
        }
        let counts = |run: &Run<R::Extra>| run.from <= start && run.to >= earliest;
        for run in track.runs.iter_mut().filter(|run| run.annotation.is_none() && counts(run)) {
            let id = cx.alert_id(R::INFO.name, &Self::dedup_key(cx, run.named, run.evictions));
            let mut list = String::from("[");
            entity::quoted(&id, &mut list);
            list.push(']');
            run.annotation = Some(Value::Json(list));
        }
        let mut all = track.runs.iter().filter(|run| counts(run)).filter_map(|run| run.annotation.as_ref());
        let Some(first) = all.next() else { return };
        let Some(second) = all.next() else { return cx.annotate(row, ANNOTATION, first) };
        let ids = [first, second].into_iter().chain(all).filter_map(|value| match value {
            Value::Json(list) => list.strip_prefix('[')?.strip_suffix(']'),
            _ => None,
        });
        let ids: Vec<&str> = ids.collect();
        cx.annotate(row, ANNOTATION, &Value::Json(format!("[{}]", ids.join(","))));
    }

    /// A timer: windows up to the one that ends here are closed.
    pub(super) fn close_windows(&self, at: i64, track: &mut Track<R::Extra>, cx: &mut Context<'_>) {
        let open = at - self.length + self.slide;
        if !track.runs.is_empty() {
            self.close_in_runs(open, track, cx);
        }
        if track.candidate < open {
            track.sum -= track.panes.count(track.candidate, open);
            track.candidate = open;
            self.skip_reached(track);
        }
        track.panes.drop_before(open);
        if let Some(newest) = track.panes.newest() {
            let start = cx.floor(newest.first, self.slide);
            cx.wake_at(self.end(start));
        }
    }

    fn close_in_runs(&self, open: i64, track: &mut Track<R::Extra>, cx: &mut Context<'_>) {
        let mut runs = std::mem::take(&mut track.runs);
        runs.retain_mut(|run| match self.emit {
            Emit::Alerts => self.close_in_episode(open, run, &track.panes, cx),
            Emit::Windows => {
                if run.from < open {
                    self.tell_window(run.from, &track.panes, cx.place(), false, cx);
                    run.from += self.slide;
                }
                run.from <= run.to
            }
        });
        track.runs = runs;
        cx.set_open(!track.runs.is_empty());
        if let Some(from) = track.runs.iter().map(|r| r.from).min() {
            cx.wake_at(self.end(from.max(open)));
        }
    }

    /// Takes what only closed windows hold out of the panes; says whether the episode is still open.
    fn close_in_episode(&self, open: i64, run: &mut Run<R::Extra>, panes: &Panes<R::Extra>, cx: &mut Context<'_>) -> bool {
        if run.from >= open {
            return true;
        }
        if run.tail.is_none() {
            let next = run.to + self.slide;
            run.closed.merge(&panes.totals(run.from, open.min(next)));
            if next <= open {
                run.tail = Some(panes.totals(next, self.end(run.to)));
            }
        }
        let over = run.to + self.slide < open;
        if over {
            self.tell(self.said(run, Episode::Close, cx), &self.totals(run, panes), cx);
        }
        !over
    }

    /// Reports what is open as it stands: at a row, since the key is evicted, or at the end of input, when it would have closed.
    pub(super) fn close_all(&self, track: &mut Track<R::Extra>, evicted_at: Option<Place>, cx: &mut Context<'_>) {
        let degraded = evicted_at.is_some();
        let mut runs = std::mem::take(&mut track.runs);
        if self.emit == Emit::Alerts {
            for run in runs {
                let place = evicted_at.unwrap_or(Place::Timer(self.end(run.to + self.slide)));
                let said = Said { place, degraded, ..self.said(&run, Episode::Close, cx) };
                self.tell(said, &self.totals(&run, &track.panes), cx);
            }
            return;
        }
        // Windows by their starts, whichever run came first.
        while let Some(window) = runs.iter().map(|run| run.from).min() {
            let place = evicted_at.unwrap_or(Place::Timer(self.end(window)));
            self.tell_window(window, &track.panes, place, degraded, cx);
            runs.iter_mut().filter(|run| run.from == window).for_each(|run| run.from += self.slide);
            runs.retain(|run| run.from <= run.to);
        }
    }

    fn tell_window(&self, start: i64, panes: &Panes<R::Extra>, place: Place, degraded: bool, cx: &mut Context<'_>) {
        let said = Said {
            state: Episode::Close,
            revision: 0,
            place,
            dedup_key: Self::dedup_key(cx, start, cx.evictions()),
            start,
            end: self.end(start),
            evidence: &[],
            merged_into: None,
            degraded,
        };
        self.tell(said, &panes.totals(start, self.end(start)), cx);
    }
}
