//! Servers that lie, never end, or send something else; and parts that were not kept as they came.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lexiscope::checkpoint::{CheckpointError, FetchOption, Location};
use lexiscope::hub::Blocks;
use lexiscope::projection::DeviceChoice;
use lexiscope::query::{Answer, Answering, Callbacks, NeuronQuery, Query, Reader};
use lexiscope::transformer::Input;
use lexiscope::vocabulary::Filters;
use serde_json::{Value, json};

use super::server::{COMMIT, Fault, Server};
use super::{Place, content, repository};

const WEIGHTS: &str = "/storage/model.safetensors";
const ALWAYS: usize = 100_000;

/// As many as are usual, times what `LEXISCOPE_FUZZ` says.
fn rounds(usual: u64) -> u64 {
    let more = std::env::var("LEXISCOPE_FUZZ").ok();
    usual * more.and_then(|more| more.parse().ok()).unwrap_or(1)
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn blocks(place: &Place) -> FetchOption {
    let folder = place.home.path().join("blocks");
    FetchOption::ByTensor(Arc::new(Blocks::open(folder, 1 << 30)))
}

fn answer(location: &Location) -> Result<Answer, String> {
    let query = Query::Neuron(NeuronQuery {
        convention: Default::default(),
        layer: 1,
        neuron: 7,
        input: Input::default(),
        k: 20,
        filters: Filters::default(),
    });
    let mut reader = Reader::open(location, DeviceChoice::Cpu).map_err(|e| e.to_string())?;
    reader
        .answer(&query, Callbacks::none())
        .map_err(|e| e.to_string())
}

/// The repository with one file in the place of another, or beside it.
fn with(name: &str, bytes: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut files = repository();
    files.retain(|(other, _)| other != name);
    files.push((name.to_owned(), bytes));
    files
}

/// Its configuration with one key more.
fn config(key: &str, value: Value) -> Vec<u8> {
    let files = repository();
    let mut config: Value = serde_json::from_slice(content(&files, "config.json")).unwrap();
    config[key] = value;
    config.to_string().into_bytes()
}

#[test]
fn a_list_without_an_end_is_given_up() {
    let server = Server::start(repository());
    server.fails("/api/models", Fault::Endless, ALWAYS);
    let error = Place::new(&server).fails();
    assert!(
        error.contains("got more than 32 MiB; check HF_ENDPOINT"),
        "{error}"
    );
}

#[test]
fn sizes_that_no_such_file_has_are_not_fetched() {
    let server = Server::start(repository());
    let file =
        |name: &str, size: u64| json!({"rfilename": name, "size": size, "blobId": "f".repeat(40)});
    let list = json!({"sha": COMMIT, "siblings": [
        file("config.json", 1 << 40), file("tokenizer.json", 10), file("model.safetensors", 10),
    ]});
    server.fails("/api/models", Fault::Instead(list.to_string()), ALWAYS);
    let error = Place::new(&server).fails();
    let says =
        "owner/model/config.json: expected at most 268435456 bytes, the hub says 1099511627776";
    assert!(error.contains(says), "{error}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_address_that_ran_out_is_asked_for_again_once() {
    let server = Server::start(repository());
    let place = Place::new(&server);
    server.fails(WEIGHTS, Fault::Status(403, ""), 1);
    place.fetch(&FetchOption::Whole).unwrap();
    let asked = |server: &Server, path: &str| {
        let requests = server.requests();
        requests.iter().filter(|r| r.path.contains(path)).count()
    };
    assert_eq!(
        asked(
            &server,
            "/resolve/0123456789abcdef0123456789abcdef01234567/model.safetensors"
        ),
        2
    );

    let server = Server::start(repository());
    let place = Place::new(&server);
    server.fails(WEIGHTS, Fault::Status(403, ""), 1);
    answer(&place.fetch(&blocks(&place)).unwrap().location).unwrap();

    let server = Server::start(repository());
    server.fails(WEIGHTS, Fault::Status(403, ""), ALWAYS);
    let error = Place::new(&server).fails();
    assert!(error.contains("the hub refused (403)"), "{error}");
    assert_eq!(asked(&server, WEIGHTS), 2);
}

#[test]
fn a_kept_part_of_which_a_bit_was_lost_comes_again() {
    let server = Server::start(repository());
    let place = Place::new(&server);
    let first = place.fetch(&blocks(&place)).unwrap();
    let notice = first.notice.as_deref().unwrap_or_default();
    assert!(
        notice.contains("only the whole file can be held against the hub's hash"),
        "{notice}"
    );
    let expected = answer(&first.location).unwrap();
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, found),
                false => found.push(path),
            }
        }
    }
    let mut kept = Vec::new();
    walk(&place.home.path().join("blocks"), &mut kept);
    assert!(!kept.is_empty());
    for path in &kept {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 3;
        bytes[middle] ^= 0x40;
        fs::write(path, bytes).unwrap();
    }
    server.forget();
    let again = place.fetch(&blocks(&place)).unwrap();
    assert_eq!(answer(&again.location).unwrap(), expected);
    assert!(server.sent(WEIGHTS) > 0);
}

