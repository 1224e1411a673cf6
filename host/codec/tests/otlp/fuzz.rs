//! Garbage, and what is nearly right.
