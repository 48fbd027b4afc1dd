//! A finished scan as the memory of a model: lists that it holds come from the file, a group of
//! rows and in it some pages at a time; everything else is computed as before.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::data_type::{ByteArrayType, FloatType, Int32Type};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use crate::projection::{Pair, Scored};
use crate::query::{
    Answer, Answering, Callbacks, Convention, DictionaryAnswer, DictionaryQuery, ModelCard,
    NeuronAnswer, NeuronColumn, NeuronQuery, PairsAnswer, PairsQuery, Query, QueryError,
    RankAnswer, RankQuery, Ranking, Reader, rank_each_layer,
};
use crate::task::CancelToken;
use crate::transformer::Form;
use crate::transformer::Input;
use crate::vocabulary::Filters;

use super::ScanError;
use super::columns::Columns;
use super::file::{END, ID, ITEM, KIND, LAYER, RANK, SCORE, TO_ID, settings_of};
use super::plan::{list_digest, named};

/// Rows of a group that are looked through at once.
const ROWS_AT_A_TIME: usize = 1 << 16;

/// An entry of a neuron's lists.
struct Entry {
    item: i32,
    rank: i32,
    id: u32,
    score: f32,
}

/// A model together with a scan of it.
pub struct Scanned {
    pub(super) reader: Reader,
    path: PathBuf,
    columns: Columns,
    groups: Vec<Group>,
    /// The filters that it was made with, as it says of itself.
    filters: [String; 2],
    /// The convention that it was made under.
    pub(super) convention: Convention,
    /// How many rows pass them, of how many; `None` until they are first asked for.
    passing: Option<(usize, usize)>,
    pub(super) k: usize,
    pub(super) pairs: usize,
    /// A ranking that was cancelled.
    pub(super) ranking: Ranking,
}

/// What a group of rows is about: neurons or heads of one layer.
pub(super) struct Group {
    layer: usize,
    items: Range<usize>,
    neurons: bool,
    rows: usize,
}

impl Scanned {
    /// Puts the scan at `path` before `reader`.
    ///
    /// # Errors
    /// No scan, or one of another model.
    pub fn open(reader: Reader, path: &Path) -> Result<Self, ScanError> {
        let settings = settings_of(path)?;
        let setting = |name: &str| {
            let found = settings.iter().find(|(other, _)| other == name);
            found.map_or("none", |(_, value)| value.as_str())
        };
        let (card, fingerprint) = (reader.card(), reader.fingerprint()?);
        let here = [
            ("weights", format!("{fingerprint:016x}")),
            ("vocabulary", card.spec.vocab.to_string()),
            ("positions", card.spec.positions.to_string()),
        ];
        if let Some((name, here)) = here.into_iter().find(|(name, here)| setting(name) != here) {
            return Err(ScanError::OfAnother {
                path: path.to_owned(),
                of: setting("model").to_owned(),
                model: card.name.clone(),
                what: format!("{name}: {}, here {here}", setting(name)),
            });
        }
        let damaged = |what: &str| ScanError::Damaged {
            path: path.to_owned(),
            reason: what.to_owned(),
        };
        let convention = setting("convention").parse();
        let convention = convention.map_err(|error: String| damaged(&error))?;
        let length = |name| {
            let length = setting(name).parse();
            length.map_err(|_| damaged(&format!("its setting {name} is no number")))
        };
        let columns = Columns::open(path)?;
        let groups = columns.metadata().row_groups().iter().map(group);
        let groups = groups.collect::<Option<Vec<_>>>();
        Ok(Self {
            groups: groups.ok_or_else(|| damaged("its groups of rows do not say of what"))?,
            filters: [
                setting("filters").to_owned(),
                setting("filter-lists").to_owned(),
            ],
            convention,
            passing: None,
            ranking: Ranking::default(),
            k: length("k")?,
            pairs: length("pairs")?,
            path: path.to_owned(),
            columns,
            reader,
        })
    }

    /// How many rows pass the filters, of how many, if they are those of the scan.
    pub(super) fn passing(
        &mut self,
        filters: &Filters,
        pairs: bool,
    ) -> Result<Option<(usize, usize)>, QueryError> {
        let [described, lists] = &self.filters;
        let same = about(described, pairs) == about(&named(filters).to_string(), pairs);
        if !same || *lists != list_digest(filters) {
            return Ok(None);
        }
        if self.passing.is_none() {
            let mask = self.reader.mask(filters, CancelToken::never())?;
            self.passing = Some((mask.passing, mask.passes.len()));
        }
        Ok(self.passing)
    }

    pub(super) fn group(
        &self,
        layer: usize,
        item: usize,
        neurons: bool,
    ) -> Option<(usize, &Group)> {
        let found = |group: &Group| {
            group.layer == layer && group.neurons == neurons && group.items.contains(&item)
        };
        self.groups
            .iter()
            .enumerate()
            .find(|(_, group)| found(group))
    }

