//! The embedding output, where a run starts.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::{Forward, ForwardError};

impl Forward<'_> {
    /// State 0 of some texts: tokens, positions and the first token type, normed where the family
    /// does so.
    pub(super) fn embed(&self, texts: &[&[u32]]) -> Result<Tensor, ForwardError> {
        let checkpoint = self.loader.checkpoint;
        let width = checkpoint.spec().d_model;
        let longest = texts.iter().map(|t| t.len()).max().unwrap_or_default();
        let mut tokens: BTreeMap<u32, Vec<f32>> = BTreeMap::new();
        for &id in texts.iter().copied().flatten() {
            if let std::collections::btree_map::Entry::Vacant(empty) = tokens.entry(id) {
                let row = id as usize..id as usize + 1;
                let row = checkpoint.block(checkpoint.embedding(), row, 0..width)?;
                empty.insert(row.into_data());
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
            for id in text.iter() {
                let start = x.len();
                x.extend_from_slice(&tokens[id]);
                let at = match padding {
                    // It has the row of its own id and takes no position.
                    Some(padding) if *id == padding => padding as usize,
                    _ => {
                        next += 1;
                        next - 1
                    }
                };
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
        Ok(match self.loader.forward.embedding_norm {
            Some(name) => self.loader.norm_below(name)?.of(&x)?,
            None => x,
        })
    }
}
