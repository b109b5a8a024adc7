//! Every state that can be reached from one.

use std::{
    collections::HashSet,
    hash::{BuildHasherDefault, Hash, Hasher},
};

/// Visits all of them once; gives how many there are, and how many of them must not be.
pub(crate) fn exhaust<S: Clone + Eq + Hash>(
    begin: S,
    steps: impl Fn(&S) -> Vec<S>,
    must_not_be: impl Fn(&S) -> bool,
) -> (usize, usize) {
    let mut seen: HashSet<S, BuildHasherDefault<Quick>> = HashSet::default();
    seen.insert(begin.clone());
    let mut stack = vec![begin];
    let mut bad = 0;
    while let Some(state) = stack.pop() {
        bad += usize::from(must_not_be(&state));
        for next in steps(&state) {
            if !seen.contains(&next) {
                seen.insert(next.clone());
                stack.push(next);
            }
        }
    }
    (seen.len(), bad)
}

/// The standard hasher takes most of the time of a build that is not optimized.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_isize(&mut self, value: isize) {
        self.write_u64(value.cast_unsigned() as u64);
    }
}
