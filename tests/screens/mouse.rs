//! What the mouse does.

use lexiscope::explorer::action::TabId;
use lexiscope::explorer::action::ViewId;

use super::Screen;

#[test]
fn clicks_go_where_they_point() {
    let mut screen = Screen::new(120, 30);
    screen.click(" 110 ");
    assert_eq!(screen.address(), "L3.N110");
    screen.click("5        │");
    assert_eq!(screen.address(), "L5.N110");
    screen.click("−V");
    assert_eq!(screen.state.views.neurons.focus, 3);
    screen.click("Heads");
    assert_eq!(screen.state.tab, TabId::Heads);
    screen.click("QK");
    assert_eq!(screen.state.views.heads.focus, 1);
    screen.click("Neurons");
    assert_eq!(screen.state.tab, TabId::Neurons);
}

#[test]
fn clicks_switch_filters_and_run_hints() {
    let mut screen = Screen::new(120, 30);
    screen.click("○ alnum");
    assert!(screen.state.filters.alnum);
    screen.click("f filters");
    assert_eq!(screen.state.stack, [ViewId::Filters]);
    screen.click("printable");
    assert!(screen.state.filters.ascii);
    screen.click("lexiscope");
    assert!(screen.state.stack.is_empty());
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
            screen.state.views.neurons.cursor.scroll,
            screen.state.views.neurons.focus
        ),
        (3, 1)
    );
    screen.wheel("promotes", false);
    assert_eq!(screen.state.views.neurons.cursor.scroll, 0);
    screen.press("?").wheel("Help", true);
    assert_eq!(screen.state.stack, [ViewId::Palette]);
    assert_eq!(screen.state.views.palette.chooser.selected, 1);
}
