//! Eyas between other people's programs: what they send is taken, what it sends they take, and nothing is lost when any of them dies.

mod collector;
mod fluent;
mod pair;
mod rotel;
