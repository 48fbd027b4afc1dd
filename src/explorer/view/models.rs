//! The chooser of models.

use ratatui::layout::Rect;

use super::Canvas;
use super::lists::list;
use crate::explorer::state::{Choice, Chooser};
use crate::explorer::widget::Line;

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect, beside: bool, chooser: &Chooser) {
    let title = if beside {
        "Add a model to the chart"
    } else {
        "Open a model"
    };
    let heading = (
        title,
        "a folder or a hub id (Tab goes on with it), or choose below",
    );
    list(canvas, body, heading, chooser, |canvas, row, choice| {
        let Rect { x, y, .. } = row.area;
        let open = canvas.state.card().map(|card| card.name.as_str());
        let mut line = Line::new(canvas.buffer, x + 3, y, row.area.right() - 1);
        match choice {
            Choice::Model(model) => {
                line.right(model.origin.title(), row.quiet);
                line.text(&model.name, row.style);
                if open == Some(&*model.name) {
                    line.text("  open now", row.quiet);
                }
            }
            Choice::Typed(typed) => {
                line.right("as it is typed", row.quiet);
                line.text("open ", row.quiet);
                line.text(typed, row.style);
            }
            _ => {}
        }
    });
}
