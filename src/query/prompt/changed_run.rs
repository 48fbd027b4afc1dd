//! Changes put to work at the hook points of a run.

use std::ops::Range;

use candle_core::Tensor;

use super::change::{Change, ChangeKind};
use super::unit::Unit;
use crate::checkpoint::Spec;
use crate::task::CancelToken;
use crate::transformer::{
    Forward, ForwardError, HookPoint, HookRequest, Hooked, Start, with_numbers,
};

/// Changes with all that they need.
pub(super) struct PreparedChanges<'a> {
    changes: Vec<PreparedChange<'a>>,
}

struct PreparedChange<'a> {
    change: &'a Change,
    /// The numbers of a row that it is about.
    columns: Range<usize>,
    /// Means of the unit's numbers over the text, or the direction that is added.
    vector: Vec<f32>,
    /// Whether any number has become another.
    moved: bool,
}

impl<'a> PreparedChanges<'a> {
    /// `run`: the states of the text without any change. `direction` gives the unit direction of a change that steers.
    pub(super) fn new<E: From<ForwardError>>(
        changes: &'a [Change],
        spec: &Spec,
        run: (&Forward<'_>, &[Tensor], CancelToken<'_>),
        mut direction: impl FnMut(&Change) -> Result<Vec<f32>, E>,
    ) -> Result<Self, E> {
        let mut prepared = Vec::with_capacity(changes.len());
        for change in changes {
            prepared.push(PreparedChange {
                change,
                columns: columns(&change.kind, spec),
                vector: match &change.kind {
                    ChangeKind::AblateToMean(unit) => means(*unit, spec, run)?,
                    ChangeKind::Steer { .. } => direction(change)?,
                    ChangeKind::Ablate(_) | ChangeKind::Scale(..) | ChangeKind::Set { .. } => {
                        Vec::new()
                    }
                },
                moved: false,
            });
        }
        Ok(Self { changes: prepared })
    }

    /// No changes.
    pub(super) fn none() -> Self {
        Self {
            changes: Vec::new(),
        }
    }

    /// The first layer that any of them touches.
    pub(super) fn first_layer(&self) -> usize {
        let layers = self.changes.iter().map(|prepared| prepared.change.layer());
        layers.min().unwrap_or_default()
    }

    /// The changes that moved no number although they should have.
    pub(super) fn without_effect(&self) -> impl Iterator<Item = &Change> {
        let idle = self.changes.iter().filter(|prepared| !prepared.moved);
        let idle = idle.map(|prepared| prepared.change);
        idle.filter(|change| !change.is_identity())
    }

    /// Whether all of them leave everything as it is, by what they say.
    pub(super) fn are_identity(&self) -> bool {
        self.changes.iter().all(|p| p.change.is_identity())
    }

    /// What takes the place of a tensor, if a change is about it.
    pub(super) fn apply(&mut self, hooked: &Hooked<'_>) -> Result<Option<Tensor>, ForwardError> {
        let here = self.changes.iter_mut().filter(|prepared| {
            let change = prepared.change;
            change.layer() == hooked.at && point(&change.kind) == hooked.point
        });
        let mut numbers: Option<Vec<f32>> = None;
        let (tokens, width) = hooked.tensor.dims2()?;
        for prepared in here {
            let rows = match prepared.change.position {
                None => 0..tokens,
                Some(at) => match at.checked_sub(hooked.first) {
                    Some(row) => row..row + 1,
                    // It did its work when that position was run.
                    None => continue,
                },
            };
            let numbers = match &mut numbers {
                Some(numbers) => numbers,
                None => numbers.insert(with_numbers(hooked.tensor, <[f32]>::to_vec)?),
            };
            let columns = prepared.columns.clone();
            for row in numbers
                .chunks_exact_mut(width)
                .skip(rows.start)
                .take(rows.len())
            {
                let own = row[columns.clone()].iter_mut().enumerate();
                for (i, x) in own {
                    let new = prepared.changed(i, *x);
                    prepared.moved |= new.to_bits() != x.to_bits();
                    *x = new;
                }
            }
        }
        let device = hooked.tensor.device();
        let instead = numbers.map(|numbers| Tensor::from_vec(numbers, (tokens, width), device));
        Ok(instead.transpose()?)
    }
}

impl PreparedChange<'_> {
    fn changed(&self, i: usize, x: f32) -> f32 {
        match &self.change.kind {
            ChangeKind::Ablate(_) => 0.0,
            ChangeKind::AblateToMean(_) => self.vector[i],
            ChangeKind::Scale(_, by) => x * by.get(),
            ChangeKind::Set { to, .. } => to.get(),
            ChangeKind::Steer { by, .. } => x + by.get() * self.vector[i],
        }
    }
}

/// Where a change is made.
fn point(kind: &ChangeKind) -> HookPoint {
    match kind {
        ChangeKind::Ablate(unit) | ChangeKind::AblateToMean(unit) | ChangeKind::Scale(unit, _) => {
            point_of(*unit)
        }
        ChangeKind::Set { .. } => HookPoint::MlpPost,
        ChangeKind::Steer { .. } => HookPoint::ResidPost,
    }
}

fn point_of(unit: Unit) -> HookPoint {
    match unit {
        Unit::Neuron { .. } | Unit::OfExpert { .. } => HookPoint::MlpPost,
        Unit::Head { .. } => HookPoint::AttnZ,
    }
}

/// Which numbers of a row a change is about.
fn columns(kind: &ChangeKind, spec: &Spec) -> Range<usize> {
    match kind {
        ChangeKind::Ablate(unit)
        | ChangeKind::AblateToMean(unit)
        | ChangeKind::Scale(unit, _)
        | ChangeKind::Set { neuron: unit, .. } => unit.columns(spec),
        ChangeKind::Steer { .. } => 0..spec.d_model,
    }
}

/// The means of a unit's numbers over the positions of the text, without any change: its layer is
/// run once more.
fn means(
    unit: Unit,
    spec: &Spec,
    (forward, states, cancel): (&Forward<'_>, &[Tensor], CancelToken<'_>),
) -> Result<Vec<f32>, ForwardError> {
    let (layer, columns) = (unit.layer(), unit.columns(spec));
    let mut sums = vec![0f64; columns.len()];
    let points = [point_of(unit)];
    let request = HookRequest {
        points: &points,
        pattern_from: None,
        cancel,
    };
    let start = Start {
        layer,
        state: &states[layer],
    };
    let one = forward.up_to(layer + 1);
    one.run_from(start, request, &mut |hooked| {
        let width = hooked.tensor.dim(1)?;
        with_numbers(hooked.tensor, |numbers| {
            for row in numbers.chunks_exact(width) {
                let own = sums.iter_mut().zip(&row[columns.clone()]);
                own.for_each(|(sum, x)| *sum += f64::from(*x));
            }
        })?;
        Ok(None)
    })?;
    let tokens = states[layer].dim(0)?.max(1) as f64;
    Ok(sums.iter().map(|sum| (sum / tokens) as f32).collect())
}
