//! What guests log reaches the host's log: named, escaped, and not without end.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use eyas_hostile::Guest;
use eyas_plugin::Findings;

use crate::support::{part, start};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged while a guest processes four rows and ends.
fn logged(guest: &Guest) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::DEBUG);
    let subscriber = subscriber.with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || start(guest).unwrap().process(&part(4), &mut Findings::default()).unwrap());
    let bytes = lines.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_line_says_whose_it_is_and_cannot_forge_another() {
    let mut guest = Guest::new();
    let text = guest.text("seen\n2026-01-01 ERROR forged \u{1b}[2J");
    let log = logged(&guest.on("process", &format!("(call $log.log (i32.const 2) {text})")));
    assert!(log.contains(" WARN eyas::guest: seen\\n2026-01-01 ERROR forged \\u{1b}[2J detector=\"watch\""), "{log}");
    assert_eq!(log.lines().count(), 1);
}

#[test]
fn lines_without_end_are_left_out_and_counted() {
    let mut guest = Guest::new();
    let text = guest.text("again");
    let body = format!(
        "(local.set $i (i32.const 1000)) (loop $again (call $log.log (i32.const 1) {text})
           (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $again (local.get $i)))"
    );
    let log = logged(&guest.on("process", &body));
    let lines = log.matches(": again").count();
    assert!((50..200).contains(&lines), "{lines}");
    let left_out: usize =
        log.lines().filter_map(|line| line.split_once("eyas::guest: ")?.1.split_once(" lines left out")?.0.parse::<usize>().ok()).sum();
    assert_eq!(lines + left_out, 1000);
}
