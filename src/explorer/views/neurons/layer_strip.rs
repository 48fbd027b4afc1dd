//! The layer strip: one figure per layer.

use crate::explorer::state::State;
use crate::query::{InputOutputClass, RankAnswer, RankMetric};

/// What the strip of layers shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LayerStrip {
    /// The mean norm of each layer's values.
    #[default]
    Norms,
    /// Anisotropy after each layer.
    Anisotropy,
    /// What neurons or heads are ranked by: the mean of a layer; of z, whose mean tells nothing,
    /// its best.
    Of(RankMetric),
}

impl LayerStrip {
    /// All of them, in the order in which they are gone through.
    pub fn all() -> impl Iterator<Item = Self> {
        let measures = RankMetric::NEURONS.into_iter().chain(RankMetric::HEADS);
        // What says nothing that another does not.
        let left_out = [
            RankMetric::Norm,
            RankMetric::Outliers,
            RankMetric::InputOutput(InputOutputClass::Depletion),
        ];
        let measures = measures.filter(move |by| !left_out.contains(by));
        [Self::Norms, Self::Anisotropy]
            .into_iter()
            .chain(measures.map(Self::Of))
    }

    /// The name in the session file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Norms => "norms",
            Self::Anisotropy => "anisotropy",
            Self::Of(by) => by.name(),
        }
    }

    /// What it shows, in a word or two.
    pub fn title(self) -> String {
        match self {
            Self::Norms => "‖V‖ mean".to_owned(),
            Self::Anisotropy => "anisotropy".to_owned(),
            Self::Of(RankMetric::Z) => "z best".to_owned(),
            Self::Of(by) => format!("{by} mean"),
        }
    }

    /// … and in a sentence.
    pub fn meaning(self) -> String {
        match self {
            Self::Norms => "the mean norm of the values".to_owned(),
            Self::Anisotropy => "anisotropy after each layer".to_owned(),
            Self::Of(RankMetric::Z) => {
                format!("of each layer the best {}", RankMetric::Z.meaning())
            }
            Self::Of(by) => format!("of each layer the mean {}", by.meaning()),
        }
    }
}

impl State {
    /// The strip's figures, one per layer; empty if none is known.
    pub fn strip_figures(&self) -> Vec<Option<f32>> {
        let known = |figures: &[f32]| figures.iter().copied().map(Some).collect();
        match self.views.neurons.strip {
            LayerStrip::Norms => self.value_norms().map_or_else(Vec::new, known),
            LayerStrip::Anisotropy => self.layer_anisotropy().map_or_else(Vec::new, |f| known(&f)),
            LayerStrip::Of(by) => {
                let figure = |answer: &RankAnswer| match by {
                    RankMetric::Z => answer.items.first().map_or(f32::NAN, |best| best.figure),
                    _ => answer.mean,
                };
                let whole = |answer: Option<&RankAnswer>| {
                    answer.filter(|answer| answer.done >= 1.0).map(figure)
                };
                self.ranked_layers(by).into_iter().map(whole).collect()
            }
        }
    }

    /// The strip shows the next of what it can show.
    pub(super) fn next_strip(&mut self) {
        if self.is_in_parts() {
            return self.say(IN_PARTS);
        }
        let measured = self.layer_anisotropy().is_some();
        let all = LayerStrip::all().filter(|strip| measured || *strip != LayerStrip::Anisotropy);
        let all: Vec<LayerStrip> = all.collect();
        let at = all
            .iter()
            .position(|strip| *strip == self.views.neurons.strip);
        let strip = all[at.map_or(0, |at| (at + 1) % all.len())];
        self.views.neurons.strip = strip;
        let shown = strip.meaning();
        self.say(match (strip, measured) {
            (LayerStrip::Norms, false) => {
                format!(
                    "the strip shows {shown}; anisotropy once the Geometry pane (g s) has measured it"
                )
            }
            _ => format!("the strip shows {shown}"),
        });
    }
}

/// Why a model that is here in parts shows no measures.
pub const IN_PARTS: &str = "this model is here in parts: all weights would have to come for that";
