//! Running figures that can be kept in state and merged: sums, mean and variance.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What can be collected pane by pane and put together for a window. `()` collects nothing.
pub trait Aggregate: Clone + Default + Serialize + DeserializeOwned {
    /// Takes in what another has collected.
    fn merge(&mut self, other: &Self);
}

impl Aggregate for () {
    #[inline]
    fn merge(&mut self, (): &()) {}
}

impl<A: Aggregate, B: Aggregate> Aggregate for (A, B) {
    fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
        self.1.merge(&other.1);
    }
}

/// A sum of integers; it saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum(pub i64);

impl Sum {
    /// Adds a value.
    pub fn add(&mut self, value: i64) {
        self.0 = self.0.saturating_add(value);
    }
}

impl Aggregate for Sum {
    fn merge(&mut self, other: &Self) {
        self.add(other.0);
    }
}

/// Number, mean and variance of a stream of numbers (Welford 1962; merged as in Chan, Golub and LeVeque 1979).
///
/// Floating point: the last digits depend on the order in which values came, which is the input order, but not on batches or shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// Adds a value. One that is not finite is left out.
    pub fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
    }

    /// How many values there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; 0 without any.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Their sample variance; 0 with fewer than two.
    pub fn variance(&self) -> f64 {
        if self.count < 2 { 0.0 } else { self.squares / (self.count - 1) as f64 }
    }
}

impl Aggregate for Moments {
    fn merge(&mut self, other: &Self) {
        if self.count == 0 {
            *self = *other;
        } else if other.count > 0 {
            let count = self.count + other.count;
            let apart = other.mean - self.mean;
            self.mean += apart * other.count as f64 / count as f64;
            self.squares += other.squares + apart * apart * (self.count as f64 * other.count as f64 / count as f64);
            self.count = count;
        }
    }
}
