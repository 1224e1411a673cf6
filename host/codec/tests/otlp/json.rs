//! OTLP/JSON against the referee's own reading and writing of it.
