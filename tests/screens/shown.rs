//! What is on the screen.

use insta::assert_snapshot;
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::key::{self, Key};
use lexiscope::explorer::keymap::COMMANDS;
use lexiscope::explorer::shell;
use lexiscope::explorer::state::{ModelChoice, Origin};
use lexiscope::explorer::theme::Theme;
use lexiscope::query::Query;
use lexiscope::transformer::Form;
use ratatui::style::Color;

use super::Screen;
use super::model::LARGE;

#[test]
fn a_neuron_at_every_size() {
    for (width, height) in [
        (39, 15),
        (48, 20),
        (60, 15),
        (80, 24),
        (90, 14),
        (90, 20),
        (120, 30),
        (200, 60),
    ] {
        let name = format!("neurons-{width}x{height}");
        assert_snapshot!(name, Screen::new(width, height).text());
    }
}

#[test]
fn a_head_at_every_size() {
    for (width, height) in [(48, 20), (60, 15), (80, 24), (80, 40), (120, 30), (200, 60)] {
        let mut screen = Screen::new(width, height);
        let name = format!("heads-{width}x{height}");
        assert_snapshot!(name, screen.press("Tab ↓ → v").text());
    }
}

#[test]
fn a_model_of_many_layers_and_heads() {
    for (width, height) in [(80, 24), (120, 30)] {
        let mut screen = Screen::new(width, height);
        screen
            .press("o")
            .write(LARGE)
            .press("Enter : L 1 9 . N 9 0 7 Enter");
        assert_snapshot!(format!("large-neurons-{width}x{height}"), screen.text());
        screen.press(": L 2 1 . H 7 Enter");
        assert_snapshot!(format!("large-heads-{width}x{height}"), screen.text());
    }
}

#[test]
fn what_lies_on_top() {
    for (name, script) in [
        ("filters", "f a p"),
        ("help", "?"),
        ("palette", ": L 5 . N 7"),
        ("models", "o / x"),
        ("bookmarks", "m r m '"),
        ("chord", "g"),
        ("count", "9 0"),
        ("find", "/ s k"),
        ("note", "M"),
    ] {
        let mut screen = Screen::new(100, 24);
        screen.state.models = ["gpt2-pl", "bert-pl"]
            .map(|name| ModelChoice::new(name, Origin::Bundled))
            .into();
        assert_snapshot!(format!("top-{name}"), screen.press(script).text());
    }
}

#[test]
fn a_long_error_is_read_in_full() {
    let mut screen = Screen::new(80, 20);
    let words = "no such model: expected a bundled model (gpt2-pl, bert-pl), a folder, or a hub id \
                 owner/name that was downloaded before";
    screen.state.fail(words);
    screen.draw();
    let said: Vec<String> = screen
        .text()
        .lines()
        .rev()
        .take(2)
        .map(str::to_owned)
        .collect();
    assert!(
        said[1].contains("✗ no such model: expected a bundled model"),
        "{said:?}"
    );
    assert!(
        said[0].contains("owner/name that was downloaded before"),
        "{said:?}"
    );
    screen.press("↓");
    assert!(screen.last_line().contains("↑↓ neuron"));
}

#[test]
fn a_first_start_says_what_one_looks_at_until_the_first_key() {
    let mut screen = Screen::new(120, 30);
    screen.state.welcome = true;
    screen.draw();
    assert!(
        screen
            .last_line()
            .contains("the words this neuron fires on (K)")
    );
    assert!(screen.last_line().contains("? help"));
    screen.press("↓");
    assert!(!screen.last_line().contains("fires on"));
}

#[test]
fn a_first_start_leaves_room_for_help_and_quit() {
    for width in [60, 80, 100] {
        let mut screen = Screen::new(width, 24);
        screen.state.welcome = true;
        screen.draw();
        let line = screen.last_line();
        assert!(line.contains("fires on"), "{line}");
        assert!(line.contains("? help") && line.contains("q quit"), "{line}");
    }
}

