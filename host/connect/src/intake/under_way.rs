//! The requests of one connection that are under way at once: handed in in their order, answered in their order.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Answer;

/// Requests that a connection may have under way. More of them are not read, so that whoever sends them waits.
const MOST: usize = 64;

/// Requests under way, each with what is to be known of it when its answer is there.
pub struct UnderWay<T> {
    requests: VecDeque<Request<T>>,
}

struct Request<T> {
    what: T,
    answer: Pin<Box<dyn Future<Output = Answer> + Send>>,
    settled: Option<Answer>,
}

impl<T> UnderWay<T> {
    /// None yet.
    pub fn new() -> Self {
        Self { requests: VecDeque::new() }
    }

    /// Whether there may be one more.
    pub fn has_room(&self) -> bool {
        self.requests.len() < MOST
    }

    /// Whether all have been answered.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Adds one, which is handed in by and by while [`Self::next`] is waited for.
    pub fn push(&mut self, what: T, answer: impl Future<Output = Answer> + Send + 'static) {
        self.requests.push_back(Request { what, answer: Box::pin(answer), settled: None });
    }

    /// The next answer; never, where nothing is under way. It may be given up and waited for again.
    pub async fn next(&mut self) -> (T, Answer) {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The next answer, if it is there already.
    pub fn settled(&mut self) -> Option<(T, Answer)> {
        let Request { what, settled, answer } = self.requests.pop_front()?;
        if let Some(settled) = settled {
            return Some((what, settled));
        }
        self.requests.push_front(Request { what, answer, settled });
        None
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<(T, Answer)> {
        // All of them, and each before those behind it: so they are handed in in order.
        for request in self.requests.iter_mut().filter(|request| request.settled.is_none()) {
            if let Poll::Ready(answer) = request.answer.as_mut().poll(context) {
                request.settled = Some(answer);
            }
        }
        self.settled().map_or(Poll::Pending, Poll::Ready)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::super::Answer;
    use super::UnderWay;

    #[tokio::test]
    async fn answers_come_in_the_order_of_requests_however_they_were_given() {
        let (mut under_way, mut givers) = (UnderWay::new(), Vec::new());
        while under_way.has_room() {
            let (giver, answer) = oneshot::channel();
            under_way.push(givers.len(), async { answer.await.unwrap() });
            givers.push(giver);
        }
        assert_eq!(givers.len(), super::MOST);
        for giver in givers.into_iter().rev() {
            assert!(futures_pending(&mut under_way).await);
            giver.send(Answer::Taken).unwrap();
        }
        for number in 0..super::MOST {
            assert_eq!(under_way.next().await, (number, Answer::Taken));
        }
        assert!(under_way.is_empty());
    }

    /// Whether no answer is there yet.
    async fn futures_pending(under_way: &mut UnderWay<usize>) -> bool {
        tokio::select! {
            biased;
            _ = under_way.next() => false,
            () = std::future::ready(()) => true,
        }
    }
}
