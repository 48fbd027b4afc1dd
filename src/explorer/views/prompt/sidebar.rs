//! Beside the grid: the cell in hand as words, the target, the neurons and heads that moved it, and the
//! changes.

use ratatui::layout::Rect;

use super::parts;
use super::state::{name, percent};
use crate::explorer::action::{Action, PromptCommand};
use crate::explorer::screen::Canvas;
use crate::explorer::screen::words::{message, token};
use crate::explorer::state::{State, Target};
use crate::explorer::widget::{put, width, wrap};
use crate::query::{
    Answer, LensCell, Prediction, PromptAnswer, Query, TakenExpert, TargetAnswer, running_text,
};

/// From this height on the predictions before and after stand in rows of their own.
const TALL: u16 = 18;
/// Predictions there.
const PREDICTIONS: usize = 5;

/// Draws the details.
pub fn draw(canvas: &mut Canvas, area: Rect) {
    let state = canvas.state;
    let prompt = &state.views.prompt;
    let title = format!("State {} at {}", prompt.state, prompt.position);
    let note = state
        .prompt_answer()
        .map_or_else(String::new, |(answer, _)| {
            let id = answer.tokens.get(prompt.position);
            id.map_or_else(String::new, |&id| name(state, id))
        });
    let panel = canvas.panel(&title, &note, false);
    let inside = panel.draw(area, canvas.buffer);
    let Some((answer, _)) = state.prompt_answer() else {
        return;
    };
    let y = said(canvas, inside, answer);
    let y = match inside.height >= TALL {
        true => predictions(canvas, inside, y, answer),
        false => y,
    };
    let y = goes_on(canvas, inside, y);
    let left = Rect {
        y,
        height: inside.bottom().saturating_sub(y),
        ..inside
    };
    let listed = prompt.settings.changes.len() as u16;
    let for_changes = listed.min(left.height / 2);
    let parts_area = Rect {
        height: left.height - for_changes,
        ..left
    };
    parts::draw(canvas, parts_area);
    let changes_area = Rect {
        y: parts_area.bottom(),
        height: for_changes,
        ..left
    };
    changes(canvas, changes_area);
}

/// The cell's words and figures, the target, and why nothing is attributed; returns the row after.
fn said(canvas: &mut Canvas, inside: Rect, answer: &PromptAnswer) -> u16 {
    let state = canvas.state;
    let mut said = Vec::new();
    if let Some(cell) = state.prompt_cell(answer) {
        said.push((cell_words(state, cell), canvas.theme.word));
        let rank = cell.target_rank;
        let rank = rank.map_or_else(String::new, |rank| format!(" · rank {rank}"));
        let figures = format!(
            "entropy {:.2} · KL {:.2} · length {:.1}{rank}",
            cell.entropy, cell.divergence, cell.norm
        );
        said.push((figures, canvas.theme.quiet));
    }
    let experts = taken_experts(state, answer);
    said.extend(experts.map(|line| (line, canvas.theme.quiet)));
    let room = usize::from(inside.width.saturating_sub(2));
    let targets = targets(state, answer, room).into_iter();
    said.extend(targets.map(|line| (line, canvas.theme.word)));
    // The list of parts keeps at least half of the rows.
    let most = usize::from(inside.height / 2).max(2);
    let mut y = inside.y;
    for (text, style) in said.iter().take(most) {
        put(canvas.buffer, inside.x + 1, y, text, room, *style);
        y += 1;
    }
    if let Err(why) = &answer.attribution {
        let rows = Rect {
            y,
            height: wrap(why, room).len().min(most) as u16,
            ..inside
        };
        let rows = rows.intersection(inside);
        message(canvas, rows, why);
        y += rows.height;
    }
    y
}

/// Which experts of the layer before the state in hand the token takes, with their shares.
fn taken_experts(state: &State, answer: &PromptAnswer) -> Option<String> {
    let prompt = &state.views.prompt;
    let layer = prompt.state.checked_sub(1)?;
    let of_layer = answer.experts.iter().find(|of| of.layer == layer)?;
    let taken = of_layer.positions.get(prompt.position)?;
    let named = |of: &TakenExpert| format!("E{} {:.2}", of.expert, of.share);
    let named: Vec<String> = taken.iter().map(named).collect();
    Some(format!("L{layer} takes {}", named.join(" · ")))
}

/// The best words of the cell in hand.
fn cell_words(state: &State, cell: &LensCell) -> String {
    let word = |p: &Prediction| format!("{} {}", name(state, p.id), percent(p));
    let words: Vec<String> = cell.best.iter().map(word).collect();
    words.join(" · ")
}

