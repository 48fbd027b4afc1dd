//! What outlives the program: bookmarks, the session, copies, files.

use lexiscope::sheet::shell_words;
use serde_json::Value;

use super::answers::FIRST;
use super::bytes::{Piece, base64, pieces};
use super::places::{BACK_TAB, DOWN, ESC};
use super::program::{address_of, eventually, toml};
use super::{Home, Program};

#[test]
fn a_bookmark_survives_and_leads_back() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L3.N103"]);
    program.until_at("L3.N103").send("Mmiejsca\r").until("★");
    program.quit();
    let mut program = home.start(&["gpt2-pl", "--at", "L0.N0"]);
    program.until_at("L0.N0").send("'");
    program.until("★ L3.N103").until("miejsca").send("\r");
    program
        .until_at("L3.N103")
        .until("★")
        .send("m")
        .until_gone("★");
    program.quit();
    let marks = &toml(&home.bookmarks())["bookmark"];
    assert_eq!(marks.as_array().unwrap().len(), 0);
}

#[test]
fn the_session_goes_on_where_it_ended() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L4.N77"]);
    program
        .until_at("L4.N77")
        .send("fa")
        .send(ESC)
        .until("● ascii");
    program
        .send("\t:L2.H5\r")
        .until_at("L2.H5")
        .send("v")
        .until("▼ lowest");
    program.quit();
    let mut program = home.start(&[]);
    program.until_at("L2.H5").until("● ascii").until("▼ lowest");
    program.send(BACK_TAB).until_at("L4.N77").quit();
}

#[test]
fn a_damaged_session_is_set_aside_and_said_so() {
    let home = Home::new();
    let state = home.path("state/lexiscope");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::write(state.join("session.toml"), "model = ").unwrap();
    let mut program = home.start(&[]);
    program.until_at("L0.N892").until("✗").quit();
    let names = std::fs::read_dir(&state).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        names
            .iter()
            .any(|n| n.to_string_lossy().contains("broken-"))
    );
}

/// What was put on the clipboard last.
fn copied(program: &Program) -> String {
    let written = program.written();
    let pieces = pieces(&written).into_iter().rev();
    let mut copies = pieces.filter_map(|piece| match piece {
        Piece::Osc(osc) => osc.strip_prefix("52;c;"),
        _ => None,
    });
    String::from_utf8(base64(copies.next().unwrap())).unwrap()
}

/// What the command line says of the neuron that is copied and exported.
fn printed(home: &Home, format: &str) -> String {
    let mut arguments = vec!["neuron", "gpt2-pl", "3", "103", "--format", format];
    arguments.extend(FIRST);
    home.print(&arguments)
}

#[test]
fn a_list_is_copied_with_its_scores() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L3.N103"]);
    program
        .until_at("L3.N103")
        .send("]")
        .until("▌V")
        .until_settled()
        .send("y")
        .until("copied V of L3.N103");
    let list = copied(&program);
    let answer: Value = serde_json::from_str(&printed(&home, "json")).unwrap();
    let rows = answer["columns"]["V"].as_array().unwrap();
    assert_eq!(list.lines().count(), rows.len());
    for (line, row) in list.lines().zip(rows) {
        let (word, score) = line.split_once('\t').unwrap();
        let mark = if row["continues"] == true { "·" } else { "" };
        assert_eq!(word, format!("{mark}{}", row["text"].as_str().unwrap()));
        assert_eq!(
            score.parse::<f64>().unwrap(),
            row["score"].as_f64().unwrap()
        );
    }
    program.send("A").until("copied L3.N103");
    let address = copied(&program);
    assert_eq!(address, "L3.N103 --convention cosine --column V");
    program.quit();
    // It is the same view elsewhere.
    let elsewhere = Home::new();
    let mut program = elsewhere.start(&["gpt2-pl", "--at", &address]);
    program.until_at("L3.N103").until("▌V").quit();
}

#[test]
fn what_is_exported_is_what_the_command_line_prints() {
    let home = Home::new();
    let file = home.path("gpt2-pl-L3.N103-cosine.csv");
    let mut program = home.start(&["gpt2-pl", "--at", "L3.N103"]);
    program
        .until_at("L3.N103")
        .until("showing 30 of")
        .send("e")
        .until("gpt2-pl-L3.N103-cosine.csv")
        .send("\r");
    program.until("wrote gpt2-pl-L3.N103-cosine.csv");
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        printed(&home, "csv")
    );
    // A file that is there is never written over.
    std::fs::write(&file, "mine").unwrap();
    program.send("e\r").until("✗").until("is there already");
    let other = home.path("gpt2-pl-L3.N103-cosine-2.csv");
    program
        .send("\r")
        .until("wrote gpt2-pl-L3.N103-cosine-2.csv");
    assert_eq!(
        std::fs::read_to_string(&other).unwrap(),
        printed(&home, "csv")
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    program.quit();
}

