//! What the mouse does.

use lexiscope::explorer::action::Pane;
use lexiscope::explorer::state::Overlay;

use super::Screen;

#[test]
fn clicks_go_where_they_point() {
    let mut screen = Screen::new(120, 30);
    screen.click(" 110 ");
    assert_eq!(screen.address(), "L3.N110");
    screen.click("5        │");
    assert_eq!(screen.address(), "L5.N110");
    screen.click("−V");
    assert_eq!(screen.state.neurons.focus, 3);
    screen.click("Heads");
    assert_eq!(screen.state.pane, Pane::Heads);
    screen.click("QK");
    assert_eq!(screen.state.heads.focus, 1);
    screen.click("Neurons");
    assert_eq!(screen.state.pane, Pane::Neurons);
}

#[test]
fn clicks_switch_filters_and_run_hints() {
    let mut screen = Screen::new(120, 30);
    screen.click("○ alnum");
    assert!(screen.state.filters.alnum);
    screen.click("f filters");
    assert_eq!(screen.state.overlays, [Overlay::Filters]);
    screen.click("printable");
    assert!(screen.state.filters.ascii);
    screen.click("lexiscope");
    assert!(screen.state.overlays.is_empty());
}

#[test]
fn the_wheel_scrolls_what_lies_under_it() {
    let mut screen = Screen::new(120, 20);
    screen.wheel(" 104 ", true);
    assert_eq!(screen.address(), "L3.N104");
    screen.wheel("▲", true);
    assert_eq!(screen.address(), "L4.N104");
    screen.wheel("promotes", true);
    assert_eq!(
        (
            screen.state.neurons.cursor.scroll,
            screen.state.neurons.focus
        ),
        (3, 1)
    );
    screen.wheel("promotes", false);
    assert_eq!(screen.state.neurons.cursor.scroll, 0);
    screen.press("?").wheel("Help", true);
    assert!(matches!(&screen.state.overlays[..],
        [Overlay::Commands { chooser, .. }] if chooser.selected == 1));
}
