//! What may be asked next: the places around the last one, the likely ones first.

use std::ops::RangeInclusive;

use crate::checkpoint::Spec;
use crate::query::{ModelCard, Query};

/// How far to look along the direction of travel.
const REACH: isize = 8;
/// How far to look back when that direction is known.
const REACH_BACK: isize = 4;

/// A place, or the way from one to another: layers, and neurons or heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    layers: isize,
    items: isize,
}

/// Along what one may go from a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axis {
    Layers,
    Items,
}

impl Axis {
    fn other(self) -> Self {
        match self {
            Self::Layers => Self::Items,
            Self::Items => Self::Layers,
        }
    }

    fn step(self, n: isize) -> Step {
        match self {
            Self::Layers => Step {
                layers: n,
                items: 0,
            },
            Self::Items => Step {
                layers: 0,
                items: n,
            },
        }
    }
}

/// The neighbours of `asked` in the order in which they should be computed, within the model.
/// `before` is what was asked before, from which one sees in what direction the user goes.
/// A head has only its nearest ones: they cost seconds. Where weights stay on the hub, only
/// neurons of the same layer count, whose values come together: nothing is fetched on a guess.
pub(super) fn neighbours(asked: &[Query], before: &[Query], card: &ModelCard) -> Vec<Query> {
    let found = within(asked, before, &card.spec, |made, nearest| match nearest {
        true => nearest_steps(made),
        false => steps(made),
    });
    at_hand(found, asked, card)
}

/// Those of the neighbours that lie on the way of a walk, the next one first; of heads none.
pub(super) fn on_the_way(asked: &[Query], before: &[Query], card: &ModelCard) -> Vec<Query> {
    let found = within(asked, before, &card.spec, |made, nearest| {
        let (axis, direction) = travel(made);
        let ahead = (1..=REACH).map(|n| axis.step(n * direction));
        ahead.filter(|_| !nearest && direction != 0).collect()
    });
    at_hand(found, asked, card)
}

/// Those whose weights are at hand.
fn at_hand(mut found: Vec<Query>, asked: &[Query], card: &ModelCard) -> Vec<Query> {
    if card.remote {
        let layer = |query: &Query| query.address().map(|address| address.layer());
        let is_neuron = |query: &&Query| matches!(query, Query::Neuron(_));
        let layers: Vec<_> = asked.iter().filter(is_neuron).map(layer).collect();
        found.retain(|query| is_neuron(&query) && layers.contains(&layer(query)));
    }
    found
}

/// What lies `steps_of` away from what is asked, by the way that led there and by whether only the
/// nearest count.
fn within(
    asked: &[Query],
    before: &[Query],
    spec: &Spec,
    steps_of: impl Fn(Option<Step>, bool) -> Vec<Step>,
) -> Vec<Query> {
    let mut out = Vec::new();
    for query in asked {
        let Some(walk) = query.kind().walk() else {
            continue;
        };
        let steps = steps_of(made(query, before), walk.nearest);
        let neighbours = steps.iter().filter_map(|step| shifted(query, *step, spec));
        for neighbour in neighbours {
            if !asked.contains(&neighbour) && !out.contains(&neighbour) {
                out.push(neighbour);
            }
        }
    }
    out
}

/// Whether a query is a step or a few from one that was asked before, along one axis.
pub(super) fn is_walk(query: &Query, before: &[Query]) -> bool {
    travel(made(query, before)).1 != 0
}

/// The way to a query from the one of its kind that was asked before.
fn made(query: &Query, before: &[Query]) -> Option<Step> {
    let before = before.iter().find(|b| query.shares_place(b))?;
    Some(way(place(before)?, place(query)?))
}

fn place(query: &Query) -> Option<Step> {
    let walk = query.kind().walk()?;
    Some(Step {
        layers: isize::try_from(walk.layer).ok()?,
        items: isize::try_from(walk.item).ok()?,
    })
}

fn way(from: Step, to: Step) -> Step {
    Step {
        layers: to.layers - from.layers,
        items: to.items - from.items,
    }
}

/// The axis along which the user goes, and in what direction: 0 if nothing tells (a jump does not).
fn travel(made: Option<Step>) -> (Axis, isize) {
    let is_step = |n: isize| n != 0 && n.abs() <= REACH;
    match made {
        Some(made) if made.items == 0 && is_step(made.layers) => {
            (Axis::Layers, made.layers.signum())
        }
        Some(made) if made.layers == 0 && is_step(made.items) => (Axis::Items, made.items.signum()),
        _ => (Axis::Items, 0),
    }
}

/// The four nearest: one step ahead and one back, then one to each side.
fn nearest_steps(made: Option<Step>) -> Vec<Step> {
    let (axis, direction) = travel(made);
    let ahead = if direction == 0 { 1 } else { direction };
    let aside = axis.other();
    vec![
        axis.step(ahead),
        axis.step(-ahead),
        aside.step(1),
        aside.step(-1),
    ]
}

