//! State → cells. Draws and computes nothing; says what lies where.

pub mod footer;
mod header;
pub mod list;
pub mod menu;
pub mod words;

use ratatui::Frame;
use ratatui::buffer::{Buffer, Cell, CellDiffOption, CellWidth};
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Clear, Widget};

use super::action::ViewId;
use super::state::{Area, Regions, State, Target};
use super::theme::Theme;
use super::views::{download, line};
use super::widget::{Panel, put, width};

/// Below this there is only a message.
pub const WIDTH_MIN: u16 = 40;
/// Below this there is only a message.
pub const HEIGHT_MIN: u16 = 15;

/// Cells of the widest text that is drawn as one, beyond its first.
const WIDE_MAX: u16 = 7;

/// A frame being drawn.
pub struct Canvas<'a> {
    pub state: &'a State,
    pub theme: &'a Theme,
    pub buffer: &'a mut Buffer,
    /// What lies where, as far as it is drawn.
    pub regions: Regions,
    /// The terminal's cursor, where a line is typed.
    pub cursor: Option<Position>,
}

/// Draws the state; returns what lies where.
pub fn draw(state: &State, theme: &Theme, frame: &mut Frame) -> Regions {
    let area = frame.area();
    let mut canvas = Canvas {
        state,
        theme,
        buffer: frame.buffer_mut(),
        regions: Regions::default(),
        cursor: None,
    };
    if area.width < WIDTH_MIN || area.height < HEIGHT_MIN {
        canvas.too_small(area);
    } else {
        canvas.screen(area);
    }
    let Canvas {
        regions, cursor, ..
    } = canvas;
    if let Some(cursor) = cursor {
        frame.set_cursor_position(cursor);
    }
    regions
}

impl Canvas<'_> {
    fn too_small(&mut self, area: Rect) {
        for (i, text) in [
            format!("lexiscope needs {WIDTH_MIN} × {HEIGHT_MIN} cells"),
            format!("and has {} × {} here", area.width, area.height),
        ]
        .iter()
        .enumerate()
        {
            let y = area.y + area.height.saturating_sub(2) / 2 + i as u16;
            let x = area.x + area.width.saturating_sub(width(text) as u16) / 2;
            put(self.buffer, x, y, text, area.width.into(), self.theme.word);
        }
    }

    fn screen(&mut self, area: Rect) {
        let row = |y: u16| Rect::new(area.x, area.y + y, area.width, 1);
        let body = Rect::new(area.x, area.y + 2, area.width, area.height - 4);
        header::draw(self, row(0));
        header::tabs(self, row(1));
        let tab = self.state.tab();
        match &self.state.model {
            None => self.no_model(body),
            Some(_) => tab.draw(self, body),
        }
        tab.settings_line(self, row(area.height - 2));
        download::draw_progress(self, body);
        for id in &self.state.stack {
            self.note(area, Target::Behind);
            id.view().draw(self, body);
        }
        // After what is on top, whose keys it names: clicks on it are for that.
        match self.state.is_on_top(ViewId::Line) {
            true => line::draw(self, row(area.height - 1)),
            false => footer::draw(self, row(area.height - 1)),
        }
        footer::chords(self, body);
    }

    fn no_model(&mut self, body: Rect) {
        let text = match &self.state.opening {
            Some(opening) => format!("opening {} …", opening.name),
            None => "no model is open: o opens one".to_owned(),
        };
        let x = body.x + body.width.saturating_sub(width(&text) as u16) / 2;
        let y = body.y + body.height / 2;
        put(
            self.buffer,
            x,
            y,
            &text,
            body.width.into(),
            self.theme.quiet,
        );
    }

    /// Notes a target for the mouse.
    pub fn note(&mut self, area: Rect, target: Target) {
        let Rect {
            x,
            y,
            width,
            height,
        } = area;
        self.regions.note(
            Area {
                x,
                y,
                width,
                height,
            },
            target,
        );
    }

    /// Notes a target that lies in one row.
    pub fn note_row(&mut self, (from, to): (u16, u16), y: u16, target: Target) {
        self.note(Rect::new(from, y, to.saturating_sub(from), 1), target);
    }

    /// A frame in the theme's styles, bright if it has the focus.
    pub fn panel<'t>(&self, title: &'t str, note: &'t str, focus: bool) -> Panel<'t> {
        let theme = self.theme;
        Panel {
            title,
            note,
            footer: "",
            border: if focus { theme.focus } else { theme.border },
            title_style: if focus { theme.here } else { theme.title },
            quiet: theme.quiet,
        }
    }

    /// A frame on top of everything, in the middle of an area; returns its inside.
    pub fn on_top(&mut self, body: Rect, size: (u16, u16), title: &str, note: &str) -> Rect {
        // A frame right inside another would be a double one: it covers that instead.
        let fitted = |wanted: u16, room: u16| match room.saturating_sub(wanted) {
            0..=3 => room,
            _ => wanted,
        };
        let cells = fitted(size.0, body.width);
        let rows = fitted(size.1, body.height);
        let area = Rect::new(
            body.x + (body.width - cells) / 2,
            body.y + (body.height - rows) / 2,
            cells,
            rows,
        );
        Clear.render(area, self.buffer);
        // No part of a wide text must stick out from under the frame.
        for y in area.top()..area.bottom() {
            for cells in 1..=area.x.min(WIDE_MAX) {
                let beside = self.buffer.cell_mut((area.x - cells, y));
                let wide = |cell: &&mut Cell| cell.cell_width() > cells;
                if let Some(cell) = beside.filter(wide) {
                    cell.set_symbol(" ").set_diff_option(CellDiffOption::None);
                }
            }
        }
        self.note(area, Target::Overlay);
        self.panel(title, note, true).draw(area, self.buffer)
    }
}

/// How wide the sidebar of a screen is.
pub fn sidebar_cells(canvas: &Canvas, body: Rect) -> u16 {
    let spec = canvas.state.card().map(|card| &card.spec);
    let layers = spec.map_or(0, |spec| spec.layers as u16);
    match body.width {
        0..60 => 15,
        60..110 => 18,
        all => (layers + 4).clamp(22, all / 5),
    }
}
