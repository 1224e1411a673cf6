//! What a Rust detector for Eyas is written with.
//!
//! A detector is a plain type: it is made from its configuration, and is then called with one row and the state of that
//! row's key at a time. Everything else (the subscription, batches, looking up keys, bounds and eviction, timers, snapshots) is
//! this crate's. There are two levels:
//!
//! - [`Detector`]: what happens to a row, given `&self` and the state of its key.
//! - [`Rule`], for the most common kind: so many events of one key within a window of event time. `Threshold<R>` makes a detector of it,
//!   with sliding windows and episodes.
//!
//! The crate compiles natively too, and there nothing of the host is called: an [`Instance`] takes columns ([`Rows`]) and gives its
//! results to any [`Host`], such as the [`Recorder`] of the tests. `export!` makes the same type a WebAssembly module.

pub mod config;
pub use config::{Config, Emit, Filter, Key};

mod setup;
pub use setup::{Column, Condition, Field, FieldType, Info, Routing, Setup, Test, column};

mod rows;
pub use rows::{ColumnData, Row, Rows, Strings};

mod detector;
pub use detector::{Context, Detector};

mod threshold;
pub use threshold::{Finding, Report, Rule, Threshold, Totals, Windowed};

mod sketch;
pub use sketch::{Distinct, SeededHash};

mod stats;
pub use stats::{Aggregate, Moments, Sum};

mod entity;

mod instance;
pub use instance::Instance;

mod host;
pub use host::{Host, Recorder};

pub mod testing;

pub mod bindings;
#[cfg(target_arch = "wasm32")]
pub mod guest;
pub use bindings::eyas::detector::types::{Alert, Entries, Episode, Fact, Place, Problem, Scope, Strings as OwnedStrings, Value};

/// Makes a detector the exports of a WebAssembly module: `eyas_sdk::export!(MyDetector);`. Natively it does nothing.
#[macro_export]
macro_rules! export {
    ($detector:ty) => {
        const _: $crate::Info = <$detector as $crate::Detector>::INFO;

        #[cfg(target_arch = "wasm32")]
        mod eyas_export {
            #![allow(unsafe_code, reason = "exports have to be named, and take pointers")]
            use super::*;
            use $crate::guest;

            thread_local! {
                static INSTANCE: guest::Slot<$detector> = const { guest::Slot::new(None) };
            }

            struct Exported;

            impl guest::Guest for Exported {
                fn describe() -> guest::Description {
                    guest::describe::<$detector>()
                }
                fn configure(config: String) -> Result<(), Vec<$crate::Problem>> {
                    INSTANCE.with(|slot| guest::configure(slot, &config))
                }
                fn process(rows: u32) {
                    INSTANCE.with(|slot| guest::process(slot, rows));
                }
                fn advance(watermark: i64) {
                    INSTANCE.with(|slot| guest::advance(slot, watermark));
                }
                fn flush() {
                    INSTANCE.with(guest::flush);
                }
                fn snapshot(scope: $crate::Scope) {
                    INSTANCE.with(|slot| guest::snapshot(slot, scope));
                }
                fn restore() -> Result<(), String> {
                    INSTANCE.with(guest::restore)
                }
            }

            $crate::bindings::export_guest!(Exported with_types_in $crate::bindings);
        }
    };
}
