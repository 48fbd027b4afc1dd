//! How far lists can be trusted: what stands below a list.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::query::{Trust, ZScore};

use super::Format;
use super::table::{Align, Table};

/// Of one list, in JSON.
#[derive(Serialize)]
pub(super) struct Trusted {
    /// Standard deviations above chance.
    z: Option<f32>,
    /// The 95 % interval of it that as many random draws leave.
    z_low: Option<f32>,
    z_high: Option<f32>,
    z_draws: Option<usize>,
    /// How many of the best are compared.
    top: usize,
    /// The share that is kept, by the switch that is flipped.
    kept: Map<String, Value>,
}

pub(super) fn trusted(trust: &Trust) -> Trusted {
    let kept = trust.kept.iter();
    let interval = trust.z.map(|z| z.interval());
    Trusted {
        z: trust.z.map(|z| z.value),
        z_low: interval.map(|(low, _)| low),
        z_high: interval.map(|(_, high)| high),
        z_draws: trust.z.map(|z| z.draws),
        top: trust.top,
        kept: kept
            .map(|(switch, share)| (switch.to_string(), Value::from(*share)))
            .collect(),
    }
}

/// What a person reads below a list: `more` about it, if anything, and how far each of the named
/// lists is to be trusted.
pub(super) fn below(more: &str, lists: &[(String, &Trust)], format: Format) -> String {
    let mut text = String::new();
    if !more.is_empty() {
        text = format!("\n{more}\n");
    }
    if !lists.is_empty() {
        text.push('\n');
        text.push_str(&table(lists).write(format));
    }
    text
}

fn table(lists: &[(String, &Trust)]) -> Table {
    let mut switches: Vec<_> = lists
        .iter()
        .flat_map(|(_, trust)| trust.kept.iter().map(|(switch, _)| *switch))
        .collect();
    switches.sort_unstable();
    switches.dedup();
    let head = [
        ("trust".to_owned(), Align::Left),
        ("z".to_owned(), Align::Right),
        ("of".to_owned(), Align::Right),
    ];
    let kept = switches
        .iter()
        .map(|switch| (format!("stay, {switch}"), Align::Right));
    let mut table = Table::new(head.into_iter().chain(kept));
    for (name, trust) in lists {
        let unknown = || "–".to_owned();
        let top = match trust.kept.is_empty() {
            true => unknown(),
            false => trust.top.to_string(),
        };
        let mut row = vec![name.clone(), trust.z.map_or_else(unknown, interval), top];
        for switch in &switches {
            let share = trust.kept.iter().find(|(of, _)| of == switch);
            let kept = share.map(|(_, share)| trust.count(*share).to_string());
            row.push(kept.unwrap_or_else(unknown));
        }
        table.push(row);
    }
    table
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
