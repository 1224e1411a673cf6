//! The Mersenne Twister with Python's ways of drawing from it, so that the oracle's events can be made again, byte for byte.
//!
//! Matsumoto and Nishimura 1998, MT19937; the draws are those of CPython 3.11's `random` module.

const N: usize = 624;
const M: usize = 397;

/// A seeded generator.
pub struct Mersenne {
    state: [u32; N],
    next: usize,
}

impl Mersenne {
    /// As `random.Random(seed)` for a seed of one word.
    pub fn new(seed: u32) -> Self {
        let mut state = [0u32; N];
        state[0] = 19_650_218;
        for i in 1..N {
            state[i] = 1_812_433_253u32.wrapping_mul(state[i - 1] ^ (state[i - 1] >> 30)).wrapping_add(i as u32);
        }
        let mut i = 1;
        let wrap = |state: &mut [u32; N], i: &mut usize| {
            *i += 1;
            if *i >= N {
                state[0] = state[N - 1];
                *i = 1;
            }
        };
        for _ in 0..N {
            let mixed = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1_664_525);
            state[i] = (state[i] ^ mixed).wrapping_add(seed);
            wrap(&mut state, &mut i);
        }
        for _ in 0..N - 1 {
            let mixed = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(1_566_083_941);
            state[i] = (state[i] ^ mixed).wrapping_sub(i as u32);
            wrap(&mut state, &mut i);
        }
        state[0] = 0x8000_0000;
        Self { state, next: N }
    }

    fn word(&mut self) -> u32 {
        if self.next == N {
            for i in 0..N {
                let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
                self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ if y & 1 == 1 { 0x9908_b0df } else { 0 };
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// In [0, 1).
    pub fn random(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// 64 random bits.
    pub fn bits64(&mut self) -> u64 {
        let low = u64::from(self.word());
        (u64::from(self.word()) << 32) | low
    }

    /// In 0..n.
    pub fn below(&mut self, n: usize) -> usize {
        let bits = usize::BITS - n.leading_zeros();
        loop {
            let drawn = (self.word() >> (32 - bits)) as usize;
            if drawn < n {
                return drawn;
            }
        }
    }

    /// One of a list.
    pub fn choice<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// Different ones of a list that is much longer than their number.
    pub fn sample<'a, T>(&mut self, list: &'a [T], number: usize) -> Vec<&'a T> {
        let mut taken = std::collections::HashSet::new();
        let mut draw = || {
            loop {
                let place = self.below(list.len());
                if taken.insert(place) {
                    return &list[place];
                }
            }
        };
        (0..number).map(|_| draw()).collect()
    }

    /// Log-normal, by Kinderman and Monahan's method.
    pub fn lognormal(&mut self, mu: f64, sigma: f64) -> f64 {
        let magic = 4.0 * (-0.5f64).exp() / 2.0f64.sqrt();
        loop {
            let u1 = self.random();
            let u2 = 1.0 - self.random();
            let z = magic * (u1 - 0.5) / u2;
            if z * z / 4.0 <= -u2.ln() {
                return (mu + z * sigma).exp();
            }
        }
    }
}
