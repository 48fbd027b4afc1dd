//! What the Geometry pane says in words: what is measured, how far it is, why there is no number.

use ratatui::layout::Rect;

use super::{ChartSettings, Compared};
use crate::explorer::action::{Action, Chart};
use crate::explorer::number::duration;
use crate::explorer::screen::Canvas;
use crate::explorer::state::{State, Target};
use crate::explorer::theme::Theme;
use crate::explorer::widget::{Line, width};
use crate::geometry::{Measure, Subwords};
use crate::query::sheet::Depth;
use crate::sheet::grouped;

/// Below this width the settings leave no room for the name of the texts.
const NARROW: u16 = 90;
/// From this width on there is room for all of it.
const WIDE: u16 = 140;

/// Why there is nothing to draw.
pub(super) fn no_number(state: &State, compared: &[Compared]) -> String {
    let settings = &state.views.geometry.settings;
    if let Some(why) = compared.iter().find_map(|model| model.failed) {
        return why.to_owned();
    }
    let fresh = || compared.iter().filter(|model| model.fresh);
    let answers = || fresh().filter_map(|model| model.part.answer());
    if settings.measure.of_token() && settings.token.is_none() {
        return "No number: this is of a token; t asks for one".to_owned();
    }
    let token = settings.token.as_deref().unwrap_or_default();
    let few = |n: &usize| *n < 2;
    let holding = answers().filter_map(|a| a.token.as_ref());
    if settings.measure == Measure::ContextSpecificity
        && holding.map(|t| t.texts).max().as_ref().is_some_and(few)
    {
        return format!("No number: fewer than two texts hold “{token}”");
    }
    let missing = answers().filter_map(|a| settings.values(a)?.0.missing.clone());
    if let Some(why) = missing.into_iter().next() {
        return format!("No number: {why}");
    }
    if settings.log && answers().next().is_some() {
        return "No number above 0: X goes back to linear values".to_owned();
    }
    match state.views.geometry.stopped {
        true => "Nothing is measured: Enter measures".to_owned(),
        false => "measuring …".to_owned(),
    }
}

/// How far measuring is, or what one should know of what was measured.
pub(super) fn footer(state: &State, compared: &[Compared]) -> String {
    let many = compared.len() > 1;
    let named = |model: &Compared, what: String| match many {
        true => format!(
            "{} {what}",
            model.name.rsplit('/').next().unwrap_or(model.name)
        ),
        false => what,
    };
    let stopped = state.views.geometry.stopped;
    let running = compared
        .iter()
        .filter(|m| !m.fresh && m.failed.is_none() && !stopped);
    let running: Vec<String> = running
        .map(|model| {
            let percent = |done: f32| format!("{:.0} %", (done * 100.0).clamp(0.0, 99.0));
            let done = match (model.card, model.part.done) {
                (None, _) => "opening …".to_owned(),
                (_, None) => "…".to_owned(),
                (_, Some(done)) => percent(done),
            };
            named(model, done)
        })
        .collect();
    if !running.is_empty() {
        return format!("measuring {} · Esc stops", running.join(" · "));
    }
    let fresh = || compared.iter().filter(|model| model.fresh);
    let notices = fresh().flat_map(|model| {
        let notices = model.part.answer().map_or(&[][..], |a| &a.notices[..]);
        notices.iter().map(|notice| named(model, notice.clone()))
    });
    let failed = compared.iter().filter_map(|model| {
        let why = model.failed?;
        many.then(|| named(model, why.to_owned()))
    });
    let mut said: Vec<String> = notices.chain(failed).collect();
    if said.is_empty() {
        let took = fresh()
            .filter_map(|m| m.part.shown.as_ref())
            .map(|s| s.took);
        let took = took.filter(|took| !took.is_zero()).max();
        said.extend(took.map(|took| format!("exact · {}", duration(took))));
    }
    if stopped {
        said.push("stopped · Enter measures".to_owned());
    }
    said.join(" · ")
}

