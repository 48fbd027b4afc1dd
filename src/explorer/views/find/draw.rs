//! The places where words stand: a line to type them, and under a heading for each kind a row a
//! place.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::FoundPlace;
use crate::explorer::action::TabId;
use crate::explorer::number::{decimals, score};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::list::{ListRow, ListTexts, grouped_list};
use crate::explorer::screen::words::{token, token_cells};
use crate::explorer::widget::{put, width};
use crate::query::{RankBy, RoleHits};
use crate::sheet::{grouped, spark};

/// Cells of an address, of a rank, and of a word that has others after it.
const ADDRESS: u16 = 12;
const RANK: usize = 8;
const WORD: u16 = 14;
/// Cells that first words of the list are worth.
const GIST_MIN: u16 = 10;

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let title = title(canvas);
    let places = canvas.state.places_found();
    let chooser = &canvas.state.views.find.chooser;
    let texts = ListTexts {
        title: &title,
        empty: "dom, dom*, /owa$/ · C-t kind  C-o order  C-g by layer",
        nothing: &canvas.state.find_status().unwrap_or_default(),
    };
    grouped_list(canvas, body, texts, chooser, &places, heading, place);
}

/// A place, the word's rank there, the word, what else stands there, score and cosine.
fn place(canvas: &mut Canvas, row: &ListRow, found: &FoundPlace<'_>) {
    let Some(card) = canvas.state.card() else {
        return;
    };
    let Rect { x, y, width, .. } = row.area;
    let address = found.address.to_string();
    put(canvas.buffer, x + 3, y, &address, ADDRESS.into(), row.style);
    let mut from = x + 3 + ADDRESS;
    let figures = figures(found);
    let end = (x + width).saturating_sub(1);
    let start = end.saturating_sub(figures.chars().count() as u16);
    put(canvas.buffer, start, y, &figures, figures.len(), row.quiet);
    if found.hit.partner.is_some() {
        let room = usize::from(start.saturating_sub(from + 1));
        return pair(canvas, found, (from, y), room, row.style);
    }
    let rank = found
        .hit
        .rank
        .map_or(String::new(), |n| format!("#{}", grouped(n)));
    put(
        canvas.buffer,
        from,
        y,
        &format!("{rank:>7}"),
        RANK,
        row.style,
    );
    from += RANK as u16 + 1;
    let room = start.saturating_sub(from + 1);
    let gist = room >= WORD + GIST_MIN && !found.gist.is_empty();
    let word = if gist { WORD } else { room };
    token(
        canvas,
        card,
        (from, y),
        found.hit.token,
        word.into(),
        row.style,
    );
    if gist {
        let room = usize::from(room - WORD - 1);
        first_words(canvas, found.gist, (from + WORD + 1, y), room, row.quiet);
    }
}

/// As many words as there is room for whole.
fn first_words(canvas: &mut Canvas, ids: &[u32], (x, y): (u16, u16), room: usize, style: Style) {
    let Some(card) = canvas.state.card() else {
        return;
    };
    let mut used = 0;
    for &id in ids {
        let cells = token_cells(card, id);
        if used + cells > room {
            return;
        }
        token(canvas, card, (x + used as u16, y), id, cells, style);
        used += cells + 1;
    }
}

/// The two words of a head's pair.
fn pair(
    canvas: &mut Canvas,
    found: &FoundPlace<'_>,
    (x, y): (u16, u16),
    room: usize,
    style: Style,
) {
    let (Some(card), Some([left, right])) = (canvas.state.card(), found.pair()) else {
        return;
    };
    let half = room.saturating_sub(3) / 2;
    token(canvas, card, (x, y), left, half, style);
    let text = width(&card.vocabulary.text(left)).min(half.saturating_sub(1)) as u16 + 1;
    put(canvas.buffer, x + text, y, " → ", 3, canvas.theme.quiet);
    token(canvas, card, (x + text + 3, y), right, half, style);
}

/// Score and cosine.
fn figures(found: &FoundPlace<'_>) -> String {
    let hit = found.hit;
    let value = score(hit.score, decimals(hit.score));
    format!("{value:>7}  cos {:>5.2}", hit.cosine)
}

/// A kind of place, what it means, and in which layers its best lie.
fn heading(canvas: &Canvas, found: &FoundPlace<'_>) -> Option<String> {
    let (answer, _) = canvas.state.found()?;
    let group = answer
        .groups
        .iter()
        .find(|group| group.role == found.role)?;
    let layers = canvas.state.card().map_or(0, |card| card.spec.layers);
    let (role, meaning) = (group.role, group.role.meaning());
    let histogram = group.histogram(layers).into_iter().map(|n| n as f32);
    let rest = rest(canvas, group);
    if canvas.state.tab == TabId::Dictionary {
        return Some(format!("{role}{rest}"));
    }
    Some(format!("{role}  {meaning}{rest}  {}", spark(histogram)))
}

/// How many of a kind are not shown.
fn rest(canvas: &Canvas, group: &RoleHits) -> String {
    match group
        .hits
        .len()
        .saturating_sub(canvas.state.shown_of(group))
    {
        0 => String::new(),
        more => format!(" · {more} more: C-t"),
    }
}

/// How it is ordered, under which convention, and how far the search is.
fn title(canvas: &Canvas) -> String {
    let state = canvas.state;
    let find = &state.views.find;
    let mut title = format!("Where it stands · by {}", find.by.name());
    if find.by_layer {
        title += ", layer by layer";
    }
    if !state.convention().is_raw() {
        title += &format!(" · {}", state.convention());
    }
    let Some((answer, true)) = state.found() else {
        return title;
    };
    if answer.done < 1.0 {
        title += &format!(" · {:.0} %", (answer.done * 100.0).min(99.0));
    } else if find.by == RankBy::Rank {
        let what = match state.tab {
            TabId::Dictionary => "directions",
            _ => "neurons",
        };
        title += &format!(" · of {} {what}", grouped(answer.counted));
    }
    if answer.matched > 1 {
        let first = answer.tokens.len();
        let all = grouped(answer.matched);
        title += &match first < answer.matched {
            true => format!(" · first {first} of {all} tokens"),
            false => format!(" · {all} tokens"),
        };
    }
    title
}
