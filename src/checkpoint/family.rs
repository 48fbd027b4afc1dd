//! The table of families: for each architecture the names, layouts and configuration keys of its
//! checkpoints. The next family is one more row.

/// How a linear map lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `[out, in]`, `y = W·x`: PyTorch's `nn.Linear`.
    OutIn,
    /// `[in, out]`, `y = x·W`: GPT-2's `Conv1D`.
    InOut,
}

/// One linear map of a layer, or one equal part of a fused one.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// Tensor name below the layer's prefix, without `.weight`.
    pub name: &'static str,
    /// Which axis is the input.
    pub layout: Layout,
    /// `(i, n)`: the i-th of n equal parts along the output axis; `(0, 1)` is the whole.
    pub part: (usize, usize),
}

/// Where a block normalises, which decides what a projection may be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormPlacement {
    /// Before attention and feed-forward, as GPT-2.
    Pre,
    /// After the residual sum, as BERT.
    Post,
}

/// The keys of `config.json`, in the order in which they are looked for.
#[derive(Clone, Copy, Debug)]
pub struct ConfigKeys {
    pub layers: &'static [&'static str],
    pub width: &'static [&'static str],
    pub heads: &'static [&'static str],
    /// Feed-forward width; absent or null means four times the width.
    pub neurons: &'static [&'static str],
    pub positions: &'static [&'static str],
    pub activation: &'static [&'static str],
    pub norm_epsilon: &'static [&'static str],
    /// True or absent: attention scores are divided by the root of the head's width.
    pub scale_scores: &'static [&'static str],
    /// True: scores are divided by the layer's number, counted from 1, too.
    pub scale_by_layer: &'static [&'static str],
    /// True: an encoder that is used as a decoder, and looks back only.
    pub decoder: &'static [&'static str],
    /// Anything but `absolute` is a kind of position that is not computed here.
    pub position_kind: &'static [&'static str],
}

/// What the forward pass needs beyond the linear maps. Norms are layer norms; their names are
/// without `.weight` and `.bias` (in old files `.gamma` and `.beta`).
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Whether a position sees only those before it.
    pub causal: bool,
    /// Norm before or after attention, below the layer's prefix.
    pub attention_norm: &'static str,
    /// Norm before or after the feed-forward part, below the layer's prefix.
    pub ff_norm: &'static str,
    /// Norm of the embeddings, below the model's prefix.
    pub embedding_norm: Option<&'static str>,
    /// Norm after the last layer, below the model's prefix.
    pub final_norm: Option<&'static str>,
    /// Token types, of which the first is added everywhere, below the model's prefix.
    pub token_types: Option<&'static str>,
    /// ε of the norms when the configuration names none.
    pub norm_epsilon: f64,
}

/// One architecture.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// `model_type` in `config.json`.
    pub model_type: &'static str,
    /// The name people use.
    pub title: &'static str,
    pub norm: NormPlacement,
    pub config: ConfigKeys,
    /// Activation when the configuration names none.
    pub default_activation: &'static str,
    /// Prefixes under which the tensors may lie, the usual one first.
    pub prefixes: &'static [&'static str],
    /// Input embedding, `[vocab, width]`, below the prefix.
    pub embedding: &'static str,
    /// Output embedding where it is stored apart, above the prefix.
    pub output_embedding: &'static [&'static str],
    /// Learned positions, `[positions, width]`, below the prefix.
    pub positions: &'static str,
    /// A layer's prefix, `{}` for its number, below the model's prefix.
    pub layer: &'static str,
    pub ff_in: Linear,
    pub ff_out: Linear,
    pub query: Linear,
    pub key: Linear,
    pub value: Linear,
    pub attention_out: Linear,
    /// How the forward pass goes; `None` where it is not known here.
    pub pass: Option<Pass>,
}

const fn linear(name: &'static str) -> Linear {
    Linear {
        name,
        layout: Layout::OutIn,
        part: (0, 1),
    }
}

const fn conv1d(name: &'static str, part: (usize, usize)) -> Linear {
    Linear {
        name,
        layout: Layout::InOut,
        part,
    }
}

/// Every family that can be opened.
pub static FAMILIES: &[Family] = &[
    Family {
        model_type: "gpt2",
        title: "GPT-2",
        norm: NormPlacement::Pre,
        config: ConfigKeys {
            layers: &["n_layer", "num_hidden_layers"],
            width: &["n_embd", "hidden_size"],
            heads: &["n_head", "num_attention_heads"],
            neurons: &["n_inner"],
            positions: &["n_positions", "n_ctx"],
            activation: &["activation_function"],
            norm_epsilon: &["layer_norm_epsilon"],
            scale_scores: &["scale_attn_weights"],
            scale_by_layer: &["scale_attn_by_inverse_layer_idx"],
            decoder: &[],
            position_kind: &[],
        },
        default_activation: "gelu_new",
        prefixes: &["transformer.", ""],
        embedding: "wte.weight",
        output_embedding: &["lm_head.weight"],
        positions: "wpe.weight",
        layer: "h.{}.",
        ff_in: conv1d("mlp.c_fc", (0, 1)),
        ff_out: conv1d("mlp.c_proj", (0, 1)),
        query: conv1d("attn.c_attn", (0, 3)),
        key: conv1d("attn.c_attn", (1, 3)),
        value: conv1d("attn.c_attn", (2, 3)),
        attention_out: conv1d("attn.c_proj", (0, 1)),
        pass: Some(Pass {
            causal: true,
            attention_norm: "ln_1",
            ff_norm: "ln_2",
            embedding_norm: None,
            final_norm: Some("ln_f"),
            token_types: None,
            norm_epsilon: 1e-5,
        }),
    },
    Family {
        model_type: "bert",
        title: "BERT",
        norm: NormPlacement::Post,
        config: ConfigKeys {
            layers: &["num_hidden_layers"],
            width: &["hidden_size"],
            heads: &["num_attention_heads"],
            neurons: &["intermediate_size"],
            positions: &["max_position_embeddings"],
            activation: &["hidden_act"],
            norm_epsilon: &["layer_norm_eps"],
            scale_scores: &[],
            scale_by_layer: &[],
            decoder: &["is_decoder"],
            position_kind: &["position_embedding_type"],
        },
        default_activation: "gelu",
        prefixes: &["bert.", ""],
        embedding: "embeddings.word_embeddings.weight",
        output_embedding: &["cls.predictions.decoder.weight"],
        positions: "embeddings.position_embeddings.weight",
        layer: "encoder.layer.{}.",
        ff_in: linear("intermediate.dense"),
        ff_out: linear("output.dense"),
        query: linear("attention.self.query"),
        key: linear("attention.self.key"),
        value: linear("attention.self.value"),
        attention_out: linear("attention.output.dense"),
        pass: Some(Pass {
            causal: false,
            attention_norm: "attention.output.LayerNorm",
            ff_norm: "output.LayerNorm",
            embedding_norm: Some("embeddings.LayerNorm"),
            final_norm: None,
            token_types: Some("embeddings.token_type_embeddings.weight"),
            norm_epsilon: 1e-12,
        }),
    },
];

/// The family of a `model_type`, if it is known.
pub fn family(model_type: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|f| f.model_type == model_type)
}
