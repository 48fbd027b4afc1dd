//! The tensors of a base, with an adapter's products merged into its matrices under its own names.

use super::super::error::one_line;
use super::super::family::{Layout, Linear};
use super::super::merged_matrix::{Magnitude, MagnitudeOf, Merge, MergedMatrix};
use super::super::number::Dtype;
use super::super::tensor_entry::TensorEntry;
use super::super::tensors::Tensors;
use super::super::{CheckpointError, Family, Spec};
use super::{BASE, OWN, Update};

/// The tensors of a base, as its family names them.
pub(super) struct BaseTensors<'a> {
    pub(super) tensors: Tensors,
    pub(super) family: &'a Family,
    pub(super) tied: bool,
    pub(super) prefix: &'a str,
}

impl BaseTensors<'_> {
    /// The base's own name of a tensor that an adapter knows by its path in some class of the model.
    pub(super) fn full(&self, tensor: &str) -> Option<String> {
        let there = |name: &String| self.tensors.get(name).is_some();
        if let Some(name) = Some(tensor.to_owned()).filter(there) {
            return Some(name);
        }
        let prefixes = self.family.prefixes.iter();
        prefixes
            .filter_map(|prefix| tensor.strip_prefix(prefix))
            .map(|below| format!("{}{below}", self.prefix))
            .find(there)
    }

    pub(super) fn embedding(&self) -> String {
        format!("{}{}", self.prefix, self.family.embedding)
    }

    /// The name of the embedding that nothing is merged into.
    fn plain_embedding(&self) -> String {
        let kept = format!("{}{BASE}", self.embedding());
        match self.tensors.get(&kept) {
            Some(_) => kept,
            None => self.embedding(),
        }
    }

    /// Puts an adapter's copy of a tensor in the place of the base's. The head of a tied model becomes
    /// one of its own; what the base does not have is a head for another task, which nothing here reads.
    pub(super) fn replace(&mut self, own: &str, tensor: &str, spec: &mut Spec) {
        let own = format!("{own}{OWN}");
        let name = self.full(tensor).unwrap_or_else(|| tensor.to_owned());
        // Rows for tokens that were added.
        let rows = self.tensors.get(&own).map(|(entry, _)| entry.shape.clone());
        if let Some(&[rows, _]) = rows.as_deref()
            && name == self.embedding()
        {
            spec.vocab = rows;
        }
        self.tensors.rename(&own, &name);
    }

    /// Merges a product into a matrix. What is no part of the language model is left out.
    pub(super) fn merge(&mut self, file: &str, update: Update) -> Result<(), CheckpointError> {
        let Some(target) = self.target(file, &update)? else {
            return Ok(());
        };
        let own = |name: &str| format!("{name}{OWN}");
        let (a, b) = (own(&update.a), own(&update.b));
        let [height, width] = self.product_shape(file, &update, &target)?;
        // Of a layout `[in, out]` the product is transposed, and with it both factors.
        let (left, right) = if target.transposed { (a, b) } else { (b, a) };
        if target.transposed {
            self.tensors.transpose(&left);
            self.tensors.transpose(&right);
        }
        let magnitude = update.magnitude.map(|(name, of_inputs)| {
            let (of, numbers) = match of_inputs == target.transposed {
                true => (MagnitudeOf::Rows, height),
                false => (MagnitudeOf::Columns, width),
            };
            (own(&name), of, numbers)
        });
        if let Some((magnitude, _, numbers)) = &magnitude {
            let got = self
                .tensors
                .get(magnitude)
                .map(|(entry, _)| &entry.shape[..]);
            if got != Some(&[*numbers]) {
                let module = one_line(&update.module);
                let what = format!(
                    "{module}: expected a magnitude of shape [{numbers}], got {got:?}; get it again"
                );
                return Err(CheckpointError::damaged(file, what));
            }
        }
        let of_base = self.tensors.get(&target.base);
        let of_base = of_base.map_or(Dtype::F32, |(entry, _)| entry.dtype.clone());
        let kind = if magnitude.is_some() { "DoRA" } else { "LoRA" };
        let merge = Merge {
            title: format!("{of_base} + {kind} rank {}", update.rank),
            quantised: of_base.is_quantised(),
            base: target.base.clone(),
            shape: [height, width],
            left,
            right,
            rank: update.rank,
            scale: update.scale,
            magnitude: magnitude.map(|(name, of, _)| Magnitude::new(name, of)),
        };
        let dtype = Dtype::Merged(MergedMatrix::new(merge));
        let entry = TensorEntry::contiguous(dtype, vec![height, width], 0);
        self.tensors.insert_beside(&target.base, target.name, entry);
        Ok(())
    }

    /// The matrix that an update changes; its own name is free for the merged one. `None` where it is
    /// no part of the language model.
    fn target(&mut self, file: &str, update: &Update) -> Result<Option<Target>, CheckpointError> {
        let weight = format!("{}.weight", update.module);
        let head = self.family.output_embedding.contains(&&*weight);
        let (name, base) = match self.full(&weight) {
            Some(name) => {
                let base = format!("{name}{BASE}");
                self.tensors.rename(&name, &base);
                (name, base)
            }
            // The head of a tied model becomes one of its own.
            None if head && self.tied => (weight, self.plain_embedding()),
            None if !is_of_language(&update.module) => return Ok(None),
            None => {
                let module = one_line(&update.module);
                let what = format!(
                    "changes {module}, expected a module of the base, got one that it does not have: \
                     this adapter is of another base; give it with --base"
                );
                return Err(CheckpointError::damaged(file, what));
            }
        };
        Ok(Some(Target {
            transposed: self.is_transposed(&name),
            name,
            base,
        }))
    }

    /// The shape of a matrix as it is stored, which is that of the product of an update's factors.
    fn product_shape(
        &self,
        file: &str,
        update: &Update,
        target: &Target,
    ) -> Result<[usize; 2], CheckpointError> {
        let (a, b) = (format!("{}{OWN}", update.a), format!("{}{OWN}", update.b));
        let shapes = [&target.base, &a, &b].map(|name| {
            let found = self.tensors.get(name);
            found.map_or(Vec::new(), |(entry, _)| entry.shape.clone())
        });
        let module = one_line(&update.module);
        let [&[height, width], &[_, inputs], &[outputs, _]] = shapes.each_ref().map(|s| &s[..])
        else {
            let what = format!("{module}: expected matrices, got shapes {shapes:?}; get it again");
            return Err(CheckpointError::damaged(file, what));
        };
        let product = match target.transposed {
            true => [inputs, outputs],
            false => [outputs, inputs],
        };
        if [height, width] == product {
            return Ok(product);
        }
        let what = format!(
            "changes {module} by a matrix of shape {product:?}, expected {:?} as the base has it: this \
             adapter is of another base; give it with --base",
            [height, width]
        );
        Err(CheckpointError::damaged(file, what))
    }

    /// Whether a matrix is stored `[in, out]`: embeddings, whose inputs are tokens, and `Conv1D`.
    fn is_transposed(&self, name: &str) -> bool {
        let family = self.family;
        let linears: [Option<&Linear>; 7] = [
            Some(&family.ff_in),
            family.ff_gate.as_ref(),
            Some(&family.ff_out),
            Some(&family.query),
            Some(&family.key),
            Some(&family.value),
            Some(&family.attention_out),
        ];
        let of_linear = |linear: &&Linear| name.ends_with(&format!(".{}.weight", linear.name));
        let mut found = linears.into_iter().flatten().filter(of_linear);
        name == self.embedding() || found.any(|linear| linear.layout == Layout::InOut)
    }
}

/// A matrix that an update changes.
struct Target {
    /// The name that the merged matrix has.
    name: String,
    /// That of the base's.
    base: String,
    /// Whether it is stored `[in, out]`.
    transposed: bool,
}

/// Whether a module can be of a language model, not of what turns pictures or sounds into its input.
fn is_of_language(module: &str) -> bool {
    let other = ["vision", "visual", "audio", "image", "multi_modal"];
    !module
        .split('.')
        .any(|part| other.iter().any(|word| part.contains(word)))
}
