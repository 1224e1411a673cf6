//! Brute force: too many failed authentications between two addresses within a window of event time.

mod detector;

pub use detector::{BruteForce, Config};

/// The detector as it is run: natively with [`eyas_sdk::Instance`], in WebAssembly by its exports.
pub type Detector = eyas_sdk::Threshold<BruteForce>;

eyas_sdk::export!(Detector);
