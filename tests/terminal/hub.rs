//! Models from the hub in the explorer: brought in front of one's eyes, called off, gone on with.

use super::Home;
use super::hub_server::{Fault, Server};
use super::places::{DOWN, ESC};

const MODEL: &str = "owner/model";
const WEIGHTS: &str = "/storage/model.safetensors";

fn server() -> Server {
    let files = lexiscope::checkpoint::Bundle::named("bert-pl")
        .unwrap()
        .files
        .iter();
    Server::start(files.map(|(name, content)| ((*name).to_owned(), content.to_vec())))
}

fn variables(server: &Server) -> [(&'static str, &str); 2] {
    [("HF_HUB_OFFLINE", "0"), ("HF_ENDPOINT", &server.address)]
}

#[test]
fn a_hub_id_is_all_that_it_takes() {
    let (home, server) = (Home::new(), server());
    server.fails(WEIGHTS, Fault::Slow, 1);
    let mut program = home.start_with(&[MODEL], &variables(&server));
    program
        .until("model.safetensors")
        .until(" MB of ")
        .until("%");
    program.until("BERT").until_gone("model.safetensors").quit();
    // The next time it lies there.
    let mut program = home.start(&[MODEL]);
    program.until("BERT").quit();
}

#[test]
fn a_chosen_model_says_what_it_costs_and_the_one_at_hand_is_usable_meanwhile() {
    let (home, server) = (Home::new(), server());
    server.fails(WEIGHTS, Fault::Slow, 1000);
    let mut program = home.start_with(&["gpt2-pl", "--at", "L0.N892"], &variables(&server));
    program.until_at("L0.N892").send("oowner/model\r");
    program
        .until("download it:")
        .until("look at parts:")
        .send("\r");
    program
        .until("model.safetensors")
        .send(DOWN)
        .until_at("L0.N893");
    program
        .send(ESC)
        .until("no longer opening owner/model")
        .until("what has arrived is kept");
    program
        .send("oowner/model\r")
        .until("look at parts:")
        .send(DOWN)
        .send("\r");
    program.until("BERT").quit();
    // A model that was looked at in parts is so again.
    let mut program = home.start_with(&[], &variables(&server));
    program.until("BERT").quit();
}

#[test]
fn what_the_hub_does_not_give_is_said_and_the_model_at_hand_goes_on() {
    let (home, server) = (Home::new(), server());
    server.fails("/api/models", Fault::Status(403, ""), 1000);
    let mut program = home.start_with(&["gpt2-pl", "--at", "L0.N892"], &variables(&server));
    program.until_at("L0.N892").send("oowner/model\r");
    program
        .until("refused (403)")
        .send(DOWN)
        .until_at("L0.N893")
        .quit();
}
