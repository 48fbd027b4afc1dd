//! Models of which only what is looked at comes.

use std::path::Path;
use std::sync::Arc;

use lexiscope::checkpoint::{Checkpoint, FetchOption, Location, OutputEmbedding};
use lexiscope::hub::Blocks;
use lexiscope::projection::{DeviceChoice, End};
use lexiscope::query::{Answer, Answering, Callbacks, NeuronQuery, PairsQuery, Query, Reader};
use lexiscope::transformer::{Form, Input};
use lexiscope::vocabulary::Filters;

use super::checkpoint_writer::Synthetic;
use super::server::{Fault, Server};
use super::{Place, repository};

const WEIGHTS: &str = "/storage/model.safetensors";

fn blocks(folder: &Path) -> FetchOption {
    FetchOption::ByTensor(Arc::new(Blocks::open(folder.join("blocks"), 1 << 30)))
}

fn neuron(layer: usize, neuron: usize) -> Query {
    Query::Neuron(NeuronQuery {
        convention: Default::default(),
        layer,
        neuron,
        input: Input::default(),
        k: 20,
        filters: Filters::default(),
    })
}

fn pairs(form: Form, layer: usize, head: usize) -> Query {
    Query::Pairs(PairsQuery {
        convention: Default::default(),
        form,
        layer,
        head,
        distance: 0,
        end: End::Highest,
        k: 20,
        filters: Filters::default(),
    })
}

fn answer(location: &Location, query: &Query) -> Answer {
    let mut reader = Reader::open(location, DeviceChoice::Cpu).unwrap();
    reader.answer(query, Callbacks::none()).unwrap()
}

/// A model with wide layers, as files of a repository; and the folder it lies in.
fn wide() -> (tempfile::TempDir, Vec<(String, Vec<u8>)>) {
    written(&Synthetic::tiny())
}

/// A model as files of a repository; and the folder it lies in.
fn written(model: &Synthetic) -> (tempfile::TempDir, Vec<(String, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    model.write(folder.path()).unwrap();
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, std::fs::read(entry.path()).unwrap())
    });
    let files = files.collect();
    (folder, files)
}

#[test]
fn a_head_is_compared_by_parts_whatever_the_configuration_says() {
    let apart = Synthetic {
        tied: false,
        vocab: 40_000,
        ..Synthetic::tiny()
    };
    let (_folder, mut files) = written(&apart);
    for (name, content) in &mut files {
        if name == "config.json" {
            let text = String::from_utf8(content.clone()).unwrap();
            let says = |tied: bool| format!("\"tie_word_embeddings\": {tied}");
            *content = text.replace(&says(false), &says(true)).into_bytes();
        }
    }
    let server = Server::start(files.clone());
    let place = Place::new(&server);
    let remote = place.fetch(&blocks(place.home.path())).unwrap();
    let spec = |location: &Location| Checkpoint::open(location).unwrap().spec().clone();
    assert_eq!(spec(&remote.location).output, OutputEmbedding::Differs);

    // The head made equal to the embedding: a part of it is compared, and the rest does not come.
    let weights = files
        .iter_mut()
        .find(|(name, _)| name == "model.safetensors");
    let content = &mut weights.unwrap().1;
    let header = 8 + u64::from_le_bytes(content[..8].try_into().unwrap()) as usize;
    let text: serde_json::Value = serde_json::from_slice(&content[8..header]).unwrap();
    let span = |name: &str| {
        let ends = &text[name]["data_offsets"];
        let at = |i: usize| header + ends[i].as_u64().unwrap() as usize;
        at(0)..at(1)
    };
    let head = span("lm_head.weight");
    content.copy_within(span("transformer.wte.weight"), head.start);
    let server = Server::start(files);
    let place = Place::new(&server);
    let remote = place.fetch(&blocks(place.home.path())).unwrap();
    let OutputEmbedding::Equal { rows } = spec(&remote.location).output else {
        panic!("not found equal")
    };
    assert!(rows > 10_000 && rows <= apart.vocab, "{rows}");
}

/// A repository's configuration is read as a folder's: with what its family leaves out.
#[test]
fn sizes_that_a_family_leaves_out_are_filled_in_before_they_are_asked_for() {
    for name in ["gemma3", "qwen3"] {
        let folder = crate::support::tests("families").join(name);
        let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
        let mut config: serde_json::Value = serde_json::from_slice(&read("config.json")).unwrap();
        if name == "gemma3" {
            // As in the files of the larger models, most sizes are the family's.
            assert!(config.get("vocab_size").is_none());
        } else {
            config
                .as_object_mut()
                .unwrap()
                .remove("rms_norm_eps")
                .unwrap();
        }
        let files = [
            ("config.json".to_owned(), config.to_string().into_bytes()),
            ("model.safetensors".to_owned(), read("model.safetensors")),
            ("tokenizer.json".to_owned(), read("tokenizer.json")),
        ];
        let server = Server::start(files);
        let place = Place::new(&server);
        let found = place.fetch(&FetchOption::Whole).unwrap().location;
        let here = Location::Folder {
            name: name.to_owned(),
            path: folder,
        };
        let spec = |location: &Location| Checkpoint::open(location).unwrap().spec().clone();
        assert_eq!(spec(&found).d_head, spec(&here).d_head, "{name}");
        let estimate = lexiscope::checkpoint::estimate(
            &place.hub,
            &lexiscope::hub::HubId::parse(super::MODEL).unwrap(),
            lexiscope::task::Callbacks::none(),
        );
        assert!(estimate.unwrap().first_look.is_some(), "{name}");
    }
}

