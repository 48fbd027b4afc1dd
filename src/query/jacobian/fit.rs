//! Fitting a Jacobian lens: the mean over prompts of the Jacobians at their positions. A fit that ended
//! goes on where it was.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use half::f16;
use safetensors::tensor::{Dtype, TensorView, serialize};
use sha2::{Digest, Sha256};

use crate::checkpoint::{LensFile, Matrix};
use crate::outside::{self, escape};
use crate::query::{QueryError, Reader};
use crate::task::{Callbacks, Progress, ProgressPart};
use crate::transformer::Forward;

/// What a lens is fitted on.
#[derive(Clone, Debug)]
pub struct LensFitPlan {
    /// Texts, one prompt each.
    pub texts: Vec<String>,
    /// What they are called.
    pub data: String,
    /// Prompts at most.
    pub prompts: usize,
    /// Tokens of a prompt at most.
    pub tokens: usize,
    /// Positions at the start of each prompt that do not count: attention gathers there.
    pub skip: usize,
    /// Where the lens is written; what is done so far lies beside it, in FILE.part.
    pub out: PathBuf,
}

/// A fitted lens.
#[derive(Clone, Debug)]
pub struct LensFit {
    pub prompts: usize,
    /// Prompts with too few tokens, which were passed over.
    pub short: usize,
    /// For each layer |J − 1| / |1|, by Frobenius: how far from the logit lens.
    pub departures: Vec<f32>,
}

/// The sums so far.
struct FitState {
    sums: Vec<Matrix>,
    prompts: usize,
    /// Texts that were gone through, short ones among them.
    texts: usize,
}

impl Reader {
    /// Fits a lens and writes it.
    ///
    /// # Errors
    /// A model that cannot be run, no text that is long enough, a part of another fit, a file that
    /// cannot be written, or a cancelled token: what was done is kept.
    pub fn fit_lens(
        &self,
        plan: &LensFitPlan,
        callbacks: Callbacks<'_>,
    ) -> Result<LensFit, QueryError> {
        let model = self.model();
        let forward = Forward::new(model.checkpoint, model.device);
        let forward = forward
            .map_err(|e| model.forward_error(e))?
            .keeping(&self.layers);
        let spec = &self.card.spec;
        let key = self.fit_key(plan)?;
        let part = PathBuf::from(format!("{}.part", plan.out.display()));
        let (layers, width) = (spec.layers.saturating_sub(1), spec.d_model);
        let mut state = match part.exists() {
            true => resumed(&part, &key, (spec.layers, width))?,
            false => FitState {
                sums: vec![Matrix::zeros(width, width); layers],
                prompts: 0,
                texts: 0,
            },
        };
        let tokens = plan.tokens.min(forward.longest());
        for text in plan.texts.iter().skip(state.texts) {
            if state.prompts >= plan.prompts {
                break;
            }
            let read = self.card.vocabulary.encode_with_special(text);
            let mut ids = read.map_err(|e| model.vocabulary_error(e))?;
            ids.truncate(tokens);
            // The last position has no next token.
            let positions = plan.skip..ids.len().saturating_sub(1);
            state.texts += 1;
            if positions.is_empty() {
                continue;
            }
            let done = state.prompts as u64;
            let mut report = |share: f32| callbacks.progress(&progress(plan, done, share));
            report(0.0);
            let found = forward.jacobians(&ids, positions, callbacks.cancel, &mut report);
            let found = found.map_err(|e| model.forward_error(e))?;
            for (sum, of) in state.sums.iter_mut().zip(&found) {
                let numbers = sum.data_mut().iter_mut().zip(of.data());
                numbers.for_each(|(sum, x)| *sum += x);
            }
            state.prompts += 1;
            self.write_lens(&part, &state, plan, Some(&key))?;
        }
        if state.prompts == 0 {
            return Err(model.nothing(format!(
                "no text has more than {} tokens, and the first {} positions do not count: give \
                 longer texts, or a smaller --skip",
                plan.skip + 1,
                plan.skip
            )));
        }
        self.write_lens(&plan.out, &state, plan, None)?;
        std::fs::remove_file(&part).map_err(|e| written(&part, &e))?;
        Ok(LensFit {
            prompts: state.prompts,
            short: state.texts - state.prompts,
            departures: state
                .sums
                .iter()
                .map(|sum| departure(sum, state.prompts))
                .collect(),
        })
    }

