//! Which tensors of a dictionary's files are its encoder and its decoder, and which way they lie:
//! the layouts of SAELens, Gemma Scope, Llama Scope, sparsify, dictionary_learning and
//! circuit-tracer, and plain matrices.

use crate::checkpoint::CheckpointError;
use crate::checkpoint::tensor_entry::TensorEntry;

use super::files::DictionaryFiles;
use super::hook::{DictionaryHook, layer_called};
use super::{DictionaryOptions, DictionarySide, DictionaryWidths};

/// Names of encoders, decoders, their biases and thresholds, without a layer's number.
const ENCODERS: [&str; 4] = ["W_enc", "w_enc", "encoder.weight", "encoder"];
const DECODERS: [&str; 4] = ["W_dec", "w_dec", "decoder.weight", "decoder"];
const ENCODER_BIASES: [&str; 3] = ["b_enc", "encoder.bias", "encoder_bias"];
const THRESHOLDS: [&str; 2] = ["threshold", "activation_function.threshold"];

/// Where one side's directions lie.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SideLayout {
    pub(super) tensor: String,
    /// Whether directions are the tensor's columns.
    pub(super) transposed: bool,
    pub(super) hook: DictionaryHook,
    pub(super) layer: Option<usize>,
    /// How many there are.
    pub(super) count: usize,
}

/// What of the tensors is what.
#[derive(Debug, Default)]
pub(super) struct DictionaryLayout {
    pub(super) title: &'static str,
    pub(super) reads: Option<SideLayout>,
    pub(super) writes: Option<SideLayout>,
    pub(super) bias: Option<String>,
    pub(super) threshold: Option<String>,
}

/// A place by its layer and hook, as far as they are said.
#[derive(Clone, Copy, Debug, Default)]
struct DictionaryPlace {
    layer: Option<usize>,
    hook: Option<DictionaryHook>,
}

impl DictionaryPlace {
    fn called(name: &str) -> Self {
        Self {
            layer: layer_called(name),
            hook: DictionaryHook::called(name),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            layer: self.layer.or(other.layer),
            hook: self.hook.or(other.hook),
        }
    }
}

/// Recognises a layout, takes the slices of tensors of several layers that are meant, and checks
/// sizes.
///
/// # Errors
/// No matrix of directions, several, or one of another width.
pub(super) fn recognise(
    files: &mut DictionaryFiles,
    options: &DictionaryOptions,
    widths: DictionaryWidths,
) -> Result<DictionaryLayout, CheckpointError> {
    let encoder = named(files, &ENCODERS, options);
    let decoder = named(files, &DECODERS, options);
    let chosen = options.tensor.is_some();
    let mut layout = match encoder.is_some() || decoder.is_some() {
        true if !chosen => sides(files, options, widths, [encoder, decoder])?,
        _ => plain(files, options, widths)?,
    };
    if let (Some(reads), Some(writes)) = (&layout.reads, &layout.writes)
        && reads.count != writes.count
    {
        return Err(damaged(
            files,
            format!(
                "expected as many directions in {} as in {}, got {} and {}; get the file again",
                reads.tensor, writes.tensor, reads.count, writes.count
            ),
        ));
    }
    match options.side.filter(|_| layout.title != PLAIN) {
        Some(DictionarySide::Reads) => layout.writes = None,
        Some(DictionarySide::Writes) => layout.reads = None,
        None => {}
    }
    if layout.reads.is_none() && layout.writes.is_none() {
        return Err(damaged(
            files,
            "the side that is asked for is not in it; leave --side out".to_owned(),
        ));
    }
    Ok(layout)
}

/// The title of a matrix of no layout.
const PLAIN: &str = "matrix";

fn damaged(files: &DictionaryFiles, what: String) -> CheckpointError {
    CheckpointError::damaged(&files.name, what)
}

/// The first of some names that is there, with the layer's number or without.
fn named(files: &DictionaryFiles, names: &[&str], options: &DictionaryOptions) -> Option<String> {
    let numbered = options.layer.map(|layer| format!("_{layer}"));
    let suffixes = ["".to_owned()].into_iter().chain(numbered);
    let full = suffixes.flat_map(|suffix| names.iter().map(move |name| format!("{name}{suffix}")));
    let here = |name: &String| files.tensors.get(name).is_some();
    let full: Vec<String> = full.collect();
    if let Some(found) = full.iter().find(|name| here(name)) {
        return Some(found.clone());
    }
    // A file of one layer, whose number the name has and nobody said.
    let of_layer = |name: &&str| {
        let rest = names.iter().find_map(|own| name.strip_prefix(own));
        let digits = rest.and_then(|rest| rest.strip_prefix('_'));
        digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
    };
    let mut found = files.tensors.names().filter(of_layer);
    let one = found.next().map(str::to_owned);
    one.filter(|_| found.next().is_none())
}

