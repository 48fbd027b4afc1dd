//! What is ranked: the map of heads, the strip of layers, and random places of both.

use serde_json::Value;

use super::Home;
use super::places::ESC;

/// The heads of the model that are best by their copying score, from the command line.
fn best_heads(home: &Home, layers: usize) -> Vec<(String, f64)> {
    let mut heads = Vec::new();
    for layer in 0..layers {
        let line = format!("rank gpt2-pl --layer {layer} --by copying --format json");
        let answer: Value = serde_json::from_str(&home.print(&words(&line))).unwrap();
        for head in answer["heads"].as_array().unwrap() {
            let address = format!("L{layer}.H{}", head["head"]);
            heads.push((address, head["figure"].as_f64().unwrap()));
        }
    }
    heads.sort_by(|a, b| b.1.total_cmp(&a.1));
    heads
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

#[test]
fn the_map_of_heads_leads_to_the_best_of_them() {
    let home = Home::new();
    let best = best_heads(&home, 8);
    let mut program = home.start(&["gpt2-pl", "--at", "L3.H1"]);
    program
        .until_at("L3.H1")
        .send("i")
        .until("copying score of VO")
        .until_settled();
    program.send("\x1b[H").until(&format!("{}.VO", best[0].0));
    program.until("#1 ").send("n").until("#2 ");
    program.send("\r").until_at(&best[1].0);
    // Random heads are of the best tenth now, and anywhere once that is switched off.
    program.until("r ranked").send("R").until("anywhere");
    program.quit();
}

#[test]
fn the_strip_shows_a_measure_and_shows_it_the_next_time() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L3.N103"]);
    program.until_at("L3.N103").until("‖V‖");
    for title in [
        "overlap",
        "z best",
        "stem",
        "kurtosis",
        "enrichment",
        "copying",
    ] {
        program.send("s").until(title);
    }
    // As the explorer reads the model, which favours this convention.
    let line = "rank gpt2-pl --layer 3 --by copying --convention cosine --format json";
    let answer: Value = serde_json::from_str(&home.print(&words(line))).unwrap();
    let mean = answer["mean"].as_f64().unwrap();
    let mean = format!("{:.4}", mean.abs())[..4].to_owned();
    program.until(&mean);
    program.quit();
    let mut program = home.start(&[]);
    program.until("copying").until(&mean).quit();
}

#[test]
fn leaving_the_map_stops_it_and_what_it_found_is_there_again() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L3.H1"]);
    program.until_at("L3.H1").send("i\x0f").until("same word");
    program.send(ESC).until_gone("Heads · ");
    program.send("i").until("64 heads").send(ESC);
    program.until_gone("Heads · ").send("i").until("64 heads");
    program.send("q").until_gone("Heads · ").quit();
}

#[test]
fn the_directions_of_a_layer_are_those_of_the_command_line() {
    let home = Home::new();
    let most = |part: &str| {
        let line = format!("directions gpt2-pl {part} 3 -n 1 -k 1 --format json");
        let answer: Value = serde_json::from_str(&home.print(&words(&line))).unwrap();
        format!("N{}", answer["directions"][0]["right"]["high"][0]["id"])
    };
    let most = [most("ff-in"), most("ff-out")];
    let mut program = home.start(&["gpt2-pl", "--at", "L3.N103"]);
    program.until_at("L3.N103").send("d").until("▌ff-in");
    program.until(&most[0]).until(&most[1]);
    program.send("d").until("promotes").quit();
}
