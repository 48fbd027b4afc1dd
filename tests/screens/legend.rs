//! The legend explains whatever stands on a screen.

use std::fs;
use std::path::Path;

use lexiscope::explorer::action::{TabId, ViewId};
use lexiscope::explorer::state::State;
use lexiscope::explorer::views::legend::{LegendEntry, legend};
use lexiscope::query::Query;

use super::Screen;
use super::model::GATED;

/// The screens of all snapshots, with their names.
fn screens() -> Vec<(String, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/screens/snapshots");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let mut screens: Vec<(String, Vec<String>)> = files
        .filter(|path| path.extension().is_some_and(|end| end == "snap"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(path).unwrap();
            // A row of a screen stands in quotation marks, be it of a buffer's account or not.
            let rows = text.lines().filter_map(|line| {
                let row = line.trim().trim_end_matches(',').strip_prefix('"')?;
                row.strip_suffix('"').map(str::to_owned)
            });
            (name, rows.collect())
        })
        .collect();
    screens.sort();
    assert!(screens.len() > 60, "{} snapshots were found", screens.len());
    screens
}

/// What the legend says of a screen of which only the text is known.
fn explained(lines: &[String]) -> Vec<LegendEntry> {
    let text = lines.join("\n");
    let mut state = State::new(0);
    let panes = TabId::ALL.into_iter();
    let front = panes
        .rev()
        .find(|pane| text.contains(&format!("▌{}", pane.tab().title())));
    state.tab = front.unwrap_or_default();
    if text.contains("─ Heads · ") {
        state.stack.push(ViewId::HeadMap);
    }
    if text.contains("─ Where L") {
        state.stack.push(ViewId::Contexts);
    }
    legend(&state, lines)
}

#[test]
fn every_mark_on_the_snapshot_screens_has_its_sentence() {
    // Frames, and what is read as it is.
    let frame = |c: char| "╭╮╰╯│─├┤".contains(c);
    let mut missing: Vec<String> = Vec::new();
    for (name, lines) in screens() {
        // The guide explains its own formulas.
        if name.contains("__guide-") {
            continue;
        }
        let entries = explained(&lines);
        for line in &lines {
            for mark in line
                .chars()
                .filter(|c| !c.is_ascii() && !c.is_alphanumeric())
            {
                // Of a chart, all dots together.
                let dots = ('\u{2800}'..='\u{28FF}').contains(&mark);
                let by = |entry: &LegendEntry| match dots {
                    true => entry.covers.contains(&"⠤"),
                    false => entry.covers.iter().any(|sign| sign.contains(mark)),
                };
                if !frame(mark) && !"“”".contains(mark) && !entries.iter().any(by) {
                    missing.push(format!("{name}: {mark} in {line}"));
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "nothing explains\n{}",
        missing.join("\n")
    );
}

#[test]
fn the_jargon_of_the_screens_is_explained_where_it_stands() {
    let jargon = [
        ("z 3.4", "z 4.1"),
        ("–30/30", "15–30/30"),
        ("/1 ↩", "1/1 ↩"),
        ("QK Δ", "Δ0"),
        ("++ (−−)", "++ (−−)"),
        ("ff-in", "ff-in, ff-out"),
        ("copies", "copies"),
        ("‖V‖", "‖V‖"),
        ("exact", "exact"),
        ("% proven", "62 %"),
        ("★", "★"),
        ("cos ", "cos"),
        ("~ coincides", "~ coincides"),
        ("▼ lowest", "▼ lowest"),
    ];
    let mut screens = screens();
    let mut gated = Screen::new(120, 30);
    gated.press("o").write(GATED).press("Enter");
    for script in ["", "g h"] {
        let text = gated.press(script).text();
        let lines = text.lines().map(str::to_owned).collect();
        screens.push((format!("gated {script}"), lines));
    }
    for (roles, sign) in jargon {
        let with: Vec<_> = screens
            .iter()
            .filter(|(_, lines)| lines.iter().any(|line| line.contains(roles)))
            .collect();
        assert!(!with.is_empty(), "{roles} is on no screen");
        for (name, lines) in with {
            let entries = explained(lines);
            assert!(
                entries.iter().any(|entry| entry.sign == sign),
                "{name}: {roles} is not explained"
            );
        }
    }
}

#[test]
fn one_key_explains_the_screen_wherever_one_is_and_goes_back_there() {
    for (script, sentence) in [
        ("", "words the neuron fires on"),
        ("c", "beside each switch"),
        ("f", "switched off"),
        ("g h", "who attends (left) to whom"),
        ("g h i", "the map's shades"),
        ("g h d", "the two ends of a direction"),
        ("g s", "the mean cosine over all pairs"),
        ("i", "the figure before the words"),
        ("F w y s p i e", "a rank: the word's number"),
    ] {
        let mut screen = Screen::new(120, 60);
        screen.press(script);
        let (before, wanted) = (screen.text(), screen.state.wanted.clone());
        screen.press("F1");
        assert!(
            screen
                .text()
                .replace('\n', " ")
                .contains("What is on screen"),
            "{script}"
        );
        assert!(
            screen.text().contains(sentence),
            "{script}:\n{}",
            screen.text()
        );
        assert_eq!(screen.state.wanted, wanted, "what is below goes on");
        screen.press("Esc");
        assert_eq!(screen.text(), before, "{script}");
    }
}

#[test]
fn the_help_asked_twice_is_the_legend_of_what_it_covers() {
    let mut screen = Screen::new(80, 24);
    screen.press("? ?");
    assert_eq!(screen.state.stack, [ViewId::Legend]);
    assert!(screen.text().contains("how weights become words"));
    // It is longer than the screen.
    screen.press("End");
    assert!(screen.state.views.legend > 0);
    screen.press("PgUp PgUp PgUp PgUp ↑");
    assert_eq!(screen.state.stack, [ViewId::Legend]);
    assert_eq!(screen.state.views.legend, 0);
    screen.press("?");
    assert!(screen.state.stack.is_empty());
    // What is typed is typed.
    screen.press("? q ?");
    assert!(screen.state.is_on_top(ViewId::Palette));
}

#[test]
fn a_look_up_goes_on_under_the_legend() {
    let mut screen = Screen::new(120, 30);
    screen.press("F").write("wyspie").press("F1");
    let asks = |query: &Query| matches!(query, Query::Find(_));
    assert!(screen.state.wanted.iter().any(asks));
}
