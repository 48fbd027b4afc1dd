//! The cursor in lists of words: how it moves, how lists grow under it, and where it leads.

use lexiscope::explorer::action::ViewId;
use lexiscope::explorer::shell;
use lexiscope::explorer::state::RowItem;
use lexiscope::explorer::theme::Theme;
use lexiscope::query::Query;
use lexiscope::worker::{Event, ModelId};
use ratatui::style::Modifier;

use super::Screen;

/// How many words or pairs are asked for, list by list.
fn lengths(screen: &Screen) -> Vec<usize> {
    let wanted = screen.state.wanted.iter();
    wanted
        .filter_map(|query| match query {
            Query::Neuron(query) => Some(query.k),
            Query::Pairs(query) => Some(query.k),
            _ => None,
        })
        .collect()
}

/// The words that are looked up.
fn looked_up(screen: &Screen) -> Vec<String> {
    let mut wanted = screen.state.wanted.iter();
    let found = wanted.find_map(|query| match query {
        Query::Find(query) => Some(query.words.clone()),
        _ => None,
    });
    found.unwrap_or_default()
}

#[test]
fn the_cursor_goes_through_the_words_and_the_list_grows_before_its_end() {
    let mut screen = Screen::new(120, 30);
    assert!(screen.text().contains("│▸granicy"), "{}", screen.text());
    assert!(
        screen
            .press("K")
            .last_line()
            .contains("this is the first row")
    );
    assert_eq!(lengths(&screen), [30]);
    screen.press("J J");
    assert!(screen.text().contains("│▸mnie"), "{}", screen.text());
    screen.press("2 0 J");
    assert_eq!(lengths(&screen), [60]);
    assert_eq!(screen.state.views.neurons.cursor.row, 22);
    // To a row far below what is there.
    screen.press("9 0 0 J");
    assert_eq!(lengths(&screen), [960]);
    assert_eq!(screen.state.views.neurons.cursor.row, 922);
    assert!(screen.text().contains("showing 960 of 8,192"));
    // 8,192 words there are, and no more.
    screen.press("9 9 9 9 J");
    assert_eq!(screen.state.views.neurons.cursor.row, 8191);
    assert!(screen.press("J").last_line().contains("last of 8,192 rows"));
    // The next neuron is read from its top.
    screen.press("j");
    assert_eq!(lengths(&screen), [30]);
    assert_eq!(screen.state.views.neurons.cursor.row, 0);
    screen.press("} }");
    assert_eq!(screen.state.views.neurons.cursor.row, 2 * 24);
    screen.press("{");
    assert_eq!(screen.state.views.neurons.cursor.row, 24);
}

#[test]
fn pairs_grow_too_and_both_of_their_words_can_be_looked_up() {
    let mut screen = Screen::new(120, 30);
    screen.press("Tab 4 5 J");
    // The list in focus alone.
    assert_eq!(lengths(&screen), [100, 50]);
    let of = |screen: &Screen| match screen.state.row_item() {
        Some(RowItem::Token(id)) => id,
        other => panic!("{other:?}"),
    };
    // The pairs made by hand: 16 + i → 19 + 3 i, of 24 words.
    screen.press("4 3 K");
    assert_eq!(of(&screen), 18);
    screen.press(".");
    assert_eq!((of(&screen), screen.state.views.heads.focus), (1, 0));
    screen.press(".");
    assert_eq!((of(&screen), screen.state.views.heads.focus), (16, 1));
    screen.press(", Enter");
    assert_eq!(looked_up(&screen), ["id:1"]);
}

#[test]
fn enter_asks_where_else_exactly_this_token_stands_and_typing_asks_for_another() {
    let mut screen = Screen::new(120, 30);
    screen.press("] J J J Enter");
    // V begins at word 11: 103 + 4 of 24.
    assert_eq!(looked_up(&screen), ["id:14"]);
    assert!(screen.state.is_on_top(ViewId::Find));
    screen.write("wyspie");
    assert_eq!(looked_up(&screen), ["wyspie"]);
}

