//! Counting: what a row does to the panes of its key, and which windows it brings to the threshold.
//!
//! A window is named by its start. A row in order costs the same however many windows hold it: of the windows that hold the newest pane
//! an earlier one always has more events, so only one, the candidate, can be the next to reach the threshold, and its sum is kept.

use serde::{Deserialize, Serialize};

use super::episodes::Run;
use super::panes::Panes;
use super::{Rule, Threshold};
use crate::{Aggregate, Context, Row};

/// What a threshold keeps for a key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(bound = "E: Aggregate")]
pub struct Track<E> {
    pub(super) panes: Panes<E>,
    /// The earliest window that holds the newest pane, is open, and has not reached the threshold: the next to reach it by rows in order.
    pub(super) candidate: i64,
    /// The events of panes from the candidate's start on.
    pub(super) sum: u64,
    /// First-opened first. Almost always none.
    pub(super) runs: Vec<Run<E>>,
}

impl<R: Rule> Threshold<R> {
    /// A row that some open window holds.
    #[inline]
    pub(super) fn count_row(&self, row: &Row<'_>, track: &mut Track<R::Extra>, cx: &mut Context<'_>) {
        let time = row.time();
        let start = cx.floor(time, self.slide);
        let mut earliest = start - self.length + self.slide;
        if start + self.slide <= row.watermark() {
            earliest = earliest.max(self.open_from(row.watermark(), cx));
        }
        let newest = track.panes.newest().map(|p| p.first);
        if newest.is_some_and(|first| first >= start + self.slide) {
            return self.count_out_of_order(row, start, earliest, track, cx);
        }
        if newest.is_none() {
            track.candidate = earliest;
            track.sum = 0;
            cx.wake_at(self.end(start));
        } else if track.candidate < earliest {
            track.sum -= track.panes.count(track.candidate, earliest);
            track.candidate = earliest;
            if !track.runs.is_empty() {
                self.skip_reached(track);
            }
        }
        let same = newest.is_some_and(|first| first >= start);
        if !same && newest.is_some() {
            self.drop_closed(row, track, cx);
        }
        let pane = if same { track.panes.newest_mut() } else { track.panes.push(time) };
        let Some(pane) = pane else { return };
        if same {
            pane.add(time);
        }
        let changed = self.rule.add(row, &mut pane.extra);
        // All windows that hold the row are reached if the candidate starts after it.
        if track.candidate <= start {
            track.sum += 1;
            if track.sum >= self.threshold && (changed || track.sum == self.threshold) {
                self.reach(row, start, track, cx);
            }
        }
        if !track.runs.is_empty() {
            self.annotate(row, start, earliest, track, cx);
        }
    }

    /// Panes that only closed windows hold; those of runs were taken by their timers.
    #[inline]
    fn drop_closed(&self, row: &Row<'_>, track: &mut Track<R::Extra>, cx: &mut Context<'_>) {
        let oldest = track.panes.iter().next().map_or(i64::MAX, |pane| pane.first);
        if self.end(oldest) <= row.watermark() {
            let open = self.open_from(row.watermark(), cx);
            track.panes.drop_before(open);
        }
    }

    /// The candidate, and windows after it, may have been brought to the threshold by a row in order.
    #[cold]
    fn reach(&self, row: &Row<'_>, start: i64, track: &mut Track<R::Extra>, cx: &mut Context<'_>) {
        let from = track.candidate;
        while track.candidate <= start && track.sum >= self.threshold && self.qualifies(track.candidate, track) {
            track.sum -= track.panes.count(track.candidate, track.candidate + self.slide);
            track.candidate += self.slide;
        }
        if track.candidate > from {
            let reached = [(from, track.candidate - self.slide)];
            self.join(row, &reached, track, cx);
        }
    }

    fn qualifies(&self, window: i64, track: &Track<R::Extra>) -> bool {
        self.rule.qualifies(&mut || track.panes.totals(window, self.end(window)).extra)
    }

    /// A row before the newest pane: each of its windows is looked at.
    #[cold]
    fn count_out_of_order(&self, row: &Row<'_>, start: i64, earliest: i64, track: &mut Track<R::Extra>, cx: &mut Context<'_>) {
        let time = row.time();
        if let Some(pane) = track.panes.at(start, start + self.slide, time) {
            pane.add(time);
            self.rule.add(row, &mut pane.extra);
        }
        if start >= track.candidate {
            track.sum += 1;
        }
        let mut reached: Vec<(i64, i64)> = Vec::new();
        if track.panes.count(earliest, self.end(start)) >= self.threshold {
            let mut window = earliest;
            while window <= start {
                if !track.runs.iter().any(|r| r.from <= window && window <= r.to)
                    && track.panes.count(window, self.end(window)) >= self.threshold
                    && self.qualifies(window, track)
                {
                    match reached.last_mut() {
                        Some((_, to)) if *to + self.slide == window => *to = window,
                        _ => reached.push((window, window)),
                    }
                }
                window += self.slide;
            }
        }
        if !reached.is_empty() {
            self.join(row, &reached, track, cx);
            self.skip_reached(track);
        }
        if !track.runs.is_empty() {
            self.annotate(row, start, earliest, track, cx);
        }
    }

    /// The candidate is a window that has not reached the threshold.
    pub(super) fn skip_reached(&self, track: &mut Track<R::Extra>) {
        while track.runs.iter().any(|r| r.from <= track.candidate && track.candidate <= r.to) {
            track.sum -= track.panes.count(track.candidate, track.candidate + self.slide);
            track.candidate += self.slide;
        }
    }
}
