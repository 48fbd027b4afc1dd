//! The table: a row a mark or figure, in the order in which a screen is read.

/// How a row of the table is found on a screen.
pub enum ShownWhen {
    /// Any of the texts that it covers stands there.
    Text,
    /// Something of that form does.
    Form(fn(&str) -> bool),
}

/// A row of the table.
pub struct LegendRow {
    pub sign: &'static str,
    pub covers: &'static [&'static str],
    pub shown: ShownWhen,
    pub words: &'static str,
}

/// Columns of a neuron, and what they tell.
pub const COLUMNS: [(&str, &str); 4] = [
    (
        "K",
        "words the neuron fires on: those whose embeddings lie most along its key",
    ),
    (
        "V",
        "words it promotes when it fires: those its value vector points at",
    ),
    ("−K", "words it fires against: the low end of K"),
    ("−V", "words it suppresses when it fires: the low end of V"),
];

/// The same of a gated neuron, which has two inputs.
pub const GATED_COLUMNS: [(&str, &str); 4] = [
    (
        "K",
        "words of one input of the neuron: of its gate, which opens it, or of its up input, which \
         says with which sign it writes; u turns to the other",
    ),
    ("V", "words its value vector points at"),
    ("−K", "the low end of K"),
    ("−V", "words its value vector points away from"),
];

const fn text(
    sign: &'static str,
    covers: &'static [&'static str],
    words: &'static str,
) -> LegendRow {
    LegendRow {
        sign,
        covers,
        shown: ShownWhen::Text,
        words,
    }
}

const fn form(
    sign: &'static str,
    covers: &'static [&'static str],
    stands_in: fn(&str) -> bool,
    words: &'static str,
) -> LegendRow {
    LegendRow {
        sign,
        covers,
        shown: ShownWhen::Form(stands_in),
        words,
    }
}

