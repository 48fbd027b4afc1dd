//! What is known of an opened model, and what of it can be asked: places that it does not have, choices
//! of its configuration that are not known, what its file does not hold.

use std::sync::Arc;

use super::{Address, Convention, PairsQuery, Query, QueryError, Switch};
use crate::checkpoint::{
    Family, HeadParts, LensAbout, NeuronBlock, NeuronParts, OutputEmbedding, Spec,
};
use crate::sheet::TokenNames;
use crate::transformer::{Form, Input, StoredTypes};
use crate::vocabulary::{Undertrained, Vocabulary};

/// Why what is written cannot be read of some files.
pub const NO_HEAD: &str = "the configuration says that the embeddings are not tied, and the file has no \
     language-model head: V and VO cannot be read, K and QK can";

/// What is known of an opened model, shared by its readers.
#[derive(Clone)]
pub struct ModelCard {
    /// As the user named it: `gpt2-pl`, a folder, or a hub id.
    pub name: String,
    pub family: &'static Family,
    pub spec: Spec,
    pub vocabulary: Arc<Vocabulary>,
    /// The types that its parts are stored in.
    pub stored: StoredTypes,
    /// Where products are computed: `cpu`, `cuda:0`.
    pub device: String,
    /// The weights stay on the hub: what needs all of them is not offered.
    pub remote: bool,
    /// Of a difference, the model that is taken from the other.
    pub against: Option<String>,
    /// Whether its neurons or heads have biases.
    pub biased: bool,
    /// Why it cannot be run on texts, if it cannot.
    pub not_run: Option<String>,
    /// The fitted lens that it is read through under the convention `lens`.
    pub lens: Option<Arc<LensAbout>>,
    /// What the user should know about how it was opened, a sentence each.
    pub notices: Vec<String>,
    /// Which of its tokens are undertrained, for the marks in lists; see
    /// [`Answering::marked_card`](super::Answering::marked_card). `None`: the embedding does not
    /// tell, or was not asked.
    pub undertrained: Option<Arc<Undertrained>>,
}

impl ModelCard {
    /// The names of its tokens in lists.
    pub fn token_names(&self) -> TokenNames {
        TokenNames::of(&self.vocabulary, self.undertrained.as_ref())
    }

    /// Whether a token is known to be undertrained; no position is.
    pub fn is_undertrained(&self, id: u32) -> bool {
        let known = self.undertrained.as_ref();
        known.is_some_and(|undertrained| undertrained.contains(id))
    }

    /// Columns of the factors of a head's form: the change of a form has twice as many as a form.
    pub(super) fn form_columns(&self) -> usize {
        match self.against {
            Some(_) => 2 * self.spec.d_head,
            None => self.spec.d_head,
        }
    }

    /// Whether its neurons have a gate, and so two inputs.
    pub fn gated(&self) -> bool {
        self.family.ff_gate.is_some()
    }

    /// Whether the model has what a query asks about.
    ///
    /// # Errors
    /// As [`ModelCard::check`]; or what else it lacks that the query needs.
    pub(super) fn check_query(&self, query: &Query) -> Result<(), QueryError> {
        let kind = query.kind();
        if let Some(address) = kind.address() {
            self.check(address)?;
        }
        if kind.needs_all_weights() && self.remote {
            return Err(QueryError::NeedsAll {
                model: self.name.clone(),
            });
        }
        let without = |what: String| {
            Err(QueryError::Nothing {
                model: self.name.clone(),
                what,
            })
        };
        if let Some(convention) = kind.convention() {
            self.check_convention(convention)?;
        }
        for &reading in kind.readings() {
            if let Some(choice) = self.spec.unknown_for(reading) {
                return without(format!(
                    "configuration: unknown `{}` {}: expected {}; {reading} cannot be read under it",
                    choice.key, choice.got, choice.expected
                ));
            }
        }
        if kind.needs_output() && !self.has_output(kind.convention().unwrap_or_default()) {
            return without(NO_HEAD.to_owned());
        }
        kind.check(self).or_else(without)
    }

    /// Whether a neuron has such an input as its key.
    ///
    /// # Errors
    /// It has one input only.
    pub(super) fn check_input(&self, input: Input) -> Result<(), String> {
        if input != Input::default() && !self.gated() {
            let why = "a neuron has one input here, no gate: leave the key as it is";
            return Err(why.to_owned());
        }
        Ok(())
    }

    /// Whether there are pairs at a query's distance.
    ///
    /// # Errors
    /// There are none, and why.
    pub(super) fn check_distance(&self, query: &PairsQuery) -> Result<(), String> {
        self.farther(query).map_or(Ok(()), Err)
    }

    /// Why there are no pairs at a query's distance, if there are none.
    fn farther(&self, query: &PairsQuery) -> Option<String> {
        if query.form == Form::Vo {
            return Some("VO is the same at every distance: give none".to_owned());
        }
        if !self.spec.rotary {
            let why = "positions are not rotary here, QK is the same at every distance: give none";
            return Some(why.to_owned());
        }
        let (reach, context) = (self.reach(query.layer), self.spec.context);
        if reach == 0 && context > 1 {
            return (query.distance > 0).then(|| {
                format!(
                    "layer {} has no rotary positions, its QK is the same at every distance: give \
                     none",
                    query.layer
                )
            });
        }
        (query.distance > reach).then(|| {
            let why = match reach + 1 < context {
                true => format!("layer {} looks through a window", query.layer),
                false => format!("the model has {context} positions"),
            };
            format!(
                "expected a distance of 0 to {reach}, got {}: {why}",
                query.distance
            )
        })
    }