/// The steps to try after a step was made. Of a walk all that lies ahead comes first, so that a
/// held key finds it there, then the way back, then one step to each side; without a direction the
/// nearest come first.
fn steps(made: Option<Step>) -> Vec<Step> {
    let (axis, direction) = travel(made);
    let along = |steps: RangeInclusive<isize>, sign: isize| steps.map(move |n| axis.step(n * sign));
    let aside = [1, -1].map(|n| axis.other().step(n));
    if direction != 0 {
        let back = along(1..=REACH_BACK, -direction);
        return along(1..=REACH, direction)
            .chain(back)
            .chain(aside)
            .collect();
    }
    let both_ways =
        |steps: RangeInclusive<isize>| steps.flat_map(|n| [axis.step(n), axis.step(-n)]);
    both_ways(1..=1)
        .chain(aside)
        .chain(both_ways(2..=REACH))
        .collect()
}

/// The same query `step` further on; `None` outside the model.
fn shifted(query: &Query, step: Step, spec: &Spec) -> Option<Query> {
    let moved = |from: usize, by: isize, end: usize| {
        let to = from.checked_add_signed(by)?;
        (to < end).then_some(to)
    };
    let kind = query.kind();
    let walk = kind.walk()?;
    let layer = moved(walk.layer, step.layers, spec.layers)?;
    let count = walk
        .among
        .map_or(usize::MAX, |among| among.count(spec, layer));
    let item = moved(walk.item, step.items, count)?;
    kind.moved(layer, item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::tests::fake::{card, neuron, pairs};

    /// Their addresses, in order.
    fn around(asked: Query, before: Option<Query>) -> Vec<String> {
        addresses(neighbours(&[asked], before.as_slice(), &card("near")))
    }

    fn addresses(found: Vec<Query>) -> Vec<String> {
        let addresses = found.iter().filter_map(Query::address);
        addresses.map(|a| a.to_string()).collect()
    }

    #[test]
    fn a_neuron_reached_by_a_jump_has_neighbours_on_both_sides() {
        let jumped = around(neuron(2, 50), Some(neuron(0, 3)));
        assert_eq!(jumped, around(neuron(2, 50), None));
        assert_eq!(
            jumped[..6],
            ["L2.N51", "L2.N49", "L3.N50", "L1.N50", "L2.N52", "L2.N48"]
        );
        assert_eq!(jumped.len(), 18);
        assert!(jumped.contains(&"L2.N42".into()) && jumped.contains(&"L2.N58".into()));
    }

    #[test]
    fn looks_further_in_the_direction_of_travel() {
        let down = around(neuron(2, 50), Some(neuron(2, 49)));
        let ahead = (51..=58).map(|n| format!("L2.N{n}"));
        assert_eq!(
            down[..8],
            ahead.collect::<Vec<_>>(),
            "before all that lies aside"
        );
        assert!(down.contains(&"L3.N50".into()) && !down.contains(&"L2.N45".into()));
        let up = around(neuron(2, 50), Some(neuron(2, 51)));
        assert_eq!(up[0], "L2.N49");
        assert!(up.contains(&"L2.N42".into()) && !up.contains(&"L2.N55".into()));
        let through_layers = around(neuron(1, 50), Some(neuron(0, 50)));
        assert_eq!(
            through_layers,
            ["L2.N50", "L3.N50", "L0.N50", "L1.N51", "L1.N49"]
        );
    }

    #[test]
    fn on_the_way_of_a_walk_are_the_next_ones() {
        let ahead = |asked, before| addresses(on_the_way(&[asked], &[before], &card("near")));
        let down = ahead(neuron(2, 50), neuron(2, 49));
        assert_eq!(
            down,
            [51, 52, 53, 54, 55, 56, 57, 58].map(|n| format!("L2.N{n}"))
        );
        assert_eq!(ahead(neuron(1, 50), neuron(2, 50)), ["L0.N50"]);
        assert!(ahead(neuron(2, 50), neuron(0, 3)).is_empty(), "a jump");
        assert!(
            ahead(pairs(1, 3), pairs(1, 4)).is_empty(),
            "heads take long"
        );
    }

    #[test]
    fn stays_within_the_model() {
        let corner = around(neuron(0, 0), None);
        assert_eq!(corner[..3], ["L0.N1", "L1.N0", "L0.N2"]);
        assert_eq!(corner.len(), 9);
        assert_eq!(around(pairs(3, 5), None), ["L3.H4.VO", "L2.H5.VO"]);
    }

    #[test]
    fn a_head_has_four_neighbours_of_its_form() {
        assert_eq!(
            around(pairs(1, 3), Some(pairs(1, 4))),
            ["L1.H2.VO", "L1.H4.VO", "L2.H3.VO", "L0.H3.VO"]
        );
        assert!(around(Query::ValueNorms, None).is_empty());
    }

    #[test]
    fn nothing_is_fetched_from_the_hub_on_a_guess() {
        let mut card = ModelCard::clone(&card("far"));
        card.remote = true;
        let asked = [neuron(2, 50), pairs(1, 3)];
        let found = neighbours(&asked, &[], &card);
        assert!(found.len() > 8);
        let near = |q: &Query| matches!(q, Query::Neuron(n) if n.layer == 2);
        assert!(found.iter().all(near));
    }
}