    /// Those of neighbours: the same question about neurons of one group, one after the other.
    fn neurons(&mut self, run: &[NeuronQuery]) -> Result<Option<Vec<NeuronAnswer>>, QueryError> {
        let Some(query) = run.first() else {
            return Ok(Some(Vec::new()));
        };
        let Some((passing, rows)) = self.passing(&query.filters, false)? else {
            return Ok(None);
        };
        let kept = self.k.min(passing);
        // A scan holds gates alone of gated neurons' keys.
        let here = self.is_under(query.convention);
        if query.k.min(passing) > kept || query.input != Input::default() || !here {
            return Ok(None);
        }
        let Some((at, group)) = self.group(query.layer, query.neuron, true) else {
            return Ok(None);
        };
        let each = NeuronColumn::ALL.len() * kept;
        let start = (query.neuron - group.items.start) * each;
        let lists = self
            .neuron_rows(at, start..start + run.len() * each)
            .map_err(|e| self.damaged(e))?;
        let whole = lists.iter().enumerate().all(|(row, entry)| {
            let neuron = query.neuron + row / each;
            entry.item == neuron as i32
                && entry.rank == (row % kept + 1) as i32
                && (entry.id as usize) < rows
                && entry.score.is_finite()
        });
        if group.rows != group.items.len() * each || lists.len() != run.len() * each || !whole {
            let reason = "its rows are not in their order, or no scores of tokens".to_owned();
            return Err(self.damaged(ParquetError::General(reason)));
        }
        let list = |entries: &[Entry]| -> Vec<Scored> {
            let entries = entries.iter().take(query.k);
            entries
                .map(|entry| Scored {
                    id: entry.id,
                    score: entry.score,
                })
                .collect()
        };
        let answer = |lists: &[Entry]| NeuronAnswer {
            bias: None,
            columns: [0, 1, 2, 3].map(|c| list(&lists[c * kept..(c + 1) * kept])),
            passing,
            rows,
        };
        Ok(Some(match each {
            0 => run.iter().map(|_| answer(&[])).collect(),
            _ => lists.chunks_exact(each).map(answer).collect(),
        }))
    }

    fn neuron_rows(&self, group: usize, rows: Range<usize>) -> ParquetResult<Vec<Entry>> {
        let numbers = |column| self.columns.slice::<Int32Type>(group, column, &rows);
        let scores = self.columns.slice::<FloatType>(group, SCORE, &rows)?;
        let of_entry = (numbers(ITEM)?.into_iter().zip(numbers(RANK)?)).zip(numbers(ID)?);
        Ok(of_entry
            .zip(scores)
            .map(|(((item, rank), id), score)| Entry {
                item,
                rank,
                id: id as u32,
                score,
            })
            .collect())
    }

    fn pairs(&mut self, query: &PairsQuery) -> Result<Option<PairsAnswer>, QueryError> {
        let Some((passing, rows)) = self.passing(&query.filters, true)? else {
            return Ok(None);
        };
        // And of rotary models the forms at distance 0.
        if query.k > self.pairs || query.distance > 0 || !self.is_under(query.convention) {
            return Ok(None);
        }
        let Some((at, group)) = self.group(query.layer, query.head, false) else {
            return Ok(None);
        };
        let rows_of_group = group.rows;
        let mut pairs = Vec::new();
        // As many rows at a time as are no great matter, however many the file says there are.
        for start in (0..rows_of_group).step_by(ROWS_AT_A_TIME) {
            let some = start..rows_of_group.min(start + ROWS_AT_A_TIME);
            let found = self.pairs_in(at, some, query);
            pairs.extend(found.map_err(|e| self.damaged(e))?);
        }
        pairs.truncate(query.k);
        let is_row = |id: u32| (id as usize) < rows;
        if !pairs
            .iter()
            .all(|p| is_row(p.from) && is_row(p.to) && p.score.is_finite())
        {
            let reason = "its pairs are no scores of tokens".to_owned();
            return Err(self.damaged(ParquetError::General(reason)));
        }
        Ok(Some(PairsAnswer {
            unconditional: None,
            pairs,
            passing,
            rows,
            done: 1.0,
            exact: true,
        }))
    }

    fn pairs_in(
        &self,
        group: usize,
        rows: Range<usize>,
        of: &PairsQuery,
    ) -> ParquetResult<Vec<Pair>> {
        let numbers = |column| self.columns.slice::<Int32Type>(group, column, &rows);
        let texts = |column| self.columns.slice::<ByteArrayType>(group, column, &rows);
        let (items, kinds, ends) = (numbers(ITEM)?, texts(KIND)?, texts(END)?);
        let (from, to) = (numbers(ID)?, numbers(TO_ID)?);
        let scores = self.columns.slice::<FloatType>(group, SCORE, &rows)?;
        let wanted = |&row: &usize| {
            items[row] == of.head as i32
                && kinds[row].data() == of.form.name().as_bytes()
                && ends[row].data() == of.end.name().as_bytes()
        };
        let pair = |row: usize| Pair {
            from: from[row] as u32,
            to: to[row] as u32,
            score: scores[row],
        };
        Ok((0..scores.len()).filter(wanted).map(pair).collect())
    }

