//! The program is killed under load, again and again (SEMANTICS 10). By hand and for longer: `target/release/eyas-kill --rounds 20`.

use eyas_kill::{Options, kill_test};
use eyas_tests::eyas;

#[test]
fn killed_at_any_moment_it_gives_what_an_undisturbed_run_gives() {
    let options = Options { eyas: eyas(), kills: 10, seed: 4, keep: None, rogue: None };
    kill_test(&options).unwrap_or_else(|error| panic!("{error}"));
}
