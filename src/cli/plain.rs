//! What the explorer would show first, as text: for a pipe.

use anyhow::{Result, bail};

use super::args::{Explore, Output};
use super::{Patient, open, print};
use crate::checkpoint::Bundle;
use crate::explorer::paths::Paths;
use crate::explorer::session::Session;
use crate::explorer::update::worth_seeing;
use crate::query::{Address, Answer, Answering, NeuronQuery, PairsQuery, Query};
use crate::report::{self, Exported, Format};
use crate::transformer::Form;

/// Length of a neuron's columns and of a pair list, as on screen.
const COLUMN: usize = 30;
const PAIRS: usize = 50;

/// Prints the view that the explorer would open with.
///
/// # Errors
/// The model cannot be opened, or has no such place.
pub fn print_view(explore: &Explore) -> Result<()> {
    let paths = Paths::find(|name| std::env::var_os(name))?;
    let (session, notice) = Session::load(&paths.state);
    if let Some(notice) = notice {
        eprintln!("lexiscope: {notice}");
    }
    let last = session.model.as_deref();
    let model = explore.model.as_deref().or(last);
    let model = model.unwrap_or(Bundle::all()[0].name);
    let output = Output {
        format: Format::Table,
        timings: false,
        machine: explore.machine,
    };
    let (mut reader, _) = open(model, output)?;
    let card = reader.card();
    let (layer, neuron) = worth_seeing(&card);
    let known = if last == Some(model) {
        session.front()
    } else {
        None
    };
    let first = Address::Neuron { layer, neuron };
    let query = query(explore.at.or(known).unwrap_or(first), neuron, &session);
    let text = match (&query, reader.answer(&query, &Patient)?) {
        (Query::Neuron(query), Some(Answer::Neuron(answer))) => {
            report::export(&card, Exported::Neuron(query, &answer), Format::Table)
        }
        (Query::Pairs(query), Some(Answer::Pairs(answer))) => {
            report::export(&card, Exported::Pairs(query, &answer), Format::Table)
        }
        _ => bail!("no answer came back; this is a defect of lexiscope"),
    };
    print(&text)
}

/// What a place shows; of a layer, a neuron.
fn query(address: Address, neuron: usize, session: &Session) -> Query {
    let filters = session.filters.clone();
    let of_neuron = |layer, neuron, filters| NeuronQuery {
        layer,
        neuron,
        k: COLUMN,
        filters,
    };
    match address {
        Address::Layer { layer } => Query::Neuron(of_neuron(layer, neuron, filters)),
        Address::Neuron { layer, neuron } => Query::Neuron(of_neuron(layer, neuron, filters)),
        Address::Head { layer, head, form } => Query::Pairs(PairsQuery {
            form: form.unwrap_or(Form::Vo),
            layer,
            head,
            end: session.end,
            k: PAIRS,
            filters,
        }),
    }
}
