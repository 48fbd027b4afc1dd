//! What may be asked next: the places around the last one, the likely ones first.

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

/// The neighbours of `asked` in the order in which they should be computed, within the model.
/// `before` is what was asked before, from which one sees in what direction the user goes.
/// A head has only its nearest ones: they cost seconds. Where weights stay on the hub, only
/// neurons of the same layer count, whose values come together: nothing is fetched on a guess.
pub(super) fn neighbours(asked: &[Query], before: &[Query], card: &ModelCard) -> Vec<Query> {
    let mut found = within(asked, before, &card.spec);
    if card.remote {
        let layer = |query: &Query| query.address().map(|address| address.layer());
        let is_neuron = |query: &&Query| matches!(query, Query::Neuron(_));
        let layers: Vec<_> = asked.iter().filter(is_neuron).map(layer).collect();
        found.retain(|query| is_neuron(&query) && layers.contains(&layer(query)));
    }
    found
}

fn within(asked: &[Query], before: &[Query], spec: &Spec) -> Vec<Query> {
    let mut out = Vec::new();
    for query in asked {
        let Some(here) = place(query) else { continue };
        let came_from = before
            .iter()
            .find(|b| query.shares_place(b))
            .and_then(place);
        let steps = steps(came_from.map(|there| way(there, here)));
        let nearest = query.kind().walk().is_some_and(|walk| walk.nearest);
        let reached = if nearest { &steps[..4] } else { &steps[..] };
        let neighbours = reached
            .iter()
            .filter_map(|step| shifted(query, *step, spec));
        for neighbour in neighbours {
            if !asked.contains(&neighbour) && !out.contains(&neighbour) {
                out.push(neighbour);
            }
        }
    }
    out
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

/// The steps to try after a step was made, the nearest first: along the axis and in the direction
/// of that step if it was one (a jump tells nothing), and one step across. The first four are
/// the nearest neighbours.
fn steps(made: Option<Step>) -> Vec<Step> {
    let is_step = |n: isize| n != 0 && n.abs() <= REACH;
    let (along_layers, direction) = match made {
        Some(made) if made.items == 0 && is_step(made.layers) => (true, made.layers.signum()),
        Some(made) if made.layers == 0 && is_step(made.items) => (false, made.items.signum()),
        _ => (false, 0),
    };
    let step = |is_layers: bool, n: isize| match is_layers {
        true => Step {
            layers: n,
            items: 0,
        },
        false => Step {
            layers: 0,
            items: n,
        },
    };
    let (ahead, reach_back) = match direction {
        0 => (1, REACH),
        _ => (direction, REACH_BACK),
    };
    let mut out = Vec::new();
    for n in 1..=REACH {
        out.push(step(along_layers, n * ahead));
        if n <= reach_back {
            out.push(step(along_layers, -n * ahead));
        }
        if n == 1 {
            out.extend([1, -1].map(|n| step(!along_layers, n)));
        }
    }
    out
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
    use crate::worker::tests::fake::{card, neuron, pairs, spec};

    /// Their addresses, in order.
    fn around(asked: Query, before: Option<Query>) -> Vec<String> {
        let found = within(&[asked], before.as_slice(), &spec());
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
        assert!(down.contains(&"L2.N58".into()) && !down.contains(&"L2.N45".into()));
        let up = around(neuron(2, 50), Some(neuron(2, 51)));
        assert_eq!(up[0], "L2.N49");
        assert!(up.contains(&"L2.N42".into()) && !up.contains(&"L2.N55".into()));
        let through_layers = around(neuron(1, 50), Some(neuron(0, 50)));
        assert_eq!(
            through_layers,
            ["L2.N50", "L0.N50", "L1.N51", "L1.N49", "L3.N50"]
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