#[test]
fn noise_in_the_place_of_numbers_is_no_answer() {
    let files = repository();
    let weights = content(&files, "model.safetensors");
    let header = 8 + u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    let server = Server::start(files);
    server.fails(WEIGHTS, Fault::NoiseFrom(header), ALWAYS);
    let place = Place::new(&server);
    let error = match place.fetch(&blocks(&place)) {
        Ok(acquired) => answer(&acquired.location).unwrap_err(),
        Err(error) => error.to_string(),
    };
    assert!(error.contains("expected a finite number"), "{error}");

    let server = Server::start(repository());
    server.fails(WEIGHTS, Fault::NoiseFrom(0), ALWAYS);
    let place = Place::new(&server);
    let error = place.fetch(&blocks(&place)).unwrap_err().to_string();
    assert!(error.contains("expected a safetensors header"), "{error}");

    let server = Server::start(repository());
    server.fails(WEIGHTS, Fault::OtherSize, ALWAYS);
    let place = Place::new(&server);
    let error = place.fetch(&blocks(&place)).unwrap_err().to_string();
    assert!(
        error.contains("model.safetensors: expected ") && error.contains(" bytes, got "),
        "{error}"
    );
}

#[test]
fn what_cannot_be_read_is_refused_before_it_comes() {
    // Without a tokenizer.
    let mut files = repository();
    files.retain(|(name, _)| name != "tokenizer.json");
    files.push(("source.spm".to_owned(), vec![7; 100]));
    let server = Server::start(files);
    let error = Place::new(&server).fails();
    assert!(
        error.contains("owner/model: no tokenizer that can be read: expected"),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);

    // Quantised: the headers say so.
    let quantised = config(
        "quantization_config",
        json!({"quant_method": "gptq", "bits": 4}),
    );
    let files = with("config.json", quantised.clone());
    let weights = content(&files, "model.safetensors");
    let length = u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&weights[8..8 + length]).unwrap();
    assert!(header.contains("h.0.mlp.c_fc.weight\""));
    let header = header.replacen("h.0.mlp.c_fc.weight\"", "h.0.mlp.c_fc.qweight\"", 1);
    let length = (header.len() as u64).to_le_bytes();
    let packed = [
        &length,
        header.as_bytes(),
        &weights[8 + weights_header(weights)..],
    ]
    .concat();
    let size = packed.len();
    let mut files: Vec<_> = files
        .into_iter()
        .filter(|(name, _)| name != "model.safetensors")
        .collect();
    files.push(("model.safetensors".to_owned(), packed));
    let server = Server::start(files);
    let error = Place::new(&server).fails();
    assert!(
        error.contains("h.0.mlp.c_fc.weight") && error.contains("got packed whole numbers"),
        "{error}"
    );
    assert!(server.sent(WEIGHTS) < size / 2);
    // Plain numbers that once were quantised come as always.
    let server = Server::start(with("config.json", quantised.clone()));
    Place::new(&server).fetch(&FetchOption::Whole).unwrap();

    // Pickled weights have no headers: their size says it.
    let pickled = |size: usize| {
        let mut files = with("config.json", quantised.clone());
        files.retain(|(name, _)| name != "model.safetensors" && name != "pytorch_model.bin");
        files.push(("pytorch_model.bin".to_owned(), vec![0; size]));
        Server::start(files)
    };
    let plain = content(&repository(), "model.safetensors").len();
    let server = pickled(plain / 2);
    let error = Place::new(&server).fails();
    assert!(
        error.contains("quantization_config") && error.contains("quantised"),
        "{error}"
    );
    assert_eq!(server.sent("pytorch_model.bin"), 0);
    // At two bytes a number or more they come as always, and show what they are.
    let server = pickled(plain);
    Place::new(&server).fetch(&FetchOption::Whole).unwrap();

    // An adapter, and GGUF.
    for (name, got) in [
        ("adapter_config.json", "an adapter alone"),
        ("m.gguf", "GGUF (m.gguf)"),
    ] {
        let mut files = repository();
        files.retain(|(name, _)| !name.starts_with("model.") && !name.starts_with("pytorch_"));
        files.push((name.to_owned(), b"{}".to_vec()));
        let server = Server::start(files);
        let error = Place::new(&server).fails();
        assert!(
            error.contains("owner/model: expected config.json and weights") && error.contains(got),
            "{error}"
        );
        assert_eq!(server.requests().len(), 1);
    }
}

