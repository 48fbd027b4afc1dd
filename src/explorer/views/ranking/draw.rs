//! The ranked neurons of all layers or of one: a figure, and the first words of K and V.

use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::list::{ListTexts, list};
use crate::explorer::screen::words::{message, token, token_cells};
use crate::explorer::widget::{put, width};
use crate::query::{ModelCard, Query};

/// Cells of an address and of a figure.
const ADDRESS: u16 = 11;
const FIGURE: u16 = 7;

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let (state, by) = (canvas.state, canvas.state.views.ranking.by);
    let layers = match state.ranks_one_layer() {
        true => format!("layer {}", state.views.neurons.layer),
        false => "all layers".to_owned(),
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
    let empty = "type a word · C-o other measure · C-g this layer · C-r draw";
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
            let Some(card) = canvas.state.card() else {
                return;
            };
            let Rect { x, y, .. } = row.area;
            let room = usize::from(row.area.width.saturating_sub(3 + ADDRESS + FIGURE + 3));
            let address = card.neuron(*layer, neuron.item).to_string();
            put(canvas.buffer, x + 3, y, &address, ADDRESS.into(), row.style);
            let figure = score(neuron.figure, digits);
            let indent = FIGURE.saturating_sub(width(&figure) as u16);
            let at = x + 3 + ADDRESS - 2 + indent;
            put(canvas.buffer, at, y, &figure, FIGURE.into(), row.quiet);
            let from = x + 3 + ADDRESS + FIGURE;
            let half = room / 2;
            words(
                canvas,
                card,
                (from, y),
                &neuron.key,
                half.saturating_sub(1),
                row.style,
            );
            let arrow = from + half as u16;
            put(canvas.buffer, arrow, y, "→", 1, row.quiet);
            words(
                canvas,
                card,
                (arrow + 2, y),
                &neuron.value,
                half.saturating_sub(1),
                row.style,
            );
        },
    );
    let why = canvas
        .state
        .failure(|query| matches!(query, Query::Rank(_)));
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

/// As many words as there is room for, all but the first whole.
fn words(
    canvas: &mut Canvas,
    card: &ModelCard,
    (x, y): (u16, u16),
    ids: &[u32],
    room: usize,
    style: Style,
) {
    let mut used = 0;
    for &id in ids {
        let cells = token_cells(card, id);
        if used > 0 && used + cells > room {
            return;
        }
        token(canvas, card, (x + used as u16, y), id, room - used, style);
        used += cells + 1;
        if used >= room {
            return;
        }
    }
}
