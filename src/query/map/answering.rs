//! Answering map queries: vectors of occurrences or of tokens, as points.

use crate::checkpoint::{CheckpointError, EmbeddingSide};
use crate::geometry::{combined, plane};
use crate::projection::Scored;
use crate::transformer::{Forward, HookPoint, with_numbers};

use super::{ContextMapQuery, MapAnswer, MapPoint, NeuronMapQuery, Pointed};
use crate::query::model::Model;
use crate::query::{Callbacks, NeuronAnswer, NeuronColumn, QueryError};

impl Model<'_> {
    /// A token's occurrences at one state.
    ///
    /// # Errors
    /// A model that cannot be run, a state that it does not have, a token with fewer than two
    /// occurrences.
    pub(in crate::query) fn context_map(
        &self,
        query: &ContextMapQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<MapAnswer, QueryError> {
        let forward = Forward::new(self.checkpoint, self.device);
        let forward = forward.map_err(|e| self.forward_error(e))?;
        if query.state >= forward.states() {
            return Err(QueryError::OutOfRange {
                what: "state",
                got: query.state,
                last: forward.states() - 1,
                model: self.card.name.clone(),
            });
        }
        let forward = forward.up_to(query.state);
        let word = self.word(&query.token)?;
        let read = self.read(&query.reading, callbacks)?;
        let places = read.texts.iter().enumerate();
        let places = places.map(|(at, text)| (at, self.occurrences(&word, text)));
        let places: Vec<_> = places.filter(|(_, found)| !found.is_empty()).collect();
        let holding: Vec<&[u32]> = places
            .iter()
            .map(|(at, _)| &read.texts[*at].ids[..])
            .collect();
        let width = self.card.spec.d_model;
        let (mut what, mut vectors) = (Vec::new(), Vec::new());
        let run = forward.run(
            &holding,
            &[HookPoint::State],
            callbacks.cancel,
            &mut |hooked| {
                if hooked.at != query.state {
                    return Ok(None);
                }
                with_numbers(hooked.tensor, |numbers| {
                    for ((text, found), rows) in
                        places[hooked.texts.clone()].iter().zip(hooked.rows)
                    {
                        let rows = &numbers[rows.start * width..rows.end * width];
                        for positions in found {
                            vectors.extend(combined(rows, width, positions, query.pieces));
                            what.push(Pointed::Occurrence {
                                text: *text,
                                positions: positions.clone(),
                            });
                        }
                    }
                })?;
                Ok(None)
            },
        );
        run.map_err(|e| self.forward_error(e))?;
        let what_for = self.shown(&query.token);
        self.map(what, &vectors, read.notices, &what_for)
    }

    /// The best tokens of a neuron's column.
    ///
    /// # Errors
    /// Fewer than two of them, or an embedding that cannot be read.
    pub(in crate::query) fn neuron_map(
        &self,
        query: &NeuronMapQuery,
        answer: &NeuronAnswer,
    ) -> Result<MapAnswer, QueryError> {
        let column = NeuronColumn::ALL.iter().position(|c| *c == query.column);
        let list = column.map_or(&[][..], |at| &answer.columns[at]);
        let (what, mut vectors) = (list.iter().map(pointed).collect(), Vec::new());
        for scored in list {
            vectors.extend(self.row(scored.id, query.column)?);
        }
        let address = self.card.neuron(query.layer, query.neuron);
        let title = format!("{} of {address}", query.column);
        self.map(what, &vectors, Vec::new(), &title)
    }

    /// A row of what a column is projected on: the embedding of its side, then the positions.
    fn row(&self, id: u32, column: NeuronColumn) -> Result<Vec<f32>, CheckpointError> {
        let checkpoint = self.checkpoint;
        let side = match column {
            NeuronColumn::K | NeuronColumn::MinusK => EmbeddingSide::Input,
            NeuronColumn::V | NeuronColumn::MinusV => EmbeddingSide::Output,
        };
        let position = (id as usize).checked_sub(self.card.spec.vocab);
        match (checkpoint.positions(), position) {
            (Some((name, rows)), Some(row)) => checkpoint.position_row(name, rows.start + row),
            _ => checkpoint.embedded_row(side, id as usize),
        }
    }

    fn map(
        &self,
        what: Vec<Pointed>,
        vectors: &[f32],
        notices: Vec<String>,
        of: &str,
    ) -> Result<MapAnswer, QueryError> {
        let Some(plane) = plane(vectors, self.card.spec.d_model) else {
            let n = what.len();
            return Err(self.nothing(format!(
                "a map of {of} needs two points, got {n}; ask for another token or other texts"
            )));
        };
        let points = plane.points.into_iter().zip(what);
        Ok(MapAnswer {
            points: points.map(|(at, what)| MapPoint { at, what }).collect(),
            explained: plane.explained,
            notices,
        })
    }
}

fn pointed(scored: &Scored) -> Pointed {
    Pointed::Row {
        id: scored.id,
        score: scored.score,
    }
}
