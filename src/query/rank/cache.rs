//! Rankings and first conventions that were computed before, kept in files: the lists they are judged
//! by cost a product with every neuron, or with many. A file's name is a hash of what its answer
//! depends on; of a first convention, of a part of it from every layer.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::checkpoint::Reading;
use crate::outside;

use crate::query::first_convention::RULE;
use crate::query::reader::Reader;
use crate::query::{Callbacks, Convention, QueryError, RankQuery};
use crate::transformer::{Form, FormWeights, Input, NormWeights, Sublayer};

/// Where answers are kept.
#[derive(Default)]
pub(in crate::query) struct RankCache {
    /// `None` if none are.
    folder: Option<PathBuf>,
    /// Of the embeddings and the vocabulary, once it was needed.
    of_words: Option<[u8; 32]>,
}

impl Reader {
    /// The same, which keeps the rankings of neurons by their lists and the first convention in a
    /// folder, and takes those that are there.
    #[must_use]
    pub fn keeping_rankings(mut self, folder: PathBuf) -> Self {
        self.rank_cache.folder = Some(folder);
        self
    }

    /// The file of a ranking; `None` if it is not kept.
    pub(in crate::query) fn ranking_file(
        &mut self,
        query: &RankQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<PathBuf>, QueryError> {
        // Norms and biases are not part of a file's name.
        let convention = query.convention;
        let plain = !convention.folds_written() && !convention.adds();
        let lists_of_neurons = !query.by.of_weights() && !query.by.of_heads();
        let kept = plain && !self.card.remote && lists_of_neurons;
        if !kept || self.rank_cache.folder.is_none() {
            return Ok(None);
        }
        let mask = self.mask(&query.filters, callbacks.cancel)?;
        let mut hash = self.hash_of(&format!("{query:?}"), callbacks)?;
        hash.update(
            mask.passes
                .iter()
                .map(|&flag| u8::from(flag))
                .collect::<Vec<u8>>(),
        );
        let all = 0..self.card.spec.neurons_in(query.layer);
        let keys = self.weights.keys(query.layer, all.clone(), Input::Gate)?;
        hash.update(bytemuck::cast_slice::<f32, u8>(keys.data()));
        let values = self.weights.values(query.layer, all)?;
        hash.update(bytemuck::cast_slice::<f32, u8>(values.data()));
        Ok(self.file_of(hash))
    }

    /// The file of the first convention of those that are tried; `None` if it is not kept. Of each
    /// layer a neuron, a head and the norms are part of its name: hashing all weights would take
    /// longer than the reader waits.
    pub(in crate::query) fn first_convention_file(
        &mut self,
        tried: &[Convention],
        callbacks: Callbacks<'_>,
    ) -> Result<Option<PathBuf>, QueryError> {
        if self.rank_cache.folder.is_none() {
            return Ok(None);
        }
        let mut hash = self.hash_of(&format!("first convention {RULE} of {tried:?}"), callbacks)?;
        self.hash_layers(&mut hash, callbacks)?;
        Ok(self.file_of(hash))
    }

    /// The file of what a layer does over texts; `None` if it is not kept.
    pub(in crate::query) fn record_file_of<'a>(
        &mut self,
        what: &str,
        texts: impl Iterator<Item = &'a [u32]>,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<PathBuf>, QueryError> {
        let Some(folder) = self.rank_cache.folder.clone().filter(|_| !self.card.remote) else {
            return Ok(None);
        };
        let mut hash = self.hash_of(what, callbacks)?;
        self.hash_layers(&mut hash, callbacks)?;
        for text in texts {
            hash.update(text.len().to_le_bytes());
            hash.update(bytemuck::cast_slice::<u32, u8>(text));
        }
        let name = hex(&hash.finalize()) + ".f32";
        Ok(Some(folder.with_file_name("contexts").join(name)))
    }

