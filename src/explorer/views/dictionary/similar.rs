//! What is similar to a direction: others of its file, and the model's neurons.

use ratatui::layout::Rect;

use super::SIMILAR;
use crate::checkpoint::DictionarySide;
use crate::explorer::number::score;
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{message, row_mark};
use crate::explorer::state::{State, Target};
use crate::explorer::widget::{bar, put};
use crate::query::{Address, SimilarVectors};

/// What the two lists are called.
pub const TITLES: [&str; 2] = ["Similar", "Neurons like it"];
/// Cells of a side, an address and a cosine.
const SIDE: u16 = 3;
const ADDRESS: u16 = 13;
const COSINE: u16 = 6;

/// A row: what is similar, by what, and how much.
pub struct SimilarRow {
    pub side: DictionarySide,
    pub address: Address,
    pub cosine: f32,
}

/// The rows of a list, 0 directions and 1 neurons: the largest cosines first, whatever their sign.
pub fn rows(state: &State, list: usize) -> Vec<SimilarRow> {
    let sides = state.similar().unwrap_or_default();
    let of_side = |of: &SimilarVectors| {
        let side = of.side;
        let hits = match list {
            0 => &of.directions,
            _ => &of.neurons,
        };
        let row = |hit: &crate::projection::Hit| SimilarRow {
            side,
            address: match list {
                0 => Address::Direction { row: hit.index },
                _ => state.named(Address::Neuron {
                    layer: hit.layer,
                    neuron: hit.index,
                }),
            },
            cosine: hit.cosine,
        };
        hits.iter().map(row).collect::<Vec<_>>()
    };
    let mut rows: Vec<SimilarRow> = sides.iter().flat_map(of_side).collect();
    rows.sort_by(|a, b| b.cosine.abs().total_cmp(&a.cosine.abs()));
    rows
}

fn sign(side: DictionarySide) -> &'static str {
    match side {
        DictionarySide::Reads => "K",
        DictionarySide::Writes => "V",
    }
}

/// A list as text, with what it is.
pub fn text(state: &State, list: usize) -> (String, Vec<String>) {
    let line = |row: &SimilarRow| format!("{}\t{}\t{}", row.address, sign(row.side), row.cosine);
    let lines = rows(state, list).iter().map(line).collect();
    (format!("what is similar to {}", state.address()), lines)
}

/// Draws both lists side by side, or under each other where there is no room.
pub fn draw(canvas: &mut Canvas, area: Rect, beside: bool) {
    let (first, second) = match beside {
        true => {
            let half = area.width.div_ceil(2);
            let second = Rect {
                x: area.x + half,
                width: area.width - half,
                ..area
            };
            (
                Rect {
                    width: half,
                    ..area
                },
                second,
            )
        }
        false => {
            let half = area.height.div_ceil(2);
            let second = Rect {
                y: area.y + half,
                height: area.height - half,
                ..area
            };
            (
                Rect {
                    height: half,
                    ..area
                },
                second,
            )
        }
    };
    list(canvas, first, 0);
    list(canvas, second, 1);
}

fn list(canvas: &mut Canvas, area: Rect, index: usize) {
    let (state, theme) = (canvas.state, canvas.theme);
    let focus = state.views.dictionary.focus == SIMILAR + index;
    let mark = if focus { "▌" } else { "" };
    let title = format!("{mark}{}", TITLES[index]);
    let inside = canvas
        .panel(&title, "by cosine", focus)
        .draw(area, canvas.buffer);
    canvas.note(area, Target::List(SIMILAR + index));
    if focus {
        canvas.regions.list_rows = inside.height.into();
    }
    let rows = rows(state, index);
    if rows.is_empty() {
        let why = match (state.is_in_parts(), state.similar()) {
            (true, _) => {
                "not looked for in a model that stays on the hub: all its weights would have to come"
            }
            (false, None) => "…",
            (false, Some(_)) => "there is none",
        };
        return message(canvas, inside, why);
    }
    let cursor = match focus {
        true => state.views.dictionary.similar,
        false => Default::default(),
    };
    let shown = rows.iter().enumerate().skip(cursor.scroll);
    for (y, (i, row)) in (inside.top()..inside.bottom()).zip(shown) {
        let here = focus && i == cursor.row;
        let style = row_mark(canvas, (inside.x, y), here, false).unwrap_or(theme.word);
        let target = Target::Word {
            list: SIMILAR + index,
            row: i,
            side: None,
        };
        canvas.note(Rect::new(inside.x, y, inside.width, 1), target);
        let mut x = inside.x + 1;
        put(canvas.buffer, x, y, sign(row.side), 1, theme.quiet);
        x += SIDE;
        let address = row.address.to_string();
        let room = ADDRESS.min(inside.width.saturating_sub(SIDE + COSINE + 2));
        put(canvas.buffer, x, y, &address, room.into(), style);
        x += room;
        let cosine = format!("{:>6}", score(row.cosine, 2));
        put(canvas.buffer, x, y, &cosine, COSINE.into(), theme.quiet);
        x += COSINE + 1;
        let room = usize::from(inside.right().saturating_sub(x + 1)).min(24);
        let cells = bar(row.cosine.abs(), room);
        put(canvas.buffer, x, y, &cells, room, theme.bar);
    }
}
