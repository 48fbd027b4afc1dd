//! Reading a saved view: an address with options, or a command line that makes its list.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use super::tab_options::{direction, is_of_dictionary, of_dictionary, of_prompt};
use super::view_error::ViewError;
use super::{SavedView, Shows, ViewSettings};
use crate::explorer::prompt_settings::CommandPlace;
use crate::geometry::{Language, Measure, Subwords, Texts};
use crate::projection::End;
use crate::query::sheet::Depth;
use crate::query::{Address, MatrixKind, NeuronColumn};
use crate::sheet::shell_words;
use crate::transformer::Input;
use crate::vocabulary::{FileSource, Text, Words};

/// Words of a line, the next one first.
struct Line {
    words: std::vec::IntoIter<String>,
    /// Whether the options are those of `geometry`, where `--text` is a text and not a file.
    of_chart: bool,
    /// Whether they are those of `prompt`.
    of_prompt: bool,
    /// Whether they are those of `dictionary`, where `--directions` is a file.
    of_dictionary: bool,
    /// Whether a command says that the best token is taken each time: seeds say nothing then.
    best_tokens: bool,
    /// The state that a command names.
    state: Option<usize>,
}

impl Line {
    fn next(&mut self, what: &str) -> Result<String, ViewError> {
        self.words.next().ok_or_else(|| ViewError::Value {
            name: what.to_owned(),
            why: "expected a value, got none".to_owned(),
        })
    }
}

impl FromStr for SavedView {
    type Err = ViewError;

    /// As it is written, or a command line `lexiscope neuron MODEL 3 103 …`; what a command says
    /// of its output is passed over.
    fn from_str(text: &str) -> Result<Self, ViewError> {
        let words = shell_words(text).ok_or(ViewError::OpenQuote)?;
        let mut line = Line {
            words: words.into_iter(),
            of_chart: false,
            of_prompt: false,
            of_dictionary: false,
            best_tokens: false,
            state: None,
        };
        let mut first = line.next("address")?;
        let is_command = first == "lexiscope";
        if is_command {
            first = line.next("command")?;
        }
        let mut settings = ViewSettings::default();
        let (model, address) = match (&*first, is_command) {
            (
                "neuron" | "pairs" | "directions" | "dictionary" | "links" | "geometry" | "prompt",
                _,
            ) => command(&first, &mut line, &mut settings)?,
            (_, true) => return Err(ViewError::Command(first)),
            (_, false) => (None, first.parse()?),
        };
        line.of_chart = matches!(address, Address::State { .. });
        line.of_prompt = matches!(address, Address::Token { .. });
        line.of_dictionary = matches!(address, Address::Direction { .. });
        let mut address = address;
        let mut any = model.is_some();
        while let Some(word) = line.words.next() {
            any = true;
            if line.of_dictionary && is_command && !word.starts_with('-') {
                address = direction(&word)?;
                continue;
            }
            option(&word, &mut line, &mut settings)?;
        }
        let state = line.state.map(|state| Address::State { state });
        let address = state.unwrap_or(address);
        Ok(Self {
            model,
            address,
            settings: any.then(|| Box::new(settings)),
        })
    }
}

