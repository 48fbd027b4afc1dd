//! The scores of all heads as a sheet: heads × relations, and of each relation the heads that do most
//! for it and against it.

use super::{
    BundledRelation, HeadRelations, Relation, RelationPairs, RelationShare, RelationsAnswer,
    RelationsQuery,
};
use crate::geometry::Language;
use crate::query::{Address, Listed, ModelCard, RobustnessAnswer};
use crate::sheet::{
    Block, Column, CommandLine, NumberForm, Provenance, Record, Section, Sheet, TokenNames, Value,
    filter_line, filter_record,
};
use crate::transformer::Form;

/// Hits that a table shows of a head.
const HITS: usize = 4;
/// Words that are named of those left out.
const WORDS: usize = 6;

/// Which way a head counts for a relation.
#[derive(Clone, Copy)]
enum Way {
    Promotes,
    Suppresses,
}

impl Way {
    const ALL: [Self; 2] = [Self::Promotes, Self::Suppresses];

    fn name(self) -> &'static str {
        match self {
            Self::Promotes => "promotes",
            Self::Suppresses => "suppresses",
        }
    }

    fn of(self, head: &HeadRelations, relation: usize) -> Option<&RelationShare> {
        let score = head.scores.get(relation)?;
        Some(match self {
            Self::Promotes => &score.promotes,
            Self::Suppresses => &score.suppresses,
        })
    }
}

/// A head that is among the best of a relation.
struct Best<'a> {
    relation: &'a RelationPairs,
    way: Way,
    head: &'a HeadRelations,
    share: &'a RelationShare,
}

impl Listed for RelationsQuery {
    fn sheet(
        &self,
        card: &ModelCard,
        answer: &RelationsAnswer,
        _: Option<&RobustnessAnswer>,
    ) -> Sheet {
        let named: Vec<&str> = self.relations.iter().map(|r| r.name.as_str()).collect();
        let settings = vec![
            ("relations", named.join(" ")),
            ("k", self.k.to_string()),
            ("convention", self.convention.name()),
            ("filters", filter_line(&self.filters)),
        ];
        let command = self.command(&card.name, false);
        let provenance = Provenance::of_list(&card.name, None, settings, Some(command));
        let names = card.token_names();
        let document = Record::new()
            .with("model", &*card.name)
            .with("k", self.k)
            .with("convention", self.convention.name())
            .with("filters", filter_record(&self.filters))
            .with_provenance(&provenance)
            .with("relations", relations(answer))
            .with("heads", heads(answer));
        let counted: String = answer.relations.iter().map(counted).collect();
        Sheet {
            document: document.into(),
            provenance: Some(provenance),
            sections: vec![by_head(answer), shown(&best(self, answer), &names)],
            names,
            blocks: vec![Block::Text(counted + "\n"), Block::table([1])],
            csv_settings: &["model", "k", "convention", "filters", "version"],
        }
    }

    /// The command that scores them: of a language's relations, all of them, by the language.
    fn command(&self, model: &str, _: bool) -> CommandLine {
        let mut line = CommandLine::new("relations", &[&model]);
        let is_all_of = |language: &Language| {
            let names = BundledRelation::of(*language).map(BundledRelation::name);
            let own = |relation: &Relation| match relation.file {
                Some(_) => None,
                None => Some(relation.name.clone()),
            };
            let own = self.relations.iter().map(own);
            own.eq(names.map(|name| Some(name.to_owned())))
        };
        match Language::ALL.into_iter().find(is_all_of) {
            Some(language) => line.option("--language", language.name()),
            None => {
                for relation in &*self.relations {
                    match &relation.file {
                        Some(file) => line.option("--pairs", file),
                        None => line.option("--relation", &relation.name),
                    }
                }
            }
        }
        line.option("-k", self.k);
        line.option("-n", self.count);
        line.option("--convention", self.convention);
        line.filters(&self.filters);
        line
    }
}

/// How many pairs of a relation count, and which words are left out.
fn counted(relation: &RelationPairs) -> String {
    let mut line = format!(
        "{}: {} of {} pairs",
        relation.name,
        relation.pairs.len(),
        relation.given
    );
    if !relation.left_out.is_empty() {
        let some = relation.left_out.iter().take(WORDS).map(String::as_str);
        let more = match relation.left_out.len() {
            n if n > WORDS => format!(" and {} more", n - WORDS),
            _ => String::new(),
        };
        let some: Vec<&str> = some.collect();
        line += &format!("; no single tokens: {}{more}", some.join(", "));
    }
    line + "\n"
}

