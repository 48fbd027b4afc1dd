//! Every `model_type` with what can be asked of its models, and the well-known ones that are refused.

use crate::checkpoint::{
    FAMILIES, Family, RopeKeys, RopeLayers, architectures_of, refused_families,
};
use crate::sheet::{Block, Column, NumberForm, Section, Sheet, TokenNames, Value};

/// Families of which some lists are held under the conventions too.
pub const HELD_UNDER_CONVENTIONS: &[&str] = &[
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
    "gemma",
    "gemma2",
    "gemma3_text",
    "phi3",
    "smollm3",
    "glm",
    "glm4",
    "olmo",
    "olmo2",
    "stablelm",
    "granite",
    "starcoder2",
    "nemotron",
    "cohere",
    "cohere2",
    "phi",
    "gpt_neox",
    "gpt_neo",
    "gptj",
    "opt",
    "bloom",
    "falcon",
    "modernbert",
    "roberta",
    "albert",
    "qwen3_5_text",
    "lfm2",
    "bamba",
];

/// Families of which what a model does with a text is held, number by number.
pub const HELD_ON_TEXTS: &[&str] = &[
    "gpt2",
    "bert",
    "llama",
    "mistral",
    "qwen2",
    "qwen3",
    "gemma",
    "gemma2",
    "gemma3_text",
    "phi3",
    "olmo",
    "olmo2",
    "glm4",
    "granite",
    "cohere2",
    "phi",
    "gpt_neox",
    "gpt_neo",
    "gptj",
    "opt",
    "bloom",
    "falcon",
    "roberta",
    "xlm-roberta",
    "distilbert",
    "modernbert",
    "electra",
    "deberta",
    "deberta-v2",
    "qwen3_moe",
    "gpt_oss",
    "deepseek_v3",
    "olmoe",
];

/// Every family that can be opened, and then what is refused by name, as a sheet.
pub fn families_sheet() -> Sheet {
    let opened = FAMILIES.iter().map(|family| Row {
        model_type: family.model_type,
        title: family.title,
        support: Support::of(family),
    });
    let refused = refused_families().map(|(model_type, refused)| Row {
        model_type,
        title: refused.title,
        support: Support::Refused {
            why: refused.why,
            could_have: refused.could_have,
        },
    });
    let rows: Vec<Row> = opened.chain(refused).collect();
    let text = |of: &dyn Fn(&Row) -> String| Column::of(rows.iter().map(of));
    let read = |of: &dyn Fn(&Abilities) -> String| {
        let rows = rows.iter();
        Column::of(rows.map(|row| row.support.read().map_or_else(String::new, of)))
    };
    let yes = |flag: bool| if flag { "yes" } else { "" }.to_owned();
    let checked = || text(&|row| row.support.checked());
    // People read what works in one sentence; what reads CSV or JSON has a column for each.
    let section = Section::new([
        text(&|row| row.model_type.to_owned())
            .named("model_type")
            .shown("type", NumberForm::Plain),
        text(&|row| row.title.to_owned())
            .named("family")
            .shown("family", NumberForm::Plain),
        read(&|has| if has.gated { "gate, up" } else { "one" }.to_owned()).named("neurons"),
        read(&|has| {
            if has.shared_keys {
                "may share keys"
            } else {
                "yes"
            }
            .to_owned()
        })
        .named("heads"),
        read(&|has| has.distance.map_or("", Distance::name).to_owned()).named("qk_distance"),
        read(&|has| yes(has.geometry)).named("geometry"),
        read(&|has| yes(has.prompt)).named("prompt"),
        read(&|has| yes(has.attribution)).named("attribution"),
        text(&|row| row.support.works()).shown("what works", NumberForm::Plain),
        read(&|has| has.gguf.join(", "))
            .named("gguf")
            .shown("GGUF", NumberForm::Plain),
        checked().named("checked"),
        read(&|has| has.held.join(", ")).shown("checked", NumberForm::Plain),
    ]);
    Sheet {
        provenance: None,
        names: TokenNames::default(),
        document: Value::Rows(0),
        sections: vec![section],
        blocks: vec![Block::table([0])],
        csv_settings: &[],
    }
}

