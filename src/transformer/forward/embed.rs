//! The embedding output, where a run starts.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::checkpoint::{EmbeddingSide, NarrowExtent};

use super::activation::Activation;
use super::{Forward, ForwardError};

impl Forward<'_> {
    /// State 0 of some texts: tokens, positions and the first token type, normed where the family
    /// does so; of each text the tokens from `past` on.
    pub(super) fn embed(&self, texts: &[&[u32]], past: usize) -> Result<Tensor, ForwardError> {
        let checkpoint = self.loader.checkpoint;
        // What is added to tokens is as wide as they are once they went through their map, if they
        // have one that comes first.
        let width = checkpoint.added_width();
        let map = checkpoint.embedding_map();
        let first = map.is_some_and(|(_, extent)| extent == NarrowExtent::Tokens);
        let longest = texts.iter().map(|t| t.len()).max().unwrap_or_default();
        let mut tokens: BTreeMap<u32, Vec<f32>> = BTreeMap::new();
        for &id in texts.iter().flat_map(|text| &text[past.min(text.len())..]) {
            if let std::collections::btree_map::Entry::Vacant(empty) = tokens.entry(id) {
                let row = id as usize;
                empty.insert(match first {
                    true => checkpoint.embedded_row(EmbeddingSide::Input, row)?,
                    false => checkpoint
                        .embedding_rows(EmbeddingSide::Input, row..row + 1)?
                        .into_data(),
                });
            }
        }
        let first = checkpoint.spec().first_position;
        let positions = match checkpoint.positions() {
            Some((name, _)) => Some(checkpoint.block(name, 0..first + longest, 0..width)?),
            None => None,
        };
        let padding = checkpoint.spec().padding;
        let first_type = match self.loader.forward.token_types {
            Some(name) => Some(checkpoint.first_row(&checkpoint.full(name), width)?),
            None => None,
        };
        let mut x = Vec::with_capacity(texts.iter().map(|t| t.len()).sum::<usize>() * width);
        for text in texts {
            let mut next = first;
            for (position, id) in text.iter().enumerate() {
                let at = match padding {
                    // It has the row of its own id and takes no position.
                    Some(padding) if *id == padding => padding as usize,
                    _ => {
                        next += 1;
                        next - 1
                    }
                };
                if position < past {
                    continue;
                }
                let start = x.len();
                x.extend_from_slice(&tokens[id]);
                let others = [positions.as_ref().map(|p| p.row(at)), first_type.as_deref()];
                for other in others.into_iter().flatten() {
                    x[start..].iter_mut().zip(other).for_each(|(x, y)| *x += y);
                }
            }
        }
        let shape = (x.len() / width, width);
        let mut x = Tensor::from_vec(x, shape, self.loader.device)?;
        if self.loader.choices.embedding_scale != 1.0 {
            x = (x * self.loader.choices.embedding_scale)?;
        }
        if let Some(name) = self.loader.forward.embedding_norm {
            x = self.loader.norm(&checkpoint.full(name), width)?.of(&x)?;
        }
        match map {
            Some((map, NarrowExtent::AllEmbeddings)) => {
                let sizes = [width, checkpoint.spec().d_model];
                let map = self.loader.embedding_map(map, sizes)?;
                Ok(map.of(&x, Activation::Linear)?)
            }
            Some((_, NarrowExtent::Tokens)) | None => Ok(x),
        }
    }
}
