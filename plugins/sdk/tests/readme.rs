//! What the manual prints is what is compiled and tested.

#[test]
fn the_manual_shows_the_example_as_it_is() {
    let manual = include_str!("../../README.md");
    let example = include_str!("../examples/port_scan.rs");
    assert!(manual.contains(&format!("```rust\n{example}```\n")), "copy examples/port_scan.rs into plugins/README.md");
}
