//! Rankings that were made before, kept in files: the lists they are judged by cost a product with
//! every neuron. A file's name is a hash of all that its ranking depends on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::outside;

use super::Reader;
use crate::query::{Callbacks, Interest, QueryError, RankAnswer, RankQuery};
use crate::transformer::Input;

/// Where rankings are kept.
#[derive(Default)]
pub(super) struct RankCache {
    /// `None` if none are.
    folder: Option<PathBuf>,
    /// Of the embeddings and the vocabulary, once it was needed.
    of_words: Option<[u8; 32]>,
}

impl Reader {
    /// The same, which keeps the rankings of neurons by their lists in a folder, and takes those
    /// that are there.
    #[must_use]
    pub fn keeping_rankings(mut self, folder: PathBuf) -> Self {
        self.rank_cache.folder = Some(folder);
        self
    }

    /// The file of a ranking; `None` if it is not kept.
    pub(super) fn ranking_file(
        &mut self,
        query: &RankQuery,
        callbacks: Callbacks<'_>,
    ) -> Result<Option<PathBuf>, QueryError> {
        // Norms and biases are not part of a file's name.
        let convention = query.convention;
        let plain = !convention.folds_gains() && !convention.adds();
        let kept = match query.by {
            Interest::Overlap | Interest::Z | Interest::Stem => plain && !self.card.remote,
            // Cheap, or of heads.
            Interest::Norm
            | Interest::Copying
            | Interest::Same
            | Interest::Matching
            | Interest::SameQk => false,
        };
        let Some(folder) = self.rank_cache.folder.clone().filter(|_| kept) else {
            return Ok(None);
        };
        let of_words = self.digest_of_words(callbacks)?;
        let mask = self.mask(&query.filters)?;
        let mut hash = Sha256::new();
        hash.update(env!("CARGO_PKG_VERSION"));
        hash.update(format!("{query:?}"));
        hash.update(of_words);
        hash.update(
            mask.passes
                .iter()
                .map(|&flag| u8::from(flag))
                .collect::<Vec<u8>>(),
        );
        let all = 0..self.card.spec.neurons;
        let keys = self.weights.keys(query.layer, all.clone(), Input::Gate)?;
        hash.update(bytemuck::cast_slice::<f32, u8>(keys.data()));
        let values = self.weights.values(query.layer, all)?;
        hash.update(bytemuck::cast_slice::<f32, u8>(values.data()));
        let name: String = hash
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Some(folder.join(name + ".json")))
    }

    /// Of the embeddings and of all tokens' texts.
    fn digest_of_words(&mut self, callbacks: Callbacks<'_>) -> Result<[u8; 32], QueryError> {
        if let Some(digest) = self.rank_cache.of_words {
            return Ok(digest);
        }
        let mut hash = Sha256::new();
        for rows in [&self.read, &self.written] {
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

/// Bytes of a kept ranking at most.
const LONGEST: u64 = 64 << 20;

/// What stands behind a kept ranking, so that a bit that was lost shows.
fn digest(answer: &str) -> String {
    let digest = Sha256::digest(answer);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A ranking that was kept, if it is there and whole.
pub(super) fn kept(file: &Path) -> Option<RankAnswer> {
    let text = outside::read_text(file, LONGEST).ok()?;
    let whole = text
        .split_once('\n')
        .filter(|(answer, hash)| digest(answer) == *hash);
    let answer = whole.and_then(|(answer, _)| serde_json::from_str(answer).ok());
    if answer.is_none() {
        tracing::warn!(file = %file.display(), "a kept ranking is not what was kept");
    }
    answer
}

/// Keeps a ranking. That it cannot be kept is no fault of the answer's: the log says so.
pub(super) fn keep(file: &Path, answer: &RankAnswer) {
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
        tracing::warn!(%error, file = %file.display(), "a ranking was not kept");
    }
}