/// An encoder and a decoder, or one of them.
fn sides(
    files: &mut DictionaryFiles,
    options: &DictionaryOptions,
    widths: DictionaryWidths,
    [encoder, decoder]: [Option<String>; 2],
) -> Result<DictionaryLayout, CheckpointError> {
    let title = title(
        files,
        encoder
            .as_deref()
            .or(decoder.as_deref())
            .unwrap_or_default(),
    );
    let place = |keys: &[&str]| files.described.get(keys).map(DictionaryPlace::called);
    let read = place(&[
        "hook_name",
        "hook_point",
        "hook_point_in",
        "hf_hook_point_in",
        "feature_input_hook",
        "submodule_name",
    ]);
    let written = place(&[
        "hook_name_out",
        "hook_point_out",
        "hf_hook_point_out",
        "feature_output_hook",
    ]);
    let by_path = files
        .described
        .path
        .iter()
        .take(8)
        .map(|part| DictionaryPlace::called(part));
    let by_path = by_path.fold(DictionaryPlace::default(), DictionaryPlace::or);
    let layer = files
        .described
        .get(&["hook_layer", "hook_point_layer", "layer"]);
    let own = DictionaryPlace {
        layer: options.layer,
        hook: options.hook,
    };
    let said = DictionaryPlace {
        layer: layer.and_then(|layer| layer.parse().ok()),
        hook: None,
    };
    let reads = own.or(read.unwrap_or_default()).or(said).or(by_path);
    let transcodes = written.is_some() && written.map(|w| w.hook) != read.map(|r| r.hook);
    let writes = own.or(written.unwrap_or_default()).or(DictionaryPlace {
        hook: opposite(files, reads.hook, transcodes),
        ..reads
    });
    let default = match files.by_layer {
        true => [DictionaryHook::MlpIn, DictionaryHook::MlpOut],
        false => [DictionaryHook::ResidPost; 2],
    };
    let columns = matches!(title, "SAELens" | "Gemma Scope" | "Gemma Scope 2");
    let mut side = |name: Option<String>, place: DictionaryPlace, by: usize, columns: bool| {
        let Some(name) = name else { return Ok(None) };
        let hook = place.hook.unwrap_or(default[by]);
        let tensor = sliced(files, &name, options, place.layer)?;
        let width = widths.of(hook);
        oriented(files, tensor, width, columns).map(|(tensor, transposed, count)| {
            Some(SideLayout {
                tensor,
                transposed,
                hook,
                layer: place.layer,
                count,
            })
        })
    };
    let decoder_columns = decoder
        .as_deref()
        .is_some_and(|name| name.contains("decoder"));
    let reads = side(encoder, reads, 0, columns)?;
    let writes = side(decoder, writes, 1, decoder_columns)?;
    Ok(DictionaryLayout {
        title,
        reads,
        writes,
        bias: named(files, &ENCODER_BIASES, options),
        threshold: named(files, &THRESHOLDS, options),
    })
}

/// Where a dictionary writes that reads at a hook and does not say.
fn opposite(
    files: &DictionaryFiles,
    hook: Option<DictionaryHook>,
    transcodes: bool,
) -> Option<DictionaryHook> {
    let transcodes = transcodes
        || files.by_layer
        || hook == Some(DictionaryHook::MlpIn)
        || files.described.get(&["transcode"]) == Some("true");
    match (hook, transcodes) {
        (Some(DictionaryHook::MlpIn), _) => Some(DictionaryHook::MlpOut),
        (Some(DictionaryHook::AttnIn), _) => Some(DictionaryHook::AttnOut),
        (hook, false) => hook,
        (_, true) => Some(DictionaryHook::MlpOut),
    }
}

/// What the layout is called.
fn title(files: &DictionaryFiles, matrix: &str) -> &'static str {
    let described = &files.described;
    let in_path = |what: &str| described.path.iter().any(|part| part.contains(what));
    let file = described.path.first().map_or("", String::as_str);
    if files.by_layer && matrix.starts_with("W_enc_") {
        "circuit-tracer cross-layer transcoder"
    } else if files.by_layer {
        "circuit-tracer transcoder"
    } else if file == "params.npz" {
        "Gemma Scope"
    } else if matrix.starts_with("w_") {
        "Gemma Scope 2"
    } else if in_path("final.safetensors") || described.get(&["hook_point_in"]).is_some() {
        "Llama Scope"
    } else if file == "ae.pt" {
        "dictionary_learning"
    } else if matrix == "encoder.weight" && files.tensors.get("W_dec").is_some() {
        "sparsify"
    } else if matrix.starts_with("W_") {
        "SAELens"
    } else {
        "autoencoder"
    }
}

