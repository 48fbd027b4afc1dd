//! What a family's models have between the last state and the logits.

/// What lies between the last state and the logits, beside the final norm and the output embedding.
/// Names are whole, without the model's prefix.
#[derive(Clone, Copy, Debug)]
pub struct HeadNames {
    /// Biases of the logits, `[vocab]`: the first counts that is there, and none need be.
    pub bias: &'static [&'static str],
    /// What a masked-language-model head has before the output embedding.
    pub transform: Option<TransformNames>,
    /// The key of the cap of the logits, applied by the hyperbolic tangent.
    pub softcap: Option<&'static str>,
    /// Keys of what logits are multiplied with, and of what they are divided by.
    pub scale: Option<&'static str>,
    pub divisor: Option<&'static str>,
}

/// A masked-language-model head's dense layer, activation and norm.
#[derive(Clone, Copy, Debug)]
pub struct TransformNames {
    pub dense: &'static str,
    pub activation: HeadActivation,
    pub norm: &'static str,
}

/// The activation of a masked-language-model head.
#[derive(Clone, Copy, Debug)]
pub enum HeadActivation {
    /// That of the neurons.
    AsNeurons,
    /// What this key says, `gelu` where it is absent.
    Key(&'static str),
    /// `gelu`, whatever the neurons have.
    Gelu,
}
