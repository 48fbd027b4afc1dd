//! The chooser of models.

use ratatui::layout::Rect;

use super::ModelRow;
use crate::explorer::screen::Canvas;
use crate::explorer::screen::list::{ListTexts, list};
use crate::explorer::widget::Line;

/// Draws the list.
pub fn draw(canvas: &mut Canvas, body: Rect) {
    let models = &canvas.state.views.models;
    let title = if models.beside {
        "Add a model to the chart"
    } else {
        "Open a model"
    };
    let empty = "a folder or a hub id (Tab goes on with it), or choose below";
    let (texts, rows) = (ListTexts::new(title, empty), canvas.state.models_listed());
    list(
        canvas,
        body,
        texts,
        &models.chooser,
        &rows,
        |canvas, row, choice| {
            let Rect { x, y, .. } = row.area;
            let open = canvas.state.card().map(|card| card.name.as_str());
            let mut line = Line::new(canvas.buffer, x + 3, y, row.area.right() - 1);
            match choice {
                ModelRow::Known(model) => {
                    line.right(model.origin.title(), row.quiet);
                    line.text(&model.name, row.style);
                    if open == Some(&*model.name) {
                        line.text("  open now", row.quiet);
                    }
                    line.text("  ", row.quiet);
                    line.text(&model.details, row.quiet);
                }
                ModelRow::Unread(problem) => {
                    line.right("not read", row.quiet);
                    line.text(problem, row.quiet);
                }
                ModelRow::Typed(typed) => {
                    line.right("as it is typed", row.quiet);
                    line.text("open ", row.quiet);
                    line.text(typed, row.style);
                }
            }
        },
    );
}
