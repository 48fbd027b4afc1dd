//! Every `model_type` with what can be asked of its models, and the well-known ones that are refused.

use crate::checkpoint::{FAMILIES, Family, RopeLayers, architectures_of, refused_families};
use crate::sheet::{Block, Column, NumberForm, Section, Sheet, TokenNames, Value};

/// One `model_type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyAbilities {
    pub model_type: &'static str,
    pub title: &'static str,
    /// The keys of a neuron: `gate, up` or `one`; nothing of a family that is refused.
    pub neurons: &'static str,
    /// Whether heads share keys and values.
    pub heads: &'static str,
    /// QK at a distance, and of which layers.
    pub distance: &'static str,
    /// Contextual embeddings by layer.
    pub geometry: bool,
    /// Predictions of a text, the lens, and changes.
    pub prompt: bool,
    /// Which parts moved a prediction.
    pub attribution: bool,
    /// The architectures of GGUF files that are read as it.
    pub gguf: Vec<&'static str>,
    /// What is held against PyTorch; of a family that is refused, why and what it could have.
    pub note: String,
}

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
];

impl FamilyAbilities {
    fn of(family: &Family) -> Self {
        let forward = family.forward.as_ref();
        let causal = forward.is_some_and(|forward| forward.causal);
        let held = |list: &[&str]| list.contains(&family.model_type);
        let mut held_are = vec!["lists"];
        held_are.extend(held(HELD_UNDER_CONVENTIONS).then_some("conventions"));
        held_are.extend(forward.is_some().then_some("states"));
        held_are.extend(held(HELD_ON_TEXTS).then_some("texts"));
        Self {
            model_type: family.model_type,
            title: family.title,
            neurons: if family.ff_gate.is_some() {
                "gate, up"
            } else {
                "one"
            },
            heads: match family.config.n_kv_heads {
                [] => "yes",
                _ => "may share keys",
            },
            distance: match family.rope {
                None => "",
                Some(rope) if rope.unless.is_some() => "but not with ALiBi",
                Some(rope) => match rope.layers {
                    RopeLayers::All => "yes",
                    RopeLayers::Windowed
                    | RopeLayers::WindowedIfAny
                    | RopeLayers::Listed { .. } => "in layers that rotate",
                },
            },
            geometry: forward.is_some(),
            prompt: causal || forward.is_some() && family.head.transform.is_some(),
            attribution: causal,
            gguf: architectures_of(family),
            note: held_are.join(", "),
        }
    }

    fn is_read(&self) -> bool {
        !self.neurons.is_empty()
    }

    /// What works, in words; of a family that is refused, why and what it could have.
    fn works(&self) -> String {
        if !self.is_read() {
            return self.note.clone();
        }
        let mut works = vec![match self.neurons {
            "one" => "neurons".to_owned(),
            keys => format!("neurons ({keys})"),
        }];
        works.push("heads".to_owned());
        works.extend(match self.distance {
            "" => None,
            "yes" => Some("QK at a distance".to_owned()),
            layers => Some(format!("QK at a distance ({layers})")),
        });
        let more = [
            (self.geometry, "geometry"),
            (self.prompt, "prompt"),
            (self.attribution, "attribution"),
        ];
        let more = more.into_iter().filter(|(has, _)| *has);
        works.extend(more.map(|(_, what)| what.to_owned()));
        works.join(", ")
    }

    /// Every family that can be opened, and then what is refused by name.
    pub fn all() -> Vec<Self> {
        let opened = FAMILIES.iter().map(Self::of);
        let refused = refused_families().map(|(model_type, refused)| Self {
            model_type,
            title: refused.title,
            neurons: "",
            heads: "",
            distance: "",
            geometry: false,
            prompt: false,
            attribution: false,
            gguf: Vec::new(),
            note: format!(
                "refused: they {}; could have {}",
                refused.why, refused.could_have
            ),
        });
        opened.chain(refused).collect()
    }
}

/// [`FamilyAbilities::all`] as a sheet.
pub fn families_sheet() -> Sheet {
    let all = FamilyAbilities::all();
    let text = |name: &'static str, of: &dyn Fn(&FamilyAbilities) -> String| {
        Column::of(all.iter().map(of)).named(name)
    };
    let shown = |title: &'static str, of: &dyn Fn(&FamilyAbilities) -> String| {
        Column::of(all.iter().map(of)).shown(title, NumberForm::Plain)
    };
    let yes = |flag: bool| if flag { "yes" } else { "" }.to_owned();
    // People read what works in one sentence; what reads CSV or JSON has a column for each.
    let section = Section::new([
        text("model_type", &|f| f.model_type.to_owned()).shown("type", NumberForm::Plain),
        text("family", &|f| f.title.to_owned()).shown("family", NumberForm::Plain),
        text("neurons", &|f| f.neurons.to_owned()),
        text("heads", &|f| f.heads.to_owned()),
        text("qk_distance", &|f| f.distance.to_owned()),
        text("geometry", &|f| yes(f.geometry)),
        text("prompt", &|f| yes(f.prompt)),
        text("attribution", &|f| yes(f.attribution)),
        shown("what works", &FamilyAbilities::works),
        text("gguf", &|f| f.gguf.join(", ")).shown("GGUF", NumberForm::Plain),
        text("checked", &|f| f.note.clone()),
        shown("checked", &|f| {
            if f.is_read() {
                f.note.clone()
            } else {
                String::new()
            }
        }),
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
