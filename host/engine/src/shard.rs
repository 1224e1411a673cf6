//! One shard's thread: decodes the batches whose home it is, runs its instances on its share of all batches, and puts the results of
//! its own batches together. It never waits but for a bell, when all its rings are empty.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::Report;
use crate::clock::Clocks;
use crate::crew::Crew;
use crate::flight::Flight;
use crate::home::Home;
use crate::wiring::{Alarm, Done, Ports, Work, take};

/// A ring had no room, although it has room for all the credit there is: a defect of the host.
#[derive(Debug)]
pub(crate) struct Overrun;

/// All that one shard thread owns.
pub(crate) struct Shard {
    ports: Ports,
    crew: Crew,
    home: Home,
    /// The clocks, while the next item of the input order is ours.
    clocks: Option<Clocks>,
    /// By phase: how many batches this shard has worked on, and so which home the next one comes from.
    worked: Vec<u64>,
    /// Batches whose home this is, in input order.
    flights: VecDeque<Flight>,
    /// How many of `flights`, from the front, have got their watermarks.
    clocked: usize,
    /// The number of the last item, once it is known.
    end: Option<u64>,
    alarm: Arc<Alarm>,
}

impl Shard {
    /// A shard at the beginning. The one that item 0 comes to gets the clocks.
    pub(crate) fn new(ports: Ports, crew: Crew, home: Home, clocks: Option<Clocks>, alarm: Arc<Alarm>) -> Self {
        let worked = vec![0; home.layout.phases];
        Self { ports, crew, home, clocks, worked, flights: VecDeque::new(), clocked: 0, end: None, alarm }
    }

    /// Works until the last item has run out. Whatever ends it before, a panic too, ends all others.
    pub(crate) fn run(mut self) -> Result<Report, Overrun> {
        let guard = self.alarm.clone().guard();
        while !self.is_done() {
            // What is farthest along goes first, so that batches leave before new ones are begun.
            let busy = self.gather()? || self.detect()? || self.pass_clocks()? || self.decode();
            if self.alarm.is_raised() {
                return Err(Overrun);
            }
            if !busy {
                self.ports.bell.wait();
            }
        }
        guard.disarm();
        Ok(Report { farthest: self.home.farthest, invalid: self.home.invalid })
    }

    /// Whether the last item has left, and no other shard can need us.
    fn is_done(&self) -> bool {
        self.flights.is_empty() && self.end.is_some_and(|end| self.worked.iter().all(|worked| *worked > end))
    }

    /// Takes results of our own batches in.
    fn gather(&mut self) -> Result<bool, Overrun> {
        let mut busy = false;
        for shard in 0..self.ports.done_in.len() {
            while let Some(done) = take(self.ports.done_in.get_mut(shard)) {
                busy = true;
                self.settle(shard, done)?;
            }
        }
        Ok(busy)
    }

    /// Each shard answers in input order, so a batch has all its answers before the one behind it has.
    fn settle(&mut self, shard: usize, done: Done) -> Result<(), Overrun> {
        let shards = self.ports.done_in.len();
        let first = self.flights.front().map_or(done.number, |flight| flight.number);
        let index = (done.number - first) as usize / shards;
        let Some(flight) = self.flights.get_mut(index) else { return Err(Overrun) };
        flight.take(shard, done.outcomes);
        flight.answers += 1;
        if flight.answers < shards {
            return Ok(());
        }
        flight.answers = 0;
        flight.phase += 1;
        self.forward(index)
    }

    /// Sends a batch on its next phase, or out.
    fn forward(&mut self, index: usize) -> Result<(), Overrun> {
        let Some(flight) = self.flights.get_mut(index) else { return Err(Overrun) };
        if flight.phase < self.home.layout.phases {
            return self.home.dispatch(flight, &mut self.ports);
        }
        let Some(flight) = self.flights.remove(index) else { return Err(Overrun) };
        self.clocked -= 1;
        self.home.deliver(flight, &mut self.ports, &mut self.crew)
    }

    /// Runs our instances on the next batch, of the latest phase that has one.
    fn detect(&mut self) -> Result<bool, Overrun> {
        let shards = self.ports.done_out.len() as u64;
        for (worked, rings) in self.worked.iter_mut().zip(&mut self.ports.work_in).rev() {
            let home = (*worked % shards) as usize;
            let Some(Work { number, tasks }) = take(rings.get_mut(home)) else { continue };
            *worked += 1;
            let outcomes = tasks.into_iter().map(|task| self.crew.run(task)).collect();
            let answer = self.ports.done_out.get_mut(home).ok_or(Overrun)?;
            answer.send(Done { number, outcomes }).map_err(|_| Overrun)?;
            return Ok(true);
        }
        Ok(false)
    }

    /// If the clocks have come: gives the next batch its watermarks, and hands the clocks on before the rows are looked at.
    fn pass_clocks(&mut self) -> Result<bool, Overrun> {
        if self.clocks.is_none() {
            self.clocks = take(Some(&mut self.ports.clocks_in));
            if let Some(end) = self.clocks.as_ref().and_then(|clocks| clocks.end) {
                return self.learn_of_the_end(end);
            }
        }
        let Some(flight) = self.flights.get_mut(self.clocked) else { return Ok(false) };
        let Some(mut clocks) = self.clocks.take() else { return Ok(false) };
        flight.read(&mut clocks);
        self.end = clocks.end;
        self.ports.clocks_out.send(clocks).map_err(|_| Overrun)?;
        self.home.stamp(flight);
        self.clocked += 1;
        self.forward(self.clocked - 1)?;
        Ok(true)
    }

    /// The clocks go round once more, to tell each shard which item is the last.
    fn learn_of_the_end(&mut self, end: u64) -> Result<bool, Overrun> {
        let clocks = self.clocks.take();
        if self.end.replace(end).is_none()
            && let Some(clocks) = clocks
        {
            self.ports.clocks_out.send(clocks).map_err(|_| Overrun)?;
        }
        Ok(true)
    }

    /// Begins the next batch whose home this is.
    fn decode(&mut self) -> bool {
        match take(Some(&mut self.ports.admitted)) {
            Some(admitted) => {
                self.flights.push_back(self.home.begin(admitted));
                true
            }
            None => false,
        }
    }
}
