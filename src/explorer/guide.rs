//! Pages of the guide in the terminal's colours.

use std::io::{self, Write};

use ratatui::style::{Color, Modifier, Style};

use super::terminal::{queue_style, terminal_size};
use super::theme::Theme;
use super::widget;
use crate::guide::{self, Emphasis, Page};

/// Lines longer than this are hard to read, however wide the terminal.
pub const WIDTH_MAX: usize = 100;

/// Writes a page to a terminal, wrapped to its width.
///
/// # Errors
/// The terminal's size is unknown, or it cannot be written to.
pub fn print_guide(out: &mut impl Write, theme: &Theme, page: &Page) -> io::Result<()> {
    let width = usize::from(terminal_size()?.width).min(WIDTH_MAX);
    write_page(out, theme, page, width)?;
    out.flush()
}

fn write_page(out: &mut impl Write, theme: &Theme, page: &Page, width: usize) -> io::Result<()> {
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
    Ok(())
}

/// How a piece of a page's text is drawn.
pub fn style(theme: &Theme, emphasis: Emphasis) -> Style {
    match emphasis {
        Emphasis::None => theme.word,
        Emphasis::Heading => theme.here,
        Emphasis::Strong => theme.title,
        Emphasis::Italic => theme.word.add_modifier(Modifier::ITALIC),
        Emphasis::Code => theme.key,
        Emphasis::Link => theme.word.add_modifier(Modifier::UNDERLINED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explorer::theme::ColorChoice;

    fn written(choice: ColorChoice) -> String {
        let theme = Theme::choose(choice, |_| None);
        let page = guide::page("keys").unwrap();
        let mut out = Vec::new();
        write_page(&mut out, &theme, page, 60).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// What is left without the sequences that set styles.
    fn plain(text: &str) -> String {
        let mut pieces = text.split("\u{1b}[");
        let first = pieces.next().unwrap().to_owned();
        first
            + &pieces
                .map(|piece| piece.split_once('m').unwrap().1)
                .collect::<String>()
    }

    #[test]
    fn a_page_has_the_themes_styles_and_the_same_words_without_colour() {
        let [colour, mono] = [ColorChoice::Always, ColorChoice::Never].map(written);
        assert_eq!(plain(&colour), plain(&mono));
        assert!(colour.contains("\u{1b}[38;"));
        assert!(!mono.contains("\u{1b}[3") && mono.contains("\u{1b}[1m"));
        let text = plain(&mono);
        assert!(text.starts_with("Keys\n"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 60),
            "{text}"
        );
        assert!(!text.contains("**") && !text.contains("|--"), "{text}");
    }
}
