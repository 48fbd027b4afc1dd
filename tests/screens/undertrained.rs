//! Marks of undertrained tokens.

use std::time::Duration;

use lexiscope::explorer::shell;
use lexiscope::query::{Answer, Query};
use lexiscope::vocabulary::Undertrained;
use lexiscope::worker::Event;

use super::Screen;

/// The answer comes that the tokens of such texts are undertrained.
fn tell(screen: &mut Screen, such: impl Fn(&str) -> bool) {
    let model = screen.state.model.as_ref().unwrap();
    let vocabulary = &model.card.vocabulary;
    let flags = (0..vocabulary.rows() as u32).map(|id| such(&vocabulary.text(id)));
    let undertrained = Undertrained::new(flags.collect(), vocabulary);
    let event = Event::Answered {
        id: model.id,
        query: Query::Undertrained,
        answer: Answer::Undertrained(Some(undertrained.into())).into(),
        took: Duration::ZERO,
    };
    shell::event(&mut screen.state, event);
    screen.draw();
}

#[test]
fn marks_undertrained_tokens_in_both_panes() {
    let mut screen = Screen::new(120, 30);
    assert!(!screen.text().contains('°'));
    for keys in ["f Esc", "Tab"] {
        screen.press(keys);
        tell(&mut screen, |text| text == "granicy");
        let text = screen.text();
        assert_eq!(
            text.matches("granicy°").count(),
            text.matches("granicy").count()
        );
        assert_eq!(text.matches('°').count(), text.matches("granicy").count());
        assert!(text.contains("granicy°"), "{text}");
    }
}

#[test]
fn marks_them_on_the_map_of_a_columns_words() {
    let mut screen = Screen::new(200, 60);
    screen.press("p");
    assert!(!screen.text().contains('°'));
    tell(&mut screen, |_| true);
    let text = screen.text();
    assert!(text.contains("wyspie°"), "{text}");
}

#[test]
fn the_filter_is_switched_and_said() {
    let mut screen = Screen::new(120, 30);
    screen.press("f u Esc");
    assert!(screen.state.filters.exclude_undertrained);
    assert!(screen.text().contains("● undertrained hidden"));
}

#[test]
fn asks_for_them_for_a_look_up_over_the_chart_too() {
    let mut screen = Screen::new(120, 30);
    screen.press("g s");
    assert!(!screen.state.wanted.contains(&Query::Undertrained));
    screen.press("F").write("granicy");
    assert!(screen.state.wanted.contains(&Query::Undertrained));
}
