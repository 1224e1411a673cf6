//! Where an answer goes: to everybody who waits for the same request. The first answer counts.

use std::sync::Arc;

use tokio::sync::watch;

use super::Answer;
use super::known::Known;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing of it has been taken in.
    Waiting,
    /// It is being taken in, and will be.
    Begun,
    /// It has its answer.
    Settled(Answer),
}

/// The end where the answer goes in.
#[derive(Clone)]
pub struct Reply(Arc<Inner>);

struct Inner {
    stage: watch::Sender<Stage>,
    /// Among which it is, and by what it is known there.
    among: Option<(Arc<Known>, u128)>,
}

/// An end where the answer comes out.
pub struct Settled(watch::Receiver<Stage>);

impl Reply {
    /// With one end where the answer comes out.
    pub fn new(among: Option<(Arc<Known>, u128)>) -> (Self, Settled) {
        let (stage, receiver) = watch::channel(Stage::Waiting);
        (Self(Arc::new(Inner { stage, among })), Settled(receiver))
    }

    /// One more end where the answer comes out.
    pub fn also(&self) -> Settled {
        Settled(self.0.stage.subscribe())
    }

    /// Takes a request back. Gives whether nothing of it has been taken in, nor will be.
    pub fn withdraw(&self) -> bool {
        self.settle_from(|stage| *stage == Stage::Waiting, Answer::NoRoom)
    }

    /// It is the request's turn. Gives whether anybody still wants it taken in.
    pub fn begin(&self) -> bool {
        if self.0.stage.receiver_count() == 0 {
            self.withdraw();
        }
        self.0.stage.send_if_modified(|stage| {
            let waiting = *stage == Stage::Waiting;
            if waiting {
                *stage = Stage::Begun;
            }
            waiting
        })
    }

    /// Says what became of it.
    pub fn give(&self, answer: Answer) {
        self.settle_from(|stage| !matches!(stage, Stage::Settled(_)), answer);
    }

    /// Settles it where it stands so. Gives whether it did.
    fn settle_from(&self, so: impl FnOnce(&Stage) -> bool, answer: Answer) -> bool {
        let settled = self.0.stage.send_if_modified(|stage| {
            let settle = so(stage);
            if settle {
                *stage = Stage::Settled(answer);
            }
            settle
        });
        if let Some((among, id)) = self.0.among.as_ref().filter(|_| settled) {
            among.leave(*id);
        }
        settled
    }
}

impl Settled {
    /// Waits for the answer.
    pub async fn wait(&mut self) -> Answer {
        let settled = self.0.wait_for(|stage| matches!(stage, Stage::Settled(_))).await;
        match settled.as_deref() {
            Ok(Stage::Settled(answer)) => *answer,
            // Nobody is there to give one any more.
            _ => Answer::Closed,
        }
    }
}