#[test]
fn answers_as_the_whole_model_does_for_the_bytes_that_it_takes() {
    let files = repository();
    let server = Server::start(files);
    let place = Place::new(&server);
    let at_home = Place::new(&server);
    let whole = at_home.fetch(&FetchOption::Whole).unwrap().location;
    // Sizes of the bundled model's tensors, at the four bytes of their numbers.
    let spec = {
        let reader = Reader::open(&whole, DeviceChoice::Cpu).unwrap();
        reader.card().spec.clone()
    };
    let number = number_bytes(super::content(&repository(), "model.safetensors"));
    let (d, n) = (spec.d_model * number, spec.neurons);
    server.forget();
    let remote = place.fetch(&blocks(place.home.path())).unwrap();
    assert!(matches!(remote.location, Location::Remote(_)));
    let embedding = spec.vocab * d;
    let header = 64 << 10;
    let sent = server.sent(WEIGHTS);
    assert!(
        sent >= embedding && sent <= embedding + embedding / 10 + header,
        "{sent}"
    );

    // A key is a column of its matrix, which takes the whole of it, and a value is a row.
    server.forget();
    let query = neuron(1, 7);
    assert_eq!(answer(&remote.location, &query), answer(&whole, &query));
    let needed = 2 * n * d;
    let sent = server.sent(WEIGHTS);
    assert!(
        sent > 0 && sent <= needed + needed / 10,
        "{sent} of {needed}"
    );

    // A head's query, key and value lie in one matrix, and its output in another.
    server.forget();
    let head = pairs(Form::Vo, 2, 1);
    assert_eq!(answer(&remote.location, &head), answer(&whole, &head));
    let needed = (3 + 1) * spec.d_model * d;
    let sent = server.sent(WEIGHTS);
    assert!(
        sent > 0 && sent <= needed + needed / 10,
        "{sent} of {needed}"
    );

    // And nothing comes twice, in this session or the next.
    server.forget();
    answer(&remote.location, &query);
    let again = place.fetch(&blocks(place.home.path())).unwrap();
    answer(&again.location, &query);
    answer(&again.location, &head);
    assert_eq!(server.sent(WEIGHTS), 0);
}

/// Bytes of a number in a safetensors file whose tensors are all of one kind.
fn number_bytes(file: &[u8]) -> usize {
    let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let text = std::str::from_utf8(&file[8..8 + header]).unwrap();
    if text.contains("\"F32\"") { 4 } else { 2 }
}

#[test]
fn a_synthetic_model_in_parts_agrees_with_its_folder() {
    let (folder, files) = wide();
    let server = Server::start(files);
    let place = Place::new(&server);
    let remote = place.fetch(&blocks(place.home.path())).unwrap().location;
    let here = Location::Folder {
        name: "here".to_owned(),
        path: folder.path().to_owned(),
    };
    for query in [neuron(0, 3), pairs(Form::Qk, 1, 0), pairs(Form::Vo, 0, 1)] {
        assert_eq!(answer(&remote, &query), answer(&here, &query));
    }
}

#[test]
fn a_connection_that_breaks_in_a_part_is_taken_up_again() {
    let server = Server::start(repository());
    let place = Place::new(&server);
    let at_home = Place::new(&server);
    let whole = at_home.fetch(&FetchOption::Whole).unwrap().location;
    server.fails(WEIGHTS, Fault::Cut(3), 2);
    server.fails(WEIGHTS, Fault::Status(503, ""), 1);
    server.fails(WEIGHTS, Fault::Stall(2_000_000), 1);
    let remote = place.fetch(&blocks(place.home.path())).unwrap().location;
    let query = neuron(0, 5);
    assert_eq!(answer(&remote, &query), answer(&whole, &query));
}

#[test]
fn where_there_are_no_ranges_or_only_pickles_the_whole_comes_with_a_notice() {
    let server = Server::start(repository());
    server.fails(WEIGHTS, Fault::Whole, 1000);
    let place = Place::new(&server);
    let acquired = place.fetch(&blocks(place.home.path())).unwrap();
    assert!(matches!(acquired.location, Location::Folder { .. }));
    let notice = acquired.notice.unwrap();
    assert!(
        notice.contains("does not serve parts of files: downloaded whole"),
        "{notice}"
    );

    let (_folder, files) = wide();
    let pickled = files.into_iter().map(|(name, content)| match &*name {
        "model.safetensors" => ("pytorch_model.bin".to_owned(), content),
        _ => (name, content),
    });
    let server = Server::start(pickled);
    let place = Place::new(&server);
    let acquired = place.fetch(&blocks(place.home.path())).unwrap();
    let notice = acquired.notice.unwrap();
    assert!(
        notice.contains("only safetensors can be read in parts"),
        "{notice}"
    );
}

#[test]
fn what_needs_all_weights_says_so() {
    let server = Server::start(repository());
    let place = Place::new(&server);
    let remote = place.fetch(&blocks(place.home.path())).unwrap().location;
    let mut reader = Reader::open(&remote, DeviceChoice::Cpu).unwrap();
    let error = reader
        .answer(&Query::ValueNorms, Callbacks::none())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "owner/model: needs all of its weights, which stay on the hub: \
         `lexiscope download owner/model`"
    );
}
