//! HTTP/1.1 and HTTP/2 on a connection, for every door that speaks either.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::intake::Intake;
use crate::net::Stream;

/// How a client says that it speaks HTTP/2.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Requests that a connection may have under way at once.
const STREAMS: u32 = 128;
/// The most bytes of a request's head.
const HEAD_BYTES: u32 = 16 << 10;
/// How often a quiet HTTP/2 connection is asked whether it is still there, and how long it may take to say so.
const PING: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));
/// Streams that a client opened and reset before we saw them, and those that were reset for its errors, until it is sent away.
const RESETS: (usize, usize) = (20, 128);
/// How long a connection on which nothing is under way is waited for when we end.
const LINGER: Duration = Duration::from_secs(1);
/// What a client may send ahead of being read: of one request, and of all of a connection.
const WINDOWS: (u32, u32) = (256 << 10, 1 << 20);

/// Serves a connection to its end; on a stop, until the requests under way are answered. A door says how one is.
pub async fn serve<F, A, B>(mut stream: Stream, intake: &Intake, answer: F)
where
    F: Fn(Request<Incoming>) -> A + Send + 'static,
    A: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let (peer, limits) = (stream.peer(), intake.limits());
    let begun = tokio::select! {
        begun = timeout(limits.head, speaks_http2(&mut stream)) => begun,
        () = intake.stopping() => return,
    };
    let Ok(Ok(Some(is_http2))) = begun else { return };
    let under_way = watch::Sender::new(0);
    let service = service_fn(|request| {
        let (answer, _counted) = (answer(request), UnderWay::new(&under_way));
        async { Ok::<_, Infallible>((answer.await, _counted).0) }
    });
    let io = TokioIo::new(stream);
    // Both kinds of connection have the same methods, and no trait that says so.
    macro_rules! drive {
        ($connection:expr) => {{
            let mut connection = pin!($connection);
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = intake.stopping() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = connection => ended,
                        () = quiet(&under_way) => Ok(()),
                    }
                }
            }
        }};
    }
    let ended = if is_http2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEAD_BYTES)
            .max_pending_accept_reset_streams(RESETS.0)
            .max_local_error_reset_streams(RESETS.1)
            .initial_stream_window_size(WINDOWS.0)
            .initial_connection_window_size(WINDOWS.1)
            .keep_alive_interval(PING.0)
            .keep_alive_timeout(PING.1);
        drive!(builder.serve_connection(io, service))
    } else {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(limits.head);
        drive!(builder.serve_connection(io, service))
    };
    if let Err(error) = ended {
        tracing::debug!(source = %intake.source(), "the connection with {peer} ended before its time: {error}");
    }
}

/// A request that is under way, counted.
struct UnderWay(watch::Sender<usize>);

impl UnderWay {
    fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Waits until no request has been under way for a while: a client may never say that it has understood that we end.
async fn quiet(under_way: &watch::Sender<usize>) {
    let mut count = under_way.subscribe();
    loop {
        // It cannot end, as we hold the other end.
        let _ = count.wait_for(|count| *count == 0).await;
        if timeout(LINGER, count.wait_for(|count| *count > 0)).await.is_err() {
            return;
        }
    }
}

/// Whether a client speaks HTTP/2, by what it agreed to or how it begins; nothing where it says nothing.
async fn speaks_http2(stream: &mut Stream) -> std::io::Result<Option<bool>> {
    if let Some(agreed) = stream.agreed_http2() {
        return Ok(Some(agreed));
    }
    let mut head = BytesMut::new();
    // Only so much that nothing is read by us that comes behind a beginning of HTTP/1.1, and that is put back.
    while head.len() < PREFACE.len() && PREFACE.starts_with(&head) {
        let mut rest = [0; PREFACE.len()];
        let room = rest.get_mut(head.len()..).unwrap_or_default();
        let read = stream.read(room).await?;
        if read == 0 {
            break;
        }
        head.extend_from_slice(room.get(..read).unwrap_or_default());
    }
    let is_http2 = (!head.is_empty()).then_some(&*head == PREFACE);
    stream.put_back(head.freeze());
    Ok(is_http2)
}
