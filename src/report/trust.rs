//! How far lists can be trusted, and under which convention they are: what stands below a list.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::query::{Convention, TRUST_TOP, Trust};

use super::Format;
use super::table::{Align, Table};

/// Of one list, in JSON.
#[derive(Serialize)]
pub(super) struct Trusted {
    /// Standard deviations above chance.
    z: Option<f32>,
    /// How many of the best are compared.
    top: usize,
    /// The share that is kept, by the switch that is flipped.
    kept: Map<String, Value>,
}

pub(super) fn trusted(trust: &Trust) -> Trusted {
    let kept = trust.kept.iter();
    Trusted {
        z: trust.z,
        top: TRUST_TOP,
        kept: kept
            .map(|(switch, share)| (switch.to_string(), Value::from(*share)))
            .collect(),
    }
}

/// What a person reads below a list: its convention, unless it is raw and everybody knows (in a
/// document nobody does), with `more` about it, and how far each of the named lists is to be
/// trusted.
pub(super) fn below(
    convention: Convention,
    more: &str,
    lists: &[(String, &Trust)],
    format: Format,
) -> String {
    let mut text = String::new();
    if !convention.is_raw() || format == Format::Markdown {
        text = format!("\nconvention {convention}{more}\n");
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
    ];
    let kept = switches
        .iter()
        .map(|switch| (format!("of {TRUST_TOP}, {switch}"), Align::Right));
    let mut table = Table::new(head.into_iter().chain(kept));
    for (name, trust) in lists {
        let z = trust.z.map_or("–".to_owned(), |z| format!("{z:.1}"));
        let mut row = vec![name.clone(), z];
        for switch in &switches {
            let share = trust.kept.iter().find(|(of, _)| of == switch);
            let kept = share.map(|(_, share)| format!("{:.0}", share * TRUST_TOP as f32));
            row.push(kept.unwrap_or_else(|| "–".to_owned()));
        }
        table.push(row);
    }
    table
}
