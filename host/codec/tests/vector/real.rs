//! What Vector itself sent.

use eyas_codec::vector::stream;
use eyas_codec::{Form, Notes};
use eyas_event::Tags;
use prost::Message;
use serde_json::json;

use super::support::binary::{encoded, lines, values};
use super::{Event, Kind, List, Request, entries, map, real_bytes, text, vector};

#[test]
fn real_bytes_are_the_events_that_were_sent() {
    let stream = stream(&real_bytes()).unwrap();
    assert_eq!(stream, real_bytes());
    let (decoded, out) = encoded(&vector(), &stream, &Notes::default(), &[], Form::Ndjson);
    assert_eq!((decoded.events.len(), decoded.dead.len(), decoded.opaque.len()), (100, 0, 0));
    let mut sent = lines(include_bytes!("../wire/events.ndjson"));
    // Vector's own source adds these.
    sent.iter_mut().for_each(|event| {
        event["host"] = json!("vm");
        event["source_type"] = json!("stdin");
    });
    assert_eq!(lines(&out), sent);
    let paths = ["source_ip", "geo_location.latitude", "bytes_transferred", "nothing"];
    let wanted: Vec<Vec<_>> = sent
        .iter()
        .map(|event| paths.iter().map(|path| event.pointer(&format!("/{}", path.replace('.', "/"))).cloned()).collect())
        .collect();
    assert_eq!(values(&vector(), &stream, &paths), wanted);
}

#[test]
fn real_bytes_annotated_keep_all_else() {
    let tags: Vec<_> = (0..100).step_by(3).map(|row| (row, Tags::LATE)).collect();
    let (_, out) = encoded(&vector(), &real_bytes(), &Notes { tags: &tags, ..Notes::default() }, &[], Form::Vector);
    let mut wanted = Request::decode(real_bytes().as_slice()).unwrap();
    for (row, event) in wanted.events.iter_mut().enumerate().step_by(3) {
        let Some(Event::Log(log)) = &mut event.event else { panic!("{row} is a log") };
        log.fields.extend(entries(&[("eyas", map(&[("tags", Kind::List(List { items: vec![text("late")] }).into())]))]));
    }
    assert_eq!(Request::decode(out.as_slice()).unwrap(), wanted);
    assert_eq!(out.len(), wanted.encoded_len());
}
