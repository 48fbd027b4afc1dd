//! Which rows of a long list are on screen.

use std::ops::Range;

/// The rows of a window of `height` rows that keeps `selected` in its middle where it can.
pub fn window(len: usize, selected: usize, height: usize) -> Range<usize> {
    let last = len.saturating_sub(height);
    let first = selected.saturating_sub(height / 2).min(last);
    first..(first + height).min(len)
}

#[cfg(test)]
mod tests {
    use super::window;

    #[test]
    fn keeps_the_selected_row_in_the_middle_but_leaves_no_gap_at_the_ends() {
        assert_eq!(window(100, 50, 11), 45..56);
        assert_eq!(window(100, 2, 11), 0..11);
        assert_eq!(window(100, 99, 11), 89..100);
        assert_eq!(window(5, 4, 11), 0..5);
        assert_eq!(window(0, 0, 11), 0..0);
        assert_eq!(window(100, 50, 0), 50..50);
    }
}
