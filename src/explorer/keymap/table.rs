//! The table: one row a command.

use super::super::action::{Action, Chart, Motion, Pane, Toggle};
use super::{Command, Group, Scope};
use crate::geometry::Measure;
use crate::query::Switch;

use Group::{Filter, Keep, Move, Program, View};
use Scope::{
    Bookmarks, Conventions, Filters, Find, Geometry, HeadMap, Heads, Help, Interesting, Legend,
    Lists, Models, Neurons, Panes, Prompt, Words,
};

const fn row(
    scope: Scope,
    group: Group,
    keys: &'static [&'static str],
    action: Action,
    hint: &'static str,
    words: &'static str,
) -> Command {
    Command {
        keys,
        action,
        scope,
        group,
        hint,
        words,
    }
}

const fn step(motion: Motion) -> Action {
    Action::Move(motion)
}

const fn word(motion: Motion) -> Action {
    Action::Word(motion)
}

const fn switch(toggle: Toggle) -> Action {
    Action::Toggle(toggle)
}

const fn convention(switch: Switch) -> Action {
    Action::Convention(switch)
}

const fn chart(chart: Chart) -> Action {
    Action::Chart(chart)
}

const fn measure(measure: Measure) -> Action {
    chart(Chart::Show(measure))
}

/// What the legend is, in whatever place it is opened.
const LEGEND: &str = "what the marks and figures on screen mean";

