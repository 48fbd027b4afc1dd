//! The list of measures of heads, bundled relations among them: what the map of heads is shaded by.

use ratatui::layout::Rect;

use crate::explorer::action::{Action, ViewId};
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::screen::Canvas;
use crate::explorer::screen::list::{ListTexts, list};
use crate::explorer::state::{Chooser, Field, State, matches};
use crate::explorer::view::{List, View};
use crate::explorer::widget::Line;
use crate::query::{BundledRelation, RankMetric};

/// Cells of a measure's name.
const NAME: u16 = 16;

/// The list.
pub struct MeasuresView;

impl View for MeasuresView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Lists]
    }

    fn page(&self) -> Option<&'static str> {
        Some("relations")
    }

    fn act(&self, state: &mut State, action: Action, _: Option<usize>) -> Option<Vec<Effect>> {
        if action != Action::OpenMeasures {
            return None;
        }
        state.views.measures = Chooser::default();
        state.put_on_top(ViewId::Measures);
        Some(Vec::new())
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        let texts = ListTexts::new("Shade the heads by", "type to find: capital, en-past …");
        let rows = canvas.state.measures_listed();
        let chooser = &canvas.state.views.measures;
        list(canvas, body, texts, chooser, &rows, |canvas, row, by| {
            let Rect { x, y, .. } = row.area;
            let mut line = Line::new(canvas.buffer, x + 3, y, row.area.right() - 1);
            let from = line.x;
            line.text(by.name(), row.style);
            line.x = line.x.max(from + NAME);
            line.skip(1);
            line.text(by.meaning(), row.quiet);
        });
    }

    fn field<'s>(&self, state: &'s mut State) -> Option<&'s mut Field> {
        Some(&mut state.views.measures.field)
    }

    fn list(&self) -> Option<&dyn List> {
        Some(self)
    }
}

impl List for MeasuresView {
    fn rows(&self, state: &State) -> usize {
        state.measures_listed().len()
    }

    fn selected<'s>(&self, state: &'s mut State) -> Option<&'s mut usize> {
        Some(&mut state.views.measures.selected)
    }

    fn take(&self, state: &mut State, row: usize) -> Vec<Effect> {
        if let Some(by) = state.measures_listed().get(row) {
            state.views.ranking.heads_by = *by;
            state.stack.pop();
        }
        Vec::new()
    }
}

impl State {
    /// The measures of heads that have all of what is typed.
    pub fn measures_listed(&self) -> Vec<RankMetric> {
        let typed = self.views.measures.field.text();
        let of_model = self.card().map(RankMetric::of_heads_in);
        let relations = BundledRelation::all().map(RankMetric::Relation);
        let all = of_model.unwrap_or_default().into_iter().chain(relations);
        all.filter(|by| matches(typed, &format!("{by} {}", by.meaning())))
            .collect()
    }
}
