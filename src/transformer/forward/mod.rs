//! A model run on texts: its states, activations and attention, handed out where they arise.
//!
//! Texts lie one after another in the rows of one tensor, some thousands of tokens at a time, so
//! that nothing is padded and every linear map is one large product. Such a chunk goes through
//! all layers, and a layer's weights are read when its turn comes: memory holds one layer and one
//! chunk, however many layers and texts there are.

mod activation;
mod attention;
mod error;
mod layer;
mod loader;
mod ops;
mod rope;

use std::collections::BTreeMap;
use std::ops::Range;

use candle_core::{Device, Tensor};

use crate::checkpoint::{Checkpoint, FAMILIES, Family, FamilyForward, Reading};
use crate::task::CancelToken;

use activation::Activation;
use layer::Onlooker;
use loader::LayerLoader;

pub use error::ForwardError;
pub use ops::with_numbers;

/// Tokens that go through the layers together, if no text alone has more: enough that reading a
/// layer costs little beside running it.
const CHUNK_TOKENS: usize = 4096;

/// What can be seen of a model that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// The residual stream, `[rows, d_model]`, with Hugging Face's meaning of `hidden_states`:
    /// number 0 is the embedding output, number i the output of the i-th layer, and the last one
    /// is after the final norm where there is one.
    State,
    /// What the feed-forward neurons of a layer pass on, `[rows, neurons]`.
    Activations,
    /// Attention probabilities of a layer in one text, `[heads, n, n]`, from (rows) to (columns).
    Attention,
}

/// A tensor as it arises.
pub struct Seen<'a> {
    pub site: Site,
    /// The state's or the layer's number.
    pub at: usize,
    /// Which of the texts it is about.
    pub texts: Range<usize>,
    /// The rows of each of them; for attention there are none.
    pub rows: &'a [Range<usize>],
    pub tensor: &'a Tensor,
}

/// Takes what is seen.
pub type Hook<'a> = &'a mut dyn FnMut(Seen<'_>) -> Result<(), ForwardError>;

/// A model that can be run.
pub struct Forward<'a> {
    loader: LayerLoader<'a>,
    activation: Activation,
    /// The last state that is computed.
    last: usize,
}

impl<'a> Forward<'a> {
    /// The forward pass of a checkpoint on a device.
    ///
    /// # Errors
    /// A family or a configuration that is not known here, or tensors that the file lacks.
    pub fn new(checkpoint: &'a Checkpoint, device: &'a Device) -> Result<Self, ForwardError> {
        let forward = family_forward(checkpoint.family())?;
        let choices = checkpoint
            .forward()
            .ok_or_else(|| unknown(checkpoint.family()))?;
        if let Some(choice) = checkpoint.spec().unknown_for(Reading::Forward) {
            return Err(ForwardError::Choice(choice.clone()));
        }
        let loader = LayerLoader {
            checkpoint,
            forward,
            choices,
            device,
        };
        let activation = Activation::named(&checkpoint.spec().activation)?;
        loader.check()?;
        Ok(Self {
            loader,
            activation,
            last: checkpoint.spec().layers,
        })
    }

    /// Why a checkpoint cannot be run, if it cannot.
    pub fn refusal(checkpoint: &Checkpoint) -> Option<ForwardError> {
        Forward::new(checkpoint, &Device::Cpu).err()
    }

    /// The same, but no layer is run beyond what this state needs.
    pub fn up_to(mut self, state: usize) -> Self {
        self.last = self.last.min(state);
        self
    }

    /// The most tokens that a text may have.
    pub fn longest(&self) -> usize {
        self.loader.checkpoint.spec().longest
    }

    /// How many states there are: one more than layers.
    pub fn states(&self) -> usize {
        self.loader.checkpoint.spec().layers + 1
    }

    /// Runs texts of 1 to [`Forward::longest`] tokens, and hands `hook` what is asked for, chunk
    /// by chunk, layer by layer.
    ///
    /// # Errors
    /// An empty text or one that is too long, an id beyond the vocabulary, weights that cannot
    /// be read, a device that fails, a cancelled token, or what the hook says.
    pub fn run(
        &self,
        texts: &[&[u32]],
        sites: &[Site],
        cancel: CancelToken<'_>,
        hook: Hook<'_>,
    ) -> Result<(), ForwardError> {
        self.check(texts)?;
        for chunk in chunks(texts) {
            self.run_chunk(texts, chunk, (sites, cancel), hook)?;
        }
        Ok(())
    }

    fn check(&self, texts: &[&[u32]]) -> Result<(), ForwardError> {
        let (limit, vocab) = (self.longest(), self.loader.checkpoint.spec().vocab);
        for text in texts {
            if text.is_empty() || text.len() > limit {
                let got = text.len();
                return Err(ForwardError::Length { got, limit });
            }
            if let Some(&got) = text.iter().find(|&&id| id as usize >= vocab) {
                return Err(ForwardError::Token { got, vocab });
            }
        }
        Ok(())
    }

