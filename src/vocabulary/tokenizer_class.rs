//! Which of transformers' tokenizer classes reads a model's files, found as its `AutoTokenizer`
//! does (`models/auto/tokenization_auto.py` of 5.24).

use super::settings::TokenizerSettings;

/// A way of making a tokenizer from files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenizerClass {
    Gpt2,
    Roberta,
    GptNeoX,
    Qwen2,
    Herbert,
    Bert,
    BertJapanese,
    /// PhoBERT and BERTweet: a fairseq dictionary and its codes.
    Phobert,
    XlmRoberta,
    Camembert,
    Llama,
    Gemma,
    T5,
    /// Whatever the files themselves say.
    Backend,
    /// A class that is not known here.
    Unknown(String),
}

use TokenizerClass::{
    Backend, Bert, BertJapanese, Camembert, Gemma, Gpt2, GptNeoX, Herbert, Llama, Phobert, Qwen2,
    Roberta, T5, Unknown, XlmRoberta,
};

/// Types of models whose files name a class that is not theirs.
const MISNAMED: [&str; 3] = ["modernbert", "phi3", "qwen2"];

impl TokenizerClass {
    /// The class of that name, `…Fast` or not.
    fn named(name: &str) -> Self {
        match name.strip_suffix("Fast").unwrap_or(name) {
            "GPT2Tokenizer" | "CodeGenTokenizer" => Gpt2,
            "RobertaTokenizer"
            | "LongformerTokenizer"
            | "BartTokenizer"
            | "LEDTokenizer"
            | "MvpTokenizer" => Roberta,
            "GPTNeoXTokenizer" => GptNeoX,
            "Qwen2Tokenizer" => Qwen2,
            "HerbertTokenizer" => Herbert,
            "BertTokenizer"
            | "DistilBertTokenizer"
            | "ElectraTokenizer"
            | "MobileBertTokenizer"
            | "ConvBertTokenizer"
            | "SqueezeBertTokenizer"
            | "RetriBertTokenizer" => Bert,
            "BertJapaneseTokenizer" => BertJapanese,
            "PhobertTokenizer" | "BertweetTokenizer" => Phobert,
            "XLMRobertaTokenizer" => XlmRoberta,
            "CamembertTokenizer" => Camembert,
            "LlamaTokenizer" | "CodeLlamaTokenizer" => Llama,
            "GemmaTokenizer" => Gemma,
            "T5Tokenizer" => T5,
            "TokenizersBackend"
            | "PreTrainedTokenizer"
            | "PythonBackend"
            | "BloomTokenizer"
            | "MistralCommonBackend" => Backend,
            name => Unknown(name.to_owned()),
        }
    }

    /// The class that a type of model has by itself.
    fn of_model(model_type: &str) -> Option<Self> {
        Some(match model_type {
            "gpt2" | "gpt_neo" | "gptj" | "opt" | "phi" => Gpt2,
            "bert" | "distilbert" => Bert,
            "roberta" => Roberta,
            "xlm-roberta" => XlmRoberta,
            "gpt_neox" => GptNeoX,
            "qwen2" | "qwen3" => Qwen2,
            "gemma" | "gemma2" | "gemma3" | "gemma3_text" => Gemma,
            "mistral" | "modernbert" | "phi3" => Backend,
            _ => return None,
        })
    }

    /// The class for these settings; `None` where nothing says anything.
    pub(super) fn of(settings: &TokenizerSettings) -> Option<Self> {
        let model_type = settings.model_type.as_deref();
        let named = settings
            .config_class
            .as_deref()
            .or(settings.model_class.as_deref())
            .map(Self::named);
        match (model_type.and_then(Self::of_model), named) {
            (Some(own), Some(named)) if own != named => Some(match own {
                Backend => Backend,
                own if model_type.is_some_and(|of| MISNAMED.contains(&of)) => own,
                _ => named,
            }),
            (_, Some(named)) => Some(named),
            (Some(own), None) => Some(own),
            (None, None) => model_type.map(|_| Backend),
        }
    }
}
