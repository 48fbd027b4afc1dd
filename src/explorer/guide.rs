//! Pages of the guide in the terminal's colours.

use std::io::{self, Write};

use ratatui::style::{Color, Modifier, Style};

use super::terminal::{queue_style, terminal_size};
use super::theme::Theme;
use super::widget;
use crate::guide::{self, Emphasis, Page};

/// Lines longer than this are hard to read, however wide the terminal.
const WIDTH_MAX: usize = 100;

/// Writes a page to a terminal, wrapped to its width.
///
/// # Errors
/// The terminal's size is unknown, or it cannot be written to.
pub fn print_guide(out: &mut impl Write, theme: &Theme, page: &Page) -> io::Result<()> {
    let width = usize::from(terminal_size()?.width).min(WIDTH_MAX);
    for line in guide::lines(&guide::blocks(page.text), width, widget::width) {
        for span in line {
            let style = style(theme, span.emphasis);
            let color = |color: Option<Color>| color.unwrap_or(Color::Reset);
            let parts = (color(style.fg), color(style.bg), style.add_modifier);
            queue_style(out, parts)?;
            out.write_all(span.text.as_bytes())?;
        }
        queue_style(out, (Color::Reset, Color::Reset, Modifier::empty()))?;
        writeln!(out)?;
    }
    out.flush()
}

/// How a piece of a page's text is drawn.
fn style(theme: &Theme, emphasis: Emphasis) -> Style {
    match emphasis {
        Emphasis::None => theme.word,
        Emphasis::Heading => theme.here,
        Emphasis::Strong => theme.title,
        Emphasis::Italic => theme.word.add_modifier(Modifier::ITALIC),
        Emphasis::Code => theme.key,
        Emphasis::Link => theme.word.add_modifier(Modifier::UNDERLINED),
    }
}
