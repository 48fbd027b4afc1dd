//! Other words by which someone may look for a command.

use crate::explorer::action::{Action, Chart, Motion, PromptCommand, TabId, Toggle};
use crate::geometry::Measure;
use crate::query::Switch;

/// Commands, and what else they are called.
const SYNONYMS: &[(Action, &str)] = &[
    (Action::Quit, "exit close end program leave"),
    (Action::Export, "save file csv json markdown svg print"),
    (Action::CopyList, "clipboard yank"),
    (Action::CopyPane, "clipboard yank all"),
    (Action::CopyAddress, "clipboard link location place"),
    (
        Action::OpenConventions,
        "convention trust robustness z cosine gain biases layer norm logit lens raw switch",
    ),
    (
        Action::Convention(Switch::Cosine),
        "similarity normalise unit length angle",
    ),
    (
        Action::Convention(Switch::Gain),
        "layer norm gamma weight fold",
    ),
    (Action::Convention(Switch::Centred), "mean subtract center"),
    (Action::Convention(Switch::Biases), "offset threshold"),
    (Action::Convention(Switch::Inverse), "pinv moore penrose"),
    (Action::Raw, "reset convention plain"),
    (Action::OpenFilters, "filter hide tokens words only"),
    (
        Action::Toggle(Toggle::Undertrained),
        "undertrained glitch noise unused",
    ),
    (Action::Toggle(Toggle::Special), "special tokens brackets"),
    (Action::Toggle(Toggle::Contains), "filter substring"),
    (Action::Toggle(Toggle::Words), "word list file"),
    (Action::ClearFilters, "reset filters none"),
    (Action::Find, "filter search substring grep narrow"),
    (
        Action::OpenFind,
        "find search look up lookup word token reverse",
    ),
    (Action::LookUp, "find search word token elsewhere same"),
    (
        Action::OpenRanking,
        "rank ranking interesting legible monosemantic heads map copying",
    ),
    (
        Action::OpenContexts,
        "contexts passages texts corpus activations evidence examples",
    ),
    (
        Action::OpenLinks,
        "circuit composition upstream downstream feeds wires walk",
    ),
    (
        Action::OpenChanges,
        "difference delta fine-tune adapter lora against ranking",
    ),
    (Action::BothLists, "difference tuned base rose fell compare"),
    (Action::OpenRouters, "router mixture experts moe"),
    (
        Action::Show(TabId::Dictionary),
        "sae autoencoder transcoder features directions file",
    ),
    (
        Action::OpenLegend,
        "legend explain meaning marks symbols help jargon trust robustness z",
    ),
    (Action::OpenHelp, "keys shortcuts commands manual"),
    (
        Action::OpenGuide,
        "manual handbook documentation help explain page",
    ),
    (Action::OpenPalette, "go address command"),
    (
        Action::OpenModels,
        "open load change switch model checkpoint hub folder",
    ),
    (
        Action::NextVersion,
        "difference delta fine-tune adapter lora against base tuned compare",
    ),
    (Action::Mark, "bookmark save star favourite"),
    (Action::MarkWithNote, "bookmark comment annotate"),
    (Action::OpenBookmarks, "marks list favourites"),
    (Action::Undo, "undo restore undelete bookmark"),
    (
        Action::Show(TabId::Prompt),
        "forward pass activations attention pattern logit lens direct attribution dla ablate patch \
         steer predictions generate chat",
    ),
    (
        Action::Prompt(PromptCommand::Ablate),
        "ablate knock out zero patch",
    ),
    (
        Action::Prompt(PromptCommand::Change),
        "patch intervene hook activation",
    ),
    (
        Action::Prompt(PromptCommand::Continue),
        "generate sample greedy complete",
    ),
    (Action::Prompt(PromptCommand::Draw), "generate sample"),
    (
        Action::Prompt(PromptCommand::Against),
        "logit difference contrast",
    ),
    (Action::Directions, "svd singular vectors matrix"),
    (Action::MapColumn, "plot pca scatter map points"),
    (
        Action::NextStrip,
        "sparkline layer strip shading grid measure",
    ),
    (Action::SwapInput, "gate up swiglu gated"),
    (Action::SwapEnd, "lowest highest negative reverse sign"),
    (Action::Negate, "negative minus sign"),
    (Action::Farther, "distance rope rotary position"),
    (Action::Nearer, "distance rope rotary position"),
    (Action::Back, "previous history undo place"),
    (Action::Forward, "next history redo place"),
    (Action::Redraw, "refresh repaint clear screen"),
    (
        Action::Show(TabId::Geometry),
        "anisotropy states contextual embeddings chart",
    ),
    (Action::Word(Motion::Down), "cursor row scroll list"),
    (Action::Word(Motion::Up), "cursor row scroll list"),
    (
        Action::Chart(Chart::AskTexts),
        "corpus sentences polish english file",
    ),
    (Action::Chart(Chart::AskToken), "word"),
    (Action::Chart(Chart::AddModel), "compare second model"),
    (
        Action::Chart(Chart::Points),
        "plot pca scatter map occurrences",
    ),
    (Action::Chart(Chart::Dominant), "rogue outlier dimensions"),
    (
        Action::Chart(Chart::Show(Measure::Anisotropy)),
        "cosine similarity baseline",
    ),
    (
        Action::Chart(Chart::Show(Measure::ContextSpecificity)),
        "cosine contextual",
    ),
    (
        Action::Chart(Chart::Show(Measure::SelfSimilarity)),
        "cosine contextual",
    ),
];

/// What else a command is called; empty if nothing.
pub fn synonyms(action: Action) -> &'static str {
    let found = SYNONYMS.iter().find(|(of, _)| *of == action);
    found.map_or("", |(_, words)| words)
}
