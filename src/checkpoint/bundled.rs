//! The checkpoints that are part of the program.

use super::Bundle;

macro_rules! asset {
    ($name:literal, $file:literal) => {
        include_bytes!(concat!("../../assets/demo/", $name, "/", $file))
    };
}

/// The files of a model under `assets/demo`.
macro_rules! bundle {
    ($name:literal) => {
        Bundle {
            name: $name,
            files: &[
                ("config.json", asset!($name, "config.json")),
                ("model.safetensors", asset!($name, "model.safetensors")),
                ("tokenizer.json", asset!($name, "tokenizer.json")),
            ],
        }
    };
}

/// The fitted Jacobian lenses of the bundled models, by name.
static LENSES: [(&str, &[u8]); 2] = [
    ("gpt2-pl", asset!("gpt2-pl", "lens.safetensors")),
    ("bert-pl", asset!("bert-pl", "lens.safetensors")),
];

static BUNDLES: [Bundle; 2] = [bundle!("gpt2-pl"), bundle!("bert-pl")];

impl Bundle {
    /// Every bundled checkpoint, the one to start with first.
    pub fn all() -> &'static [Self] {
        &BUNDLES
    }

    /// Its fitted Jacobian lens, as `fit-lens` writes it.
    pub fn lens(&self) -> Option<&'static [u8]> {
        let own = LENSES.iter().find(|(name, _)| *name == self.name);
        own.map(|(_, bytes)| *bytes)
    }

    /// The bundled checkpoint of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        BUNDLES.iter().find(|bundle| bundle.name == name)
    }
}
