//! Opening another model.

use super::Home;
use super::places::DOWN;

#[test]
fn another_model_is_chosen_by_name() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L0.N892"]);
    program.until_at("L0.N892").send("obert-pl\r").until("BERT");
    program.until_gone("Open a model").send("q").ended();
    let mut program = home.start(&[]);
    program.until("bert-pl").quit();
}

#[test]
fn a_broken_folder_is_refused_and_the_model_at_hand_goes_on() {
    let home = Home::new();
    let broken = home.path("broken");
    std::fs::create_dir(&broken).unwrap();
    std::fs::write(broken.join("config.json"), "{\"model_type\": \"gpt2\"").unwrap();
    let mut program = home.start(&[]);
    program.until_at("L0.N892");
    program.send("o").until("Open a model").send("broken\r");
    program.until("✗ ").until("config.json");
    program.send(DOWN).until_at("L0.N893").until_gone("✗ ");
    program
        .send("onothing-there\r")
        .until("✗ ")
        .until("no such model");
    program
        .send(DOWN)
        .until_at("L0.N894")
        .until("gpt2-pl")
        .quit();
}

#[test]
fn a_folder_that_was_broken_since_gives_way_to_the_bundled_model() {
    let home = Home::new();
    let state = home.path("state/lexiscope");
    std::fs::create_dir_all(&state).unwrap();
    let session = "model = \"/no/such/folder\"\npane = \"Heads\"\n";
    std::fs::write(state.join("session.toml"), session).unwrap();
    let mut program = home.start(&[]);
    program.until("✗ /no/such/folder").until("gpt2-pl").quit();
}
