//! Standard input: a pipe whose content is gone with the program that reads it.

use std::io::Write;
use std::process::ChildStdin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::line::line;
use super::{Load, rest};

/// The pipe of the program that runs at the moment.
#[derive(Default)]
pub struct Pipe(Mutex<Option<ChildStdin>>);

impl Pipe {
    /// Another program runs.
    pub fn give(&self, pipe: Option<ChildStdin>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = pipe;
    }

    /// Gives whether anybody may have read it.
    fn write(&self, bytes: &[u8]) -> bool {
        let mut pipe = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let written = pipe.as_mut().is_some_and(|pipe| pipe.write_all(bytes).is_ok());
        if !written {
            *pipe = None;
        }
        written
    }
}

/// Writes until it is enough.
pub fn feed(load: &Load, pipe: &Pipe, mut rng: fastrand::Rng) {
    let (mut number, mut lines) = (0u64, String::new());
    while load.goes_on() {
        lines.clear();
        for _ in 0..rng.u32(1..40) {
            lines += &line(&mut rng, &load.clock, &format!("p-{number:08}"));
            lines.push('\n');
            number += 1;
        }
        if pipe.write(lines.as_bytes()) {
            rest(&mut rng);
        } else {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
