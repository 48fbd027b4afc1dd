//! Looking up a word under every convention: what is said of a place is what the list shows that the
//! place is in, for neurons and for heads, biases and norms of queries and keys included.

use lexiscope::projection::End;
use lexiscope::query::{
    Address, Answer, Answering, Convention, FindAnswer, FindQuery, Hit, NeuronQuery, PairsQuery,
    Query, RankBy, Reader, RoleHits,
};
use lexiscope::transformer::Input;
use lexiscope::vocabulary::Filters;

use super::{VOCAB, ask, reader};

const CONVENTIONS: [&str; 10] = [
    "raw",
    "gain",
    "norms",
    "cosine",
    "biases",
    "gain+biases",
    "gain+cosine+biases",
    "norms+biases",
    "centred+norms+biases",
    "inverse+gain",
];

struct Lookup<'a> {
    reader: &'a mut Reader,
    convention: Convention,
    filters: Filters,
    what: String,
}

impl Lookup<'_> {
    fn find(&mut self, by: RankBy) -> FindAnswer {
        let query = Query::Find(FindQuery {
            words: vec!["id:17".to_owned(), "id:64".to_owned()],
            by,
            input: Input::default(),
            k: 3,
            heads: true,
            gist: 0,
            filters: self.filters.clone(),
            convention: self.convention,
        });
        match ask(self.reader, query).unwrap() {
            Answer::Find(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// All rows of the column that a hit is in, or all pairs of its form that have the token on
    /// the hit's side: the token, the other one, the score.
    fn list(&mut self, column: usize, group: &RoleHits, hit: &Hit) -> Vec<(u32, Option<u32>, f32)> {
        match group.address(hit) {
            Address::Head {
                layer,
                head,
                form: Some(form),
            } => {
                let query = Query::Pairs(PairsQuery {
                    form,
                    layer,
                    head,
                    distance: 0,
                    end: End::Highest,
                    k: (2 * VOCAB * 2 * VOCAB) as usize,
                    filters: self.filters.clone(),
                    convention: self.convention,
                });
                let Answer::Pairs(answer) = ask(self.reader, query).unwrap() else {
                    panic!("no pairs")
                };
                let left = matches!(group.role.name(), "VO.from" | "QK.query");
                let pairs = answer.pairs.iter().map(|pair| match left {
                    true => (pair.from, Some(pair.to), pair.score),
                    false => (pair.to, Some(pair.from), pair.score),
                });
                pairs.collect()
            }
            Address::Neuron { layer, neuron } => {
                let query = Query::Neuron(NeuronQuery {
                    layer,
                    neuron,
                    input: Input::default(),
                    k: 2 * VOCAB as usize,
                    filters: self.filters.clone(),
                    convention: self.convention,
                });
                let Answer::Neuron(answer) = ask(self.reader, query).unwrap() else {
                    panic!("no neuron")
                };
                let list = answer.columns[column].iter();
                list.map(|row| (row.id, None, row.score)).collect()
            }
            other => panic!("{other} is no place"),
        }
    }

    fn hits_are_in_their_lists(&mut self, by: RankBy) {
        let answer = self.find(by);
        assert_eq!(answer.groups.len(), 8, "{}", self.what);
        for (column, group) in answer.groups.iter().enumerate() {
            assert!(!group.hits.is_empty(), "{} {}", self.what, group.role);
            for hit in &group.hits {
                let what = format!("{} by {} {} {hit:?}", self.what, by.name(), group.role);
                let list = self.list(column, group, hit);
                let largest = list.iter().fold(0.0f32, |m, row| m.max(row.2.abs()));
                let near = |a: f32, b: f32| (a - b).abs() <= 2e-5 * largest + 1e-7;
                let named =
                    |row: &&(u32, Option<u32>, f32)| (row.0, row.1) == (hit.token, hit.partner);
                let row = list.iter().find(named).expect(&what);
                assert!(near(row.2, hit.score), "{what}: the list has {}", row.2);
                // The first of the list that the token is in.
                let first = list.iter().find(|row| row.0 == hit.token).expect(&what);
                if by != RankBy::Cosine || group.role.is_of_heads() {
                    assert!(near(first.2, hit.score), "{what}: the first is {}", first.2);
                }
            }
        }
    }
}

#[test]
fn a_place_has_the_score_of_the_list_that_it_names_under_every_convention() {
    let (mut normed, mut biased) = (false, false);
    for name in ["gpt-neox", "opt", "llama", "gemma3-text", "qwen3", "phi-qk"] {
        let mut reader = reader(name);
        let card = reader.card();
        for convention in CONVENTIONS {
            let convention: Convention = convention.parse().unwrap();
            if convention.offered(&card) != convention {
                continue;
            }
            normed |= convention.scales_tokens() && name == "gemma3-text";
            biased |= convention.adds() && card.biased;
            let mut lookup = Lookup {
                reader: &mut reader,
                convention,
                filters: Filters {
                    positions: name == "opt",
                    ..Filters::default()
                },
                what: format!("{name} {convention}"),
            };
            for by in RankBy::ALL {
                lookup.hits_are_in_their_lists(by);
            }
        }
    }
    assert!(normed && biased, "no such family was tried");
}
