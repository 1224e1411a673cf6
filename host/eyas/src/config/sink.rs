//! `[sinks.X]`.

use std::time::Duration;

use eyas_connect::check_path;

use super::component::{RawSink, read_inputs};
use super::http::{read_auth, read_headers, read_uri};
use super::plan::{HttpSinkPlan, SinkKind};
use super::reader::Reader;
use super::targets::is_device;

/// Reads a sink; nothing if it has no type that there is.
pub fn read_sink(reader: Reader<'_>, name: &str) -> Option<RawSink> {
    #[derive(Clone, Copy)]
    enum Kind {
        Stdout,
        Stderr,
        File,
        Http,
        Blackhole,
    }
    let names =
        [("stdout", Kind::Stdout), ("stderr", Kind::Stderr), ("file", Kind::File), ("http", Kind::Http), ("blackhole", Kind::Blackhole)];
    let kind = match reader.required("type", "there are: stdout, stderr, file, http, blackhole") {
        Some(_) => reader.choice("type", &names),
        None => None,
    };
    let kind = match kind? {
        Kind::Stdout => Some(SinkKind::Stdout),
        Kind::Stderr => Some(SinkKind::Stderr),
        Kind::Blackhole => Some(SinkKind::Blackhole),
        Kind::File => read_file(&reader),
        Kind::Http => read_http(&reader),
    };
    let inputs = read_inputs(&reader);
    let place = reader.place.clone();
    reader.finish();
    Some(RawSink { name: name.to_owned(), place, kind: kind?, inputs })
}

fn read_file(reader: &Reader<'_>) -> Option<SinkKind> {
    let path = reader.required("path", "name the file to append to");
    let rotate = reader.within("rotate");
    let rotate_bytes = rotate.as_ref().and_then(|rotate| {
        let help = "say how large the file may become: rotate.max_bytes = 1073741824";
        if rotate.table.get("max_bytes").is_none() {
            rotate.problems.at(&rotate.place, format!("{} has no \"max_bytes\"", rotate.what), help);
        }
        let bytes = rotate.integer("max_bytes", 4096..=i64::MAX, 1 << 30);
        rotate.table.get("max_bytes").map(|_| bytes.unsigned_abs())
    });
    let (path, place) = path?;
    if let Err(error) = check_path(&path.value) {
        reader.problems.at(place, error, "%Y, %m, %d, %H and the like stand for the date");
    }
    if let Some(rotate) = rotate {
        if is_device(&path.value) {
            reader.problems.at(&rotate.place, format!("{path:?} is no file that could be renamed"), "take this away");
        }
        rotate.finish();
    }
    Some(SinkKind::File { path: path.clone(), rotate_bytes })
}

fn read_http(reader: &Reader<'_>) -> Option<SinkKind> {
    let uri = read_uri(reader);
    let token = read_auth(reader);
    let (mut timeout, mut backoff, mut longest, mut headers) = (60, 1, 30, Vec::new());
    let mut backoff_place = None;
    if let Some(request) = reader.within("request") {
        timeout = request.integer("timeout_secs", 1..=3_600, timeout);
        backoff = request.integer("retry_initial_backoff_secs", 1..=3_600, backoff);
        longest = request.integer("retry_max_duration_secs", 1..=86_400, longest);
        headers = read_headers(&request);
        backoff_place = request.table.get("retry_initial_backoff_secs").or(request.table.get("retry_max_duration_secs"));
        request.finish();
    }
    if let (true, Some(entry)) = (backoff > longest, backoff_place) {
        let message = format!("the first wait between tries, {backoff} s, is longer than the longest, {longest} s");
        reader.problems.at(&entry.place, message, "retry_initial_backoff_secs doubles up to retry_max_duration_secs");
    }
    let (mut batch_bytes, mut batch_timeout) = (1 << 20, 1_000_000_000);
    if let Some(batch) = reader.within("batch") {
        batch_bytes = batch.size("max_bytes", 1024..=1 << 30, batch_bytes);
        batch_timeout = batch.seconds("timeout_secs", 1);
        batch.finish();
    }
    let seconds = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
    Some(SinkKind::Http(Box::new(HttpSinkPlan {
        uri: uri?,
        token,
        timeout: seconds(timeout),
        retry_initial_backoff: seconds(backoff),
        retry_max: seconds(longest),
        headers,
        batch_bytes,
        batch_timeout: Duration::from_nanos(batch_timeout.unsigned_abs()),
    })))
}