/// For each relation the heads of the highest scores, each way; heads without a hit are none of them.
fn best<'a>(query: &RelationsQuery, answer: &'a RelationsAnswer) -> Vec<Best<'a>> {
    let mut all = Vec::new();
    for (at, relation) in answer.relations.iter().enumerate() {
        for way in Way::ALL {
            let heads = answer.heads.iter();
            let mut found: Vec<Best<'a>> = heads
                .filter_map(|head| {
                    let share = way.of(head, at).filter(|share| !share.hits.is_empty())?;
                    Some(Best {
                        relation,
                        way,
                        head,
                        share,
                    })
                })
                .collect();
            // Equal ones stay in the order of their places.
            found.sort_by_key(|best| std::cmp::Reverse(best.share.hits.len()));
            found.truncate(query.count);
            all.extend(found);
        }
    }
    all
}

fn address(head: &HeadRelations) -> String {
    let (layer, head) = (head.layer, head.head);
    let form = Some(Form::Vo);
    Address::Head { layer, head, form }.to_string()
}

fn shown(best: &[Best<'_>], names: &TokenNames) -> Section {
    let all = || best.iter();
    let hits = |best: &Best<'_>| {
        let hits = best.share.hits.iter().take(HITS);
        let word = |id: u32| names.text(id).into_owned();
        let hit = |hit: &super::RelationHit| {
            let pair = best.relation.pairs.get(hit.pair)?;
            Some(format!("{} → {}", word(pair.from), word(pair.to)))
        };
        let mut words: Vec<String> = hits.filter_map(hit).collect();
        if best.share.hits.len() > HITS {
            words.push("…".to_owned());
        }
        words.join(", ")
    };
    let number = |share: Option<f32>| share.map(f64::from);
    Section::new([
        Column::of(all().map(|b| b.relation.name.clone())).shown("relation", NumberForm::Plain),
        Column::of(all().map(|b| b.way.name().to_owned())).shown("way", NumberForm::Plain),
        Column::of(all().map(|b| address(b.head))).shown("head", NumberForm::Plain),
        Column::of(all().map(|b| number(b.share.score))).shown("score", NumberForm::Decimals(2)),
        Column::of(all().map(|b| number(b.share.chance))).shown("chance", NumberForm::Decimals(2)),
        Column::of(all().map(hits)).shown("hits", NumberForm::Plain),
    ])
}

/// Every head in a row, every relation in four columns.
fn by_head(answer: &RelationsAnswer) -> Section {
    let all = || answer.heads.iter();
    let mut columns = vec![
        Column::of(all().map(address)).csv("head"),
        Column::of(all().map(|head| head.layer)).csv("layer"),
        Column::of(all().map(|head| head.head)).csv("number"),
    ];
    for (at, relation) in answer.relations.iter().enumerate() {
        for way in Way::ALL {
            let of = |get: fn(&RelationShare) -> Option<f32>| {
                let number = move |head| way.of(head, at).and_then(get).map(f64::from);
                Column::of(all().map(number))
            };
            let suffix = match way {
                Way::Promotes => "",
                Way::Suppresses => " suppressed",
            };
            let name = format!("{}{suffix}", relation.name);
            columns.push(of(|share| share.score).csv(name.clone()));
            columns.push(of(|share| share.chance).csv(name + " chance"));
        }
    }
    Section::new(columns)
}

fn relations(answer: &RelationsAnswer) -> Value {
    let of = |relation: &RelationPairs| {
        let pairs = relation.pairs.iter().map(|pair| {
            Record::new()
                .with("source", Value::Token(pair.from))
                .with("target", Value::Token(pair.to))
        });
        Record::new()
            .with("name", relation.name.as_str())
            .with("given", relation.given)
            .with("pairs", pairs.collect::<Value>())
            .with(
                "left_out",
                Value::from_iter(relation.left_out.iter().cloned()),
            )
    };
    answer.relations.iter().map(of).collect()
}

fn heads(answer: &RelationsAnswer) -> Value {
    let share = |share: &RelationShare| {
        let hits = share
            .hits
            .iter()
            .map(|hit| Record::new().with("pair", hit.pair).with("rank", hit.rank));
        Record::new()
            .with("score", share.score)
            .with("chance", share.chance)
            .with("hits", hits.collect::<Value>())
    };
    let of = |head: &HeadRelations| {
        let scores = head.scores.iter().zip(&answer.relations);
        let scores = scores.map(|(score, relation)| {
            Record::new()
                .with("relation", relation.name.as_str())
                .with("promotes", share(&score.promotes))
                .with("suppresses", share(&score.suppresses))
        });
        Record::new()
            .with("address", address(head))
            .with("layer", head.layer)
            .with("head", head.head)
            .with("scores", scores.collect::<Value>())
    };
    answer.heads.iter().map(of).collect()
}