/// Every row.
#[rustfmt::skip]
pub static ROWS: &[LegendRow] = &[
    form("1.2 ms", &["ms", "cached"], |line| line.contains("tokens") && has_time(line)
            || line.starts_with(" lexiscope") && has_time(line),
        "at the top right: how long the list took; “cached” if it was known already"),
    text("×", &["×"], "times: so many layers, neurons and heads; a token so many times in so many texts"),
    text("★", &["★"], "a mark of yours is here; ' lists all marks, M adds a note"),
    text("☆", &["☆"], "a mark of yours is of this place looked at in another way; m marks this one too"),
    text("1/1 ↩", &["↩"], "which of the places you went to this is; H goes back, L forward"),
    text("▌", &["▌"], "what is in front, and the list in focus: y copies it, e writes it, J and K move in it"),
    text("▸", &["▸"], "the cursor: the row you are at"),
    text("▹", &["▹"], "the word that was looked up, wherever it stands; Esc takes the mark away"),
    text("◆", &["◆"], "the head you are at, or the map's cursor; in a chart the second model"),
    text("◇", &["◇"], "the head you came from"),

    text("VO", &["VO  ", "VO.from", "VO.to"],
        "what the head writes (right) when it reads (left): E·W_V·W_O·Eᵀ, also called the OV circuit"),
    text("QK", &["QK  ", "QK Δ", "QK.query", "QK.key"],
        "who attends (left) to whom (right): E·W_Q·W_Kᵀ·Eᵀ"),
    text("Δ0", &["Δ"], "the key stands so many tokens behind the query; > and < change it"),
    text("++ (−−)", &["++", "+−", "(−"],
        "the signs of gate and up input with which the neuron writes these words; in brackets those \
         with which it does so faintly"),
    form("▼ lowest", &["▼", "▲"], |line| line.contains("▼ lowest") || line.contains("▲ highest"),
        "which end of the list: the highest scores first, or the most negative; v turns it"),
    text("→", &["→"], "from the left word to the right one"),
    form("4.81", &["−"], has_score,
        "a score: the inner product of the word's embedding with the vector, or of a pair under the \
         head's form, by the convention at the top. It has no unit: compare it within its list"),
    form("██▌", &["█", "▏", "▎", "▍", "▌", "▋", "▊", "▉"], |line| line.contains("██") || line.contains("█▌"),
        "a bar: the figure beside it as a share of the list's first"),

    form("·eś", &["·"], continues, "this token continues a word that began before it"),
    form("dom·", &["·"], goes_on, "the word goes on after this token"),
    form("·", &["·"], |line| line.contains(" · "),
        "between two figures or hints it only separates them; in a grid it is a head or layer not \
         known yet"),
    form("▲3 ▼1", &["▲", "▼", "×"], |line| line.contains("▲ rose"),
        "in the lists of both models: by how many places a word rose or fell, and which ones left the list"),
    text("≈", &["≈"], "nothing of it changed by more than rounding to 16 bits does"),
    text("°", &["°"], "an undertrained token: training hardly saw it, so its row says little"),
    text("⟨C5⟩", &["⟨", "⟩"], "a byte that is only part of a character"),
    text("[pos 7]", &["[pos "], "a learned position in the place of a word"),
    form("[UNK]", &["["], |line| line.contains("[UNK]"), "a special token"),
    text("…", &["…"], "cut for want of room; after a title or figure: still being computed"),

    form("z 4.1", &["z ", "–"], |line| figure_after(line, "z "),
        "how far the list's best score lies above chance: so many standard deviations above the best \
         scores of random vectors like this layer's. Below 2 or so chance makes such lists too. Two \
         numbers are its 95 % interval"),
    form("15–30/30", &["/", "–"], robustness,
        "robustness: so many of the list's best entries stay among the best if one part of the \
         convention is switched, at worst and at best; c shows each"),
    text("bias", &["bias "], "the neuron's bias, which is added whatever the word is"),
    text("exact", &["exact"], "the search is over: no better entry can exist"),
    form("62 %", &["%"], |line| line.contains(" %"),
        "how much of a search is done, or a share; until it is exact, better entries may come"),
    text("stands since", &["stands since"],
        "the list has not changed for so long; that no better entry exists is not proven yet. Esc stops \
         the search and keeps the list"),
    text("not proven", &["not proven"],
        "the search was stopped: better entries may exist"),
    text("²", &["²"], "so many words on either side, all their pairs looked at"),
    text("whatever …", &["whatever "],
        "what the biases bring about whatever the other word is; and what they hold back"),

    text("+ −", &["+ ", "− "], "the two ends of a direction: which is which is a convention"),
    text("~ coincides", &["~"],
        "two directions of one size: any mixture of them is as good, so neither means anything alone"),
    text("copies", &["copies"],
        "the copying score, from −1 (turns everything over) to 1 (keeps everything): of the weights, \
         and of the form over the vocabulary"),
    text("ff-in, ff-out", &["ff-in", "ff-out", "ff-gate"],
        "the layer's keys (ff-in), gates (ff-gate) and values (ff-out): left the words of a direction, \
         right the neurons that have most of it"),
    form("█▆▃", &["▂", "▃", "▄", "▅", "▆", "▇"], |line| line.contains('▆') || line.contains("█▁"),
        "small bars after a title: of directions their sizes, of a look-up how many places lie in \
         each layer"),

    text("●", &["●"], "switched on; in a chart the first model"),
    text("○", &["○"], "switched off; in a chart the third model"),
    text("cannot be told here", &["cannot be told"],
        "the embedding does not show which tokens are undertrained: this filter hides only what is \
         known by name"),
    text("showing", &["showing", "passing"],
        "so many entries are listed of all that pass the filters; the list goes on as you move down"),
    text("in text unknown", &["in text unknown"],
        "so many tokens of the text that filters by stand for what the vocabulary cannot spell"),
    text("stay of 30", &["stay of"],
        "beside each switch: how many of the list's best stay among the best if it is flipped"),

    text("#3", &["#"], "a rank: the word's number in that list, or the head's in the order"),
    text("cos", &["cos "], "the cosine of the word's embedding with the vector, from −1 to 1"),
    form("K, VO.to …", &[], |line| line.contains("VO.from") || line.contains(" K   "),
        "where a word stands: in a neuron's key or value (K, V, −K, −V), or on a side of a head's pairs"),
    text("–", &["–"], "from – to; alone: no figure"),
    text("r: best tenth", &["r: "], "where r goes from here; R switches it"),

    text("──", &["● ──", "╌╌", "┈┈"], "a model's line; in a chart each model has its mark and dashes"),
    text("[0.2, 0.4]", &[", 0.", ", −0."], "the 95 % interval over texts, drawn as a band of dots around the line"),
    form("⠤⠒", &["⠤"], |line| line.chars().any(is_braille),
        "dots: a line through the states and its 95 % band, or the points of a map"),
    form("┊ ▲", &["┊", "▲"], |line| line.contains('┊'),
        "in a chart the state under the cursor; ← and → move it"),
    text("◉", &["◉"], "the point that is selected"),
    text("30 % → 20 % ↑", &["% →", "↑"],
        "so much of the variance lies along the map's two axes; the rest is not seen in it"),
    text("corrected", &["corrected"], "less what vectors without any relation have; - switches it"),
    text("dominant", &["dominant"], "the dimensions that bring most of anisotropy can be left out; d does"),

    form("░▒▓█", &["░", "▒", "▓"], |line| "░▒▓".chars().any(|c| line.contains(c)),
        "shades from little to much: of a prompt's grid by what s chooses, of a map by its measure"),
    text("KL", &["KL ", "‖"],
        "how far a state's words are from those of the last state, or those after the changes from those \
         before, in nats; 0: the same"),
    text("✓", &["✓"], "this change is on; X switches all, 2 X the second, _ takes one away"),
    text("›", &["›"], "what you type stands here; a text shown inverted is replaced by typing"),
    form("C-d", &["C-", "S-", "A-"], |line| line.contains("C-") || line.contains(" S-"),
        "Ctrl and the letter; S- is Shift, A- is Alt"),
    text("↑↓ ←→", &["←", "↓", "↑"], "the arrow keys"),
    text("✗", &["✗"], "what went wrong; it stays until the next key"),
];