/// The two-dimensional part of a tensor that is meant: of one for all layers the slice of the layer,
/// of a cross-layer decoder that of the layer written to.
fn sliced(
    files: &mut DictionaryFiles,
    name: &str,
    options: &DictionaryOptions,
    layer: Option<usize>,
) -> Result<String, CheckpointError> {
    let Some((entry, _)) = files.tensors.get(name) else {
        return Ok(name.to_owned());
    };
    let mut part = entry.clone();
    let decodes = DECODERS.iter().any(|own| name.starts_with(own));
    let axes = part.shape.len();
    let missing = |files: &DictionaryFiles, what: &str, last: usize| {
        let what = format!("{name} holds several layers: expected {what} 0 to {last}");
        damaged(files, what)
    };
    // [layers, …]: what is read or written from one layer.
    if (decodes && axes == 4) || (!decodes && axes == 3) {
        let last = part.shape[0].saturating_sub(1);
        let at = layer.filter(|&layer| layer <= last);
        let at = at.ok_or_else(|| missing(files, "--layer", last))?;
        fix(&mut part, 0, at);
    }
    // [n, targets, d]: counted from the layer that is read, or from the first.
    if decodes && part.shape.len() == 3 {
        let targets = part.shape[1];
        let first = if axes == 4 { 0 } else { layer.unwrap_or(0) };
        let target = options.target.or(layer).unwrap_or(first);
        let at = target.checked_sub(first).filter(|&at| at < targets);
        let at = at.ok_or_else(|| {
            let last = (first + targets).saturating_sub(1);
            let what = format!(
                "{name} writes to several layers: expected --target {first} to {last}, got {target}"
            );
            damaged(files, what)
        })?;
        fix(&mut part, 1, at);
    }
    if part.shape.len() == axes {
        return Ok(name.to_owned());
    }
    let new = format!("{name}[slice]");
    files.tensors.insert_beside(name, new.clone(), part);
    Ok(new)
}

/// A tensor at one place along an axis.
fn fix(entry: &mut TensorEntry, axis: usize, at: usize) {
    entry.shape.remove(axis);
    let step = entry.strides.remove(axis);
    let bytes = entry.dtype.span(step.saturating_mul(at));
    entry.offset = entry.offset.saturating_add(bytes);
}

/// The tensor, whether directions are its columns, and how many it has.
fn oriented(
    files: &DictionaryFiles,
    tensor: String,
    width: usize,
    columns: bool,
) -> Result<(String, bool, usize), CheckpointError> {
    let shape = files
        .tensors
        .get(&tensor)
        .map(|(entry, _)| entry.shape.clone());
    match shape.as_deref() {
        Some(&[rows, cols]) if cols == width && (rows != width || !columns) => {
            Ok((tensor, false, rows))
        }
        Some(&[rows, cols]) if rows == width => Ok((tensor, true, cols)),
        got => Err(damaged(
            files,
            format!(
                "{tensor}: expected directions of {width} numbers, as this model has, got shape {:?}; \
                 take the dictionary of this model and hook",
                got.unwrap_or_default()
            ),
        )),
    }
}

/// A matrix of no layout: the one that is named, or the only one.
fn plain(
    files: &mut DictionaryFiles,
    options: &DictionaryOptions,
    widths: DictionaryWidths,
) -> Result<DictionaryLayout, CheckpointError> {
    let all: Vec<String> = files.tensors.names().map(str::to_owned).collect();
    let shape = |name: &str| {
        files
            .tensors
            .get(name)
            .map(|(entry, _)| entry.shape.clone())
    };
    let hook = options.hook.unwrap_or(DictionaryHook::ResidPost);
    let tensor = match &options.tensor {
        Some(name) => all.iter().find(|own| *own == name),
        None if all.len() == 1 => all.first(),
        None => {
            let mut matrices = all.iter().filter(|name| {
                shape(name).is_some_and(|s| s.len() == 2 && s.contains(&widths.of(hook)))
            });
            matrices.next().filter(|_| matrices.next().is_none())
        }
    };
    let Some(tensor) = tensor else {
        let names = match all.len() {
            0 => "nothing".to_owned(),
            _ => all.iter().take(12).cloned().collect::<Vec<_>>().join(", "),
        };
        let asked = options
            .tensor
            .as_deref()
            .unwrap_or("one matrix of directions");
        return Err(damaged(
            files,
            format!("expected {asked}, got {names}; say which with --tensor"),
        ));
    };
    let found = shape(tensor).unwrap_or_default();
    let width = widths.of(hook);
    let &[count, cols] = &found[..] else {
        return Err(damaged(
            files,
            format!(
                "{tensor}: expected rows of directions, [n, {width}], got shape {found:?}; save one \
                 direction as one row"
            ),
        ));
    };
    if cols != width {
        return Err(damaged(
            files,
            format!(
                "{tensor}: expected rows of {width} numbers, as this model has, got shape {found:?}; \
                 save one direction a row"
            ),
        ));
    }
    let by_path = files
        .described
        .path
        .first()
        .and_then(|file| layer_called(file));
    let side = SideLayout {
        tensor: tensor.clone(),
        transposed: false,
        hook,
        layer: options.layer.or(by_path),
        count,
    };
    let (reads, writes) = match options.side {
        Some(DictionarySide::Reads) => (Some(side), None),
        Some(DictionarySide::Writes) | None => (None, Some(side)),
    };
    Ok(DictionaryLayout {
        title: PLAIN,
        reads,
        writes,
        ..DictionaryLayout::default()
    })
}
