//! Well-known models that cannot be opened, with what could be read of them and what stands in the
//! way.

/// Models of one kind that are refused by name.
#[derive(Clone, Copy, Debug)]
pub struct RefusedFamily {
    /// `model_type` in `config.json`, of all of them.
    pub model_types: &'static [&'static str],
    pub title: &'static str,
    /// What could be read of them.
    pub could_have: &'static str,
    /// Why they are not read, as a sentence without its subject.
    pub why: &'static str,
}

const TWO_STACKS: &str = "are an encoder and a decoder, with attention from one to the other";

/// Of what [`FAMILIES`](super::FAMILIES) lacks, what people ask for.
static REFUSED: &[RefusedFamily] = &[
    RefusedFamily {
        model_types: &["pegasus", "m2m_100", "plbart", "led"],
        title: "Relatives of BART",
        could_have: "neurons, heads of both halves, and cross-attention",
        why: TWO_STACKS,
    },
    RefusedFamily {
        model_types: &["whisper", "speech_to_text"],
        title: "Whisper",
        could_have: "neurons and heads of the decoder",
        why: "read sound, not tokens",
    },
    RefusedFamily {
        model_types: &["phimoe", "ernie4_5_moe", "granitemoeshared", "dbrx"],
        title: "Mixtures of experts",
        could_have: "neurons of every expert, and heads",
        why: "have experts that are chosen or stored in a way of their own",
    },
    RefusedFamily {
        model_types: &["jamba", "zamba", "zamba2"],
        title: "Hybrids of attention and other mixers",
        could_have: "neurons, and heads of the layers with attention",
        why: "have layers of different kinds in an order, or with weights, of their own",
    },
    RefusedFamily {
        model_types: &["mamba", "mamba2", "falcon_mamba", "rwkv"],
        title: "State-space models",
        could_have: "what their layers write",
        why: "have neither neurons nor heads",
    },
    RefusedFamily {
        model_types: &["xlm", "flaubert", "convbert"],
        title: "Other encoders",
        could_have: "neurons and heads",
        why: "have a layout that is not known here yet",
    },
    RefusedFamily {
        model_types: &["longformer", "big_bird", "xlnet", "funnel"],
        title: "Encoders with attention of their own",
        could_have: "neurons and VO",
        why: "have attention that is not all to all",
    },
    RefusedFamily {
        model_types: &["xglm", "persimmon", "internlm2"],
        title: "Other decoders",
        could_have: "neurons, heads, and texts",
        why: "have a layout that is not known here yet",
    },
];

/// What is refused by name, without what can be opened by now.
pub fn refused_families() -> impl Iterator<Item = (&'static str, &'static RefusedFamily)> {
    let all = REFUSED.iter();
    let each = all.flat_map(|refused| refused.model_types.iter().map(move |name| (*name, refused)));
    each.filter(|(name, _)| super::family(name).is_none())
}

/// Why a `model_type` is refused, if it is known by name.
pub(in crate::checkpoint) fn refusal(model_type: &str) -> Option<String> {
    let (_, refused) = refused_families().find(|(name, _)| *name == model_type)?;
    let RefusedFamily {
        could_have, why, ..
    } = refused;
    Some(format!(
        "; models of this kind {why}; they could have {could_have}"
    ))
}
