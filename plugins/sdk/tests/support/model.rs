//! The slow, obvious reference: for each window the list of its events, for each episode the set of its windows; everything is looked
//! up afresh at every row. Written from SEMANTICS 3 to 6 and sharing nothing with the crate but the sketch.

use std::collections::{BTreeMap, BTreeSet};

use eyas_sdk::{Distinct, Episode, SeededHash};

use super::{Event, Output, SEED, Told, address};

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub length: i64,
    pub slide: i64,
    pub threshold: usize,
    pub min_distinct: u64,
    pub windows: bool,
    /// Of the one key group that all keys are in.
    pub max_keys: usize,
}

#[derive(Default)]
struct Known {
    /// The events counted in each window, by the window's start.
    windows: BTreeMap<i64, Vec<usize>>,
    reached: BTreeSet<i64>,
    episodes: Vec<Open>,
    last_event: usize,
    suspect_before: i64,
}

#[derive(Clone)]
struct Open {
    windows: BTreeSet<i64>,
    name: String,
    revision: u32,
}

pub struct Model<'a> {
    settings: Settings,
    events: &'a [Event],
    /// Keys as deduplication keys show them.
    names: Vec<String>,
    keys: BTreeMap<usize, Known>,
    evictions: u32,
    evicted_until: i64,
    out: Output,
}

impl<'a> Model<'a> {
    pub fn run(settings: Settings, events: &'a [Event], names: Vec<String>) -> Output {
        let mut model =
            Model { settings, events, names, keys: BTreeMap::new(), evictions: 0, evicted_until: i64::MIN, out: Output::default() };
        for (row, event) in events.iter().enumerate() {
            model.close(event.watermark);
            model.row(row);
        }
        model.flush();
        model.out
    }

    fn end(&self, window: i64) -> i64 {
        window + self.settings.length
    }

    /// The windows that hold a time.
    fn holding(&self, time: i64) -> Vec<i64> {
        let newest = time.div_euclid(self.settings.slide) * self.settings.slide;
        let mut all: Vec<i64> = (0..self.settings.length / self.settings.slide).map(|i| newest - i * self.settings.slide).collect();
        all.reverse();
        all
    }

    fn estimate(&self, events: &[usize]) -> u64 {
        let (hash, mut sketch) = (SeededHash::new(SEED), Distinct::default());
        events.iter().for_each(|i| {
            sketch.add(hash.ip(&address(self.events[*i].value)));
        });
        sketch.estimate()
    }

    fn named(&self, key: usize, window: i64) -> String {
        let suffix = if self.evictions == 0 { String::new() } else { format!("#{}", self.evictions) };
        format!("{}@{window}{suffix}", self.names[key])
    }

    /// An alert of these windows of a key, each event once.
    fn tell(&self, key: usize, windows: &BTreeSet<i64>, state: Episode, revision: u32, place: Result<u32, i64>, name: String) -> Told {
        let known = &self.keys[&key];
        let counted: BTreeSet<usize> = windows.iter().filter_map(|w| known.windows.get(w)).flatten().copied().collect();
        let counted: Vec<usize> = counted.into_iter().collect();
        let times = || counted.iter().map(|i| self.events[*i].time);
        let start = *windows.first().unwrap();
        Told {
            state,
            revision,
            place,
            dedup_key: name,
            start,
            end: self.end(*windows.last().unwrap()),
            count: counted.len() as u64,
            distinct: self.estimate(&counted),
            first: times().min().unwrap(),
            last: times().max().unwrap(),
            merged_into: None,
            degraded: start < known.suspect_before,
        }
    }

    /// Closes windows one time after another.
    fn close(&mut self, watermark: i64) {
        let mut times = BTreeSet::new();
        for known in self.keys.values() {
            times.extend(known.windows.keys().map(|w| self.end(*w)));
            times.extend(known.episodes.iter().map(|e| self.end(*e.windows.last().unwrap() + self.settings.slide)));
        }
        for at in times.into_iter().filter(|at| *at <= watermark) {
            let mut told = Vec::new();
            for key in self.keys.keys().copied().collect::<Vec<_>>() {
                let window = at - self.settings.length;
                if self.settings.windows {
                    if self.keys[&key].reached.contains(&window) {
                        let one = BTreeSet::from([window]);
                        told.push(self.tell(key, &one, Episode::Close, 0, Err(at), self.named(key, window)));
                        self.keys.get_mut(&key).unwrap().reached.remove(&window);
                    }
                } else {
                    let over = |e: &Open| e.windows.last().unwrap() + self.settings.slide == window;
                    let known = &self.keys[&key];
                    for e in known.episodes.iter().filter(|e| over(e)) {
                        told.push(self.tell(key, &e.windows, Episode::Close, e.revision, Err(at), e.name.clone()));
                    }
                    let slide = self.settings.slide;
                    self.keys.get_mut(&key).unwrap().episodes.retain(|e| e.windows.last().unwrap() + slide != window);
                }
            }
            told.sort_by(|a, b| a.dedup_key.cmp(&b.dedup_key));
            self.out.0.extend(told);
        }
        // Windows of closed episodes stay until nothing of the key is open, for their events.
        let (length, windows) = (self.settings.length, self.settings.windows);
        self.keys.retain(|_, k| k.windows.keys().any(|w| w + length > watermark) || !windows && !k.episodes.is_empty());
    }