/// The model and the place that a command is about.
fn command(
    name: &str,
    line: &mut Line,
    settings: &mut ViewSettings,
) -> Result<(Option<String>, Address), ViewError> {
    let model = Some(line.next("model")?);
    if name == "prompt" {
        settings.prompt.command = Some(CommandPlace::Own);
        let (state, position) = (0, 0);
        return Ok((model, Address::Token { state, position }));
    }
    if name == "dictionary" {
        return Ok((model, Address::Direction { row: 0 }));
    }
    if name == "geometry" {
        return Ok((model, Address::State { state: 0 }));
    }
    let first = line.next("place")?;
    let place = if let Ok(address) = first.parse() {
        address
    } else if name == "neuron" {
        format!("L{first}.N{}", line.next("neuron")?).parse()?
    } else {
        let part: MatrixKind = first.parse().map_err(|why| ViewError::Value {
            name: "part".to_owned(),
            why,
        })?;
        let layer = line.next("layer")?;
        let layer = layer.trim_start_matches(['L', 'l']).to_owned();
        match part {
            MatrixKind::Form(form) if layer.contains('.') => format!("L{layer}.{form}").parse()?,
            MatrixKind::Form(form) => format!("L{layer}.H{}.{form}", line.next("head")?).parse()?,
            // The explorer shows the directions of forms: it goes to the layer's first head.
            MatrixKind::Attention(map) => format!("L{layer}.H0.{}", map.form()).parse()?,
            MatrixKind::FfIn | MatrixKind::FfGate | MatrixKind::FfUp | MatrixKind::FfOut => {
                match part {
                    MatrixKind::FfOut => settings.column = NeuronColumn::V,
                    MatrixKind::FfUp => settings.input = Input::Up,
                    MatrixKind::FfIn
                    | MatrixKind::FfGate
                    | MatrixKind::Form(_)
                    | MatrixKind::Attention(_) => {}
                }
                format!("L{layer}.N0").parse()?
            }
        }
    };
    if name == "links" {
        settings.shows = Shows::Links;
    }
    if name == "directions" {
        settings.shows = Shows::Directions;
    }
    Ok((model, place))
}

/// Takes one option, with its value where it has one.
fn option(word: &str, line: &mut Line, settings: &mut ViewSettings) -> Result<(), ViewError> {
    let (name, inline) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word, None),
    };
    let ViewSettings {
        filters,
        chart,
        prompt,
        ..
    } = settings;
    let flag = match name {
        "--ascii" => Some(&mut filters.ascii),
        "--alnum" => Some(&mut filters.alnum),
        "--exclude-same" => Some(&mut filters.exclude_same),
        "--exclude-similar" | "--no-similar-words" => Some(&mut filters.exclude_similar),
        "--exclude-special" => Some(&mut filters.exclude_special),
        "--exclude-undertrained" | "--undertrained-hidden" => {
            Some(&mut filters.exclude_undertrained)
        }
        "--positions" => Some(&mut filters.positions),
        "--special" if line.of_prompt => Some(&mut prompt.special),
        "--chat" if line.of_prompt => Some(&mut prompt.chat),
        "--corrected" => Some(&mut chart.corrected),
        "--log" => Some(&mut chart.log),
        "--skip-first" => Some(&mut chart.skip_first),
        "--skip-special" => Some(&mut chart.skip_special),
        _ => None,
    };
    if let Some(flag) = flag {
        *flag = true;
        return Ok(());
    }
    match name {
        "--lowest" => settings.end = End::Lowest,
        "--by-layer" => chart.depth = Depth::State,
        "--directions" if !line.of_dictionary => settings.shows = Shows::Directions,
        "--links" => settings.shows = Shows::Links,
        "--points" => settings.shows = Shows::Points,
        // What a command says of its output, or of what it computes with.
        "--robustness" | "--trust" | "--timings" => {}
        "--similar" if line.of_dictionary => {}
        "--list-words" | "--format" | "--scan" | "-k" | "-n" | "--lens-k" => {
            drop(value(name, inline, line)?)
        }
        "--temperature" if line.of_prompt => {
            line.best_tokens = takes_best(&value(name, inline, line)?)?;
        }
        "--seed" if line.best_tokens => drop(value(name, inline, line)?),
        _ if name.starts_with('-') => {
            let value = value(name, inline, line)?;
            of_place(name, value, line, settings)?;
        }
        _ => return Err(ViewError::Option(word.to_owned())),
    }
    Ok(())
}

/// Takes an option with its value, by the kind of place that it is of.
fn of_place(
    name: &str,
    value: String,
    line: &mut Line,
    settings: &mut ViewSettings,
) -> Result<(), ViewError> {
    match name {
        _ if line.of_dictionary && is_of_dictionary(name) => {
            of_dictionary(name, value, &mut settings.dictionary)
        }
        _ if line.of_prompt => of_prompt(name, value, &mut settings.prompt),
        "--text" if line.of_chart => {
            settings.chart.fitting = None;
            add_text(&mut settings.chart.texts, value);
            Ok(())
        }
        "--state" if line.of_chart => {
            let state = value.parse().map_err(|_| ViewError::Value {
                name: name.to_owned(),
                why: format!("expected a whole number, got {value}"),
            });
            line.state = Some(state?);
            Ok(())
        }
        _ => valued(name, value, settings),
    }
}

