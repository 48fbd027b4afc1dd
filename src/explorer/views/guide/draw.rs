//! Draws a page of the guide.

use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::state::{PageLink, links, text};
use crate::explorer::guide::{WIDTH_MAX, style};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::list::field;
use crate::explorer::widget::{put, width};
use crate::guide;

/// Cells of the frame and of the margins inside it.
const AROUND: u16 = 4;

/// Draws the page from its first row on screen; what is looked for stands in the last row.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let (guide, theme) = (&canvas.state.views.guide, canvas.theme);
    let page = guide.shown();
    let cells = WIDTH_MAX.min(usize::from(body.width.saturating_sub(AROUND)));
    let lines = guide.lines(cells);
    let searched = guide.typing || !guide.search.text().is_empty();
    let frame = (cells as u16 + AROUND, body.height);
    let rows = usize::from(body.height.saturating_sub(2)).saturating_sub(usize::from(searched));
    let first = guide.first.min(lines.len().saturating_sub(rows));
    let last = (first + rows).min(lines.len());
    let note = format!(
        "page {} of {} · {}–{} of {}",
        guide.page + 1,
        guide::pages().len(),
        first + 1,
        last,
        lines.len()
    );
    let title = format!("Guide: {}", page.title());
    let inside = canvas.on_top(body, frame, &title, &note);
    canvas.regions.choice_rows = rows.min(inside.height.into());
    (canvas.regions.text_rows, canvas.regions.text_cells) = (lines.len(), cells);
    let all = links(&lines);
    let selected = guide.link.and_then(|at| all.get(at));
    let wanted = guide.search.text().trim().to_lowercase();
    let area = Rect {
        x: inside.x + 1,
        width: inside.width.saturating_sub(2),
        ..inside
    };
    for (y, row) in (area.top()..area.bottom()).zip(first..last) {
        let mut x = area.x;
        for span in &lines[row] {
            let room = usize::from(area.right().saturating_sub(x));
            let mut style = style(theme, span.emphasis);
            if is_selected(selected, row, span.target.as_deref()) {
                style = theme.here.add_modifier(Modifier::REVERSED);
            }
            x += put(canvas.buffer, x, y, &span.text, room, style);
        }
        if !wanted.is_empty() {
            let here = guide.found == Some(row);
            mark(canvas, (area.x, y), &text(&lines[row]), &wanted, here);
        }
    }
    if searched {
        let y = inside.bottom().saturating_sub(1);
        let used = put(canvas.buffer, area.x, y, "/", 1, theme.key);
        let room = usize::from(area.width.saturating_sub(used));
        match guide.typing {
            true => field(
                canvas,
                (area.x + used, y),
                room,
                &guide.search,
                "a text of this page",
            ),
            false => {
                let matches = guide.matches(&lines);
                let at = matches.iter().position(|row| Some(*row) == guide.found);
                let at = at.map_or(0, |at| at + 1);
                let text = guide.search.text();
                let said = format!("{text}  {at} of {} rows · n N", matches.len());
                put(canvas.buffer, area.x + used, y, &said, room, theme.quiet);
            }
        }
    }
}

fn is_selected(link: Option<&PageLink>, row: usize, target: Option<&str>) -> bool {
    link.is_some_and(|link| {
        (link.first..=link.last).contains(&row) && target == Some(&*link.target)
    })
}

/// Sets what is looked for off from the rest of a line.
fn mark(canvas: &mut Canvas, (x, y): (u16, u16), line: &str, wanted: &str, here: bool) {
    let lower = line.to_lowercase();
    // Letters that change their length with their case would shift what follows.
    if lower.len() != line.len() {
        return;
    }
    let style = match here {
        true => Modifier::REVERSED | Modifier::BOLD,
        false => Modifier::REVERSED,
    };
    for (at, _) in lower.match_indices(wanted) {
        let (from, cells) = (width(&lower[..at]) as u16, width(wanted) as u16);
        for x in x + from..x + from + cells {
            if let Some(cell) = canvas.buffer.cell_mut((x, y)) {
                cell.modifier.insert(style);
            }
        }
    }
}
