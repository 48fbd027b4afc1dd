//! Bars in eighths of a cell.

const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// A bar of a share of `cells` cells.
pub fn bar(share: f32, cells: usize) -> String {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let eighths = (share * (cells * 8) as f32).round() as usize;
    let mut text = "█".repeat(eighths / 8);
    text.push_str(EIGHTHS[eighths % 8]);
    text
}

/// One cell of a strip of `rows` rows, the row counted from the bottom. The lowest is never
/// empty, so that every layer is there to be seen.
pub fn level(share: f32, row: u16, rows: u16) -> &'static str {
    let share = if share.is_finite() {
        share.clamp(0.0, 1.0)
    } else {
        0.0
    };
    let eighths = (share * f32::from(8 * rows)).round() as usize;
    match eighths.saturating_sub(8 * usize::from(row)) {
        0 if row > 0 => " ",
        filled => LEVELS[filled.clamp(1, 8) - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_eighths() {
        assert_eq!(bar(1.0, 6), "██████");
        assert_eq!(bar(0.5, 5), "██▌");
        assert_eq!(bar(0.0, 6), "");
        assert_eq!(bar(f32::NAN, 6), "");
        assert_eq!(bar(7.0, 2), "██");
    }

    #[test]
    fn draws_levels() {
        let cells = |share| (level(share, 1, 2), level(share, 0, 2));
        assert_eq!(cells(0.0), (" ", "▁"));
        assert_eq!(cells(0.5), (" ", "█"));
        assert_eq!(cells(0.75), ("▄", "█"));
        assert_eq!(cells(2.0), ("█", "█"));
    }
}
