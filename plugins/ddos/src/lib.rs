//! Distributed denial of service: too many events at one destination, of many sources, within a window of event time.

mod detector;

pub use detector::{Config, Ddos};

/// The detector as it is run: natively with [`eyas_sdk::Instance`], in WebAssembly by its exports.
pub type Detector = eyas_sdk::Threshold<Ddos>;

eyas_sdk::export!(Detector);
