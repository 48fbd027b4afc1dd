//! The places where words stand: a line to type them, a histogram of layers, a row a place.

use ratatui::layout::Rect;

use super::Canvas;
use super::lists::list;
use super::words::token;
use crate::explorer::number::{decimals, score};
use crate::explorer::state::{Choice, Chooser, Found};
use crate::explorer::widget::{put, width};
use crate::query::{Query, Stand};
use crate::report::{grouped, spark};

/// Cells of an address and of a kind.
const ADDRESS: u16 = 13;
const KIND: u16 = 10;

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect, chooser: &Chooser) {
    let title = title(canvas);
    let empty = "dom, dom*, /owa$/ · C-t kind  C-o order  C-g by layer";
    list(
        canvas,
        body,
        (&title, empty),
        chooser,
        |canvas, row, choice| {
            let Choice::Found(found) = choice else {
                return;
            };
            let Rect { x, y, width, .. } = row.area;
            let address = found.address.to_string();
            put(canvas.buffer, x + 3, y, &address, ADDRESS.into(), row.style);
            let kind = found.stand.to_string();
            let kind_x = x + 3 + ADDRESS;
            put(canvas.buffer, kind_x, y, &kind, KIND.into(), row.quiet);
            let words = x + 3 + ADDRESS + KIND;
            let figures = figures(found);
            let end = (x + width).saturating_sub(1);
            let start = end.saturating_sub(crate::explorer::widget::width(&figures) as u16);
            put(canvas.buffer, start, y, &figures, figures.len(), row.quiet);
            let room = usize::from(start.saturating_sub(words + 1));
            words_of(canvas, found, (words, y), room, row.style);
        },
    );
    if let Some(why) = canvas
        .state
        .failure(|query| matches!(query, Query::Find(_)))
    {
        let why = why.to_owned();
        let inside = Rect {
            x: body.x + body.width.saturating_sub(super::lists::LIST_CELLS) / 2 + 3,
            y: body.bottom().saturating_sub(3),
            width: body
                .width
                .saturating_sub(8)
                .min(super::lists::LIST_CELLS - 8),
            height: 2,
        };
        super::words::message(canvas, inside, &why);
    }
}

/// The word, and of a head the other side of its pair.
fn words_of(
    canvas: &mut Canvas,
    found: &Found<'_>,
    (x, y): (u16, u16),
    room: usize,
    style: ratatui::style::Style,
) {
    let Some(card) = canvas.state.card() else {
        return;
    };
    let Some(partner) = found.hit.partner else {
        return token(canvas, card, (x, y), found.hit.token, room, style);
    };
    // In the order of the form: what is read or asks on the left.
    let (left, right) = match found.stand {
        Stand::To | Stand::Key => (partner, found.hit.token),
        _ => (found.hit.token, partner),
    };
    let half = room.saturating_sub(3) / 2;
    token(canvas, card, (x, y), left, half, style);
    let text = width(&card.vocabulary.text(left)).min(half.saturating_sub(1)) as u16 + 1;
    put(canvas.buffer, x + text, y, " → ", 3, canvas.theme.quiet);
    token(canvas, card, (x + text + 3, y), right, half, style);
}

/// Score, cosine, and of a neuron the word's rank in its list.
fn figures(found: &Found<'_>) -> String {
    let hit = found.hit;
    let rank = hit
        .rank
        .map_or(String::new(), |n| format!("#{}", grouped(n)));
    let value = score(hit.score, decimals(hit.score));
    format!("{value:>7}  cos {:>5.2} {rank:>7}", hit.cosine)
}

/// The kind that is shown, how it is ordered, how far the search is, and where the best lie.
fn title(canvas: &Canvas) -> String {
    let find = &canvas.state.find;
    let kind = match find.stand {
        Some(stand) => format!("{stand} {}", stand.meaning()),
        None => "all kinds".to_owned(),
    };
    let mut title = format!("Where it stands · {kind} · by {}", find.by.name());
    if find.by_layer {
        title += ", layer by layer";
    }
    let Some((answer, fresh)) = canvas.state.found() else {
        return title;
    };
    if !fresh {
        title += " …";
    } else if !answer.exact {
        title += &format!(" · {:.0} %", (answer.done * 100.0).min(99.0));
    }
    if answer.matched > 1 {
        let first = answer.tokens.len();
        let all = grouped(answer.matched);
        title += &match first < answer.matched {
            true => format!(" · first {first} of {all} tokens"),
            false => format!(" · {all} tokens"),
        };
    }
    let layers = canvas.state.card().map_or(0, |card| card.spec.layers);
    let mut counts = vec![0; layers];
    let groups = answer.groups.iter();
    for group in groups.filter(|g| find.stand.is_none_or(|stand| stand == g.stand)) {
        let histogram = group.histogram(layers);
        counts
            .iter_mut()
            .zip(histogram)
            .for_each(|(all, n)| *all += n);
    }
    title + "  " + &spark(counts.into_iter().map(|n| n as f32))
}
