//! The guide over the screen that it explains: its pages, its search, its links.

use insta::assert_snapshot;
use lexiscope::explorer::action::ViewId;
use lexiscope::explorer::theme::{ColorChoice, Theme};
use lexiscope::guide::{Page, page, pages};
use ratatui::style::Modifier;

use super::Screen;

/// The page that is shown.
fn shown(screen: &Screen) -> &'static Page {
    assert!(screen.state.is_on_top(ViewId::Guide));
    screen.state.views.guide.shown()
}

/// What is drawn the other way round, row by row.
fn reversed(screen: &Screen) -> Vec<String> {
    let buffer = screen.terminal.backend().buffer();
    let area = buffer.area;
    let row = |y: u16| {
        let cells = (0..area.width).map(|x| &buffer[(x, y)]);
        let cells = cells.filter(|cell| cell.modifier.contains(Modifier::REVERSED));
        cells.map(|cell| cell.symbol()).collect::<String>()
    };
    // Without tabs and hints.
    let rows = (1..area.height - 1).map(row);
    rows.filter(|text| !text.is_empty()).collect()
}

#[test]
fn every_screen_has_its_page_and_is_there_again_afterwards() {
    for (script, topic) in [
        ("", "reading-lists"),
        ("Tab", "reading-lists"),
        ("g s", "geometry"),
        ("c", "conventions"),
        ("f", "commands"),
        ("'", "marks-and-exports"),
        ("o", "models"),
        ("i", "definitions"),
        ("Tab i", "definitions"),
        ("?", "keys"),
        ("F", "reading-lists"),
        ("/", "reading-lists"),
        ("F1", "reading-lists"),
    ] {
        let mut screen = Screen::new(100, 30);
        screen.press(script);
        let (before, stack) = (screen.text(), screen.state.stack.clone());
        screen.press("A-h");
        assert_eq!(shown(&screen).topic, topic, "{script}");
        let title = page(topic).unwrap().title();
        let seen = screen.text();
        assert!(seen.contains(&format!("Guide: {title}")), "{seen}");
        screen.press("Esc");
        assert_eq!(screen.state.stack, stack, "{script}");
        assert_eq!(screen.text(), before, "{script}");
    }
    // It is also among the commands, by what it may be called.
    let mut screen = Screen::new(100, 30);
    screen.press(":").write("handbook").press("Enter");
    assert_eq!(shown(&screen).topic, "reading-lists");
}

#[test]
fn a_page_is_read_on_a_small_screen() {
    let mut screen = Screen::new(80, 24);
    assert_snapshot!("guide-80x24", screen.press("c A-h PgDn").text());
    // To its end and no further; the pages come in their order, around the end.
    screen.press("End");
    let end = screen.state.views.guide.first;
    screen.press("PgDn ↓");
    assert_eq!(screen.state.views.guide.first, end);
    let at = |topic: &str| pages().iter().position(|p| p.topic == topic).unwrap();
    screen.press("→");
    assert_eq!(shown(&screen).topic, pages()[at("conventions") + 1].topic);
    assert_eq!(screen.state.views.guide.first, 0);
    screen.press("← ←");
    assert_eq!(shown(&screen).topic, pages()[at("conventions") - 1].topic);
    for _ in pages() {
        screen.press("→");
    }
    assert_eq!(shown(&screen).topic, pages()[at("conventions") - 1].topic);
}

#[test]
fn a_text_is_looked_for_in_the_page_with_colours_and_without() {
    for choice in [ColorChoice::Always, ColorChoice::Never] {
        let mut screen = Screen::new(80, 24);
        screen.theme = Theme::choose(choice, |_| None);
        screen.press("c A-h /").write("Jackknife");
        assert!(screen.text().contains("jackknife"), "{}", screen.text());
        assert_eq!(reversed(&screen), ["jackknife"]);
        screen.press("Enter");
        assert!(
            screen.text().contains("/Jackknife  1 of 1 rows"),
            "{}",
            screen.text()
        );
        // The next page has no such text; what was looked for stays.
        screen.press("→ n");
        assert!(
            screen
                .last_line()
                .contains("“Jackknife” is not on this page")
        );
        screen.press("← n");
        assert_eq!(reversed(&screen), ["jackknife"]);
        screen.press("/").write("convention").press("Enter");
        let first = screen.state.views.guide.found.unwrap();
        screen.press("n");
        let second = screen.state.views.guide.found.unwrap();
        assert!(second > first);
        screen.press("N");
        assert_eq!(screen.state.views.guide.found, Some(first));
        // Esc forgets what is typed, and only then the guide is left.
        screen.press("/").write("x").press("Esc");
        assert!(reversed(&screen).is_empty());
        screen.press("Esc");
        assert!(screen.state.is_on_top(ViewId::Conventions));
    }
}

#[test]
fn links_between_pages_are_followed_and_lead_back() {
    let mut followed = 0;
    for (number, from) in pages().iter().enumerate() {
        let mut screen = Screen::new(80, 24);
        screen.press("A-h");
        for _ in 0..number {
            screen.press("→");
        }
        if !from.text.contains("](") {
            continue;
        }
        screen.press("Tab");
        let Some(_) = screen.state.views.guide.link else {
            panic!("{}: {}", from.topic, screen.last_line());
        };
        assert_eq!(reversed(&screen).len().min(1), 1, "{}", from.topic);
        let first = screen.state.views.guide.first;
        screen.press("Enter");
        if screen.state.views.guide.before.is_empty() {
            assert!(screen.last_line().contains("leads out of the guide"));
            continue;
        }
        followed += 1;
        let to = shown(&screen);
        if to == from {
            continue;
        }
        let link = format!("{}.md", to.topic);
        assert!(from.text.contains(&link), "{} to {}", from.topic, to.topic);
        screen.press("Backspace");
        assert_eq!(shown(&screen).topic, from.topic);
        assert_eq!(screen.state.views.guide.first, first);
    }
    assert!(followed > 3, "{followed} links");
}

#[test]
fn a_link_to_a_heading_shows_the_heading() {
    let mut screen = Screen::new(100, 30);
    screen.press("A-h");
    let guide = &screen.state.views.guide;
    let headings = guide
        .shown()
        .text
        .lines()
        .filter(|line| line.starts_with("## "));
    for heading in headings {
        let heading = heading.trim_start_matches('#').trim();
        let anchor = heading.to_lowercase().replace(' ', "-");
        let anchor: String = anchor
            .chars()
            .filter(|c| c.is_alphanumeric() || "-_".contains(*c))
            .collect();
        let line = guide.line_of(&anchor, 80).unwrap();
        let text: String = guide.lines(80)[line]
            .iter()
            .map(|span| &*span.text)
            .collect();
        assert!(
            heading.replace('`', "").starts_with(&text),
            "{heading}: {text}"
        );
    }
    assert_eq!(guide.line_of("no-such-heading", 80), None);
}