    fn damaged(&self, error: ParquetError) -> QueryError {
        QueryError::Other(ScanError::parquet(&self.path)(error).to_string())
    }
}

impl Answering for Scanned {
    fn answer(&mut self, query: &Query, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        let found = match query {
            Query::Neuron(query) => {
                let answers = self.neurons(std::slice::from_ref(query))?;
                let answer = answers.and_then(|mut answers| answers.pop());
                answer.map(Answer::Neuron)
            }
            Query::Rank(query) => return Ok(Answer::Rank(self.rank(query, callbacks)?)),
            Query::Pairs(query) => self.pairs(query)?.map(Answer::Pairs),
            Query::Evidence(query) => {
                let run = self.reader.evidence_run(query, callbacks)?;
                return Ok(Answer::Evidence(run.judged(query, self, callbacks)?));
            }
            _ => None,
        };
        match found {
            Some(answer) => Ok(answer),
            None => self.reader.answer(query, callbacks),
        }
    }

    fn rank_layers(
        &mut self,
        queries: &[RankQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<RankAnswer>, QueryError> {
        for query in queries {
            if self.lacks(query)?.is_none() {
                return rank_each_layer(self, queries, callbacks);
            }
        }
        self.reader.rank_layers(queries, callbacks)
    }

    fn answer_neurons(
        &mut self,
        queries: &[NeuronQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<NeuronAnswer>, QueryError> {
        let follows = |a: &NeuronQuery, b: &NeuronQuery| {
            let neuron = a.neuron.saturating_add(1);
            *b == NeuronQuery {
                neuron,
                ..a.clone()
            }
        };
        let mut found: Vec<Option<NeuronAnswer>> = Vec::with_capacity(queries.len());
        for mut run in queries.chunk_by(follows) {
            while let Some(first) = run.first() {
                let group = self.group(first.layer, first.neuron, true);
                let here = group.map_or(run.len(), |(_, group)| group.items.end - first.neuron);
                let (some, rest) = run.split_at(here.min(run.len()));
                match self.neurons(some)? {
                    Some(answers) => found.extend(answers.into_iter().map(Some)),
                    None => found.extend(some.iter().map(|_| None)),
                }
                run = rest;
            }
        }
        let missing = queries
            .iter()
            .zip(&found)
            .filter(|(_, found)| found.is_none());
        let missing: Vec<NeuronQuery> = missing.map(|(query, _)| query.clone()).collect();
        let mut computed = self.reader.answer_neurons(&missing, callbacks)?.into_iter();
        let all = found
            .into_iter()
            .map(|found| found.or_else(|| computed.next()));
        let all: Option<Vec<NeuronAnswer>> = all.collect();
        all.ok_or(QueryError::WrongAnswer)
    }

    fn answer_directions(
        &mut self,
        queries: &[DictionaryQuery],
        callbacks: Callbacks<'_>,
    ) -> Result<Vec<Option<DictionaryAnswer>>, QueryError> {
        self.reader.answer_directions(queries, callbacks)
    }

    fn card(&self) -> Arc<ModelCard> {
        self.reader.card()
    }
}

/// What the statistics of a group of rows say of it.
fn group(of: &RowGroupMetaData) -> Option<Group> {
    let numbers = |column: usize| match of.column(column).statistics()? {
        Statistics::Int32(numbers) => Some((*numbers.min_opt()?, *numbers.max_opt()?)),
        _ => None,
    };
    let ((layer, last), (first, end)) = (numbers(LAYER)?, numbers(ITEM)?);
    let kind = of.column(KIND).statistics()?.min_bytes_opt()?;
    let number = |n: i32| usize::try_from(n).ok();
    (layer == last).then_some(Group {
        layer: number(layer)?,
        items: number(first)?..number(end)? + 1,
        neurons: kind != Form::Vo.name().as_bytes() && kind != Form::Qk.name().as_bytes(),
        rows: usize::try_from(of.num_rows()).ok()?,
    })
}

/// Filters as they are written; for a neuron's columns, to which they make no difference, without
/// those that are about pairs.
fn about(written: &str, pairs: bool) -> Option<serde_json::Map<String, serde_json::Value>> {
    let mut filters: serde_json::Map<_, _> = serde_json::from_str(written).ok()?;
    filters.retain(|name, _| pairs || name != "exclude-same" && name != "exclude-similar");
    Some(filters)
}