    fn run_chunk(
        &self,
        texts: &[&[u32]],
        chunk: Range<usize>,
        (sites, cancel): (&[Site], CancelToken<'_>),
        hook: Hook<'_>,
    ) -> Result<(), ForwardError> {
        let rows = rows_of(&texts[chunk.clone()]);
        let layers = self.loader.checkpoint.spec().layers;
        let mut see = |site, at, text: Option<usize>, tensor: &Tensor| {
            let (texts, rows) = match text {
                Some(i) => (chunk.start + i..chunk.start + i + 1, &[][..]),
                None => (chunk.clone(), &rows[..]),
            };
            hook(Seen {
                site,
                at,
                texts,
                rows,
                tensor,
            })
        };
        let states = sites.contains(&Site::State);
        let mut x = self.embed(&texts[chunk.clone()])?;
        if states {
            see(Site::State, 0, None, &x)?;
        }
        for at in 0..self.last {
            cancel.check()?;
            let layer = self.loader.layer(at, self.activation)?;
            let mut onlooker = Onlooker {
                sites,
                cancel,
                see: &mut |site, text, tensor| see(site, at, text, tensor),
            };
            x = layer.run(&x, &rows, &mut onlooker)?;
            if let (true, Some(name)) = (at + 1 == layers, self.loader.choices.final_norm) {
                x = self.loader.norm_below(name)?.of(&x)?;
            }
            if states {
                see(Site::State, at + 1, None, &x)?;
            }
        }
        Ok(())
    }

    /// State 0 of some texts: tokens, positions and the first token type, normed where the family
    /// does so.
    fn embed(&self, texts: &[&[u32]]) -> Result<Tensor, ForwardError> {
        let checkpoint = self.loader.checkpoint;
        let d_model = checkpoint.spec().d_model;
        let longest = texts.iter().map(|t| t.len()).max().unwrap_or_default();
        let mut tokens: BTreeMap<u32, Vec<f32>> = BTreeMap::new();
        for &id in texts.iter().copied().flatten() {
            if let std::collections::btree_map::Entry::Vacant(empty) = tokens.entry(id) {
                let row = id as usize..id as usize + 1;
                let row = checkpoint.block(checkpoint.embedding(), row, 0..d_model)?;
                empty.insert(row.into_data());
            }
        }
        let first = checkpoint.spec().first_position;
        let positions = match checkpoint.positions() {
            Some((name, _)) => Some(checkpoint.block(name, 0..first + longest, 0..d_model)?),
            None => None,
        };
        let padding = checkpoint.spec().padding;
        let first_type = match self.loader.forward.token_types {
            Some(name) => Some(checkpoint.first_row(&checkpoint.full(name), d_model)?),
            None => None,
        };
        let mut x = Vec::with_capacity(texts.iter().map(|t| t.len()).sum::<usize>() * d_model);
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
        let shape = (x.len() / d_model, d_model);
        let mut x = Tensor::from_vec(x, shape, self.loader.device)?;
        if self.loader.forward.scaled_embedding {
            x = (x * (d_model as f64).sqrt())?;
        }
        Ok(match self.loader.forward.embedding_norm {
            Some(name) => self.loader.norm_below(name)?.of(&x)?,
            None => x,
        })
    }
}

/// Consecutive texts of [`CHUNK_TOKENS`] at most together, or one text.
fn chunks(texts: &[&[u32]]) -> Vec<Range<usize>> {
    let mut chunks: Vec<Range<usize>> = Vec::new();
    let mut tokens = 0;
    for (at, text) in texts.iter().enumerate() {
        tokens += text.len();
        match chunks.last_mut() {
            Some(last) if tokens <= CHUNK_TOKENS => last.end = at + 1,
            _ => {
                tokens = text.len();
                chunks.push(at..at + 1);
            }
        }
    }
    chunks
}

fn rows_of(texts: &[&[u32]]) -> Vec<Range<usize>> {
    let mut end = 0;
    let row = |text: &&[u32]| {
        let start = end;
        end += text.len();
        start..end
    };
    texts.iter().map(row).collect()
}

fn family_forward(family: &'static Family) -> Result<&'static FamilyForward, ForwardError> {
    family.forward.as_ref().ok_or_else(|| unknown(family))
}

fn unknown(family: &Family) -> ForwardError {
    let known = FAMILIES.iter().filter(|f| f.forward.is_some());
    let known: Vec<&str> = known.map(|f| f.title).collect();
    ForwardError::Family {
        family: family.title,
        known: known.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::family;

    #[test]
    fn a_family_without_a_pass_is_refused_with_those_that_have_one() {
        let opt = Family {
            title: "OPT",
            forward: None,
            ..*family("gpt2").unwrap()
        };
        let message = family_forward(Box::leak(Box::new(opt)))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with(
                "OPT models can be read as words but not run on texts yet: \
                 expected one of GPT-2, BERT, Llama, "
            ),
            "{message}"
        );
    }

    #[test]
    fn chunks_hold_whole_texts_in_order() {
        let text = vec![0u32; CHUNK_TOKENS / 3];
        let long = vec![0u32; CHUNK_TOKENS + 1];
        let (text, long) = (text.as_slice(), long.as_slice());
        let found = chunks(&[text, text, text, text, long, text]);
        assert_eq!(found, [0..3, 3..4, 4..5, 5..6]);
        assert!(chunks(&[]).is_empty());
    }
}
