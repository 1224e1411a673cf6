//! The program at work: started, looked after, killed.

use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::scene::Scene;

/// How long it may take until it listens.
const START: Duration = Duration::from_secs(60);
/// How long it may take to end after it was asked to: its own limit is 25 s.
const END: Duration = Duration::from_secs(35);

/// A running program. Dropped, it is killed.
pub struct Program(Child);

impl Program {
    /// Starts it, with an empty pipe as standard input.
    pub fn start(scene: &Scene, shards: u8) -> Outcome<(Self, Option<ChildStdin>)> {
        let mut command = scene.command(&["run", "eyas.toml", "--quiet", "--shards", &shards.to_string()])?;
        let mut child = command.stdin(Stdio::piped()).spawn().map_err(|error| format!("cannot start eyas: {error}"))?;
        let pipe = child.stdin.take();
        Ok((Self(child), pipe))
    }

    /// Waits until it listens: from then on it knows what signals mean.
    pub fn wait_up(&mut self, scene: &Scene) -> Outcome {
        let since = Instant::now();
        while TcpStream::connect_timeout(&scene.source, Duration::from_secs(1)).is_err() {
            self.runs()?;
            if since.elapsed() > START {
                return Err(format!("eyas does not come up within {} s", START.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Lets it run for so long.
    pub fn run_for(&mut self, millis: u64) -> Outcome {
        let until = Instant::now() + Duration::from_millis(millis);
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.runs()?;
            std::thread::sleep(left.min(Duration::from_millis(20)));
        }
        self.runs()
    }

    /// Kills it as no program can prevent.
    pub fn kill(mut self) -> Outcome {
        self.runs()?;
        self.0.kill().and_then(|()| self.0.wait()).map(drop).map_err(|error| format!("cannot kill eyas: {error}"))
    }

    /// Asks it to end.
    pub fn ask_to_end(&self) -> Outcome {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        if sent.is_ok_and(|sent| sent.success()) { Ok(()) } else { Err("cannot send SIGTERM".to_owned()) }
    }

    /// Waits until it has ended well, after it was asked to.
    pub fn wait_end(mut self) -> Outcome {
        let since = Instant::now();
        loop {
            match self.ended()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("asked to end, eyas ended with {status}")),
                None if since.elapsed() > END => return Err(format!("asked to end, eyas still runs after {} s", END.as_secs())),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Errors where it has ended.
    pub fn runs(&mut self) -> Outcome {
        self.ended()?.map_or(Ok(()), |status| Err(format!("eyas ended by itself, with {status}")))
    }

    fn ended(&mut self) -> Outcome<Option<ExitStatus>> {
        self.0.try_wait().map_err(|error| format!("cannot look after eyas: {error}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
