//! Heads ranked by eigenvalues: through what the embeddings have in common, against the product
//! with every token that the directions of a head are given by.

use lexiscope::query::{Answer, Answering, DirectionsQuery, Interest, Part, Query, RankQuery};
use lexiscope::transformer::Form;
use lexiscope::vocabulary::Filters;

use super::{ask, names, reader};

#[test]
fn every_familys_heads_are_ranked_as_their_forms_over_the_vocabulary_say() {
    for name in names() {
        let mut reader = reader(&name);
        let spec = reader.card().spec.clone();
        let layer = spec.layers - 1;
        for (by, form) in [
            (Interest::Copying, Form::Vo),
            (Interest::Matching, Form::Qk),
        ] {
            let query = Query::Rank(RankQuery {
                layer,
                by,
                count: spec.heads,
                words: 0,
                filters: Filters::default(),
            });
            let Answer::Rank(ranked) = ask(&mut reader, query).unwrap() else {
                panic!("no ranking")
            };
            assert_eq!(ranked.items.len(), spec.heads, "{name}");
            let mut sum = 0.0;
            for head in &ranked.items {
                let query = Query::Directions(DirectionsQuery {
                    part: Part::Form(form),
                    layer,
                    head: head.item,
                    n: 1,
                    k: 1,
                    filters: Filters::default(),
                    convention: Default::default(),
                });
                let Answer::Directions(answer) = ask(&mut reader, query).unwrap() else {
                    panic!("no directions")
                };
                let expected = answer.copying.unwrap().vocabulary.unwrap();
                let what = format!("{name} {by} of head {}", head.item);
                assert!(
                    (head.figure - expected).abs() < 1e-3,
                    "{what}: {} for {expected}",
                    head.figure
                );
                sum += expected;
            }
            let mean = sum / spec.heads as f32;
            assert!((ranked.mean - mean).abs() < 1e-3, "{name}: {}", ranked.mean);
        }
    }
}
