//! The Jacobian lens of a model: what is written is read after a fitted matrix per layer has carried
//! it to the last layer; and fitting those matrices.

mod effect;
mod effect_sheet;
mod fit;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{ModelCard, QueryError, Reader};
use crate::checkpoint::{Bundle, LensFile, Matrix};
use crate::projection::product;
use crate::sheet::{Record, Sheet, Value};

pub use effect::{LayerLensEffect, LensEffect, LensEffectPlan, WithAndWithout};
pub use effect_sheet::{lens_effect_command, lens_effect_sheet};
pub use fit::{LensFit, LensFitPlan};

/// What `--lens` takes in the place of a file, for the lens that is bundled with a model.
const BUNDLED: &str = "bundled";

/// An open lens, with the matrix of the layer that was looked at last.
pub(super) struct OpenLens {
    file: LensFile,
    /// Its transpose, as rows are multiplied with it.
    last: Mutex<Option<(usize, Arc<Matrix>)>>,
}

impl Reader {
    /// The same read through a fitted lens: the convention `lens` and the lens of prompts. `bundled` is
    /// the lens that is part of the program, of a bundled model.
    ///
    /// # Errors
    /// As [`LensFile::opened`], or a model without a bundled lens.
    pub fn through_lens(mut self, path: &Path) -> Result<Self, QueryError> {
        let (layers, width) = (self.card.spec.layers, self.card.spec.d_model);
        let file = match path.as_os_str() == BUNDLED {
            false => LensFile::opened(path, layers, width)?,
            true => {
                let bundle = Bundle::named(&self.card.name);
                let bytes = bundle.and_then(Bundle::lens).ok_or_else(|| {
                    self.model().nothing(
                        "no lens is bundled with it: give a file, as published or made by fit-lens"
                            .to_owned(),
                    )
                })?;
                LensFile::bundled(BUNDLED, bytes, layers, width)?
            }
        };
        let about = file.about().clone();
        self.notice(format!("lens: {}", about.said()));
        if let Some(model) = about.model.clone().filter(|model| *model != self.card.name) {
            let name = self.card.name.clone();
            self.notice(format!(
                "the lens says it was fitted for {model}, and this is {name}"
            ));
        }
        Arc::make_mut(&mut self.card).lens = Some(Arc::new(about));
        self.lens = Some(Arc::new(OpenLens {
            file,
            last: Mutex::new(None),
        }));
        Ok(self)
    }

    /// What a layer leaves behind (`[n, d_model]`), carried to the last layer by the lens.
    ///
    /// # Errors
    /// No lens, or one that has no matrix for the layer.
    pub(super) fn carried(&self, layer: usize, vectors: Matrix) -> Result<Matrix, QueryError> {
        let lens = self.lens.as_ref().ok_or_else(|| no_lens(&self.card))?;
        match lens.transposed(layer)? {
            Some(jacobian) => Ok(product(&vectors, &jacobian)),
            // What the last layer leaves is there already.
            None if layer + 1 >= self.card.spec.layers => Ok(vectors),
            None => Err(QueryError::Nothing {
                model: self.card.name.clone(),
                what: format!("the lens has no matrix for layer {layer}; take one that has"),
            }),
        }
    }

    /// Whether the lens carries a layer.
    pub(super) fn carries(&self, layer: usize) -> bool {
        let last = layer + 1 >= self.card.spec.layers;
        let lens = self.lens.as_ref();
        lens.is_some_and(|lens| last || lens.file.has(layer))
    }
}

/// That no lens was given.
fn no_lens(card: &ModelCard) -> QueryError {
    QueryError::Nothing {
        model: card.name.clone(),
        what: super::NO_LENS.to_owned(),
    }
}

impl OpenLens {
    fn transposed(&self, layer: usize) -> Result<Option<Arc<Matrix>>, QueryError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, jacobian)) = last.as_ref().filter(|(of, _)| *of == layer) {
            return Ok(Some(Arc::clone(jacobian)));
        }
        let read = self.file.jacobian(layer)?;
        let turned = read.map(|jacobian| Arc::new(jacobian.transposed()));
        *last = turned.clone().map(|jacobian| (layer, jacobian));
        Ok(turned)
    }
}

/// A sheet of what was read through the model's lens: which, in every format that names its model.
pub(super) fn named_in(card: &ModelCard, mut sheet: Sheet) -> Sheet {
    let Some(lens) = &card.lens else {
        return sheet;
    };
    let Some(provenance) = &mut sheet.provenance else {
        return sheet;
    };
    provenance.said += &format!(" · lens {}", lens.said());
    if let Some(command) = &mut provenance.command {
        command.option("--lens", &lens.path);
    }
    if let Value::Record(record) = &mut sheet.document {
        let command = provenance
            .command
            .as_ref()
            .map(|line| line.in_format("json"));
        for (key, value) in &mut record.0 {
            if let ("command", Some(command)) = (&**key, &command) {
                *value = command.clone().into();
            }
        }
        let about = Record::new()
            .with("file", &*lens.path)
            .with("prompts", lens.prompts)
            .with_some("data", lens.data.as_deref())
            .with_some("of_model", lens.model.as_deref())
            .with("sha256", &*lens.hash);
        record.push_some("jacobian_lens", Some(about));
    }
    sheet
}
