//! Places as arguments: `3 103`, `4 3`, or addresses as they stand on screen, `L3.N103`.

use anyhow::{Result, bail};
use clap::Args;

use crate::query::{Address, MatrixKind};
use crate::transformer::Form;

/// A neuron.
#[derive(Clone, Debug, Args)]
pub struct NeuronPlace {
    /// The neuron's layer, counted from 0; or its address: L3.N103, L3.E37.N120
    #[arg(value_name = "LAYER")]
    layer: String,
    /// Counted from 0
    neuron: Option<usize>,
}

impl NeuronPlace {
    /// The neuron, perhaps by its expert.
    ///
    /// # Errors
    /// It is neither of the forms.
    pub fn read(&self) -> Result<Address> {
        match (number(&self.layer), self.layer.parse(), self.neuron) {
            (Some(layer), _, Some(neuron)) => Ok(Address::Neuron { layer, neuron }),
            (
                None,
                Ok(
                    address @ (Address::Neuron { .. }
                    | Address::Expert {
                        neuron: Some(_), ..
                    }),
                ),
                None,
            ) => Ok(address),
            _ => bail!(
                "expected a neuron's layer and number (3 103) or its address (L3.N103), got {}",
                said([Some(&self.layer), None], self.neuron)
            ),
        }
    }
}

/// A form of a head.
#[derive(Clone, Debug, Args)]
pub struct FormPlace {
    /// vo: what it writes when it reads; qk: who attends to whom; or its address: L4.H3.VO
    #[arg(value_name = "FORM")]
    form: String,
    /// The head's layer, counted from 0; or its address: L4.H3
    layer: Option<String>,
    /// Counted from 0
    head: Option<usize>,
}

impl FormPlace {
    /// Form, layer and head.
    ///
    /// # Errors
    /// It is none of the forms.
    pub fn read(&self) -> Result<(Form, usize, usize)> {
        let words = [Some(&self.form), self.layer.as_ref()];
        match read(words, self.head) {
            Some((MatrixKind::Form(form), layer, Some(head))) => Ok((form, layer, head)),
            _ => bail!(
                "expected a head's form, layer and number (vo 4 3) or its address (L4.H3.VO), got {}",
                said(words, self.head)
            ),
        }
    }
}

/// A matrix: a form of a head, or the keys or values of a layer.
#[derive(Clone, Debug, Args)]
pub struct MatrixPlace {
    /// vo or qk of a head; ff-in (keys: of gated neurons the gate), ff-gate, ff-up or ff-out (values)
    /// of a layer; q, k, v or o, a layer's linear maps of attention; or a form's address: L4.H3.VO
    #[arg(value_name = "PART")]
    part: String,
    /// Counted from 0; or an address: L4.H3, L3
    layer: Option<String>,
    /// Counted from 0; of vo and qk only
    head: Option<usize>,
}

impl MatrixPlace {
    /// Part, layer and, of a form, the head.
    ///
    /// # Errors
    /// It is none of the forms.
    pub fn read(&self) -> Result<(MatrixKind, usize, usize)> {
        let words = [Some(&self.part), self.layer.as_ref()];
        match read(words, self.head) {
            Some((part @ MatrixKind::Form(_), layer, Some(head))) => Ok((part, layer, head)),
            Some((part @ MatrixKind::Form(_), ..)) => bail!("{part} is of a head: give its number"),
            Some((part, layer, None)) => Ok((part, layer, 0)),
            Some((part, ..)) => bail!("{part} is of a layer: give no head"),
            None => bail!(
                "expected vo or qk with layer and head (vo 4 3), ff-in, ff-gate, ff-up, ff-out, q, k, \
                 v or o with a layer (ff-out 3), or an address (L4.H3.VO), got {}",
                said(words, self.head)
            ),
        }
    }
}

/// A part with its layer and head, from up to three words.
fn read(
    words: [Option<&String>; 2],
    head: Option<usize>,
) -> Option<(MatrixKind, usize, Option<usize>)> {
    let [first, second] = words;
    let first = first?;
    let Some(second) = second else {
        return match (first.parse(), head) {
            (
                Ok(Address::Head {
                    layer,
                    head,
                    form: Some(form),
                }),
                None,
            ) => Some((MatrixKind::Form(form), layer, Some(head))),
            _ => None,
        };
    };
    let part: MatrixKind = first.parse().ok()?;
    if let Some(layer) = number(second) {
        return Some((part, layer, head));
    }
    match (second.parse().ok()?, part, head) {
        (Address::Layer { layer }, _, head) => Some((part, layer, head)),
        (Address::Head { layer, head, form }, MatrixKind::Form(of), None)
            if form.is_none_or(|form| form == of) =>
        {
            Some((part, layer, Some(head)))
        }
        _ => None,
    }
}

fn number(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// The arguments as they were typed.
fn said(words: [Option<&String>; 2], number: Option<usize>) -> String {
    let words = words.into_iter().flatten().cloned();
    let words: Vec<String> = words.chain(number.map(|n| n.to_string())).collect();
    words.join(" ")
}