#[test]
fn a_look_up_leads_to_the_list_and_the_row_of_its_word() {
    let mut screen = Screen::new(120, 30);
    // The first place is in K of L1.N5 and the word its first by rank; the list made by hand has it
    // elsewhere, and what counts is where it is.
    screen.press("F").write("wyspie");
    for _ in 0..4 {
        screen.press("↓");
    }
    screen.press("Enter");
    assert_eq!(screen.address(), "L1.N5");
    assert_eq!(
        screen.state.views.neurons.focus, 1,
        "the fifth place is in V"
    );
    assert_eq!(screen.state.row_item(), Some(RowItem::Token(4)));
    assert!(screen.text().contains("▸wyspie"), "{}", screen.text());
    assert!(screen.text().contains("▹wyspie"), "the same in other lists");
    // It stays marked when the cursor moves on, until Esc.
    screen.press("J");
    assert_eq!(screen.state.row_item(), Some(RowItem::Token(5)));
    assert!(screen.text().contains("▹wyspie"));
    screen.press("Esc");
    assert!(!screen.text().contains("▹"));
}

#[test]
fn a_look_up_among_heads_leads_to_the_side_of_the_pair() {
    let mut screen = Screen::new(120, 30);
    screen.press("F").write("wyspie");
    for _ in 0..6 {
        screen.press("C-t");
    }
    screen.press("Enter");
    assert_eq!(screen.address(), "L1.H5");
    assert_eq!(
        (
            screen.state.views.heads.focus,
            screen.state.views.heads.side
        ),
        (0, 1)
    );
    assert_eq!(screen.state.row_item(), Some(RowItem::Token(4)));
}

#[test]
fn a_list_that_turns_out_shorter_takes_the_cursor_back() {
    let mut screen = Screen::new(120, 30);
    screen.press("2 8 J");
    let asked = screen.state.wanted[0].clone();
    let Query::Neuron(query) = &asked else {
        panic!("{asked:?}")
    };
    assert_eq!(query.k, 60);
    let shown = screen.state.neuron_shown().cloned().unwrap();
    let lexiscope::query::Answer::Neuron(mut short) = (*shown.answer).clone() else {
        panic!("no neuron");
    };
    for column in &mut short.columns {
        column.truncate(12);
    }
    short.passing = 12;
    let event = Event::Answered {
        id: ModelId(1),
        query: asked,
        answer: std::sync::Arc::new(lexiscope::query::Answer::Neuron(short)),
        took: std::time::Duration::ZERO,
    };
    let effects = shell::event(&mut screen.state, event);
    screen.perform(effects);
    assert_eq!(screen.state.views.neurons.cursor.row, 11);
}

#[test]
fn the_wheel_moves_the_rows_and_a_click_the_cursor() {
    let mut screen = Screen::new(120, 20);
    screen.wheel("promotes", true).click("·nął");
    assert_eq!(screen.state.views.neurons.cursor.scroll, 3);
    let row = screen.state.row_item();
    assert_eq!(row, Some(RowItem::Token(15)));
    screen.press("Tab").click("wyspie ");
    assert_eq!(screen.state.views.heads.side, 1);
}

#[test]
fn without_colour_the_cursor_is_a_sign_and_an_underlined_word() {
    let mut screen = Screen::new(120, 30);
    screen.theme = Theme::mono();
    screen.press("J");
    let (x, y) = screen.find("▸ty");
    let buffer = screen.terminal.backend().buffer();
    let word = buffer[(x + 1, y)].modifier;
    assert!(word.contains(Modifier::UNDERLINED | Modifier::BOLD));
}

#[test]
fn the_words_of_directions_are_looked_up_and_their_neurons_gone_to() {
    let mut screen = Screen::new(120, 30);
    screen.press("g h d J J Enter");
    // The end − of direction 0 begins with word 4.
    assert_eq!(looked_up(&screen), ["id:4"]);
    screen.press("Esc K K Enter");
    assert!(screen.last_line().contains("no word under the cursor"));
    let mut screen = Screen::new(120, 30);
    screen.press("d J . Enter");
    assert_eq!(screen.address(), "L3.N8");
    assert!(!screen.state.views.neurons.directions);
}