fn weights_header(weights: &[u8]) -> usize {
    u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize
}

#[test]
fn what_nothing_could_be_held_against_is_said() {
    let files = repository();
    let file = |name: &str, etag: &str| {
        let size = content(&files, name).len();
        json!({"rfilename": name, "size": size, "lfs": {"sha256": etag, "size": size}})
    };
    let list = json!({"sha": COMMIT, "siblings": [
        file("config.json", "c"), file("tokenizer.json", "t"), file("model.safetensors", "odd-tag"),
    ]});
    let server = Server::start(files.clone());
    server.fails("/api/models", Fault::Instead(list.to_string()), ALWAYS);
    let notice = Place::new(&server)
        .fetch(&FetchOption::Whole)
        .unwrap()
        .notice
        .unwrap();
    assert!(
        notice.contains("the hub states no hash of model.safetensors: only sizes were checked"),
        "{notice}"
    );
    let server = Server::start(files.clone());
    assert_eq!(
        Place::new(&server)
            .fetch(&FetchOption::Whole)
            .unwrap()
            .notice,
        None
    );
}

#[test]
fn a_cache_that_takes_no_names_is_said_before_the_bytes_come() {
    for folder in ["refs", "blobs", "snapshots"] {
        let server = Server::start(repository());
        let place = Place::new(&server);
        fs::create_dir_all(place.cache()).unwrap();
        fs::write(place.cache().join(folder), "a file").unwrap();
        let error = place.fails();
        assert!(error.contains("cannot be written"), "{error}");
        assert_eq!(server.requests().len(), 1, "{folder}");
    }
}

#[test]
fn what_came_short_is_kept_and_said_to_be() {
    let server = Server::start(repository());
    server.fails(WEIGHTS, Fault::Short(1000), 1);
    server.fails(WEIGHTS, Fault::Short(0), ALWAYS);
    let place = Place::new(&server);
    let error = place.fails();
    assert!(
        error.contains("bytes, got 1000 and no more; what came is kept"),
        "{error}"
    );
    let etag = super::server::etag(content(&repository(), "model.safetensors"));
    let partial = place.cache().join(format!("blobs/{etag}.incomplete"));
    assert_eq!(fs::metadata(partial).unwrap().len(), 1000);
}

#[test]
fn a_lock_that_another_program_holds_is_not_waited_for_for_ever() {
    let files = repository();
    let server = Server::start(files.clone());
    let place = Place::new(&server);
    let locks = place.home.path().join("hub/.locks/models--owner--model");
    fs::create_dir_all(&locks).unwrap();
    let etag = super::server::etag(content(&files, "model.safetensors"));
    let held = fs::File::create(locks.join(format!("{etag}.lock"))).unwrap();
    held.lock().unwrap();
    let error = place.fails();
    assert!(
        error.contains("another program is downloading it"),
        "{error}"
    );
    drop(held);
    place.fetch(&FetchOption::Whole).unwrap();
}

/// Descriptions of a model with bytes changed, left out and repeated, and names that act on a terminal.
#[test]
fn no_description_of_a_model_is_worse_than_an_error() {
    let mut random = fastrand::Rng::with_seed(11);
    let names = [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "a\u{1b}[2J\u{202e}.safetensors",
        "../../x",
    ];
    let files: Vec<Value> = names
        .iter()
        .map(|name| json!({"rfilename": name, "size": 100, "blobId": "f".repeat(40)}))
        .collect();
    let list = json!({"sha": COMMIT, "siblings": files}).to_string();
    for round in 0..rounds(24) {
        let mut bytes = list.clone().into_bytes();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..bytes.len());
            match random.u8(..3) {
                0 => bytes[at] = random.u8(..),
                1 => drop(bytes.drain(at..(at + random.usize(..20)).min(bytes.len()))),
                _ => bytes.extend_from_within(at..(at + random.usize(..200)).min(bytes.len())),
            }
        }
        let server = Server::start(repository());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        server.fails("/api/models", Fault::Instead(text), ALWAYS);
        let place = Place::new(&server);
        let error: CheckpointError = match place.fetch(&FetchOption::Whole) {
            Ok(_) => continue,
            Err(error) => error,
        };
        let error = error.to_string();
        assert!(
            !error.contains(is_unsafe) && error.chars().count() < 900,
            "round {round}: {error:?}"
        );
    }
}