    /// How far behind a query a key can lie that a layer still sees.
    pub fn reach(&self, layer: usize) -> usize {
        self.spec.reach.get(layer).copied().unwrap_or_default()
    }

    /// Whether what is written can be projected: there is an output embedding, or a convention puts
    /// the input embedding in its place.
    pub fn has_output(&self, convention: Convention) -> bool {
        self.spec.output != OutputEmbedding::Missing || convention.has(Switch::Input)
    }

    /// Whether the model can be read under a convention.
    ///
    /// # Errors
    /// It cannot: which switch it does not offer, and why.
    pub fn check_convention(&self, convention: Convention) -> Result<(), QueryError> {
        for switch in convention.switches() {
            if let Err(why) = self.offers(switch) {
                return Err(QueryError::Nothing {
                    model: self.name.clone(),
                    what: format!("the convention {switch} is not offered: {why}; leave it out"),
                });
            }
        }
        Ok(())
    }

    /// The name of a neuron that tells its expert, where the layer has experts; any other place as it
    /// is.
    pub fn named(&self, address: Address) -> Address {
        let Address::Neuron { layer, neuron } = address else {
            return address;
        };
        let Some(sizes) = self.spec.experts(layer) else {
            return address;
        };
        let (block, own) = sizes.place(neuron);
        Address::Expert {
            layer,
            expert: match block {
                NeuronBlock::Expert(expert) => Some(expert),
                NeuronBlock::Dense | NeuronBlock::Shared => None,
            },
            neuron: Some(own),
        }
    }

    /// A neuron by its number in the layer, if it is given by its expert; any other place as it is.
    ///
    /// # Errors
    /// As [`ModelCard::check`].
    pub fn counted(&self, address: Address) -> Result<Address, QueryError> {
        self.check(address)?;
        let Address::Expert {
            layer,
            expert,
            neuron: Some(neuron),
        } = address
        else {
            return Ok(address);
        };
        let first = self.spec.experts(layer).map_or(0, |sizes| {
            sizes.first(expert.map_or(NeuronBlock::Shared, NeuronBlock::Expert))
        });
        let neuron = first + neuron;
        Ok(Address::Neuron { layer, neuron })
    }

    /// A neuron of a layer under the name that tells its expert.
    pub fn neuron(&self, layer: usize, neuron: usize) -> Address {
        self.named(Address::Neuron { layer, neuron })
    }

    fn nothing<T>(&self, what: String) -> Result<T, QueryError> {
        let model = self.name.clone();
        Err(QueryError::Nothing { model, what })
    }

    /// Whether a layer has an expert, and the expert a neuron.
    fn check_expert(
        &self,
        layer: usize,
        expert: Option<usize>,
        neuron: Option<usize>,
    ) -> Result<(), QueryError> {
        let Some(sizes) = self.spec.experts(layer) else {
            return self.nothing(format!("layer {layer} has no experts: give L{layer}.N0"));
        };
        let block = expert.map_or(NeuronBlock::Shared, NeuronBlock::Expert);
        let count = sizes.size(block);
        match (expert, neuron) {
            (Some(got), _) if got >= sizes.experts => Err(QueryError::OutOfRange {
                what: "expert",
                got,
                last: sizes.experts.saturating_sub(1),
                model: self.name.clone(),
            }),
            (None, _) if count == 0 => self.nothing(format!("layer {layer} has no shared expert")),
            (_, Some(got)) if got >= count => Err(QueryError::OutOfRange {
                what: "neuron",
                got,
                last: count.saturating_sub(1),
                model: self.name.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether a layer has what is asked for, and why not.
    fn check_parts(&self, address: Address) -> Result<(), QueryError> {
        let Some(parts) = self.spec.parts.get(address.layer()) else {
            return Ok(());
        };
        let layer = address.layer();
        match (address, parts.heads, parts.neurons) {
            (Address::Head { .. }, HeadParts::Without(instead), _) => {
                self.nothing(format!("layer {layer} has no heads: {instead}"))
            }
            (Address::Neuron { .. }, _, NeuronParts::Without(instead)) => {
                self.nothing(format!("layer {layer} has no neurons: {instead}"))
            }
            (
                Address::Expert {
                    layer,
                    expert,
                    neuron,
                },
                ..,
            ) => self.check_expert(layer, expert, neuron),
            _ => Ok(()),
        }
    }

    /// Whether the model has such a place.
    ///
    /// # Errors
    /// It has not; the message says what it has.
    pub fn check(&self, address: Address) -> Result<(), QueryError> {
        let layer = ("layer", address.layer(), self.spec.layers);
        self.check_parts(address)?;
        let at = address.layer();
        let inside = match address {
            // How many there are, its file says.
            Address::Direction { .. } => return Ok(()),
            Address::Layer { .. } | Address::Expert { .. } => layer,
            Address::Neuron { neuron, .. } => ("neuron", neuron, self.spec.neurons_in(at)),
            Address::Head { head, .. } => ("head", head, self.spec.heads_in(at)),
            Address::State { state } | Address::Token { state, .. } => {
                ("state", state, self.spec.passes.len() + 1)
            }
        };
        let of_state = matches!(address, Address::State { .. } | Address::Token { .. });
        match [(!of_state).then_some(layer), Some(inside)]
            .into_iter()
            .flatten()
            .find(|(_, got, count)| got >= count)
        {
            None => Ok(()),
            Some((what, got, count)) => {
                let model = self.name.clone();
                Err(QueryError::OutOfRange {
                    what,
                    got,
                    last: count.saturating_sub(1),
                    model,
                })
            }
        }
    }
}
