//! Which row of the file each row of a tensor is, where a format orders rows in its own way.

use std::ops::Range;

/// The order of a stored tensor's rows, against that of the family's own checkpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RowOrder {
    /// The family's own.
    #[default]
    Same,
    /// Queries or keys of heads whose channels RoPE turns in neighbouring pairs, where the family
    /// pairs channel i with i + d_head/2: what llama.cpp's converter does to Llama's maps.
    NeighbouringPairs { d_head: usize },
    /// All queries, all keys, all values, where the family's order is group after group: the
    /// queries that share a key, that key, its value.
    QueriesKeysValues {
        heads: usize,
        kv_heads: usize,
        d_head: usize,
    },
    /// From row `first` on, heads of values in turn of the keys that they share: the first of each
    /// key, the second of each key, …, where the family's order is key after key.
    HeadsInTurn {
        first: usize,
        key_heads: usize,
        /// Heads that share a key.
        shared: usize,
        /// Rows of a head.
        width: usize,
    },
}

impl RowOrder {
    /// The row of the file that is row `row` of the tensor.
    pub(super) fn stored(self, row: usize) -> usize {
        match self {
            Self::Same => row,
            Self::NeighbouringPairs { d_head } => {
                let (head, channel) = (row / d_head, row % d_head);
                let half = d_head / 2;
                // An odd width has no pairs, and is in no file.
                match half {
                    0 => row,
                    half => head * d_head + 2 * (channel % half) + channel / half,
                }
            }
            Self::QueriesKeysValues {
                heads,
                kv_heads,
                d_head,
            } => {
                let shared = heads / kv_heads;
                let (block, channel) = (row / d_head, row % d_head);
                let (group, place) = (block / (shared + 2), block % (shared + 2));
                let block = match place.checked_sub(shared) {
                    None => group * shared + place,
                    Some(0) => heads + group,
                    Some(_) => heads + kv_heads + group,
                };
                block * d_head + channel
            }
            Self::HeadsInTurn {
                first,
                key_heads,
                shared,
                width,
            } => match row.checked_sub(first) {
                None => row,
                Some(own) => {
                    let (head, channel) = (own / width, own % width);
                    let (key, place) = (head / shared, head % shared);
                    first + (place * key_heads + key) * width + channel
                }
            },
        }
    }

    /// The rows of the file among which those of a window lie.
    pub(super) fn cover(self, rows: &Range<usize>) -> Range<usize> {
        if self == Self::Same || rows.is_empty() {
            return rows.clone();
        }
        let stored = rows.clone().map(|row| self.stored(row));
        let (first, last) = stored.fold((usize::MAX, 0), |(first, last), row| {
            (first.min(row), last.max(row))
        });
        first..last + 1
    }
}

#[cfg(test)]
mod tests {
    use super::RowOrder;

    #[test]
    fn orders_are_those_that_the_converter_makes() {
        // reshape(2 heads, 2, 3, …).swapaxes(1, 2) of rows 0…11, by numpy.
        let permuted = [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11];
        let order = RowOrder::NeighbouringPairs { d_head: 6 };
        for (stored, row) in permuted.into_iter().enumerate() {
            assert_eq!(order.stored(row), stored);
        }
        assert_eq!(order.cover(&(1..3)), 2..5);
        assert_eq!(order.cover(&(6..12)), 6..12);
        // Four heads on two keys, one channel each: q0 q1 k0 v0 q2 q3 k1 v1.
        let order = RowOrder::QueriesKeysValues {
            heads: 4,
            kv_heads: 2,
            d_head: 1,
        };
        let stored: Vec<usize> = (0..8).map(|row| order.stored(row)).collect();
        assert_eq!(stored, [0, 1, 4, 6, 2, 3, 5, 7]);
        assert_eq!(order.cover(&(3..3)), 3..3);
        // After one other row, keys a and b with three values each, a row each: a0 b0 a1 b1 a2 b2.
        let order = RowOrder::HeadsInTurn {
            first: 1,
            key_heads: 2,
            shared: 3,
            width: 1,
        };
        let stored: Vec<usize> = (0..7).map(|row| order.stored(row)).collect();
        assert_eq!(stored, [0, 1, 3, 5, 2, 4, 6]);
    }
}
