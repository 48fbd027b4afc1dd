//! `lexiscope prompt`: what a model does with a text.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::convention::ConventionChoice;
use super::listed;
use super::shared_args::{OutputArgs, ReadingArgs, list_length};
use crate::outside::{self, LONGEST_TEXT};
use crate::query::{Amount, Change, Continuation, PromptQuery, Query, TokenChoice};

/// What is asked about a text, and what is changed.
#[derive(Debug, Args)]
pub struct PromptArgs {
    /// A bundled model, a checkpoint folder, or a hub id owner/name[@revision]
    pub model: String,
    /// The text; [MASK] hides a word of an encoder's
    #[arg(long, value_name = "TEXT", required_unless_present = "text_file")]
    text: Option<String>,
    /// … or the file that holds it, one line break at its end left out
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    text_file: Option<PathBuf>,
    /// Read special tokens that are typed in the text as such, not as letters
    #[arg(long)]
    special: bool,
    /// Put the text into the model's chat template, as a user's message
    #[arg(long, conflicts_with = "special")]
    chat: bool,
    /// The position to look at, counted from 0 [default: an encoder's first mask, else the last]
    #[arg(long, value_name = "P")]
    position: Option<usize>,
    /// The word to explain: a word, or a token's own string (Ġdom, ##mu) [default: the best prediction]
    #[arg(long, value_name = "W")]
    target: Option<String>,
    /// … by its id
    #[arg(long, value_name = "ID", conflicts_with = "target")]
    target_id: Option<u32>,
    /// The word to hold it against
    #[arg(long, value_name = "W")]
    against: Option<String>,
    /// … by its id
    #[arg(long, value_name = "ID", conflicts_with = "against")]
    against_id: Option<u32>,
    /// Predictions, neurons and heads
    #[arg(short, default_value_t = 10, value_parser = list_length)]
    k: usize,
    /// Best words of each state at each position
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = list_length)]
    lens_k: usize,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    changes: ChangeArgs,
    #[command(flatten)]
    continuation: ContinuationArgs,
}

/// Changes of the model. Flattened last but one, as its heading.
#[derive(Debug, Args)]
#[command(next_help_heading = "Changes, at all positions or at one (@P); each may be repeated")]
struct ChangeArgs {
    /// Switch a neuron (L3.N907, L3.E37.N120) or a head (L3.H7) off; =mean: to its mean over the text
    #[arg(long, value_name = "A[=mean][@P]", value_parser = Change::ablate)]
    ablate: Vec<Change>,
    /// Multiply a neuron's activation, or what a head reads
    #[arg(long, value_name = "A=X[@P]", value_parser = Change::scale)]
    scale: Vec<Change>,
    /// Set a neuron's activation
    #[arg(long, value_name = "NEURON=X[@P]", value_parser = Change::set)]
    set: Vec<Change>,
    /// Add a word's or a neuron's unit direction, so many times, after a layer
    #[arg(long, value_name = "L7:WORD=ALPHA[@P]", value_parser = Change::steer)]
    steer: Vec<Change>,
}

/// How the text goes on. Flattened last, as its heading.
#[derive(Debug, Args)]
#[command(next_help_heading = "How the text goes on, before and after changes")]
struct ContinuationArgs {
    /// Tokens that follow the text
    #[arg(long = "continue", value_name = "N", value_parser = list_length)]
    tokens: Option<usize>,
    /// 0 takes the best token each time; 1 draws by the model's own probabilities
    #[arg(long, default_value = "0", value_name = "T", value_parser = temperature, requires = "tokens")]
    temperature: Amount,
    /// The draws' seed
    #[arg(long, default_value_t = 0, value_name = "S", requires = "tokens")]
    seed: u64,
}

/// Runs the model on the text.
pub(super) fn prompt(args: &PromptArgs) -> Result<()> {
    let reading = ReadingArgs::untested(ConventionChoice::default());
    let query = Query::Prompt(args.query()?);
    listed(&args.model, None, query, reading, args.output)
}

fn temperature(text: &str) -> Result<Amount, String> {
    let amount: Amount = text.parse()?;
    match amount.get() >= 0.0 {
        true => Ok(amount),
        false => Err("expected 0 or more".to_owned()),
    }
}

impl PromptArgs {
    /// The query that is meant, the text's file read.
    ///
    /// # Errors
    /// A file that cannot be read or is not UTF-8.
    pub fn query(&self) -> Result<PromptQuery> {
        let text = match (&self.text, &self.text_file) {
            (Some(text), _) => text.clone(),
            (None, Some(path)) => {
                let text = outside::read_text(path, LONGEST_TEXT)?;
                let line = text.strip_suffix('\n').unwrap_or(&text);
                line.strip_suffix('\r').unwrap_or(line).to_owned()
            }
            (None, None) => String::new(),
        };
        let choice = |id: Option<u32>, word: &Option<String>| {
            id.map(TokenChoice::Id)
                .or_else(|| word.clone().map(TokenChoice::Word))
        };
        let ChangeArgs {
            ablate,
            scale,
            set,
            steer,
        } = &self.changes;
        let changes = [ablate, scale, set, steer].into_iter().flatten().cloned();
        let ContinuationArgs {
            tokens,
            temperature,
            seed,
        } = self.continuation;
        Ok(PromptQuery {
            text: text.into(),
            special: self.special,
            chat: self.chat,
            position: self.position,
            target: choice(self.target_id, &self.target),
            against: choice(self.against_id, &self.against),
            k: self.k,
            lens_k: self.lens_k,
            changes: changes.collect(),
            continuation: tokens.map(|tokens| Continuation {
                tokens,
                temperature,
                seed,
            }),
        })
    }
}
