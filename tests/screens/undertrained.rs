//! Marks of undertrained tokens.

use super::Screen;

#[test]
fn marks_undertrained_tokens_in_both_panes() {
    let mut screen = Screen::new(120, 30);
    assert!(!screen.text().contains('°'));
    let vocabulary = &screen.state.card().unwrap().vocabulary;
    let flags = (0..vocabulary.rows() as u32).map(|id| {
        let token = vocabulary.token(id);
        token.is_some_and(|token| &*token.text == "granicy")
    });
    vocabulary.tell_undertrained(flags.collect());
    for keys in ["f Esc", "Tab"] {
        let text = screen.press(keys).text();
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
    let vocabulary = &screen.state.card().unwrap().vocabulary;
    let all = (0..vocabulary.rows()).map(|_| true);
    vocabulary.tell_undertrained(all.collect());
    let text = screen.press("p").text();
    assert!(text.contains("wyspie°"), "{text}");
}

#[test]
fn the_filter_is_switched_and_said() {
    let mut screen = Screen::new(120, 30);
    screen.press("f u Esc");
    assert!(screen.state.filters.exclude_undertrained);
    assert!(screen.text().contains("● trained"));
}
