//! Models that come from the hub: what is shown of them, and what the keys do meanwhile.

use insta::assert_snapshot;
use std::time::Duration;

use lexiscope::checkpoint::FetchEstimate;
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::shell;
use lexiscope::explorer::state::{Opening, State};
use lexiscope::task::{Progress, ProgressPart};

use super::Screen;

const NAME: &str = "sdadas/polish-gpt2-medium";

fn choose(state: &mut State) {
    state.opening = Some(Opening {
        id: None,
        name: NAME.to_owned(),
        then: Vec::new(),
        transfer: None,
    });
}

/// Two files on their way, one there, forty seconds to go.
fn progress() -> Progress {
    let file = |name: &str, done, total| ProgressPart {
        name: name.to_owned(),
        done,
        total,
    };
    Progress {
        parts: vec![
            file("config.json", 800, 800),
            file("model-00001-of-00002.safetensors", 400_000_000, 800_000_000),
            file("model-00002-of-00002.safetensors", 0, 600_000_000),
        ],
        rate: 25e6,
        left: Some(Duration::from_secs(40)),
        ..Progress::default()
    }
}

#[test]
fn shows_a_bar_a_file_while_the_model_at_hand_answers() {
    let mut screen = Screen::new(100, 24);
    choose(&mut screen.state);
    shell::progress(&mut screen.state, progress());
    screen.press("↓");
    assert_snapshot!("transfer-100x24", screen.text());
    let mut narrow = Screen::new(60, 15);
    choose(&mut narrow.state);
    shell::progress(&mut narrow.state, progress());
    narrow.press("↓");
    assert_snapshot!("transfer-60x15", narrow.text());
}

#[test]
fn escape_stops_a_transfer_and_leaves_the_model_at_hand() {
    let mut screen = Screen::new(100, 24);
    choose(&mut screen.state);
    shell::progress(&mut screen.state, progress());
    screen.press("Esc");
    assert_eq!(screen.done, [Effect::StopFetch]);
    assert!(screen.state.opening.is_none());
    assert!(screen.text().contains("what has arrived is kept"));
    assert!(!screen.text().contains("safetensors"));
}

#[test]
fn the_ways_say_what_they_cost_and_one_is_taken() {
    let mut screen = Screen::new(100, 24);
    choose(&mut screen.state);
    shell::on_hub(&mut screen.state);
    screen.draw();
    assert!(screen.text().contains("asking the hub what it holds"));
    let estimate = FetchEstimate {
        whole: 1_438_000_000,
        first_look: Some(107_000_000),
    };
    shell::estimate(&mut screen.state, estimate);
    screen.press("↓");
    assert_snapshot!("ways-100x24", screen.text());
    screen.press("Enter");
    let fetch = Effect::Fetch {
        name: NAME.to_owned(),
        by_tensor: true,
    };
    assert_eq!(screen.done, [fetch]);
    assert_eq!(screen.state.opening.as_ref().unwrap().name, NAME);
}

#[test]
fn pickled_weights_come_whole_or_not_at_all() {
    let mut screen = Screen::new(100, 24);
    choose(&mut screen.state);
    shell::on_hub(&mut screen.state);
    let estimate = FetchEstimate {
        whole: 1_438_000_000,
        first_look: None,
    };
    shell::estimate(&mut screen.state, estimate);
    screen.press("↓ ↓");
    assert!(
        screen
            .text()
            .contains("its weights are pickled: only the whole can be read")
    );
    screen.press("Esc");
    assert_eq!(screen.done, [Effect::StopFetch]);
    assert!(screen.state.stack.is_empty());
}
