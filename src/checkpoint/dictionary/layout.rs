//! Which tensors of a dictionary's files are its encoder and its decoder, and which way they lie:
//! the layouts of SAELens, Gemma Scope, Llama Scope, sparsify, dictionary_learning and
//! circuit-tracer, and plain matrices.

use crate::checkpoint::CheckpointError;

use super::files::DictionaryFiles;
use super::hook::{DictionaryHook, layer_called};
use super::side::{DECODERS, DictionaryLayout, PLAIN, SideLayout, damaged};
use super::{DictionaryOptions, DictionarySide, DictionaryWidths, matrix, slices};

/// Names of encoders, their biases and thresholds, without a layer's number.
const ENCODERS: [&str; 4] = ["W_enc", "w_enc", "encoder.weight", "encoder"];
const ENCODER_BIASES: [&str; 3] = ["b_enc", "encoder.bias", "encoder_bias"];
const THRESHOLDS: [&str; 2] = ["threshold", "activation_function.threshold"];

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
        _ => matrix::plain(files, options, widths)?,
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
    let first = encoder.as_deref().or(decoder.as_deref());
    let title = title(files, first.unwrap_or_default());
    let [reads, writes] = places(files, options);
    let default = match files.by_layer {
        true => [DictionaryHook::MlpIn, DictionaryHook::MlpOut],
        false => [DictionaryHook::ResidPost; 2],
    };
    let columns = matches!(title, "SAELens" | "Gemma Scope" | "Gemma Scope 2");
    let decoder_columns = decoder
        .as_deref()
        .is_some_and(|name| name.contains("decoder"));
    let mut side = |name: Option<String>, place: DictionaryPlace, by: usize, columns: bool| {
        let Some(name) = name else { return Ok(None) };
        let hook = place.hook.unwrap_or(default[by]);
        let tensor = slices::sliced(files, &name, options, place.layer)?;
        let found = slices::oriented(files, tensor, widths.of(hook), columns);
        found.map(|(tensor, transposed, count)| {
            Some(SideLayout {
                tensor,
                transposed,
                hook,
                layer: place.layer,
                count,
            })
        })
    };
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

/// Where it reads and where it writes, by what was asked for, else by its configuration, else by its
/// path.
fn places(files: &DictionaryFiles, options: &DictionaryOptions) -> [DictionaryPlace; 2] {
    let described = &files.described;
    let called = |keys: &[&str]| described.get(keys).map(DictionaryPlace::called);
    let read = called(&[
        "hook_name",
        "hook_point",
        "hook_point_in",
        "hf_hook_point_in",
        "feature_input_hook",
        "submodule_name",
    ]);
    let written = called(&[
        "hook_name_out",
        "hook_point_out",
        "hf_hook_point_out",
        "feature_output_hook",
    ]);
    let by_path = described.path.iter().take(8);
    let by_path = by_path.map(|part| DictionaryPlace::called(part));
    let by_path = by_path.fold(DictionaryPlace::default(), DictionaryPlace::or);
    let layer = described.get(&["hook_layer", "hook_point_layer", "layer"]);
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
    [reads, writes]
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
