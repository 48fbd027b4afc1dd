//! One run of a text, kept so that changes and other questions about it start from its states.

use candle_core::Tensor;

use super::changed_run::PreparedChanges;
use super::{LayerExperts, LensCell, TakenExpert};
use crate::task::CancelToken;
use crate::transformer::{
    Forward, ForwardError, HookPoint, HookRequest, Hooked, KeyValueCache, LayerActivations, Start,
    with_numbers,
};

/// What a run left behind.
pub(in crate::query) struct KeptRun {
    pub(super) ids: Vec<u32>,
    /// The residual stream, `[tokens, d_model]` each: before layer 0, and after every layer, before
    /// the final norm.
    pub(super) states: Vec<Tensor>,
    pub(super) at: PositionRun,
    pub(super) lens: Option<KeptLens>,
    /// Of each layer with experts those that each position takes.
    pub(super) experts: Vec<LayerExperts>,
}

/// What the layers showed at one position.
pub(super) struct PositionRun {
    pub position: usize,
    pub layers: Vec<LayerActivations>,
    /// Attention weights of each layer from the position, `[n_heads × tokens]`; empty of one without
    /// heads.
    pub patterns: Vec<Vec<f32>>,
}

/// The lens of a run.
pub(super) struct KeptLens {
    pub k: usize,
    /// The token whose rank was wanted.
    pub target: Option<u32>,
    /// By state and position.
    pub cells: Vec<Vec<LensCell>>,
}

impl KeptRun {
    /// Runs a text, and keeps what its layers show at a position.
    pub(super) fn new(
        forward: &Forward<'_>,
        ids: Vec<u32>,
        position: usize,
        cancel: CancelToken<'_>,
    ) -> Result<Self, ForwardError> {
        let first = forward.embedded(&ids)?;
        finite(&first, 0)?;
        let mut states = vec![first.clone()];
        let mut layers = Vec::new();
        let mut patterns = vec![Vec::new(); forward.states().saturating_sub(1)];
        let mut current = LayerActivations::default();
        let mut experts = Vec::new();
        let mut points = vec![
            HookPoint::AttnPattern,
            HookPoint::AttnZ,
            HookPoint::Router,
            HookPoint::MlpPost,
            HookPoint::ResidPost,
        ];
        points.extend(forward.has_mixers().then_some(HookPoint::AttnOut));
        let request = HookRequest {
            points: &points,
            pattern_from: Some(position),
            cancel,
        };
        let start = Start {
            layer: 0,
            state: &first,
        };
        forward.run_from(start, request, &mut |hooked| {
            match hooked.point {
                HookPoint::AttnPattern => patterns[layers.len()] = numbers(hooked.tensor)?,
                HookPoint::AttnZ => current.z = row(hooked.tensor, position)?,
                HookPoint::Router => {
                    current.router = row(hooked.tensor, position)?;
                    experts.push(taken(hooked.at, hooked.tensor)?);
                }
                HookPoint::AttnOut => current.mixed = row(hooked.tensor, position)?,
                HookPoint::MlpPost => current.post = row(hooked.tensor, position)?,
                HookPoint::ResidPost => {
                    finite(hooked.tensor, hooked.at + 1)?;
                    states.push(hooked.tensor.clone());
                    layers.push(std::mem::take(&mut current));
                }
                HookPoint::ResidPre
                | HookPoint::ResidMid
                | HookPoint::MlpPre
                | HookPoint::MlpOut
                | HookPoint::State
                | HookPoint::Logits => {}
            }
            Ok(None)
        })?;
        Ok(Self {
            ids,
            states,
            at: PositionRun {
                position,
                layers,
                patterns,
            },
            lens: None,
            experts,
        })
    }

    /// The states of the same text under changes: only the layers from the first change on are run.
    pub(super) fn changed(
        &self,
        forward: &Forward<'_>,
        changes: &mut PreparedChanges<'_>,
        cancel: CancelToken<'_>,
    ) -> Result<Vec<Tensor>, ForwardError> {
        let from = changes.first_layer();
        let mut states = self.states[..=from].to_vec();
        let start = Start {
            layer: from,
            state: &self.states[from],
        };
        changed_run(forward, start, changes, cancel, &mut states)?;
        Ok(states)
    }
}

/// Runs a text from a state on under changes, and adds the state after each layer.
pub(super) fn changed_run(
    forward: &Forward<'_>,
    start: Start<'_>,
    changes: &mut PreparedChanges<'_>,
    cancel: CancelToken<'_>,
    states: &mut Vec<Tensor>,
) -> Result<(), ForwardError> {
    forward.run_from(start, changing(cancel), &mut |hooked| {
        changed(changes, &hooked, |after| states.push(after.clone()))
    })?;
    Ok(())
}

/// Runs under changes what a text has beyond its tokens in the cache: their state after the last layer.
pub(super) fn changed_run_on(
    forward: &Forward<'_>,
    text: &[u32],
    kept: &mut KeyValueCache,
    changes: &mut PreparedChanges<'_>,
    cancel: CancelToken<'_>,
) -> Result<Tensor, ForwardError> {
    forward.run_on(text, kept, changing(cancel), &mut |hooked| {
        changed(changes, &hooked, |_| ())
    })
}

/// The hook points that changes are made at.
fn changing(cancel: CancelToken<'_>) -> HookRequest<'_> {
    HookRequest {
        points: &[HookPoint::AttnZ, HookPoint::MlpPost, HookPoint::ResidPost],
        pattern_from: None,
        cancel,
    }
}

/// What takes a tensor's place under changes; `state` takes the state after each layer.
fn changed(
    changes: &mut PreparedChanges<'_>,
    hooked: &Hooked<'_>,
    state: impl FnOnce(&Tensor),
) -> Result<Option<Tensor>, ForwardError> {
    let instead = changes.apply(hooked)?;
    if hooked.point == HookPoint::ResidPost {
        let after = instead.as_ref().unwrap_or(hooked.tensor);
        finite(after, hooked.at + 1)?;
        state(after);
    }
    Ok(instead)
}

/// The experts that each position takes, of what a router gives all of them, `[tokens, experts]`.
fn taken(layer: usize, shares: &Tensor) -> Result<LayerExperts, ForwardError> {
    let (_, experts) = shares.dims2()?;
    let positions = with_numbers(shares, |shares| {
        let rows = shares.chunks_exact(experts.max(1)).map(|row| {
            let taken = row.iter().enumerate().filter(|(_, share)| **share != 0.0);
            let taken = taken.map(|(expert, &share)| TakenExpert { expert, share });
            let mut taken: Vec<TakenExpert> = taken.collect();
            taken.sort_by(|a, b| b.share.total_cmp(&a.share));
            taken
        });
        rows.collect()
    })?;
    Ok(LayerExperts { layer, positions })
}

fn numbers(x: &Tensor) -> Result<Vec<f32>, ForwardError> {
    Ok(with_numbers(x, <[f32]>::to_vec)?)
}

/// One row of a tensor.
pub(super) fn row(x: &Tensor, at: usize) -> Result<Vec<f32>, ForwardError> {
    numbers(&x.narrow(0, at, 1)?.contiguous()?)
}

fn finite(x: &Tensor, state: usize) -> Result<(), ForwardError> {
    let all = |x: &[f32]| x.iter().fold(true, |all, x| all & x.is_finite());
    match with_numbers(x, all)? {
        true => Ok(()),
        false => Err(ForwardError::Overflow { state }),
    }
}