#[test]
fn no_frame_stands_right_inside_another() {
    for (width, height) in [(60, 15), (80, 24), (84, 24), (86, 24), (90, 20), (120, 30)] {
        for script in ["?", "F", "o", "g h i", "i", "F1", "f", "c"] {
            let mut screen = Screen::new(width, height);
            let text = screen.press(script).text();
            for row in text.lines().map(|line| line.trim_matches('"')) {
                let double = ["││", "│╭", "│╰"].iter().any(|pair| row.starts_with(pair))
                    || ["││", "╮│", "╯│"].iter().any(|pair| row.ends_with(pair));
                assert!(!double, "{script} at {width} × {height}:\n{text}");
            }
        }
    }
}

#[test]
fn a_filter_that_cannot_be_told_here_says_so() {
    let mut screen = Screen::new(120, 30);
    // The model made by hand tells nothing of its tokens.
    screen.press("f u");
    let text = screen.text();
    assert!(
        text.contains("● undertrained hidden: cannot be told here"),
        "{text}"
    );
    assert!(text.contains("no undertrained tokens"), "{text}");
    screen.press("u Esc");
    assert!(!screen.text().contains("cannot be told"));
}

#[test]
fn nothing_is_coloured_in_mono_and_one_still_sees_where_one_is() {
    let mut screen = Screen::new(100, 20);
    screen.theme = Theme::mono();
    screen.press("↓ m f");
    let buffer = screen.terminal.backend().buffer();
    for cell in buffer.content() {
        assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
    }
    assert_snapshot!("mono", format!("{buffer:?}"));
}

#[test]
fn every_size_is_drawn_without_a_panic() {
    for script in [
        "",
        "p",
        "Tab",
        "Tab Tab",
        "Tab Tab p",
        "Tab Tab X x -",
        "?",
        "f",
        "'",
        "o",
        "/",
        "g",
    ] {
        let mut screen = Screen::new(30, 10);
        screen.press(script);
        for width in [0, 1, 2, 5, 39, 40, 41, 59, 60, 77, 89, 90, 110] {
            for height in [0, 1, 2, 14, 15, 16, 20, 33] {
                screen.terminal.backend_mut().resize(width, height);
                screen.draw();
            }
        }
    }
}

#[test]
fn no_keys_and_no_clicks_bring_it_down() {
    let mut random = fastrand::Rng::with_seed(11);
    let keys: Vec<Key> = COMMANDS
        .iter()
        .flat_map(|command| command.keys)
        .flat_map(|text| key::keys(text))
        .chain(key::keys("1 9 L N ż . x 日 ← Home C-w"))
        .collect();
    let mut screen = Screen::new(80, 24);
    for _ in 0..6000 {
        let effects = match random.u8(0..10) {
            0 => shell::click(&mut screen.state, random.u16(0..90), random.u16(0..30)),
            1 => {
                let (x, y) = (random.u16(0..90), random.u16(0..30));
                shell::wheel(&mut screen.state, x, y, random.bool())
            }
            2 => {
                let (width, height) = (random.u16(0..150), random.u16(0..40));
                screen.terminal.backend_mut().resize(width, height);
                Vec::new()
            }
            _ => shell::key(&mut screen.state, keys[random.usize(0..keys.len())]),
        };
        screen.perform(effects);
    }
    let address = screen.state.address();
    assert!(screen.state.card().unwrap().check(address).is_ok());
}

#[test]
fn esc_stops_a_search_and_keeps_what_it_found() {
    let mut screen = Screen::new(120, 30);
    screen.press("g h");
    assert!(screen.text().contains("62 % proven"), "{}", screen.text());
    let asked = screen.state.wanted.clone();
    let effects = shell::key(&mut screen.state, key::keys("Esc").next().unwrap());
    let Some(Effect::Want(left)) = effects.first() else {
        panic!("the worker is told nothing: {effects:?}");
    };
    let is_qk = |query: &&Query| matches!(query, Query::Pairs(q) if q.form == Form::Qk);
    assert_eq!(asked.iter().filter(is_qk).count(), 1);
    assert_eq!(left.iter().filter(is_qk).count(), 0);
    assert_eq!(left.len() + 1, asked.len());
    screen.perform(effects);
    let text = screen.text();
    assert!(text.contains("stopped at 62 %: not proven"), "{text}");
    // It is asked anew where one comes back to it.
    screen.press("l");
    screen.press("h");
    assert!(screen.text().contains("62 % proven"), "{}", screen.text());
}