fn is_braille(c: char) -> bool {
    ('\u{2801}'..='\u{28FF}').contains(&c)
}

/// Whether it ends in a time or says that there was none.
fn has_time(line: &str) -> bool {
    let end = line.trim_end();
    [" ms", " s", " µs", "cached"]
        .iter()
        .any(|unit| end.ends_with(unit))
}

/// Whether a number with a point stands in it.
fn has_score(line: &str) -> bool {
    let bytes = line.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (1..bytes.len()).any(|at| bytes[at] == b'.' && digit(at - 1) && digit(at + 1))
}

/// Whether a figure follows a name: `z 4.1`, `z −0.3`.
fn figure_after(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric)
            && after.is_some_and(|c| c.is_ascii_digit() || c == '−')
    })
}

/// Whether `15–30/30` stands in it, or `9/30`; not a place in the history.
fn robustness(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.iter().enumerate().any(|(at, word)| {
        let figures = |c: char| c.is_ascii_digit() || c == '–';
        let counts = word.split_once('/').is_some_and(|(few, all)| {
            !few.is_empty()
                && few.chars().all(figures)
                && all.starts_with(|c: char| c.is_ascii_digit())
        });
        counts && words.get(at + 1) != Some(&"↩")
    })
}

/// The characters of a line, each between its neighbours.
fn between(line: &str, found: impl Fn(Option<char>, char, Option<char>) -> bool) -> bool {
    let chars: Vec<char> = line.chars().collect();
    (0..chars.len()).any(|at| {
        let before = at.checked_sub(1).map(|at| chars[at]);
        found(before, chars[at], chars.get(at + 1).copied())
    })
}

/// Whether a `·` stands right before a word.
fn continues(line: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    between(line, |before, c, after| {
        c == '·' && !word(before) && word(after)
    })
}

/// Whether a `·` stands right after a word.
fn goes_on(line: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    between(line, |before, c, after| {
        c == '·' && word(before) && !word(after)
    })
}
