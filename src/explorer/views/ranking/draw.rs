//! The ranked neurons of all layers or of one: a figure, and the first words of K and V.

use ratatui::layout::Rect;

use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::list::{ListTexts, list};
use crate::explorer::screen::words::{message, some_words};
use crate::explorer::widget::{put, width};
use crate::query::{DictionaryAsk, Query};

/// Cells of an address and of a figure.
const ADDRESS: u16 = 11;
const FIGURE: u16 = 7;

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let (state, by) = (canvas.state, canvas.state.ranked_by());
    let layers = match (state.ranks_dictionary(), state.ranks_one_layer()) {
        (true, _) => "directions".to_owned(),
        (false, true) => format!("layer {}", state.views.neurons.layer),
        (false, false) => "all layers".to_owned(),
    };
    // Before what may be cut off at the end.
    let done = match state.ranking_done() {
        done if done < 1.0 => format!("{:.0} % of ", (done * 100.0).min(99.0)),
        _ => String::new(),
    };
    let mut title = format!("Ranked · {done}{layers} · {}", by.meaning());
    if !state.convention().is_raw() {
        title += &format!(" · {}", state.convention());
    }
    let largest = state
        .neurons_ranked()
        .first()
        .map_or(0.0, |(_, n)| n.figure);
    let digits = decimals(largest);
    let empty = match state.ranks_dictionary() {
        true => "type a word · C-o other measure · C-r draw",
        false => "type a word · C-o other measure · C-g this layer · C-r draw",
    };
    let listed = state.ranking_listed();
    let chooser = &state.views.ranking.chooser;
    let texts = ListTexts::new(&title, empty);
    list(
        canvas,
        body,
        texts,
        chooser,
        &listed,
        |canvas, row, (layer, neuron)| {
            let Rect { x, y, .. } = row.area;
            let room = usize::from(row.area.width.saturating_sub(3 + ADDRESS + FIGURE + 3));
            let address = canvas.state.ranked_address(*layer, neuron).to_string();
            put(canvas.buffer, x + 3, y, &address, ADDRESS.into(), row.style);
            let figure = score(neuron.figure, digits);
            let indent = FIGURE.saturating_sub(width(&figure) as u16);
            let at = x + 3 + ADDRESS - 2 + indent;
            put(canvas.buffer, at, y, &figure, FIGURE.into(), row.quiet);
            let from = x + 3 + ADDRESS + FIGURE;
            let half = room / 2;
            let first = half.saturating_sub(1);
            some_words(canvas, (from, y), &neuron.key, first, row.style);
            let arrow = from + half as u16;
            put(canvas.buffer, arrow, y, "→", 1, row.quiet);
            some_words(canvas, (arrow + 2, y), &neuron.value, first, row.style);
        },
    );
    let why = canvas.state.failure(|query| match query {
        Query::Rank(_) => true,
        Query::Dictionary(of) => matches!(of.ask, DictionaryAsk::Rank { .. }),
        _ => false,
    });
    if let Some(why) = why.map(str::to_owned) {
        let y = body.y + body.height / 2;
        message(
            canvas,
            Rect {
                y,
                height: 2,
                ..body
            },
            &why,
        );
    }
}
