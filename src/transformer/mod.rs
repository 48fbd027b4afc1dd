//! Weights by layer, neuron and head, and the forward pass.

mod form;
mod forward;
mod norms;
mod weights;

pub use form::{AttentionMap, Form, Input};
pub use forward::{
    Forward, ForwardError, Frozen, Hook, HookPoint, HookRequest, Hooked, KeyValueCache,
    LayerActivations, LayerCache, LogitHead, Sampler, Start, TextBatch, WrittenAlong, exp,
    with_numbers,
};
pub use norms::NormWeights;
pub use weights::{
    BothVersions, Dictionary, FormWeights, OutputRows, QueryKeyNorms, RowChunk, StoredPart,
    StoredTypes, Sublayer, SublayerAt, TokenNorm, Weights, stored_line,
};
