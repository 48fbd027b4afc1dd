//! Files → named tensors. Opening reads headers and `config.json` only; numbers are read when
//! they are looked at, by block, and nothing of a file stays in memory afterwards.

mod adapter;
mod block;
mod bundled;
mod config;
mod dictionary;
mod difference;
mod elsewhere;
mod embedding;
mod error;
mod experts;
mod family;
mod fetch;
mod files;
mod ggml;
mod gguf;
mod huge_pages;
pub mod latent;
mod layer_parts;
mod lens;
mod location;
mod matrix;
mod merged_matrix;
mod mixer_sizes;
mod named;
mod number;
mod open_file;
mod packed;
mod pickle;
mod pytorch;
mod quantised;
mod quantised_matrix;
mod reading;
mod remote;
mod row_order;
mod safetensors;
mod source;
mod spec;
mod stacks;
mod stored;
mod stores;
mod tensor_entry;
mod tensors;
mod ties;
mod verify;
mod weight_files;
mod weights;
mod wrapped;

use std::ops::Range;

pub use adapter::MergedAdapter;
pub use dictionary::{
    DictionaryFile, DictionaryHook, DictionaryOptions, DictionarySide, DictionaryWidths,
};
pub use difference::{ThinFactors, Version};
pub use embedding::{Embedding, EmbeddingSide};
pub use error::CheckpointError;
pub use family::{
    AttentionInput, DistanceNames, ExpertNames, FAMILIES, Family, FamilyForward, HeadNames, Layout,
    Linear, Mixer, NarrowExtent, NeuronMap, NormKind, NormPlacement, QkNormScope, RefusedFamily,
    RopeKeys, RopeLayers, RopeLayout, SharedNames, Split, StoredMap, TransformNames, family,
    refused_families,
};
pub use fetch::{FetchEstimate, FetchOption, Fetched, estimate, fetch};
pub use gguf::{GgufMetadata, MetadataValue, StoredValue, architectures_of};
pub use layer_parts::{
    BlockNeurons, ExpertSizes, HeadParts, HeadSizes, LayerParts, NeuronBlock, NeuronParts,
};
pub use lens::{LensAbout, LensFile};
pub use location::{
    AGAINST, Adapted, Bundle, FoundModel, Location, ModelPair, WITH_BASE, compared_names,
};
pub use matrix::Matrix;
pub use mixer_sizes::{DeltaSizes, MambaSizes, MixerSizes};
pub use named::HeadMapAt;
pub use open_file::OpenFile;
pub use reading::{Reading, UnknownChoice};
pub use remote::Remote;
pub use spec::{
    ClampedInputs, DistanceAttention, ForwardSpec, OutputEmbedding, PositionScheme, Rope,
    RouterGroups, RouterScores, Routing, Spec,
};
pub use stored::{StoredMatrix, StoredRows};
pub use stores::{ModelStores, ModelSummary, StoreListing, StoredBase, StoredModel};

use crate::task::Callbacks;

use config::Config;
use difference::Difference;
use embedding::EmbeddingMaps;
use files::Files;
use gguf::Gguf;
use tensors::Tensors;

/// A block of a two-dimensional tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSlice {
    pub tensor: String,
    pub rows: Range<usize>,
    pub cols: Range<usize>,
}

/// How numbers are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredType {
    /// `BF16` or `Q6_K`, for example.
    pub name: String,
    /// Whether several numbers share a scale.
    pub quantised: bool,
}

/// An open checkpoint: what it is, and where each of its numbers lies.
#[derive(Debug)]
pub struct Checkpoint {
    files: Files,
    /// What a GGUF file says of its model and tokenizer.
    gguf: Option<GgufMetadata>,
    tensors: Tensors,
    family: &'static Family,
    spec: Spec,
    forward: Option<ForwardSpec>,
    position_scheme: PositionScheme,
    /// What stands before the family's names in this checkpoint.
    prefix: &'static str,
    embedding: String,
    positions: Option<String>,
    output_embedding: Option<String>,
    /// How narrow rows reach the width of the layers.
    embedding_maps: Option<EmbeddingMaps>,
    /// What was merged into the weights, and the files beside it.
    adapter: Option<(MergedAdapter, Files)>,
    /// What is taken from the linear maps.
    difference: Option<Difference>,
}