/// What is measured, in the place of the filters.
pub fn settings(canvas: &mut Canvas, row: Rect) {
    let (state, theme) = (canvas.state, canvas.theme);
    let settings = &state.views.geometry.settings;
    let mut line = Line::new(canvas.buffer, row.x + 1, row.y, row.right() - 1);
    let mut targets = Vec::new();
    let on = settings.without_dominant > 0
        || settings.skip_first
        || settings.skip_special
        || settings.pieces != Subwords::Mean;
    // On a narrow screen what is measured gives way to how: it stands in the title too.
    let narrow = on && row.width < NARROW;
    let texts = format!("texts {} ", settings.texts.label);
    if !narrow {
        targets.push((line.text(&texts, theme.quiet), Chart::AskTexts));
        line.skip(1);
    }
    let token = settings.token.as_deref().unwrap_or("none");
    let (from, _) = line.text("token ", theme.quiet);
    let (_, to) = line.text(token, theme.word);
    targets.push(((from, to), Chart::AskToken));
    let compared = state.compared();
    let own = compared.first().filter(|model| model.fresh);
    let found = own.and_then(|model| model.part.answer()?.token.as_ref());
    // How often it occurs has room where nothing else needs it.
    if let Some(found) = found.filter(|_| !on || row.width >= WIDE) {
        let (times, texts) = (grouped(found.occurrences), grouped(found.texts));
        line.whole(&format!(" {times} × in {texts} texts"), theme.quiet);
    }
    line.skip(2);
    switches(&mut line, theme, settings, &mut targets);
    for (cells, chart) in targets {
        canvas.note_row(cells, row.y, Target::Run(Action::Chart(chart)));
    }
}

/// Cells of a row, and what a click on them does.
type Clickable = ((u16, u16), Chart);

/// The switches: those that are on always, by shorter names where they have no room, since they change
/// every number; those that are off as far as there is room beside them.
fn switches(
    line: &mut Line,
    theme: &Theme,
    settings: &ChartSettings,
    targets: &mut Vec<Clickable>,
) {
    let k = settings.without_dominant;
    let dominant = match k {
        0 => ["all dimensions".to_owned(), "all dims".to_owned()],
        _ => [format!("without {k} dominant"), format!("−{k} dims")],
    };
    let [pieces, piece] = match settings.pieces {
        Subwords::Mean => ["mean of pieces", "mean"],
        Subwords::First => ["first piece", "1st piece"],
        Subwords::Last => ["last piece", "last piece"],
    };
    let relative = settings.depth == Depth::Relative;
    let all = [
        (settings.corrected, "corrected", "corr", Chart::Corrected),
        (settings.log, "log", "log", Chart::Log),
        (relative, "relative depth", "depth", Chart::Depth),
        (
            settings.skip_first,
            "no first position",
            "−first",
            Chart::SkipFirst,
        ),
        (
            settings.skip_special,
            "no specials",
            "−specials",
            Chart::SkipSpecial,
        ),
        (k > 0, &*dominant[0], &*dominant[1], Chart::Dominant),
        (
            settings.pieces != Subwords::Mean,
            pieces,
            piece,
            Chart::Subwords,
        ),
    ];
    let cells = |name: &str| width(name) + 4;
    let on = all.iter().filter(|(on, ..)| *on);
    let short = on.map(|(_, long, ..)| cells(long)).sum::<usize>() > line.room() + 2;
    for (at, (on, long, brief, chart)) in all.iter().enumerate() {
        let name_of = |long, brief| if short { brief } else { long };
        let name = name_of(long, brief);
        // What is off leaves room for what is on after it.
        let after = all[at + 1..].iter().filter(|(later, ..)| *later && !on);
        let kept: usize = after
            .map(|(_, long, brief, _)| cells(name_of(long, brief)))
            .sum();
        if width(name) + 2 + kept > line.room() {
            continue;
        }
        let (mark, of_mark, of_name) = match on {
            true => ("●", theme.on, theme.word),
            false => ("○", theme.quiet, theme.quiet),
        };
        let (from, _) = line.text(mark, of_mark);
        line.skip(1);
        let (_, to) = line.text(name, of_name);
        line.skip(2);
        targets.push(((from, to), *chart));
    }
}