#[test]
fn the_command_that_is_copied_prints_what_is_exported() {
    let home = Home::new();
    let mut program = home.start(&["--at", "lexiscope pairs gpt2-pl qk 2 1 --lowest --ascii"]);
    program.until_at("L2.H1").until("exact");
    program.send("ea.csv\r").until("wrote a.csv");
    program
        .send("C")
        .until("copied: lexiscope pairs gpt2-pl qk 2 1");
    let command = shell_words(&copied(&program)).unwrap();
    program.quit();
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let arguments = [&words[1..], &["--format", "csv"]].concat();
    let exported = std::fs::read_to_string(home.path("a.csv")).unwrap();
    assert_eq!(home.print(&arguments), exported);
}

#[test]
fn rankings_of_all_layers_are_exported_as_their_command_prints_them() {
    let home = Home::new();
    let mut program = home.start(&["gpt2-pl", "--at", "L3.N103"]);
    program.until_at("L3.N103").send("i").until("Ranked ·");
    let mut exported = Vec::new();
    let mut export = |program: &mut Program, [key, copy]: [&str; 2], name: &'static str| {
        program.send(key).until("gpt2-pl-");
        program
            .send(&format!("{name}\r"))
            .until(&format!("wrote {name}"));
        program.send(copy).until("copied: lexiscope rank");
        let command = shell_words(&copied(program)).unwrap();
        exported.push((command, name));
    };
    // A part is refused: the title says how far it is.
    program.until_gone(" %");
    export(&mut program, ["\x05", "\x13"], "neurons.csv");
    program.send("\x1b").until_gone("Ranked ·").send("gh");
    program.until("▌Heads").send("i").until("64 heads");
    export(&mut program, ["e", "C"], "copying.csv");
    program.send("s").until("same word").until("64 heads");
    export(&mut program, ["e", "C"], "same.csv");
    program.send("q").until_gone("Heads · ").quit();
    for (command, name) in exported {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let arguments = [&words[1..], &["--format", "csv"]].concat();
        let file = std::fs::read_to_string(home.path(name)).unwrap();
        let rows = if name == "neurons.csv" { 100 } else { 64 };
        assert_eq!(file.lines().count(), rows + 1, "{name}");
        assert_eq!(home.print(&arguments), file, "{name}");
    }
}

#[test]
fn maps_of_points_are_exported_as_their_command_prints_them() {
    let home = Home::new();
    let mut exported = Vec::new();
    let views = [
        (
            "S3 --token zamek --points",
            "zamek.csv",
            "copied: lexiscope geometry",
        ),
        (
            "L3.N103 --convention gain --column -V --points",
            "words.csv",
            "copied: lexiscope neuron",
        ),
    ];
    for (view, name, copied_as) in views {
        let mut program = home.start(&["gpt2-pl", "--at", view]);
        program
            .until(" points · variance")
            .send("e")
            .until("gpt2-pl-");
        program
            .send(&format!("\x15{name}\r"))
            .until(&format!("wrote {name}"));
        program.send("C").until(copied_as);
        exported.push((shell_words(&copied(&program)).unwrap(), name));
        program.quit();
    }
    for (command, name) in exported {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let arguments = [&words[1..], &["--format", "csv"]].concat();
        let file = std::fs::read_to_string(home.path(name)).unwrap();
        assert!(file.lines().count() > 5, "{name}");
        assert_eq!(home.print(&arguments), file, "{name}");
        // It leads back to the same view.
        let mut program = home.start(&["--at", &lexiscope::sheet::shell_line(&command)]);
        program.until(" points · variance");
        program.quit();
    }
}

#[test]
fn killed_while_it_saves_it_leaves_bookmarks_that_can_be_read() {
    let home = Home::new();
    let mut kept = 0;
    for round in 0..5 {
        let first = round * 100;
        let mut program = home.start(&["gpt2-pl", "--at", &format!("L5.N{first}")]);
        program.until_at(&format!("L5.N{first}"));
        for _ in 0..90 {
            program.send("m").send(DOWN);
        }
        let far = |address: &str| {
            let neuron = address.rsplit('N').next().unwrap().parse::<usize>();
            neuron.is_ok_and(|neuron| neuron >= first + 3 * (round + 1))
        };
        program.wait("some marks", |screen| far(&address_of(screen)));
        program.signal("KILL").ended();
        let marks = toml(&home.bookmarks())["bookmark"]
            .as_array()
            .unwrap()
            .len();
        assert!(marks > kept, "{marks} bookmarks after {kept}");
        kept = marks;
    }
    let mut program = home.start(&["gpt2-pl", "--at", "L0.N0"]);
    program.until_at("L0.N0").send("m").until("★").quit();
    let marks = || toml(&home.bookmarks())["bookmark"].as_array().map(Vec::len);
    eventually("one more", || (marks() == Some(kept + 1)).then_some(()));
}
