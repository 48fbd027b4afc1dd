//! Whether one matrix is both input and output embedding. The file decides where it holds both;
//! `tie_word_embeddings` decides what one that is not there means.

use super::embedding::EmbeddingMaps;
use super::files::Files;
use super::tensors::Tensors;
use super::verify;
use super::{CheckpointError, Family, OutputEmbedding, Spec};

/// Numbers compared at a time: first few, since matrices that differ do so at once.
const FIRST_NUMBERS: usize = 1 << 12;
const NUMBERS: usize = 1 << 22;

/// Runs of rows that are compared of a model on the hub, and the numbers of each.
const RUNS: usize = 8;
const RUN_NUMBERS: usize = 1 << 18;

/// Both embeddings of a checkpoint, by full name.
pub(super) struct Embeddings {
    pub input: String,
    /// Where it is not the input embedding too.
    pub output: Option<String>,
    pub decided: OutputEmbedding,
}

/// Finds both embeddings, and compares them where there are two.
///
/// # Errors
/// No embedding, one of another shape, or numbers that cannot be read.
pub(super) fn embeddings(
    family: &Family,
    prefix: &str,
    spec: &Spec,
    tensors: &Tensors,
    files: &Files,
) -> Result<Embeddings, CheckpointError> {
    let input = format!("{prefix}{}", family.embedding);
    let there = |name: &&&str| tensors.get(name).is_some();
    let head = family.output_embedding.iter().find(there);
    let head = head.map(|name| (*name).to_owned());
    let shape = [spec.vocab, spec.embedding_width];
    let one = |input: String, decided| {
        Ok(Embeddings {
            input,
            output: None,
            decided,
        })
    };
    match (tensors.get(&input).is_some(), head) {
        (true, None) if spec.tied => one(input, OutputEmbedding::Tied),
        (true, None) => one(input, OutputEmbedding::Missing),
        (false, Some(head)) if spec.tied => one(head, OutputEmbedding::Tied),
        (false, Some(head)) => Err(CheckpointError::MissingTensor {
            place: files.name(),
            tensor: input,
            why: format!("beside {head}, since config.json says that they differ"),
            advice: "take a checkpoint that holds the whole model".into(),
        }),
        (false, None) => Err(verify::no_embedding(family, tensors, files)),
        (true, Some(head)) => {
            for name in [&input, &head] {
                verify::matrix(tensors, files, name, &shape)?;
            }
            match compared(tensors, [&input, &head], spec)? {
                Some(rows) => one(input, OutputEmbedding::Equal { rows }),
                None => Ok(Embeddings {
                    input,
                    output: Some(head),
                    decided: match spec.tied {
                        true => OutputEmbedding::Differs,
                        false => OutputEmbedding::Apart,
                    },
                }),
            }
        }
    }
}

/// The maps of an embedding that is narrower than the layers; `None` of one that is not.
pub(super) fn maps(
    family: &Family,
    prefix: &str,
    spec: &Spec,
    tensors: &Tensors,
) -> Option<EmbeddingMaps> {
    let narrow = family.narrow.filter(|_| spec.narrow)?;
    let output = match (narrow.output, family.head.transform) {
        (Some(own), _) => Some(format!("{prefix}{own}")),
        (None, Some(head)) => Some(head.dense.to_owned())
            .filter(|name| tensors.get(&format!("{name}.weight")).is_some()),
        (None, None) => None,
    };
    Some(EmbeddingMaps {
        input: format!("{prefix}{}", narrow.input),
        output,
        extent: narrow.extent,
    })
}

/// How many rows of two matrices were compared that are equal; `None` if any differ.
fn compared(
    tensors: &Tensors,
    [a, b]: [&str; 2],
    spec: &Spec,
) -> Result<Option<usize>, CheckpointError> {
    let (rows, width) = (spec.vocab, spec.embedding_width);
    if tensors.are_one(a, b) {
        return Ok(Some(rows));
    }
    let equal = |rows: std::ops::Range<usize>| -> Result<bool, CheckpointError> {
        let read = |name| tensors.block(name, rows.clone(), 0..width);
        Ok(read(a)?.data() == read(b)?.data())
    };
    if tensors.is_remote(b) {
        // Where config.json says that they differ both are fetched anyway.
        if !spec.tied {
            return Ok(None);
        }
        let run = (RUN_NUMBERS / width).clamp(1, rows);
        let runs = RUNS.min(rows.div_ceil(run));
        let start = |i: usize| (rows - run) * i / (runs - 1).max(1);
        let mut counted = 0;
        let mut end = 0;
        for i in 0..runs {
            let run = start(i).max(end)..start(i) + run;
            (counted, end) = (counted + run.len(), run.end);
            if !equal(run)? {
                return Ok(None);
            }
        }
        return Ok(Some(counted));
    }
    // Numbers that are quantised in two ways differ; those that are stored alike are compared as
    // they are stored.
    if tensors.quantised_apart(a, b) {
        return Ok(None);
    }
    if equal(0..rows.min((FIRST_NUMBERS / width).max(1)))?
        && tensors.same_bytes(a, b)? == Some(true)
    {
        return Ok(Some(rows));
    }
    let mut first = 0;
    let mut numbers = FIRST_NUMBERS;
    while first < rows {
        let end = rows.min(first + (numbers / width).max(1));
        if !equal(first..end)? {
            return Ok(None);
        }
        (first, numbers) = (end, NUMBERS);
    }
    Ok(Some(rows))
}