/// One `model_type`.
struct Row {
    model_type: &'static str,
    title: &'static str,
    support: Support,
}

enum Support {
    Read(Abilities),
    Refused {
        /// What is different of its models: a verb follows "they".
        why: &'static str,
        could_have: &'static str,
    },
}

/// What can be asked of a family's models.
struct Abilities {
    /// Whether a neuron has two keys: the gate's and the other.
    gated: bool,
    /// Whether heads may share keys and values.
    shared_keys: bool,
    /// Where QK has a distance.
    distance: Option<Distance>,
    /// Contextual embeddings by layer.
    geometry: bool,
    /// Predictions of a text, the lens, and changes.
    prompt: bool,
    /// Which parts moved a prediction.
    attribution: bool,
    /// The architectures of GGUF files that are read as it.
    gguf: Vec<&'static str>,
    /// What is held against PyTorch.
    held: Vec<&'static str>,
}

/// Which layers have QK at a distance.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Distance {
    All,
    /// All, in models that have no ALiBi.
    NotWithAlibi,
    Rotating,
}

impl Distance {
    fn of(rope: &RopeKeys) -> Self {
        match rope.layers {
            _ if rope.unless.is_some() => Self::NotWithAlibi,
            RopeLayers::All => Self::All,
            RopeLayers::Windowed | RopeLayers::WindowedIfAny | RopeLayers::Listed { .. } => {
                Self::Rotating
            }
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::All => "yes",
            Self::NotWithAlibi => "but not with ALiBi",
            Self::Rotating => "in layers that rotate",
        }
    }
}

impl Support {
    fn of(family: &Family) -> Self {
        let forward = family.forward.as_ref().filter(|_| family.runs());
        let causal = forward.is_some_and(|forward| forward.causal);
        let is_among = |list: &[&str]| list.contains(&family.model_type);
        let mut held = vec!["lists"];
        held.extend(is_among(HELD_UNDER_CONVENTIONS).then_some("conventions"));
        held.extend(forward.is_some().then_some("states"));
        held.extend(is_among(HELD_ON_TEXTS).then_some("texts"));
        Self::Read(Abilities {
            gated: family.ff_gate.is_some(),
            shared_keys: !family.config.n_kv_heads.is_empty()
                || family.config.n_kv_heads_if.is_some(),
            distance: family.rope.as_ref().map(Distance::of),
            geometry: forward.is_some(),
            prompt: causal || forward.is_some() && family.head.transform.is_some(),
            attribution: causal && family.head.transform.is_none(),
            gguf: architectures_of(family),
            held,
        })
    }

    fn read(&self) -> Option<&Abilities> {
        match self {
            Self::Read(abilities) => Some(abilities),
            Self::Refused { .. } => None,
        }
    }

    /// What is held of it, or that it is refused.
    fn checked(&self) -> String {
        match self {
            Self::Read(abilities) => abilities.held.join(", "),
            Self::Refused { why, could_have } => {
                format!("refused: they {why}; could have {could_have}")
            }
        }
    }

    /// What works, in words; of a family that is refused, why and what it could have.
    fn works(&self) -> String {
        let Self::Read(has) = self else {
            return self.checked();
        };
        let neurons = if has.gated {
            "neurons (gate, up)"
        } else {
            "neurons"
        };
        let distance = has.distance.map(|distance| match distance {
            Distance::All => "QK at a distance".to_owned(),
            some => format!("QK at a distance ({})", some.name()),
        });
        let more = [
            (has.geometry, "geometry"),
            (has.prompt, "prompt"),
            (has.attribution, "attribution"),
        ];
        let more = more.into_iter().filter(|(has, _)| *has);
        let mut works = vec![neurons.to_owned(), "heads".to_owned()];
        works.extend(distance);
        works.extend(more.map(|(_, what)| what.to_owned()));
        works.join(", ")
    }
}
