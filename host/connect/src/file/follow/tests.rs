//! Real files, a real engine, no detectors.
