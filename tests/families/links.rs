//! Links against whole products of PyTorch's modules (`tests/families/links.py`): through gains, norms
//! of what is written (Gemma 2), and the norms after the sums of a post-norm model (RoBERTa).

use lexiscope::query::{Answer, Link, LinkLists, LinksAnswer, LinksQuery, Query};
use lexiscope::vocabulary::Filters;
use serde_json::Value;

use super::{answers, ask, reader};

fn links(name: &str, of: &str) -> LinksAnswer {
    let query = LinksQuery {
        of: of.parse().unwrap(),
        input: Default::default(),
        count: 12,
        words: 2,
        filters: Filters::default(),
        convention: Default::default(),
    };
    match ask(&mut reader(name), Query::Links(query)).unwrap() {
        Answer::Links(answer) => answer,
        other => panic!("{other:?}"),
    }
}

/// Holds a list against rows of address, side, strength and share; neighbours that are all but equal
/// may change places.
fn agree(what: &str, found: &[Link], expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (row, (link, wanted)) in found.iter().zip(expected).enumerate() {
        let number = |at: usize| wanted[at].as_f64().unwrap();
        let near = |x: f32, y: f64| (f64::from(x) - y).abs() < 1e-4 * y.abs().max(1.0);
        assert!(
            near(link.strength, number(2)) && near(link.share, number(3)),
            "{what} row {row}: {link:?} for {wanted}"
        );
        let same = |w: &Value| w[0] == link.at.to_string() && w[1] == link.side.name();
        assert!(expected.iter().any(same), "{what} row {row}: {link:?}");
    }
}

#[test]
fn links_are_products_through_the_norms_between() {
    for (name, of_model) in answers("links").as_object().unwrap() {
        for (of, wanted) in of_model.as_object().unwrap() {
            let answer = links(name, of);
            let LinksAnswer {
                upstream,
                downstream,
                ..
            } = &answer;
            let (lists, layer) = match of.starts_with("L0") {
                true => (downstream, 1),
                false => (upstream, 0),
            };
            if of == "L1.N3" {
                assert_eq!(
                    *downstream,
                    LinkLists::default(),
                    "{name}: nothing lies behind"
                );
            }
            for (kind, found) in [("neurons", &lists.neurons), ("heads", &lists.heads)] {
                let of_layer = found.iter().filter(|link| link.at.layer() == layer);
                let found: Vec<Link> = of_layer.cloned().collect();
                if let Some(rows) = wanted.get(kind) {
                    agree(&format!("{name} {of} {kind}"), &found, rows);
                }
            }
            let words = answer
                .upstream
                .neurons
                .iter()
                .chain(&answer.downstream.neurons);
            assert!(words.into_iter().all(|link| link.key.len() == 2), "{name}");
        }
    }
}
