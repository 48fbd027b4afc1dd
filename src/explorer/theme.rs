//! Styles by meaning. The colours are the terminal's own sixteen, right on light and on dark; in
//! mono nothing is coloured. What matters is never told by colour alone.

use ratatui::style::{Color, Modifier, Style};

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// Unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// How many colours a ramp may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    Mono,
    Indexed,
    True,
}

/// The styles.
#[derive(Clone, Debug)]
pub struct Theme {
    /// A word, read at full strength.
    pub word: Style,
    /// Scores, labels, what stands back.
    pub quiet: Style,
    pub bar: Style,
    pub border: Style,
    /// Where one is.
    pub here: Style,
    /// The frame of what has the focus.
    pub focus: Style,
    /// A key in a hint.
    pub key: Style,
    /// A filter that is on, a bookmark.
    pub on: Style,
    pub title: Style,
    pub error: Style,
    /// Words that belong to the place before, until the new ones are there.
    pub stale: Style,
    /// The lines of a chart.
    pub lines: [Style; 3],
    depth: Depth,
}

/// Steps of a ramp; few, so that neighbours often share one.
const RAMP_STEPS: usize = 16;
/// The ends of the ramp: both read on light and on dark.
const RAMP_COLD: [f32; 3] = [110.0, 128.0, 150.0];
const RAMP_HOT: [f32; 3] = [225.0, 105.0, 30.0];
/// The shades that say the same without colour.
const SHADES: [&str; 4] = ["░", "▒", "▓", "█"];

impl Theme {
    /// The theme for a choice and an environment (`NO_COLOR`, `COLORTERM`).
    pub fn choose(choice: ColorChoice, environment: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| environment(name).filter(|value| !value.is_empty());
        let mono = match choice {
            ColorChoice::Auto => set("NO_COLOR").is_some(),
            ColorChoice::Always => false,
            ColorChoice::Never => true,
        };
        let full = set("COLORTERM").is_some_and(|v| v == "truecolor" || v == "24bit");
        match (mono, full) {
            (true, _) => Self::mono(),
            (false, true) => Self::color(Depth::True),
            (false, false) => Self::color(Depth::Indexed),
        }
    }

    fn color(depth: Depth) -> Self {
        let plain = Style::new();
        Self {
            bar: plain.fg(Color::Blue).add_modifier(Modifier::DIM),
            here: plain.fg(Color::Cyan).add_modifier(Modifier::BOLD),
            focus: plain.fg(Color::Cyan),
            key: plain.fg(Color::Cyan),
            on: plain.fg(Color::Yellow).add_modifier(Modifier::BOLD),
            error: plain.fg(Color::Red).add_modifier(Modifier::BOLD),
            lines: [Color::Cyan, Color::Yellow, Color::Magenta].map(|c| plain.fg(c)),
            depth,
            ..Self::mono()
        }
    }

    /// No colour at all: bold, dim and underline.
    pub fn mono() -> Self {
        let plain = Style::new();
        let dim = plain.add_modifier(Modifier::DIM);
        let bold = plain.add_modifier(Modifier::BOLD);
        Self {
            word: plain,
            quiet: dim,
            bar: dim,
            border: dim,
            here: bold.add_modifier(Modifier::UNDERLINED),
            focus: bold,
            key: bold,
            on: bold,
            title: bold,
            error: bold,
            stale: dim,
            lines: [plain; 3],
            depth: Depth::Mono,
        }
    }

    /// A share from 0 to 1 as a shade and its colour.
    pub fn heat(&self, share: f32) -> (&'static str, Style) {
        let share = if share.is_finite() {
            share.clamp(0.0, 1.0)
        } else {
            0.0
        };
        let shade = SHADES[((share * 4.0) as usize).min(3)];
        let step = (share * (RAMP_STEPS - 1) as f32).round() / (RAMP_STEPS - 1) as f32;
        let style = match self.depth {
            Depth::Mono => Style::new(),
            Depth::Indexed => Style::new().fg(Color::Indexed(
                [67, 103, 139, 173, 172, 208][((step * 6.0) as usize).min(5)],
            )),
            Depth::True => {
                let part = |i: usize| (RAMP_COLD[i] + (RAMP_HOT[i] - RAMP_COLD[i]) * step) as u8;
                Style::new().fg(Color::Rgb(part(0), part(1), part(2)))
            }
        };
        (shade, style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(choice: ColorChoice, variables: &[(&str, &str)]) -> Theme {
        Theme::choose(choice, |name| {
            let found = variables.iter().find(|(n, _)| *n == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn uses_no_colour_where_none_is_wanted() {
        for theme in [
            theme(
                ColorChoice::Auto,
                &[("NO_COLOR", "1"), ("COLORTERM", "truecolor")],
            ),
            theme(ColorChoice::Never, &[]),
        ] {
            for style in [
                theme.here,
                theme.error,
                theme.on,
                theme.bar,
                theme.heat(0.9).1,
            ] {
                assert_eq!((style.fg, style.bg), (None, None));
            }
        }
    }

    #[test]
    fn lets_an_empty_no_color_and_always_have_colour() {
        assert!(
            theme(ColorChoice::Auto, &[("NO_COLOR", "")])
                .here
                .fg
                .is_some()
        );
        assert!(
            theme(ColorChoice::Always, &[("NO_COLOR", "1")])
                .here
                .fg
                .is_some()
        );
    }

    #[test]
    fn shades_grow_with_the_share() {
        let theme = Theme::mono();
        let shades: Vec<_> = [0.0, 0.3, 0.6, 1.0, f32::NAN]
            .map(|s| theme.heat(s).0)
            .into();
        assert_eq!(shades, ["░", "▒", "▓", "█", "░"]);
    }

    #[test]
    fn uses_true_colour_only_where_the_terminal_has_it() {
        let full = theme(ColorChoice::Auto, &[("COLORTERM", "truecolor")]);
        assert!(matches!(full.heat(0.5).1.fg, Some(Color::Rgb(..))));
        let few = theme(ColorChoice::Auto, &[]);
        assert!(matches!(few.heat(0.5).1.fg, Some(Color::Indexed(_))));
    }
}