/// Whether a temperature takes the best token each time; the pane knows no others but 1.
fn takes_best(temperature: &str) -> Result<bool, ViewError> {
    match temperature.parse::<f64>() {
        Ok(0.0) => Ok(true),
        Ok(1.0) => Ok(false),
        Ok(_) | Err(_) => Err(ViewError::Value {
            name: "--temperature".to_owned(),
            why: format!("the explorer draws at 1 or takes the best at 0, got {temperature}"),
        }),
    }
}

fn value(name: &str, inline: Option<String>, line: &mut Line) -> Result<String, ViewError> {
    inline.map_or_else(|| line.next(name), Ok)
}

fn valued(name: &str, value: String, settings: &mut ViewSettings) -> Result<(), ViewError> {
    let filters = &mut settings.filters;
    let chart = &mut settings.chart;
    let why = |why: String| ViewError::Value {
        name: name.to_owned(),
        why,
    };
    let wrong = |expected: &str| why(format!("expected {expected}, got {value}"));
    let number = || value.parse().map_err(|_| wrong("a whole number"));
    match name {
        "--convention" => settings.convention = value.parse().map_err(why)?,
        "--key" => settings.input = value.parse().map_err(why)?,
        "--distance" => settings.distance = number()?,
        "--column" => {
            let column = NeuronColumn::ALL.into_iter().find(|c| c.name() == value);
            settings.column = column.ok_or_else(|| wrong("K, V, -K or -V"))?;
        }
        "--contains" => filters.contains = value,
        "--words" => {
            filters.words = Some(Words {
                source: Some(unread(&value)),
                ..Words::parse(label(&value), "")
            });
        }
        "--text" => {
            filters.text = Some(Text {
                label: label(&value),
                text: "".into(),
                source: Some(unread(&value)),
            });
        }
        "--in-text" => filters.text = Some(Text::typed(&value)),
        "--words-sha256" => hash(
            filters.words.as_mut().and_then(|w| w.source.as_mut()),
            value,
        ),
        "--text-sha256" => hash(filters.text.as_mut().and_then(|t| t.source.as_mut()), value),
        "--measure" => {
            let named = Measure::ALL.into_iter().find(|m| m.name() == value);
            let all = || {
                wrong(&format!(
                    "one of {}",
                    Measure::ALL.map(Measure::name).join(", ")
                ))
            };
            chart.measure = named.ok_or_else(all)?;
        }
        "--token" => chart.token = Some(value),
        "--pieces" => {
            let named = Subwords::ALL.into_iter().find(|p| p.name() == value);
            chart.pieces = named.ok_or_else(|| wrong("mean, first or last"))?;
        }
        "--without-dominant" => chart.without_dominant = number()?,
        "--texts" if let Some(language) = Language::named(&value) => {
            chart.texts = Texts::bundled(language);
            chart.fitting = None;
        }
        "--texts" => {
            chart.fitting = None;
            chart.texts = Texts {
                label: label(&value),
                texts: [].into(),
                path: Some(Path::new(&value).into()),
            };
        }
        _ => return Err(ViewError::Option(name.to_owned())),
    }
    Ok(())
}

/// Of several texts that are given as they are, one more.
fn add_text(texts: &mut Texts, text: String) {
    let before = match texts.label == Texts::TYPED {
        true => &texts.texts[..],
        false => &[],
    };
    let all: Vec<String> = before.iter().cloned().chain([text]).collect();
    *texts = Texts::typed(all);
}

fn unread(path: &str) -> FileSource {
    FileSource {
        path: Path::new(path).into(),
        sha256: "".into(),
    }
}

fn hash(source: Option<&mut FileSource>, sha256: String) {
    if let Some(source) = source {
        source.sha256 = Arc::from(sha256);
    }
}

/// A file's name, as it stands on screen.
fn label(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(
        || path.to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
