//! Filters of a saved view: the files that they name are read, and compared with what they were.

use crate::explorer::effect::Effect;
use crate::explorer::saved_view::ViewSettings;
use crate::explorer::shell;
use crate::explorer::state::State;
use crate::vocabulary::FileSource;

/// Takes over the filters and the convention of a saved view.
pub fn restore(state: &mut State, settings: &ViewSettings) -> Vec<Effect> {
    state.convention = settings.convention;
    // What the model's own figures favour does not come over what the view says.
    if state.convention_query().is_some() {
        state.keep_convention(true);
    }
    let effects = take_over(state, settings);
    shell::relisted(state);
    effects
}

/// Words and texts that are the same files as now stay; others are read.
fn take_over(state: &mut State, settings: &ViewSettings) -> Vec<Effect> {
    let mut effects = Vec::new();
    let mut filters = settings.filters.clone();
    let unread = settings.unread();
    let same = |a: Option<&FileSource>, b: &FileSource| a == Some(b);
    if let Some(source) = unread.words {
        let now = state.filters.words.take();
        filters.words = now.filter(|words| same(words.source.as_ref(), source));
        if filters.words.is_none() {
            effects.push(Effect::ReadWords(source.path.to_path_buf()));
            expect(state, source);
        }
    }
    if let Some(source) = unread.text {
        let now = state.filters.text.take();
        filters.text = now.filter(|text| same(text.source.as_ref(), source));
        if filters.text.is_none() {
            effects.push(Effect::ReadText(source.path.to_path_buf()));
            expect(state, source);
        }
    }
    state.filters = filters;
    effects
}

fn expect(state: &mut State, source: &FileSource) {
    state.expected.retain(|known| known.path != source.path);
    if !source.sha256.is_empty() {
        state.expected.push(source.clone());
    }
}

/// Says so if a file that was read for a view is not what it was when the view was saved.
pub fn compare(state: &mut State, label: &str, read: Option<&FileSource>) {
    let Some(read) = read else { return };
    let at = state.expected.iter().position(|e| e.path == read.path);
    let Some(expected) = at.map(|at| state.expected.remove(at)) else {
        return;
    };
    if expected.sha256 != read.sha256 {
        state.fail(format!(
            "{label} has changed since this view was saved: the lists may be others"
        ));
    }
}