    /// What tells a fit from others.
    fn fit_key(&self, plan: &LensFitPlan) -> Result<String, QueryError> {
        let mut hasher = Sha256::new();
        hasher.update(self.fingerprint()?.to_le_bytes());
        for number in [plan.prompts, plan.tokens, plan.skip] {
            hasher.update((number as u64).to_le_bytes());
        }
        for text in &plan.texts {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        let digits = hasher.finalize();
        Ok(digits.iter().take(16).map(|b| format!("{b:02x}")).collect())
    }

    /// With a key the sums in f32, to go on with; else the means in f16, as lenses are published.
    fn write_lens(
        &self,
        path: &Path,
        state: &FitState,
        plan: &LensFitPlan,
        key: Option<&str>,
    ) -> Result<(), QueryError> {
        let width = self.card.spec.d_model;
        let bytes = |sum: &Matrix| -> Vec<u8> {
            let count = state.prompts as f32;
            let numbers = sum.data().iter();
            match key {
                Some(_) => numbers.flat_map(|x| x.to_le_bytes()).collect(),
                None => numbers
                    .flat_map(|x| f16::from_f32(x / count).to_le_bytes())
                    .collect(),
            }
        };
        let dtype = if key.is_some() {
            Dtype::F32
        } else {
            Dtype::F16
        };
        let all: Vec<Vec<u8>> = state.sums.iter().map(bytes).collect();
        let mut views = Vec::with_capacity(all.len());
        for (layer, bytes) in all.iter().enumerate() {
            let view = TensorView::new(dtype, vec![width, width], bytes);
            views.push((format!("J.{layer}"), view.map_err(|e| written(path, &e))?));
        }
        let mut about = HashMap::from([
            ("n_prompts".to_owned(), state.prompts.to_string()),
            ("data".to_owned(), plan.data.clone()),
            ("model".to_owned(), self.card.name.clone()),
            ("capture_point".to_owned(), "block_output".to_owned()),
            ("tokens".to_owned(), plan.tokens.to_string()),
            ("skip".to_owned(), plan.skip.to_string()),
        ]);
        if let Some(key) = key {
            about.insert("fit".to_owned(), key.to_owned());
            about.insert("n_texts".to_owned(), state.texts.to_string());
        }
        let file = serialize(views, Some(about)).map_err(|e| written(path, &e))?;
        // Beside it first: a fit that is ended leaves no half of a file.
        let beside = PathBuf::from(format!("{}.new", path.display()));
        let mut options = OpenOptions::new();
        let mut out =
            outside::open_to_write(&beside, options.write(true).create(true).truncate(true))
                .map_err(|e| written(&beside, &e))?;
        out.write_all(&file).map_err(|e| written(&beside, &e))?;
        std::fs::rename(&beside, path).map_err(|e| written(path, &e))
    }
}

fn written(path: &Path, error: &dyn std::fmt::Display) -> QueryError {
    QueryError::Other(format!(
        "{}: cannot be written: {error}",
        escape::path(path)
    ))
}

/// A part of the same fit.
fn resumed(
    part: &Path,
    key: &str,
    (layers, width): (usize, usize),
) -> Result<FitState, QueryError> {
    let file = LensFile::opened(part, layers, width)?;
    let number = |name: &str| file.said(name).and_then(|n| n.parse().ok());
    let (Some(prompts), Some(texts)) = (number("n_prompts"), number("n_texts")) else {
        return Err(other(part));
    };
    if file.said("fit") != Some(key) {
        return Err(other(part));
    }
    let mut sums = Vec::with_capacity(layers);
    for layer in 0..layers.saturating_sub(1) {
        sums.push(file.jacobian(layer)?.ok_or_else(|| other(part))?);
    }
    Ok(FitState {
        sums,
        prompts,
        texts,
    })
}

fn other(part: &Path) -> QueryError {
    QueryError::Other(format!(
        "{}: expected a part of this fit, got one of another model, other texts or other settings; \
         remove it, or write to another --out",
        escape::path(part)
    ))
}

fn progress(plan: &LensFitPlan, done: u64, share: f32) -> Progress {
    let part = |name: &str, done, total| ProgressPart {
        name: name.to_owned(),
        done,
        total,
    };
    Progress {
        phase: "fitting".to_owned(),
        parts: vec![
            part("prompts", done, plan.prompts.min(plan.texts.len()) as u64),
            part("% of a prompt", (share * 100.0) as u64, 100),
        ],
        ..Progress::default()
    }
}

/// |J − 1| / |1| of a mean.
pub(super) fn departure(sum: &Matrix, count: usize) -> f32 {
    let n = sum.rows();
    let mut squares = 0.0;
    for i in 0..n {
        for (j, x) in sum.row(i).iter().enumerate() {
            let one = if i == j { 1.0 } else { 0.0 };
            squares += (f64::from(*x) / count as f64 - one).powi(2);
        }
    }
    (squares / n.max(1) as f64).sqrt() as f32
}