/// Every command. The order is that of the hints and of the help.
#[rustfmt::skip]
pub static COMMANDS: &[Command] = &[
    row(Neurons, Move, &["↑", "k"], step(Motion::Up), "neuron", "previous neuron"),
    row(Neurons, Move, &["↓", "j"], step(Motion::Down), "neuron", "next neuron"),
    row(Neurons, Move, &["←", "h"], step(Motion::Left), "layer", "layer below"),
    row(Neurons, Move, &["→", "l"], step(Motion::Right), "layer", "layer above"),
    row(Heads, Move, &["↑", "k"], step(Motion::Up), "head", "previous head"),
    row(Heads, Move, &["↓", "j"], step(Motion::Down), "head", "next head"),
    row(Heads, Move, &["←", "h"], step(Motion::Left), "layer", "layer below"),
    row(Heads, Move, &["→", "l"], step(Motion::Right), "layer", "layer above"),
    row(Geometry, Move, &["←", "h"], step(Motion::Left), "state", "state below"),
    row(Geometry, Move, &["→", "l"], step(Motion::Right), "state", "state above"),
    row(Geometry, Move, &["↑", "k"], step(Motion::Up), "measure", "previous measure, or occurrence on the map"),
    row(Geometry, Move, &["↓", "j"], step(Motion::Down), "measure", "next measure, or occurrence on the map"),
    row(Geometry, View, &["a"], measure(Measure::Anisotropy), "anisotropy",
        "anisotropy: how alike vectors without relation are"),
    row(Geometry, View, &["c"], measure(Measure::ContextSpecificity), "context",
        "context specificity of a token; again: of another token"),
    row(Geometry, View, &["s"], measure(Measure::SelfSimilarity), "self",
        "self-similarity of a token's occurrences"),
    row(Geometry, View, &["i"], measure(Measure::IntraSentence), "in text",
        "similarity within a text"),
    row(Geometry, View, &["v"], chart(Chart::Variance), "variance",
        "variance explained, in three definitions one after another"),
    row(Geometry, View, &["D"], measure(Measure::TopThree), "",
        "share of the three largest dimensions"),
    row(Geometry, View, &["p"], chart(Chart::Points), "points",
        "the token's occurrences as points, and back to the chart"),
    row(Geometry, View, &["-"], chart(Chart::Corrected), "corrected",
        "raw, or corrected for what vectors without relation have"),
    row(Geometry, View, &["x"], chart(Chart::Depth), "axis",
        "states by number, or by relative depth"),
    row(Geometry, View, &["X"], chart(Chart::Log), "", "linear or logarithmic values"),
    row(Geometry, Filter, &["t"], chart(Chart::AskToken), "token", "measure another token"),
    row(Geometry, Filter, &["T"], chart(Chart::AskTexts), "texts",
        "measure other texts: typed, of a file, or the bundled Polish or English ones"),
    row(Geometry, View, &["+"], chart(Chart::AddModel), "add model", "add a model to the chart"),
    row(Geometry, View, &["Del", "_"], chart(Chart::RemoveModel), "",
        "remove the last added model from the chart"),
    row(Geometry, Filter, &["f"], chart(Chart::SkipFirst), "",
        "leave out each text's first position"),
    row(Geometry, Filter, &["b"], chart(Chart::SkipSpecial), "", "leave out special tokens"),
    row(Geometry, Filter, &["d"], chart(Chart::Dominant), "",
        "leave out 1 or 3 dominant dimensions, or with a count that many (5 d)"),
    row(Geometry, Filter, &["w"], chart(Chart::Pieces), "",
        "of a word of several pieces take the mean, the first or the last"),
    row(Geometry, Program, &["Enter"], chart(Chart::Again), "", "measure after it was stopped"),
    row(Panes, Move, &["r"], Action::Random, "random", "somewhere at random"),
    row(Words, Move, &["R"], Action::DrawInteresting, "",
        "whether r goes to one of those ranked, where some are, or anywhere"),
    row(Panes, Move, &["PgUp", "C-b"], step(Motion::PageUp), "", "a page up"),
    row(Panes, Move, &["PgDn", "C-f"], step(Motion::PageDown), "", "a page down"),
    row(Panes, Move, &["C-u"], step(Motion::HalfUp), "", "half a page up"),
    row(Panes, Move, &["C-d"], step(Motion::HalfDown), "", "half a page down"),
    row(Panes, Move, &["g g", "Home"], step(Motion::First), "",
        "the first, or with a count that number (907 g g)"),
    row(Panes, Move, &["G", "End"], step(Motion::Last), "",
        "the last, or with a count that number (907 G)"),
    row(Panes, Move, &["g n"], Action::Show(Pane::Neurons), "", "go to the neurons"),
    row(Panes, Move, &["g h"], Action::Show(Pane::Heads), "", "go to the heads"),
    row(Panes, Move, &["g s"], Action::Show(Pane::Geometry), "", "go to the geometry of states"),
    row(Panes, Move, &["H", "Backspace"], Action::Back, "", "back to where you were"),
    row(Panes, Move, &["L"], Action::Forward, "", "forward again"),

    row(Words, Filter, &["f"], Action::OpenFilters, "filters", "filters"),
    row(Words, View, &["c"], Action::OpenConventions, "convention",
        "how weights become words: raw, or norms, lengths and biases taken into account"),
    row(Words, Filter, &["/"], Action::Find, "contains", "only words that contain what you type"),
    row(Panes, Move, &["F"], Action::OpenFind, "where",
        "where words stand: look them up in all neurons and heads"),
    row(Words, Move, &["Enter"], Action::LookUp, "where else",
        "where else the word under the cursor stands"),
    row(Neurons, Move, &["i"], Action::OpenInteresting, "best",
        "all neurons, the interesting ones first"),
    row(Heads, Move, &["i"], Action::OpenInteresting, "map", "the map of all heads by a measure"),
    row(Neurons, View, &["d"], Action::Directions, "directions",
        "the neuron's words, or the singular directions of the layer's keys and values"),
    row(Heads, View, &["d"], Action::Directions, "directions",
        "the head's pairs, or its singular directions"),
    row(Panes, Keep, &["m"], Action::Mark, "mark", "mark this place, or take the mark away"),
    row(Panes, Keep, &["'"], Action::OpenBookmarks, "marks", "bookmarks of all models"),
    row(Panes, Move, &[":"], Action::OpenPalette, "jump", "jump to an address, or run a command"),
    row(Panes, View, &["Tab"], Action::NextPane, "pane", "next pane"),
    row(Panes, View, &["S-Tab"], Action::PreviousPane, "", "previous pane"),
    row(Neurons, View, &["-"], Action::Negate, "−K −V", "focus the same column of the other sign"),
    row(Neurons, View, &["p"], Action::MapColumn, "",
        "the column's best words as points, and back to the words"),
    row(Neurons, View, &["s"], Action::NextStrip, "",
        "the strip of layers: norms of the values, anisotropy, or a measure of neurons or heads"),
    row(Neurons, View, &["u"], Action::SwapInput, "",
        "of gated neurons the other input as key: gate or up"),
    row(Heads, View, &["s"], Action::NextStrip, "",
        "the grid of heads: the best pairs seen, or a measure"),
    row(Heads, View, &["v", "-"], Action::SwapEnd, "end", "highest or lowest pairs"),
    row(Heads, View, &[">"], Action::Farther, "",
        "QK with rotary positions: the key a token farther behind the query, or as many as a count says"),
    row(Heads, View, &["<"], Action::Nearer, "", "the key nearer to the query"),
    row(Words, View, &["["], Action::PreviousColumn, "list", "focus the list to the left"),
    row(Words, View, &["]"], Action::NextColumn, "list", "focus the list to the right"),
    row(Words, Move, &["J", "S-↓"], word(Motion::Down), "word", "next word of the list in focus"),
    row(Words, Move, &["K", "S-↑"], word(Motion::Up), "word", "previous word of the list in focus"),
    row(Words, Move, &["}"], word(Motion::PageDown), "", "a page of words down"),
    row(Words, Move, &["{"], word(Motion::PageUp), "", "a page of words up"),
    row(Words, Move, &[",", "S-←"], word(Motion::Left), "",
        "the list to the left, or of a pair its left word"),
    row(Words, Move, &[".", "S-→"], word(Motion::Right), "",
        "the list to the right, or of a pair its right word"),
    row(Panes, Keep, &["y"], Action::CopyList, "copy", "copy the list in focus as text"),
    row(Panes, Keep, &["Y"], Action::CopyPane, "", "copy everything in the pane as text"),
    row(Panes, Keep, &["A"], Action::CopyAddress, "", "copy the address"),
    row(Panes, Keep, &["e"], Action::Export, "export", "write what is on screen to a file"),
    row(Panes, Keep, &["M"], Action::MarkWithNote, "", "mark this place with a note, or edit it"),
    row(Panes, Keep, &["g m"], Action::MarkLayer, "", "mark this layer, or take the mark away"),
    row(Panes, Program, &["o"], Action::OpenModels, "model", "open another model"),
    row(Panes, Program, &["?"], Action::OpenHelp, "help", "all commands and their keys"),
    row(Panes, View, &["F1", "A-?"], Action::OpenLegend, "", LEGEND),
    row(Panes, Program, &["C-l"], Action::Redraw, "", "draw the screen anew"),
    row(Panes, Program, &["Esc"], Action::Cancel, "",
        "stop opening or measuring; let words contain anything again"),
    row(Panes, Program, &["C-z"], Action::Suspend, "", "back to the shell, until `fg`"),
    row(Panes, Program, &["q", "C-c"], Action::Quit, "quit",
        "leave; the place is kept for the next time"),

    row(Filters, Filter, &["a"], switch(Toggle::Ascii), "ascii", "printable ASCII only"),
    row(Filters, Filter, &["n"], switch(Toggle::Alnum), "alnum", "letters and digits only"),
    row(Filters, Filter, &["x"], switch(Toggle::Special), "no specials",
        "no special tokens and none in brackets"),
    row(Filters, Filter, &["u"], switch(Toggle::Undertrained), "trained",
        "no undertrained tokens, those marked ° in the lists"),
    row(Filters, Filter, &["p"], switch(Toggle::Positions), "positions",
        "the learned positions as rows of their own"),
    row(Filters, Filter, &["s"], switch(Toggle::Same), "not the same",
        "pairs: not twice the same word"),
    row(Filters, Filter, &["i"], switch(Toggle::Similar), "not alike",
        "pairs: not two words that look alike"),
    row(Filters, Filter, &["c", "/"], switch(Toggle::Contains), "contains",
        "only words that contain a text"),
    row(Filters, Filter, &["w"], switch(Toggle::Words), "words", "only the words of a file, one a line"),
    row(Filters, Filter, &["t"], switch(Toggle::Text), "text", "only the tokens of a text"),
    row(Filters, Filter, &["0"], Action::ClearFilters, "clear", "all filters off"),
    row(Filters, View, &["?", "F1", "A-?"], Action::OpenLegend, "", LEGEND),
    row(Filters, Program, &["Esc", "Enter", "f", "q"], Action::Cancel, "close", "close the menu"),

    row(Conventions, View, &["g"], convention(Switch::Gain), "gain", Switch::Gain.meaning()),
    row(Conventions, View, &["n"], convention(Switch::Norms), "norms", Switch::Norms.meaning()),
    row(Conventions, View, &["m"], convention(Switch::Centred), "centred", Switch::Centred.meaning()),
    row(Conventions, View, &["l"], convention(Switch::Cosine), "cosine", Switch::Cosine.meaning()),
    row(Conventions, View, &["p"], convention(Switch::Inverse), "inverse", Switch::Inverse.meaning()),
    row(Conventions, View, &["b"], convention(Switch::Biases), "biases", Switch::Biases.meaning()),
    row(Conventions, View, &["i"], convention(Switch::Input), "input", Switch::Input.meaning()),
    row(Conventions, View, &["o"], convention(Switch::Output), "output", Switch::Output.meaning()),
    row(Conventions, View, &["0"], Action::Raw, "raw", "raw: parameters as they are"),
    row(Conventions, View, &["?", "F1", "A-?"], Action::OpenLegend, "", LEGEND),
    row(Conventions, Program, &["Esc", "Enter", "c", "q"], Action::Cancel, "close", "close the menu"),

    row(Lists, Move, &["↑", "C-p", "S-Tab"], step(Motion::Up), "move", "row above"),
    row(Lists, Move, &["↓", "C-n", "Tab"], step(Motion::Down), "move", "row below"),
    row(Lists, Move, &["PgUp"], step(Motion::PageUp), "", "a page up"),
    row(Lists, Move, &["PgDn"], step(Motion::PageDown), "", "a page down"),
    row(Lists, Move, &["Enter"], Action::Accept, "choose", "go there, run it, open it"),
    row(Bookmarks, Keep, &["Del", "C-d"], Action::RemoveBookmark, "delete", "delete the bookmark"),
    row(Bookmarks, Keep, &["C-e"], Action::EditNote, "edit note", "edit the bookmark's note"),
    row(Find, View, &["C-t"], Action::FindKind, "kind",
        "all kinds of place, or one after the other only one"),
    row(Find, View, &["C-o"], Action::FindOrder, "order", "the best by rank, by score or by cosine"),
    row(Find, View, &["C-g"], Action::FindLayers, "by layer", "the best first, or layer by layer"),
    row(Find, Keep, &["C-y"], Action::CopyList, "copy", "copy the places as text"),
    row(Find, Keep, &["C-e"], Action::Export, "export", "write the places to a file"),
    row(Interesting, View, &["C-o"], Action::NextInterest, "measure",
        "by overlap of K and V, length of the value, best score, or words alike"),
    row(Interesting, View, &["C-g"], Action::RankLayers, "layer",
        "the neurons of this layer, or of all layers"),
    row(Interesting, Move, &["C-r"], Action::DrawInteresting, "draw",
        "whether r goes to one of these, or anywhere"),
    row(Interesting, Keep, &["C-y"], Action::CopyList, "copy", "copy the list as text"),
    row(Interesting, Keep, &["C-e"], Action::Export, "export", "write the list to a file"),
    row(HeadMap, Move, &["↑", "k"], step(Motion::Up), "layer", "layer below"),
    row(HeadMap, Move, &["↓", "j"], step(Motion::Down), "layer", "layer above"),
    row(HeadMap, Move, &["←", "h"], step(Motion::Left), "head", "head to the left"),
    row(HeadMap, Move, &["→", "l"], step(Motion::Right), "head", "head to the right"),
    row(HeadMap, Move, &["PgUp", "C-b"], step(Motion::PageUp), "", "a page of layers up"),
    row(HeadMap, Move, &["PgDn", "C-f"], step(Motion::PageDown), "", "a page of layers down"),
    row(HeadMap, Move, &["Home"], step(Motion::First), "", "the best head"),
    row(HeadMap, Move, &["End"], step(Motion::Last), "", "the last in order"),
    row(HeadMap, Move, &["n"], Action::NextBest, "next", "the next in order"),
    row(HeadMap, Move, &["N"], Action::PreviousBest, "", "the one before in order"),
    row(HeadMap, Move, &["Enter"], Action::Accept, "go", "go to the head"),
    row(HeadMap, View, &["s", "C-o"], Action::NextInterest, "measure",
        "by copying score, same words, matching score, or same words of QK"),
    row(HeadMap, Move, &["R", "C-r"], Action::DrawInteresting, "draw",
        "whether r goes to one of the best tenth, or anywhere"),
    row(HeadMap, Keep, &["y"], Action::CopyList, "copy", "copy all figures as text"),
    row(HeadMap, Keep, &["e"], Action::Export, "export", "write all figures to a file"),
    row(HeadMap, View, &["?", "F1", "A-?"], Action::OpenLegend, "legend", LEGEND),
    row(HeadMap, Program, &["Esc", "C-c", "q", "i"], Action::Cancel, "close", "close the map"),
    row(Lists, View, &["F1", "A-?"], Action::OpenLegend, "legend", LEGEND),
    row(Lists, Program, &["Esc", "C-c"], Action::Cancel, "close", "close the list"),

    row(Help, View, &["?"], Action::OpenLegend, "legend", LEGEND),
    row(Models, Move, &["Tab"], Action::Complete, "complete", "go on with the name as far as one fits"),

    row(Legend, Move, &["↑", "k"], step(Motion::Up), "scroll", "a row up"),
    row(Legend, Move, &["↓", "j"], step(Motion::Down), "scroll", "a row down"),
    row(Legend, Move, &["PgUp", "C-b"], step(Motion::PageUp), "", "a page up"),
    row(Legend, Move, &["PgDn", "C-f", "Space"], step(Motion::PageDown), "", "a page down"),
    row(Legend, Move, &["Home"], step(Motion::First), "", "the first row"),
    row(Legend, Move, &["End"], step(Motion::Last), "", "the last row"),
    row(Legend, Program, &["Esc", "Enter", "?", "F1", "A-?", "q", "C-c"], Action::Cancel, "close",
        "close the legend"),

    row(Prompt, Keep, &["Tab"], Action::Complete, "", "go on with the name of a file as far as one fits"),
    row(Prompt, Keep, &["Enter"], Action::Accept, "keep", "take what is typed"),
    row(Prompt, Program, &["Esc", "C-c"], Action::Cancel, "leave", "leave without it"),
];