/// The tensors of a folder's files, as the family has them.
fn stored_tensors(
    config: &Config,
    family: &Family,
    spec: &Spec,
    files: &Files,
) -> Result<Tensors, CheckpointError> {
    let tensors = wrapped::unwrapped(family, weights::open(files)?)?;
    let tensors = stacks::in_a_row(family, spec.passes.len(), tensors, files)?;
    let tensors = quantised::assembled(tensors, config.quantisation())?;
    experts::apart(family, tensors)
}

impl Checkpoint {
    /// Opens a checkpoint: reads its headers, finds its family, holds every tensor that the family
    /// names against the sizes in `config.json`, and compares two embeddings where it holds two.
    ///
    /// # Errors
    /// Whatever is missing, damaged or contradictory, with the file and what was expected.
    pub fn open(location: &Location) -> Result<Self, CheckpointError> {
        if let Location::Difference(compared) = location {
            return Self::open_difference(compared);
        }
        let files = Files::of(location)?;
        let gguf = match &files {
            Files::Gguf(file) => Some(Gguf::open(file)?),
            Files::Bundled(_) | Files::Folder(_) | Files::Remote(_) => None,
        };
        let (config, family) = match &gguf {
            Some(gguf) => Config::of(&files.name(), gguf.config()?)?,
            None => Config::read(&files)?,
        };
        let mut spec = config.spec(family)?;
        let forward = config.forward(family, &mut spec)?;
        let (gguf, tensors) = match gguf {
            Some(gguf) => {
                let mixer = forward.as_ref().and_then(|forward| forward.mixer);
                let (metadata, tensors) = gguf.into_parts(family, &mut spec, mixer)?;
                let layers = spec.passes.len();
                let tensors = stacks::in_a_row(family, layers, tensors, &files)?;
                (Some(metadata), tensors)
            }
            None => (None, stored_tensors(&config, family, &spec, &files)?),
        };
        let prefix = verify::prefix(family, &tensors, &files)?;
        let (tensors, adapter) = match location {
            Location::Adapted(adapted) => {
                let (path, base) = (&adapted.path, adapted.base.to_string());
                let of_base = (family, &mut spec);
                let (tensors, merged) = adapter::merged(tensors, path, of_base, prefix, base)?;
                (tensors, Some((merged, Files::Folder(path.clone()))))
            }
            Location::Bundled(_)
            | Location::Folder { .. }
            | Location::Remote(_)
            | Location::Difference(_) => (tensors, None),
        };
        let embeddings = ties::embeddings(family, prefix, &spec, &tensors, &files)?;
        spec.output = embeddings.decided;
        spec.tied = matches!(
            spec.output,
            OutputEmbedding::Tied | OutputEmbedding::Equal { .. }
        );
        let mut checkpoint = Self {
            embedding_maps: ties::maps(family, prefix, &spec, &tensors),
            embedding: embeddings.input,
            positions: family
                .positions
                .map(|positions| format!("{prefix}{}", positions.name)),
            files,
            gguf,
            tensors,
            family,
            spec,
            forward,
            position_scheme: PositionScheme::default(),
            prefix,
            output_embedding: embeddings.output,
            adapter,
            difference: None,
        };
        // One matrix that is read and written through two maps is two embeddings.
        checkpoint.spec.tied &= checkpoint.one_map();
        verify::shapes(&checkpoint)?;
        // Once there are known to be as many layers as the configuration says.
        let causal = checkpoint.forward.as_ref().is_none_or(|f| f.causal);
        checkpoint.position_scheme =
            config.position_scheme(family, causal, &mut checkpoint.spec)?;
        Ok(checkpoint)
    }

