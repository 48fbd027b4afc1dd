//! The first two rows: which model, and where in it.

use ratatui::layout::Rect;

use super::Canvas;
use crate::checkpoint::{Spec, compared_names};
use crate::explorer::action::{Action, TabId};
use crate::explorer::number::duration;
use crate::explorer::state::Target;
use crate::explorer::theme::Theme;
use crate::explorer::widget::{Line, width};
use crate::query::Convention;
use crate::sheet::grouped;
use crate::transformer::stored_line;

/// Cells of a row that has room for all tabs and an address.
const NARROW: u16 = 48;

/// The model's identity, the convention, and the time of the last answer.
pub fn draw(canvas: &mut Canvas, row: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let mut line = Line::new(canvas.buffer, row.x + 1, row.y, row.right() - 1);
    let focus = state
        .tab()
        .focus(state)
        .filter(|query| state.wanted.contains(query));
    let took = focus.as_ref().and_then(|query| state.board.get(query));
    let took = match took {
        None => "…".to_owned(),
        Some(shown) if shown.took.is_zero() => "cached".to_owned(),
        Some(shown) => duration(shown.took),
    };
    let Some(card) = state.card() else {
        line.text("lexiscope", theme.title);
        return;
    };
    line.right(&format!("{took:>7}"), theme.quiet);
    let words = state.tab().words().is_some();
    let convention = match words {
        true => state.convention_shown().name(),
        false => "states".to_owned(),
    };
    line.right("  ", theme.quiet);
    let style = match words && convention != Convention::RAW.name() {
        true => theme.on,
        false => theme.quiet,
    };
    let cells = line.right(&convention, style);
    line.right("  ", theme.quiet);
    if line.room() > 60 {
        line.text("lexiscope", theme.quiet);
        line.skip(3);
    }
    name(&mut line, &card.name, theme);
    line.skip(2);
    let spec = &card.spec;
    let stored = focus.as_ref().filter(|_| card.stored.quantised);
    let stored = stored.map(|query| stored_line(&query.kind().stored(&card.stored)));
    let details = [
        Some(card.family.title.to_owned()),
        // Of what is looked at, where it is not exact.
        stored.filter(|types| !types.is_empty()),
        Some(format!(
            "{} × {} neurons × {} heads",
            spec.repeated()
                .unwrap_or_else(|| format!("{} layers", spec.layers)),
            neuron_count(spec),
            spec.heads
        )),
        Some(format!("{} tokens", grouped(card.vocabulary.len()))),
        Some(match card.remote {
            true => format!("{} · in parts from the hub", card.device),
            false => card.device.clone(),
        }),
    ];
    for (i, part) in details.iter().flatten().enumerate() {
        let dot = if i == 0 { "" } else { " · " };
        if !line.whole(&format!("{dot}{part}"), theme.quiet) {
            break;
        }
    }
    if words {
        canvas.note_row(cells, row.y, Target::Run(Action::OpenConventions));
    }
}

/// The model's name; of a difference both names.
fn name(line: &mut Line<'_>, name: &str, theme: &Theme) {
    let Some((tuned, base)) = compared_names(name) else {
        line.text(short(name), theme.title);
        return;
    };
    line.text(short(tuned), theme.title);
    line.text(" against ", theme.on);
    line.text(short(base), theme.title);
}

/// Of a folder, its own name: the whole path is in the chooser.
fn short(name: &str) -> &str {
    match name.starts_with('/') {
        true => name.rsplit('/').next().unwrap_or(name),
        false => name,
    }
}

/// The panes, and the address with its mark and its position in the history.
pub fn tabs(canvas: &mut Canvas, row: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let mut line = Line::new(canvas.buffer, row.x, row.y, row.right() - 1);
    let mut tabs = Vec::new();
    // Where one is must be seen: on a narrow screen other tabs are named by their first letters.
    let there = TabId::ALL.into_iter().filter(|id| id.tab().is_there(state));
    let there: Vec<TabId> = there.collect();
    let letters = match (row.width < NARROW, there.len()) {
        (false, _) => usize::MAX,
        (true, 0..=4) => 3,
        (true, _) => 1,
    };
    for id in there {
        let here = id == state.tab;
        let mark = if here { " ▌" } else { "  " };
        let style = if here { theme.here } else { theme.quiet };
        let (from, _) = line.text(mark, theme.focus);
        let title = id.tab().title();
        let first = title.get(..letters).filter(|_| !here);
        let (_, to) = line.text(first.unwrap_or(title), style);
        line.skip(1);
        tabs.push(((from, to), Target::Tab(id)));
    }
    if state.model.is_some() {
        let (at, of) = state.history.position();
        let position = format!("   {at}/{of} ↩");
        if line.room() > 24 {
            tabs.push((
                line.right(&position, theme.quiet),
                Target::Run(Action::Back),
            ));
        }
        let address = state.address();
        let mark = state.mark_here();
        let note = mark
            .and_then(|(mark, _)| mark.note.as_deref())
            .unwrap_or("");
        if let Some((_, same)) = mark {
            // Hollow: the mark is of this place looked at in another way.
            let (sign, style) = if same {
                (" ★", theme.on)
            } else {
                (" ☆", theme.quiet)
            };
            let star = line.right(sign, style);
            tabs.push((star, Target::Run(Action::Mark)));
        }
        line.right(&address.to_string(), theme.here);
        if !note.is_empty() && width(note) + 4 < line.room() {
            line.right(&format!("{note}  "), theme.quiet);
        }
    }
    for (cells, target) in tabs {
        canvas.note_row(cells, row.y, target);
    }
}

/// How many neurons a layer has; of one with experts how many experts of how many neurons.
fn neuron_count(spec: &Spec) -> String {
    match spec.first_experts() {
        None => grouped(spec.most_neurons()),
        Some(sizes) => format!("{} experts × {}", sizes.experts, grouped(sizes.each)),
    }
}