    /// Of each layer a neuron, a head and the norms.
    fn hash_layers(&self, hash: &mut Sha256, callbacks: Callbacks<'_>) -> Result<(), QueryError> {
        let (spec, weights) = (&self.card.spec, &self.weights);
        let readable = |reading| spec.unknown_for(reading).is_none();
        if readable(Reading::Neurons) {
            hash.update(weights.fingerprint()?.to_le_bytes());
        }
        let mut update = |numbers: &[f32]| hash.update(bytemuck::cast_slice::<f32, u8>(numbers));
        let mut norms = Vec::new();
        for layer in 0..spec.layers {
            callbacks.cancel.check()?;
            for (form, reading) in [(Form::Vo, Reading::Vo), (Form::Qk, Reading::Qk)] {
                if readable(reading) && spec.heads_in(layer) > 0 {
                    let FormWeights { left, right } = weights.form(form, layer, 0, 0)?;
                    update(left.data());
                    update(right.data());
                }
            }
            for sublayer in [Sublayer::Attention, Sublayer::FeedForward] {
                norms.extend(weights.norm_before(layer, sublayer)?);
                norms.extend(weights.norm_of_written(layer, sublayer)?);
            }
        }
        norms.extend(weights.last_norm()?);
        for NormWeights { gain, bias, .. } in &norms {
            update(gain);
            bias.iter().for_each(|bias| update(bias));
        }
        Ok(())
    }

    /// The beginning of a file's name: the program's version, what was asked, and the digest of the
    /// words.
    fn hash_of(&mut self, asked: &str, callbacks: Callbacks<'_>) -> Result<Sha256, QueryError> {
        let of_words = self.digest_of_words(callbacks)?;
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        hash.update(asked);
        hash.update(of_words);
        Ok(hash)
    }

    /// The file of an answer that depends on what was hashed; `None` if none is kept.
    fn file_of(&self, hash: Sha256) -> Option<PathBuf> {
        let folder = self.rank_cache.folder.as_ref()?;
        Some(folder.join(hex(&hash.finalize()) + ".json"))
    }

    /// Of the embeddings and of all tokens' texts.
    fn digest_of_words(&mut self, callbacks: Callbacks<'_>) -> Result<[u8; 32], QueryError> {
        if let Some(digest) = self.rank_cache.of_words {
            return Ok(digest);
        }
        let mut hash = Sha256::new();
        let tied = Arc::ptr_eq(&self.read, &self.written);
        let apart = (!tied).then_some(&self.written);
        for rows in std::iter::once(&self.read).chain(apart) {
            hash.update(rows.digest(callbacks.cancel)?);
        }
        for id in 0..self.card.vocabulary.rows() as u32 {
            hash.update(self.card.vocabulary.text(id).as_bytes());
            hash.update([0]);
        }
        let digest = hash.finalize().into();
        self.rank_cache.of_words = Some(digest);
        Ok(digest)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of a kept answer at most.
const LONGEST: u64 = 64 << 20;

/// What stands behind a kept answer, so that a bit that was lost shows.
fn digest(answer: &str) -> String {
    hex(&Sha256::digest(answer))
}

/// An answer that was kept, if it is there and whole.
pub(in crate::query) fn kept<A: DeserializeOwned>(file: &Path) -> Option<A> {
    let text = outside::read_text(file, LONGEST).ok()?;
    let whole = text
        .split_once('\n')
        .filter(|(answer, hash)| digest(answer) == *hash);
    let answer = whole.and_then(|(answer, _)| serde_json::from_str(answer).ok());
    if answer.is_none() {
        tracing::warn!(file = %file.display(), "a kept answer is not what was kept");
    }
    answer
}

/// Keeps an answer. That it cannot be kept is no fault of the answer's: the log says so.
pub(in crate::query) fn keep<A: Serialize>(file: &Path, answer: &A) {
    let written = || -> io::Result<()> {
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let answer = serde_json::to_string(answer)?;
        // Of one name, so that what a killed program leaves is written over; two that write at once
        // leave what is not whole.
        let fresh = file.with_extension("tmp");
        fs::write(&fresh, format!("{answer}\n{}", digest(&answer)))?;
        fs::rename(&fresh, file)
    };
    if let Err(error) = written() {
        tracing::warn!(%error, file = %file.display(), "an answer was not kept");
    }
}
