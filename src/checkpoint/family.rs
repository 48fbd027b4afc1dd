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
}

/// One architecture.
#[derive(Debug)]
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
    },
];

/// The family of a `model_type`, if it is known.
pub fn family(model_type: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|f| f.model_type == model_type)
}
