//! The robustness of lists, as it stands with them in a sheet.

use std::collections::BTreeMap;

use crate::query::{Robustness, ZScore};
use crate::sheet::{Column, NumberForm, Record, Section};

/// Of one list: `z`, standard deviations above chance, and the 95 % interval of it that as many
/// random draws leave; `kept`, the share of its `top` best that stays, by the switch that is flipped.
pub(in crate::query) fn record(robustness: &Robustness) -> Record {
    let interval = robustness.z.map(ZScore::interval);
    let kept = robustness.kept.iter();
    let kept: BTreeMap<_, _> = kept
        .map(|(switch, share)| (switch.to_string(), share))
        .collect();
    let kept = kept
        .into_iter()
        .map(|(switch, share)| (switch, f64::from(*share)));
    Record::new()
        .with("z", robustness.z.map(|z| z.value))
        .with("z_low", interval.map(|(low, _)| low))
        .with("z_high", interval.map(|(_, high)| high))
        .with("z_draws", robustness.z.map(|z| z.draws))
        .with("top", robustness.top)
        .with("kept", kept.collect::<Record>())
}

/// A row for each of the named lists, for people.
pub(in crate::query) fn section<'a>(
    lists: impl Iterator<Item = (String, &'a Robustness)>,
) -> Section {
    let (names, robustnesses): (Vec<String>, Vec<&Robustness>) = lists.unzip();
    let mut switches: Vec<_> = robustnesses
        .iter()
        .flat_map(|robustness| robustness.kept.iter().map(|(switch, _)| *switch))
        .collect();
    switches.sort_unstable();
    switches.dedup();
    let unknown = || "–".to_owned();
    let top = |robustness: &&Robustness| match robustness.kept.is_empty() {
        true => unknown(),
        false => robustness.top.to_string(),
    };
    let columns = [
        Column::of(names).shown("robustness", NumberForm::Plain),
        Column::of(
            robustnesses
                .iter()
                .map(|t| t.z.map_or_else(unknown, interval)),
        )
        .shown_right("z"),
        Column::of(robustnesses.iter().map(top)).shown_right("of"),
    ];
    let kept = switches.iter().map(|switch| {
        let kept = robustnesses.iter().map(|robustness| {
            let share = robustness.kept.iter().find(|(of, _)| of == switch);
            share.map_or_else(unknown, |(_, share)| robustness.count(*share).to_string())
        });
        Column::of(kept).shown_right(format!("stay, {switch}"))
    });
    Section::new(columns.into_iter().chain(kept))
}

/// The interval in which a z lies: `1.6–2.4`, `−0.3 to 0.4`, `12–16`.
pub fn interval(z: ZScore) -> String {
    let (low, high) = z.interval();
    let number = |x: f32| {
        let text = match low.abs().max(high.abs()) < 10.0 {
            true => format!("{:.1}", x.abs()),
            false => format!("{:.0}", x.abs()),
        };
        let minus = x < 0.0 && text.bytes().any(|b| matches!(b, b'1'..=b'9'));
        format!("{}{text}", if minus { "−" } else { "" })
    };
    let between = if low < 0.0 { " to " } else { "–" };
    format!("{}{between}{}", number(low), number(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_as_wide_as_its_draws_leave_it() {
        // n = 64: √(1/64 + 4/126) · 1.96 = 0.43; at 0 it is 1.96/8.
        let z = |value, draws| interval(ZScore { value, draws });
        assert_eq!(z(2.0, 64), "1.6–2.4");
        assert_eq!(z(0.1, 64), "−0.1 to 0.3");
        assert_eq!(z(-1.0, 64), "−1.3 to −0.7");
        assert_eq!(z(13.9, 64), "11–16");
        assert_eq!(z(2.0, 8), "0.7–3.3");
    }
}