    /// The row of the table of families that it is read by.
    pub fn family(&self) -> &'static Family {
        self.family
    }

    /// The keys of a model that is stored as GGUF, its tokenizer's among them.
    pub fn gguf_metadata(&self) -> Option<&GgufMetadata> {
        self.gguf.as_ref()
    }

    /// The adapter that was merged into the weights, if one was.
    pub fn adapter(&self) -> Option<&MergedAdapter> {
        self.adapter.as_ref().map(|(adapter, _)| adapter)
    }

    /// What the norms do with the gains that the file holds.
    pub fn norm_kind(&self) -> NormKind {
        match (self.family.norm_kind, &self.gguf) {
            // llama.cpp's converter adds the 1 to the gains of Gemma and Nemotron.
            (NormKind::RmsPlusOne, Some(_)) => NormKind::Rms,
            (NormKind::LayerPlusOne, Some(_)) => NormKind::Layer,
            (kind, _) => kind,
        }
    }

    /// Its sizes, and what of it is not known here.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What `config.json` says about the forward pass; `None` for a family without one.
    pub fn forward(&self) -> Option<&ForwardSpec> {
        self.forward.as_ref()
    }

    /// Full name of the input embedding, `[vocab, embedding_width]`.
    pub fn embedding(&self) -> &str {
        &self.embedding
    }

    /// Full name of the output embedding where it is stored apart and not tied.
    pub fn output_embedding(&self) -> Option<&str> {
        self.output_embedding.as_deref()
    }

    /// Norms of each head's query and key, below the layer's prefix, if this checkpoint has them.
    pub fn qk_norm(&self) -> Option<[&'static str; 2]> {
        self.family.qk_norm.filter(|_| self.spec.qk_norm)
    }

    /// Windows and rotary positions (RoPE) by layer.
    pub fn position_scheme(&self) -> &PositionScheme {
        &self.position_scheme
    }

    /// Where the learned positions lie: the full name, and the rows of a text's tokens.
    pub fn positions(&self) -> Option<(&str, Range<usize>)> {
        let first = self.spec.first_position;
        let rows = first..first + self.spec.positions;
        self.positions.as_deref().map(|name| (name, rows))
    }

    /// The type that a tensor's numbers are stored in, if there is one of this full name.
    pub fn stored_type(&self, name: &str) -> Option<StoredType> {
        let (entry, _) = self.tensors.get(name)?;
        Some(StoredType {
            name: entry.dtype.to_string(),
            quantised: entry.dtype.is_quantised(),
        })
    }

    /// Whether there is a tensor of this full name.
    pub fn holds(&self, name: &str) -> bool {
        self.tensors.get(name).is_some()
    }

    /// Whether a tensor of one of these full names is there.
    ///
    /// # Errors
    /// None is.
    pub fn require(&self, names: &[String]) -> Result<(), CheckpointError> {
        verify::first(self, names).map(drop)
    }

    /// A tensor of one dimension and `len` numbers, under the first of its names that is there.
    ///
    /// # Errors
    /// None there, another shape, or as [`Checkpoint::block`].
    pub fn vector(&self, names: &[String], len: usize) -> Result<Vec<f32>, CheckpointError> {
        self.version_vector(Version::Difference, names, len)
    }

    /// The first row of a matrix, `d_model` numbers.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn first_row(&self, name: &str, d_model: usize) -> Result<Vec<f32>, CheckpointError> {
        Ok(self.tensors.block(name, 0..1, 0..d_model)?.into_data())
    }

    /// The block `rows × cols` of a two-dimensional tensor, as f32 whatever the file holds; of a
    /// difference less the base's.
    ///
    /// # Errors
    /// A tensor that is not there, a block outside it, a file cut since it was opened, a number
    /// that is not finite.
    pub fn block(
        &self,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<Matrix, CheckpointError> {
        self.version(Version::Difference, name, rows, cols)
    }

    /// The same in the type of the file, where it is narrower than f32 and the block is of whole
    /// rows.
    ///
    /// # Errors
    /// As [`Checkpoint::block`].
    pub fn stored(
        &self,
        name: &str,
        rows: Range<usize>,
        cols: Range<usize>,
    ) -> Result<StoredMatrix, CheckpointError> {
        self.tensors.stored(name, rows, cols)
    }

    /// Bytes of all files that hold weights.
    pub fn stored_bytes(&self) -> u64 {
        self.tensors.bytes()
    }

    /// Brings blocks near that lie on the hub, so that reading them asks nothing of the network.
    /// What lies here costs nothing.
    ///
    /// # Errors
    /// A tensor that is not there, or the hub cannot be asked, or the transfer is cancelled.
    pub fn bring(
        &self,
        slices: &[TensorSlice],
        callbacks: Callbacks<'_>,
    ) -> Result<(), CheckpointError> {
        self.tensors.bring(slices, callbacks)
    }

    /// Whether the weights stay on the hub, so that reading a tensor may take a while.
    pub fn is_remote(&self) -> bool {
        matches!(self.files, Files::Remote(_))
    }
}
