//! Reading a saved view: an address with options, or a command line that makes its list.

use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

use super::{SavedView, Shows, ViewSettings};
use crate::explorer::prompt_settings::{
    CellShade, CommandPlace, GoesOn, ListedChange, PromptSettings,
};
use crate::geometry::{Language, Measure, Subwords, Texts};
use crate::projection::End;
use crate::query::sheet::Depth;
use crate::query::{Address, AddressError, Change, MatrixKind, NeuronColumn};
use crate::sheet::shell_words;
use crate::transformer::Input;
use crate::vocabulary::{FileSource, Text, Words};

/// Why a text is no view.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ViewError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("a quote is open: expected another one, or none")]
    OpenQuote,
    #[error(
        "`{0}` is no option of a view: expected options of `lexiscope neuron`, `pairs`, `directions` or `geometry`"
    )]
    Option(String),
    #[error("{name}: {why}")]
    Value { name: String, why: String },
    #[error(
        "`{0}` makes a list that is no place of the explorer: expected neuron, pairs, directions or geometry"
    )]
    Command(String),
}

/// Words of a line, the next one first.
struct Line {
    words: std::vec::IntoIter<String>,
    /// Whether the options are those of `geometry`, where `--text` is a text and not a file.
    of_chart: bool,
    /// Whether they are those of `prompt`.
    of_prompt: bool,
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
            ("neuron" | "pairs" | "directions" | "geometry" | "prompt", _) => {
                command(&first, &mut line, &mut settings)?
            }
            (_, true) => return Err(ViewError::Command(first)),
            (_, false) => (None, first.parse()?),
        };
        line.of_chart = matches!(address, Address::State { .. });
        line.of_prompt = matches!(address, Address::Token { .. });
        let mut any = model.is_some();
        while let Some(word) = line.words.next() {
            any = true;
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
        "--directions" => settings.shows = Shows::Directions,
        "--points" => settings.shows = Shows::Points,
        // What a command says of its output, or of what it computes with.
        "--robustness" | "--trust" | "--timings" => {}
        "--format" | "--scan" | "-k" | "-n" | "--lens-k" => drop(value(name, inline, line)?),
        "--temperature" if line.of_prompt => {
            line.best_tokens = takes_best(&value(name, inline, line)?)?;
        }
        "--seed" if line.best_tokens => drop(value(name, inline, line)?),
        _ if name.starts_with('-') => {
            let value = value(name, inline, line)?;
            match name {
                _ if line.of_prompt => of_prompt(name, value, &mut settings.prompt)?,
                "--text" if line.of_chart => {
                    settings.chart.fitting = None;
                    add_text(&mut settings.chart.texts, value);
                }
                "--state" if line.of_chart => {
                    let state = value.parse().map_err(|_| ViewError::Value {
                        name: name.to_owned(),
                        why: format!("expected a whole number, got {value}"),
                    });
                    line.state = Some(state?);
                }
                _ => valued(name, value, settings)?,
            }
        }
        _ => return Err(ViewError::Option(word.to_owned())),
    }
    Ok(())
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

/// An option of a prompt.
fn of_prompt(name: &str, value: String, prompt: &mut PromptSettings) -> Result<(), ViewError> {
    let why = |why: String| ViewError::Value {
        name: name.to_owned(),
        why,
    };
    let number = || why(format!("expected a whole number, got {value}"));
    let change = match name {
        "--text" => {
            prompt.text = value;
            return Ok(());
        }
        "--target" => {
            prompt.target = Some(value);
            return Ok(());
        }
        "--against" => {
            prompt.against = Some(value);
            return Ok(());
        }
        "--continue" => {
            let tokens = value.parse().map_err(|_| number())?;
            prompt.goes_on = Some(GoesOn::new(Some(tokens), None));
            return Ok(());
        }
        "--seed" => {
            let seed = value.parse().map_err(|_| number())?;
            let tokens = prompt.goes_on.map(|how| how.tokens);
            prompt.goes_on = Some(GoesOn::new(tokens, Some(seed)));
            return Ok(());
        }
        "--position" => {
            let position = value.parse().map_err(|_| number())?;
            prompt.command = Some(CommandPlace::At(position));
            return Ok(());
        }
        "--shade" => {
            let named = CellShade::ALL.into_iter().find(|s| s.name() == value);
            prompt.shade = named.ok_or_else(|| why(format!("no shade {value}")))?;
            return Ok(());
        }
        "--ablate" => Change::ablate(&value),
        "--scale" => Change::scale(&value),
        "--set" => Change::set(&value),
        "--steer" => Change::steer(&value),
        _ => return Err(ViewError::Option(name.to_owned())),
    };
    let change = change.map_err(why)?;
    prompt.changes.push(ListedChange { change, on: true });
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
