//! A gigabyte from loopback: the program against `curl`, in turns within one run, and the most
//! memory that the program takes for a small and for the large file.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/hub/server.rs"]
mod server;

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use server::Server;

const GIGABYTE: usize = 1_000_000_000;
const ROUNDS: usize = 5;

fn main() {
    let curl = Command::new("curl")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !curl.is_ok_and(|status| status.success()) {
        println!("download: no curl here to compare with");
        return;
    }
    let config = br#"{"model_type": "gpt2"}"#.to_vec();
    let model = |size| {
        let weights = (0..size).map(|i: usize| (i ^ i >> 9) as u8).collect();
        Server::start([
            ("config.json".to_owned(), config.clone()),
            ("model.safetensors".to_owned(), weights),
        ])
    };
    let (large, small) = (model(GIGABYTE), model(GIGABYTE / 100));
    let folder = std::env::temp_dir().join("lexiscope-bench-download");
    let mut ratios = Vec::new();
    for _ in 0..ROUNDS {
        let url = format!("{}/storage/model.safetensors", large.address);
        fs::create_dir_all(&folder).expect("a folder to download to");
        let start = Instant::now();
        run(Command::new("curl")
            .args(["-s", "-o"])
            .arg(folder.join("file"))
            .arg(url));
        let theirs = start.elapsed();
        clear(&folder);
        let start = Instant::now();
        run(&mut ours(&large, &folder));
        let ours = start.elapsed();
        clear(&folder);
        ratios.push(ours.as_secs_f64() / theirs.as_secs_f64());
        println!("curl {theirs:.2?}, lexiscope {ours:.2?} with its checks");
    }
    ratios.sort_by(f64::total_cmp);
    println!("a gigabyte: {:.2} of curl's time", ratios[ROUNDS / 2]);
    for (name, server) in [("10 MB", &small), ("1 GB", &large)] {
        let kilobytes = most_memory(&mut ours(server, &folder));
        clear(&folder);
        match kilobytes {
            Some(kilobytes) => println!("{name}: at most {} MB resident", kilobytes / 1024),
            None => println!("{name}: this system does not say what was resident"),
        }
    }
}

fn ours(server: &Server, folder: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lexiscope"));
    let command_line = ["download", "owner/model"];
    command
        .args(command_line)
        .env("HF_HOME", folder)
        .env("HF_ENDPOINT", &server.address);
    command
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?}");
}

/// The most that a command has resident, in kilobytes, looked at while it runs.
fn most_memory(command: &mut Command) -> Option<u64> {
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it runs as before");
    let mut most = None;
    while let Ok(None) = child.try_wait() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()));
        let now = status.ok().and_then(|status| {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.trim().trim_end_matches("kB").trim().parse().ok()
        });
        most = now.or(most);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    most
}

fn clear(folder: &std::path::Path) {
    fs::remove_dir_all(folder).expect("the folder that was downloaded to");
}
