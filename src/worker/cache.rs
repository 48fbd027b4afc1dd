//! Answers that may be asked for again, up to a number of bytes; the least recently used go first.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::query::{Answer, Query};

/// A query that hashes by its place alone: filters may hold long word lists, which would be
/// hashed at every look; comparing them is a comparison of pointers as a rule.
#[derive(PartialEq, Eq)]
struct Key(Query);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.address().hash(state);
    }
}

struct Slot {
    answer: Arc<Answer>,
    bytes: usize,
    /// When it was last put or got, counted in such moments.
    used: u64,
}

/// Answers of one model.
pub(super) struct Cache {
    slots: HashMap<Key, Slot>,
    bytes: usize,
    bytes_max: usize,
    clock: u64,
}

impl Cache {
    /// An empty cache for at most `bytes_max` bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            slots: HashMap::new(),
            bytes: 0,
            bytes_max,
            clock: 0,
        }
    }

    /// Whether there is an answer; does not count as use.
    pub(super) fn contains(&self, query: &Query) -> bool {
        self.slots.contains_key(&Key(query.clone()))
    }

    /// The answer to a query, if it is there.
    pub(super) fn get(&mut self, query: &Query) -> Option<Arc<Answer>> {
        self.clock += 1;
        let slot = self.slots.get_mut(&Key(query.clone()))?;
        slot.used = self.clock;
        Some(Arc::clone(&slot.answer))
    }

    /// Keeps an answer.
    pub(super) fn put(&mut self, query: Query, answer: Arc<Answer>) {
        self.clock += 1;
        let slot = Slot {
            bytes: size_of::<(Key, Slot)>() + bytes(&answer),
            answer,
            used: self.clock,
        };
        self.bytes += slot.bytes;
        if let Some(old) = self.slots.insert(Key(query), slot) {
            self.bytes -= old.bytes;
        }
        if self.bytes > self.bytes_max {
            self.shrink(self.bytes_max / 4 * 3);
        }
    }

    /// Forgets everything: another model is open.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.bytes = 0;
    }

    /// Keeps the most recently used answers, as many as fit into `bytes_max`. It makes more room
    /// than is needed at once, so that sorting is paid for by many puts.
    fn shrink(&mut self, bytes_max: usize) {
        let mut ages: Vec<(u64, usize)> = self.slots.values().map(|s| (s.used, s.bytes)).collect();
        ages.sort_unstable_by(|a, b| b.cmp(a));
        self.bytes = 0;
        let mut oldest_kept = u64::MAX;
        for (used, bytes) in ages {
            if self.bytes + bytes > bytes_max {
                break;
            }
            self.bytes += bytes;
            oldest_kept = used;
        }
        self.slots.retain(|_, slot| slot.used >= oldest_kept);
    }
}

/// What an answer holds, in bytes.
fn bytes(answer: &Answer) -> usize {
    size_of::<Answer>() + answer.kind().heap_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::tests::fake::{answer_to, neuron};

    fn put(cache: &mut Cache, n: usize) {
        let query = neuron(0, n);
        cache.put(query.clone(), Arc::new(answer_to(&query)));
    }

    #[test]
    fn forgets_the_least_recently_used_and_stays_within_its_bytes() {
        let mut cache = Cache::new(1 << 16);
        put(&mut cache, 0);
        put(&mut cache, 1);
        let one = cache.bytes / 2;
        for n in 2..10_000 {
            put(&mut cache, n);
            assert!(cache.get(&neuron(0, 0)).is_some(), "used all the time");
            assert!(cache.bytes <= 1 << 16);
        }
        assert!(cache.get(&neuron(0, 1)).is_none());
        assert!(cache.get(&neuron(0, 9_999)).is_some());
        assert_eq!(cache.bytes, cache.slots.len() * one);
        assert!(cache.slots.len() > (1 << 15) / one);
    }

    #[test]
    fn an_answer_larger_than_all_is_not_kept() {
        let mut cache = Cache::new(8);
        put(&mut cache, 0);
        assert_eq!((cache.slots.len(), cache.bytes), (0, 0));
    }

    #[test]
    fn a_new_answer_takes_the_place_of_the_old() {
        let mut cache = Cache::new(1 << 20);
        put(&mut cache, 0);
        let one = cache.bytes;
        put(&mut cache, 0);
        assert_eq!((cache.slots.len(), cache.bytes), (1, one));
    }

    #[test]
    fn other_filters_are_another_query() {
        let mut cache = Cache::new(1 << 20);
        put(&mut cache, 0);
        let Query::Neuron(mut query) = neuron(0, 0) else {
            unreachable!()
        };
        query.filters.ascii = true;
        assert!(!cache.contains(&Query::Neuron(query)));
        assert!(cache.contains(&neuron(0, 0)));
    }
}
