//! What a neuron or head reads of others and what others read of it: products of what is written with
//! what is read, through the norms between, over all layers.

mod answering;
mod parts;
mod sheet;

use crate::checkpoint::Reading;
use crate::query::kind::{AnswerKind, AnyListed, NotFinite, QueryKind};
use crate::query::{Address, Answer, Callbacks, Convention, ModelCard, QueryError, Reader};
use crate::transformer::Input;
use crate::vocabulary::Filters;

/// Asks which neurons and heads write what one reads, and which read what it writes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LinksQuery {
    /// A neuron, or a head without its form.
    pub of: Address,
    /// Of a gated neuron, which of its inputs others write into.
    pub input: Input,
    /// How many neurons, and how many heads, of each kind.
    pub count: usize,
    /// Tokens of K and V that come with a neuron.
    pub words: usize,
    pub filters: Filters,
    /// Of the words; links are products of weights under any.
    pub convention: Convention,
}

impl LinksQuery {
    /// Tokens of each side, unless others are asked for.
    pub const WORDS: usize = 10;
}

/// By what a neuron or head reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadSide {
    /// A neuron's key: of a gated one its gate.
    Key,
    /// The other input of a gated neuron.
    Up,
    /// A head's queries.
    Query,
    /// A head's keys.
    HeadKey,
    /// A head's values.
    HeadValue,
}

impl ReadSide {
    /// The name in tables and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Up => "up",
            Self::Query => "Q",
            Self::HeadKey => "K",
            Self::HeadValue => "V",
        }
    }
}

/// A neuron or head that the other end is linked to.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub at: Address,
    /// By what the one that reads does so: the other end, or of what it reads the one asked about.
    pub side: ReadSide,
    /// Between neurons value·γ⊙key: by how much the reader's input rises when the writer's
    /// activation rises by 1, up to the norm's own scale. Where a head reads, the length of what the
    /// value makes of its queries, keys or values; where one writes, the length of what of a state
    /// of length 1 it can write along the key; between heads the Frobenius norm of the product.
    pub strength: f32,
    /// The same over the product of both lengths: between neurons the cosine, between heads the
    /// composition score (Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits").
    pub share: f32,
    /// The best tokens of a neuron's K and V; of heads none.
    pub key: Vec<u32>,
    pub value: Vec<u32>,
}

impl Link {
    /// What it is ordered by: between neurons the size of `strength`, or else `share`.
    fn weight(&self) -> f32 {
        let neurons = matches!(self.at, Address::Neuron { .. });
        match (neurons, self.side) {
            (true, ReadSide::Key | ReadSide::Up) => self.strength.abs(),
            (true, ReadSide::Query | ReadSide::HeadKey | ReadSide::HeadValue) | (false, _) => {
                self.share
            }
        }
    }
}

/// Neurons and heads on one side, the strongest first: links between neurons by the size of
/// `strength`, others by `share`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkLists {
    pub neurons: Vec<Link>,
    pub heads: Vec<Link>,
}

/// Links both ways.
#[derive(Clone, Debug, PartialEq)]
pub struct LinksAnswer {
    /// Who writes what it reads.
    pub upstream: LinkLists,
    /// Who reads what it writes.
    pub downstream: LinkLists,
    /// Share of the layers looked at, 0 to 1.
    pub done: f32,
}

impl LinkLists {
    /// Keeps the first of each kind; ties go to the smaller address.
    fn keep(&mut self, count: usize) {
        for links in [&mut self.neurons, &mut self.heads] {
            let order = |a: &Link, b: &Link| {
                let by_weight = b.weight().total_cmp(&a.weight());
                by_weight.then_with(|| (a.at, a.side).cmp(&(b.at, b.side)))
            };
            links.sort_by(order);
            links.truncate(count);
        }
    }
}

impl LinksAnswer {
    fn links(&self) -> impl Iterator<Item = &Link> {
        let lists = [&self.upstream, &self.downstream].into_iter();
        lists.flat_map(|lists| lists.neurons.iter().chain(&lists.heads))
    }
}

impl QueryKind for LinksQuery {
    fn filters(&self) -> Option<&Filters> {
        Some(&self.filters)
    }

    fn convention(&self) -> Option<Convention> {
        Some(self.convention)
    }

    fn address(&self) -> Option<Address> {
        Some(self.of)
    }

    fn readings(&self) -> &'static [Reading] {
        &[Reading::Neurons, Reading::Vo, Reading::Qk]
    }

    fn needs_all_weights(&self) -> bool {
        true
    }

    fn check(&self, card: &ModelCard) -> Result<(), String> {
        if !matches!(self.of, Address::Neuron { .. } | Address::Head { .. }) {
            return Err(format!(
                "expected a neuron (L3.N103) or a head (L4.H3), got {}",
                self.of
            ));
        }
        card.check(self.of).map_err(|error| error.to_string())
    }

    fn answer(&self, reader: &mut Reader, callbacks: Callbacks<'_>) -> Result<Answer, QueryError> {
        Ok(Answer::Links(reader.links(self, callbacks)?))
    }

    fn listed(&self) -> Option<&dyn AnyListed> {
        Some(self)
    }
}

impl AnswerKind for LinksAnswer {
    fn heap_bytes(&self) -> usize {
        let of = |link: &Link| size_of::<Link>() + 4 * (link.key.len() + link.value.len());
        self.links().map(of).sum()
    }

    fn not_finite(&self) -> Option<NotFinite> {
        let numbers = self.links().flat_map(|link| [link.strength, link.share]);
        NotFinite::among("a link", numbers.map(f64::from))
    }
}