    fn row(&mut self, row: usize) {
        let Event { time, watermark, key, .. } = self.events[row];
        let open: Vec<i64> = self.holding(time).into_iter().filter(|w| self.end(*w) > watermark).collect();
        if open.is_empty() {
            return;
        }
        if !self.keys.contains_key(&key) {
            while self.keys.len() >= self.settings.max_keys {
                self.evict(row);
            }
            self.keys.insert(key, Known { suspect_before: self.evicted_until, ..Known::default() });
        }
        let mut new = BTreeSet::new();
        self.keys.get_mut(&key).unwrap().last_event = row;
        for &window in &open {
            self.keys.get_mut(&key).unwrap().windows.entry(window).or_default().push(row);
            let known = &self.keys[&key];
            let events = &known.windows[&window];
            let enough = events.len() >= self.settings.threshold && self.estimate(events) >= self.settings.min_distinct;
            if enough && !known.reached.contains(&window) {
                new.insert(window);
            }
        }
        self.keys.get_mut(&key).unwrap().reached.extend(&new);
        if self.settings.windows {
            return;
        }
        self.join(row, key, new);
        let counts = |e: &&Open| e.windows.iter().any(|w| open.contains(w));
        let ids: Vec<String> = self.keys[&key].episodes.iter().filter(counts).map(|e| format!("many:{}", e.name)).collect();
        if !ids.is_empty() {
            self.out.1.push((row as u32, ids));
        }
    }

    /// Makes maximal runs of the windows of open episodes and these new ones.
    fn join(&mut self, row: usize, key: usize, new: BTreeSet<i64>) {
        if new.is_empty() {
            return;
        }
        let before = self.keys[&key].episodes.clone();
        let mut runs: Vec<BTreeSet<i64>> = Vec::new();
        for window in before.iter().flat_map(|e| e.windows.iter()).chain(&new).copied().collect::<BTreeSet<i64>>() {
            match runs.last_mut() {
                Some(run) if run.last().unwrap() + self.settings.slide == window => {
                    run.insert(window);
                }
                _ => runs.push(BTreeSet::from([window])),
            }
        }
        let place = Ok(row as u32);
        let (mut updates, mut closings, mut openings) = (Vec::new(), Vec::new(), Vec::new());
        let mut after: Vec<(usize, Open)> = Vec::new();
        for run in runs {
            let members: Vec<usize> = (0..before.len()).filter(|i| run.is_superset(&before[*i].windows)).collect();
            let Some((&first, others)) = members.split_first() else {
                let name = self.named(key, *run.first().unwrap());
                openings.push((self.tell(key, &run, Episode::Open, 0, place, name.clone()), Open { windows: run, name, revision: 1 }));
                continue;
            };
            let mut one = Open { windows: run, ..before[first].clone() };
            if !others.is_empty() {
                updates.push((first, self.tell(key, &one.windows, Episode::Update, one.revision, place, one.name.clone())));
                one.revision += 1;
            }
            for &i in others {
                let e = &before[i];
                let mut told = self.tell(key, &e.windows, Episode::Close, e.revision, place, e.name.clone());
                told.merged_into = Some(one.name.clone());
                closings.push((i, told));
            }
            after.push((first, one));
        }
        updates.sort_by_key(|(i, _)| *i);
        closings.sort_by_key(|(i, _)| *i);
        after.sort_by_key(|(i, _)| *i);
        self.out.0.extend(updates.into_iter().chain(closings).map(|(_, told)| told));
        let mut after: Vec<Open> = after.into_iter().map(|(_, e)| e).collect();
        for (told, e) in openings {
            self.out.0.push(told);
            after.push(e);
        }
        self.keys.get_mut(&key).unwrap().episodes = after;
    }

    fn is_open(&self, known: &Known) -> bool {
        if self.settings.windows { !known.reached.is_empty() } else { !known.episodes.is_empty() }
    }

    fn evict(&mut self, row: usize) {
        let (&key, known) = self.keys.iter().min_by_key(|(_, k)| (self.is_open(k), k.last_event)).unwrap();
        let was_open = self.is_open(known);
        // What closed before is not lost.
        let lost = known.windows.keys().map(|w| self.end(*w)).filter(|end| *end > self.events[row].watermark).max();
        let place = Ok(row as u32);
        let mut told: Vec<Told> = if self.settings.windows {
            let one = |w: &i64| self.tell(key, &BTreeSet::from([*w]), Episode::Close, 0, place, self.named(key, *w));
            known.reached.iter().map(one).collect()
        } else {
            let one = |e: &Open| self.tell(key, &e.windows, Episode::Close, e.revision, place, e.name.clone());
            known.episodes.iter().map(one).collect()
        };
        told.iter_mut().for_each(|t| t.degraded = true);
        self.out.0.extend(told);
        self.evictions += u32::from(was_open);
        self.evicted_until = self.evicted_until.max(lost.unwrap_or(i64::MIN));
        self.keys.remove(&key);
    }

    fn flush(&mut self) {
        let mut told = Vec::new();
        for (&key, known) in &self.keys {
            if self.settings.windows {
                for w in &known.reached {
                    told.push(self.tell(key, &BTreeSet::from([*w]), Episode::Close, 0, Err(self.end(*w)), self.named(key, *w)));
                }
            } else {
                for e in &known.episodes {
                    let at = self.end(e.windows.last().unwrap() + self.settings.slide);
                    told.push(self.tell(key, &e.windows, Episode::Close, e.revision, Err(at), e.name.clone()));
                }
            }
        }
        told.sort_by(|a, b| (a.place.unwrap_err(), &a.dedup_key).cmp(&(b.place.unwrap_err(), &b.dedup_key)));
        self.out.0.extend(told);
    }
}
