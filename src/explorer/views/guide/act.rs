//! Opening the guide and going through it.

use super::state::{Guide, PageLink, links};
use crate::explorer::action::{Action, GuideStep, Motion, ViewId};
use crate::explorer::state::{Field, State};
use crate::guide;

/// The page for a screen that names none: how lists are read.
const USUAL: &str = "reading-lists";

/// Opens the page that explains what is in front.
pub(super) fn open(state: &mut State) {
    let on_top = state.stack.iter().rev().find_map(|id| id.view().page());
    let topic = on_top.or_else(|| state.tab().page()).unwrap_or(USUAL);
    state.views.guide = Guide {
        page: place_of(topic).unwrap_or_default(),
        ..Guide::default()
    };
    state.put_on_top(ViewId::Guide);
}

fn place_of(topic: &str) -> Option<usize> {
    guide::pages().iter().position(|page| page.topic == topic)
}

/// Cells of a line, and rows, as the last frame had them.
fn room(state: &State) -> (usize, usize) {
    (
        state.regions.text_cells.max(1),
        state.regions.choice_rows.max(1),
    )
}

pub(super) fn scroll(state: &mut State, motion: Motion) {
    let page = state.regions.choice_rows.max(1);
    let last = state.regions.text_rows.saturating_sub(page);
    let first = state.views.guide.first;
    let to = match motion {
        Motion::Up | Motion::Left => first.saturating_sub(1),
        Motion::Down | Motion::Right => first + 1,
        Motion::PageUp | Motion::HalfUp => first.saturating_sub(page),
        Motion::PageDown | Motion::HalfDown => first + page,
        Motion::First => 0,
        Motion::Last => last,
    };
    state.views.guide.first = to.min(last);
}

pub(super) fn step(state: &mut State, step: GuideStep) {
    let (cells, rows) = room(state);
    match step {
        GuideStep::NextPage => turn(state, 1),
        GuideStep::PreviousPage => turn(state, guide::pages().len() - 1),
        GuideStep::Search => {
            state.views.guide.search = Field::default();
            state.views.guide.typing = true;
        }
        GuideStep::NextMatch => next_match(state, true),
        GuideStep::PreviousMatch => next_match(state, false),
        GuideStep::NextLink => select_link(state, true),
        GuideStep::PreviousLink => select_link(state, false),
        GuideStep::Follow => follow(state),
        GuideStep::Return => match state.views.guide.before.pop() {
            Some((page, first)) => {
                let guide = &mut state.views.guide;
                (guide.page, guide.first, guide.link, guide.found) = (page, first, None, None);
                guide.first = first.min(guide.last_first(cells, rows));
            }
            None => state.say("no link led here: ← and → turn the pages"),
        },
    }
}

/// To the page so many further, around the end.
fn turn(state: &mut State, by: usize) {
    let page = (state.views.guide.page + by) % guide::pages().len();
    go(state, page, None);
}

/// To a page, at a heading; its search stays.
fn go(state: &mut State, page: usize, heading: Option<&str>) {
    let (cells, rows) = room(state);
    let guide = &mut state.views.guide;
    (guide.page, guide.link, guide.found) = (page, None, None);
    let at = heading.and_then(|heading| guide.line_of(heading, cells));
    guide.first = at.unwrap_or_default().min(guide.last_first(cells, rows));
}

/// The next link or the one before, beginning with those on screen; the window follows.
fn select_link(state: &mut State, down: bool) {
    let (cells, rows) = room(state);
    let guide = &mut state.views.guide;
    let all = links(&guide.lines(cells));
    let window = guide.first..guide.first + rows;
    let in_sight = |link: &PageLink| window.contains(&link.first);
    let current = guide.link.filter(|at| all.get(*at).is_some_and(in_sight));
    let at = match (current, down) {
        (Some(at), true) => (at + 1) % all.len().max(1),
        (Some(at), false) => at.checked_sub(1).unwrap_or(all.len().saturating_sub(1)),
        (None, true) => all
            .iter()
            .position(|l| l.first >= window.start)
            .unwrap_or(0),
        (None, false) => {
            let before = all.iter().rposition(|l| l.first < window.end);
            before.unwrap_or(all.len().saturating_sub(1))
        }
    };
    let Some(link) = all.get(at) else {
        return state.say("this page has no links");
    };
    guide.link = Some(at);
    show(guide, link.first, cells, rows);
}

/// Moves the window so that a row is in it.
fn show(guide: &mut Guide, row: usize, cells: usize, rows: usize) {
    if row < guide.first || row >= guide.first + rows {
        let first = row.saturating_sub(rows / 3);
        guide.first = first.min(guide.last_first(cells, rows));
    }
}

/// Goes where the selected link leads.
fn follow(state: &mut State) {
    let (cells, _) = room(state);
    let guide = &state.views.guide;
    let all = links(&guide.lines(cells));
    let Some(link) = guide.link.and_then(|at| all.get(at)) else {
        return state.say("no link is selected: Tab selects the next one");
    };
    let (file, heading) = match link.target.split_once('#') {
        Some((file, heading)) => (file, Some(heading)),
        None => (&*link.target, None),
    };
    let page = match file.strip_suffix(".md") {
        _ if file.is_empty() => Some(guide.page),
        Some(topic) => place_of(topic),
        None => None,
    };
    let from = (guide.page, guide.first);
    match page {
        Some(page) => {
            let heading = heading.map(str::to_owned);
            state.views.guide.before.push(from);
            go(state, page, heading.as_deref());
        }
        None => state.say(format!("this leads out of the guide: {}", link.target)),
    }
}

/// What is looked for has changed: the first match from the top of the screen on.
pub(super) fn typed(state: &mut State) {
    state.views.guide.found = None;
    find(state, |rows, guide| {
        let on = rows.iter().find(|row| **row >= guide.first);
        on.or(rows.first()).copied()
    });
}

fn next_match(state: &mut State, down: bool) {
    if state.views.guide.search.text().trim().is_empty() {
        return state.say("nothing is looked for yet: / begins");
    }
    find(state, |rows, guide| {
        let from = guide.found.unwrap_or(guide.first);
        let next = match down {
            true => rows.iter().find(|row| **row > from).or(rows.first()),
            false => rows.iter().rev().find(|row| **row < from).or(rows.last()),
        };
        next.copied()
    });
}

/// Goes to one of the rows that hold what is looked for.
fn find(state: &mut State, which: impl Fn(&[usize], &Guide) -> Option<usize>) {
    let (cells, rows) = room(state);
    let guide = &mut state.views.guide;
    let matches = guide.matches(&guide.lines(cells));
    match which(&matches, guide) {
        Some(row) => {
            guide.found = Some(row);
            show(guide, row, cells, rows);
        }
        None if guide.search.text().trim().is_empty() => {}
        None => {
            let said = format!("“{}” is not on this page: → turns it", guide.search.text());
            state.say(said);
        }
    }
}

/// Enter keeps what was looked for, Esc forgets it.
pub(super) fn end_typing(state: &mut State, action: Action) {
    let guide = &mut state.views.guide;
    guide.typing = false;
    if action == Action::Cancel {
        (guide.search, guide.found) = (Field::default(), None);
    }
}