/// The target, and the word against it, before and after.
fn targets(state: &State, answer: &PromptAnswer, room: usize) -> Vec<String> {
    let said = |of: &TargetAnswer| {
        let logit = of.prediction.logit;
        format!("{logit:.2}, {}, rank {}", percent(&of.prediction), of.rank)
    };
    let mut lines = Vec::new();
    let mut say = |of: &TargetAnswer, after: Option<&TargetAnswer>| {
        let before = format!("{}: {}", name(state, of.prediction.id), said(of));
        let after = after.map(|after| format!(" → {}", said(after)));
        let after = after.unwrap_or_default();
        match width(&before) + width(&after) <= room {
            true => lines.push(before + &after),
            false => lines.extend([before, after]),
        }
    };
    let after = answer.after.as_ref();
    say(&answer.target, after.map(|after| &after.target));
    if let Some(against) = &answer.against {
        say(against, after.and_then(|after| after.against.as_ref()));
    }
    if let Some(after) = after {
        let best = after.predictions.first();
        let best = best.map_or_else(String::new, |p| {
            format!(" · now best: {} {}", name(state, p.id), percent(p))
        });
        lines.push(format!(
            "KL(before ‖ after) {:.4} nats{best}",
            after.divergence
        ));
    }
    lines
}

/// What the model predicts at the position, before the changes and after them; returns the row after.
fn predictions(canvas: &mut Canvas, inside: Rect, y: u16, answer: &PromptAnswer) -> u16 {
    let state = canvas.state;
    let Some(card) = state.card() else { return y };
    let after = answer.after.as_ref().map(|after| &after.predictions[..]);
    let half = inside.width / 2;
    let columns = [
        (inside.x + 1, Some(&answer.predictions[..])),
        (inside.x + half, after),
    ];
    let headings = ["predicted", "after the changes"];
    for ((x, list), heading) in columns.into_iter().zip(headings) {
        let Some(list) = list else { continue };
        let room = usize::from(half.saturating_sub(2));
        put(canvas.buffer, x, y, heading, room, canvas.theme.quiet);
        for (y, p) in (y + 1..).zip(list.iter().take(PREDICTIONS)) {
            let words = room.saturating_sub(8);
            token(canvas, card, (x, y), p.id, words, canvas.theme.word);
            let share = format!("{:>7}", percent(p));
            let at = x + words as u16;
            put(canvas.buffer, at, y, &share, 8, canvas.theme.quiet);
        }
    }
    y + 1 + PREDICTIONS as u16
}

/// How the text goes on, without the changes and with them; returns the row after.
fn goes_on(canvas: &mut Canvas, inside: Rect, y: u16) -> u16 {
    let state = canvas.state;
    let prompt = &state.views.prompt;
    let (Some(how), Some(query)) = (prompt.settings.goes_on, prompt.continuation()) else {
        return y;
    };
    let query = Query::Prompt(query);
    let heading = match how.seed {
        None => "goes on, the best token each time".to_owned(),
        Some(seed) => format!("goes on, drawn at temperature 1 by seed {seed}"),
    };
    let quiet = canvas.theme.quiet;
    let room = usize::from(inside.width.saturating_sub(2));
    put(canvas.buffer, inside.x + 1, y, &heading, room, quiet);
    let answer = state
        .board
        .get(&query)
        .and_then(|shown| match &*shown.answer {
            Answer::Prompt(answer) => answer.continuation.as_ref(),
            _ => None,
        });
    let failed = state.failure(|failed| *failed == query);
    let said = |ids: &[u32]| state.card().map(|card| running_text(card, ids));
    let lines = match (answer, failed) {
        (Some(answer), _) => {
            let after = answer.after.as_deref().and_then(said);
            let after = after.map(|after| format!("after the changes: {after}"));
            said(&answer.before).into_iter().chain(after).collect()
        }
        (None, Some(why)) => vec![why.to_owned()],
        (None, None) => vec!["…".to_owned()],
    };
    let rows = if inside.height >= TALL { 3 } else { 1 };
    let mut y = y + 1;
    for line in lines {
        let wrapped = wrap(&line, room);
        for row in wrapped.iter().take(rows) {
            put(canvas.buffer, inside.x + 1, y, row, room, canvas.theme.word);
            y += 1;
        }
    }
    y.min(inside.bottom())
}

/// The changes, each with whether it is on; a click switches it.
fn changes(canvas: &mut Canvas, area: Rect) {
    let state = canvas.state;
    let room = usize::from(area.width.saturating_sub(2));
    let listed = state.views.prompt.settings.changes.iter().enumerate();
    for (y, (at, listed)) in (area.top()..area.bottom()).zip(listed) {
        let (option, value) = listed.change.option();
        let (mark, style) = match listed.on {
            true => ("✓", canvas.theme.on),
            false => ("·", canvas.theme.quiet),
        };
        let text = format!(
            "{} {mark} {} {value}",
            at + 1,
            option.trim_start_matches('-')
        );
        put(canvas.buffer, area.x + 1, y, &text, room, style);
        let switches = Target::Run(Action::Prompt(PromptCommand::Listed(at)));
        canvas.note(
            Rect {
                y,
                height: 1,
                ..area
            },
            switches,
        );
    }
}
