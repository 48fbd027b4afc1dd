//! Whole models: which files come, where they lie, and what is never asked twice.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use lexiscope::checkpoint::{
    Checkpoint, FetchOption, FoundModel, Location, ModelStores, estimate, fetch,
};
use lexiscope::hub::HubId;

use super::server::{COMMIT, Fault, Server, etag};
use lexiscope::task::{Callbacks, CancelToken};

use super::{MODEL, Place, content, repository};

#[test]
fn brings_what_is_needed_and_lays_it_out_as_hugging_face_does() {
    let files = repository();
    let server = Server::start(files.clone());
    let place = Place::new(&server);
    let acquired = place.fetch(&FetchOption::Whole).unwrap();
    Checkpoint::open(&acquired.location).unwrap();

    let snapshot = place.cache().join("snapshots").join(COMMIT);
    let mut there: Vec<String> = fs::read_dir(&snapshot)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    let needed = ["config.json", "model.safetensors", "tokenizer.json"];
    assert!(
        needed
            .iter()
            .all(|file| there.contains(&(*file).to_owned())),
        "{there:?}"
    );
    for unneeded in [
        "README.md",
        "pytorch_model.bin",
        "tf_model.h5",
        "onnx/model.onnx",
    ] {
        assert!(!snapshot.join(unneeded).exists());
        assert_eq!(server.sent(unneeded), 0, "{unneeded}");
    }
    let weights = content(&files, "model.safetensors");
    let blob = place.cache().join("blobs").join(etag(weights));
    assert_eq!(fs::read(&blob).unwrap(), weights);
    let link = fs::read_link(snapshot.join("model.safetensors")).unwrap();
    assert_eq!(
        link,
        std::path::Path::new("../../blobs").join(etag(weights))
    );
    let points_to = fs::read_to_string(place.cache().join("refs/main")).unwrap();
    assert_eq!(points_to, COMMIT);
}

#[test]
fn asks_nothing_of_the_network_for_what_lies_there() {
    let server = Server::start(repository());
    let place = Place::new(&server);
    place.fetch(&FetchOption::Whole).unwrap();
    server.forget();
    let found = Location::find(
        MODEL,
        &ModelStores::of_cache(place.hub.settings().cache.clone()),
    )
    .unwrap();
    let FoundModel::Here(location) = found else {
        panic!("expected it in the cache");
    };
    Checkpoint::open(&location).unwrap();
    assert!(server.requests().is_empty());
    // Asked for again, only the list comes.
    place.fetch(&FetchOption::Whole).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    assert!(
        requests[0]
            .path
            .starts_with("/api/models/owner/model/revision/main")
    );
}

#[test]
fn a_revision_is_asked_for_and_kept_by_its_name() {
    let server = Server::start(repository());
    let place = Place::new(&server);
    let id = HubId::parse("owner/model@refs/pr/1").unwrap();
    fetch(&place.hub, &id, &FetchOption::Whole, Callbacks::none()).unwrap();
    assert!(
        server.requests()[0]
            .path
            .contains("/revision/refs%2Fpr%2F1")
    );
    assert!(place.cache().join("refs/refs/pr/1").is_file());
    let found = Location::find(
        "owner/model@refs/pr/1",
        &ModelStores::of_cache(place.hub.settings().cache.clone()),
    );
    assert!(matches!(found, Ok(FoundModel::Here(_))));
}

#[test]
fn sharded_weights_come_by_their_index() {
    let files = repository();
    let whole = content(&files, "model.safetensors").to_vec();
    let names: Vec<String> = {
        let header = u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
        let header: serde_json::Value = serde_json::from_slice(&whole[8..8 + header]).unwrap();
        let names = header.as_object().unwrap().keys();
        names
            .filter(|name| *name != "__metadata__")
            .cloned()
            .collect()
    };
    let map: serde_json::Map<String, serde_json::Value> = names
        .into_iter()
        .map(|name| (name, "model-00001-of-00001.safetensors".into()))
        .collect();
    let index = serde_json::json!({ "weight_map": map }).to_string();
    let mut sharded: Vec<_> = files
        .into_iter()
        .filter(|(name, _)| name != "model.safetensors" && name != "pytorch_model.bin")
        .collect();
    sharded.push((
        "model.safetensors.index.json".to_owned(),
        index.into_bytes(),
    ));
    sharded.push(("model-00001-of-00001.safetensors".to_owned(), whole));
    let server = Server::start(sharded);
    let place = Place::new(&server);
    Checkpoint::open(&place.fetch(&FetchOption::Whole).unwrap().location).unwrap();
}

#[test]
fn pickled_weights_come_only_where_there_are_no_others() {
    let mut files = repository();
    files.retain(|(name, _)| name != "model.safetensors");
    let pickled = etag(content(&files, "pytorch_model.bin"));
    let server = Server::start(files);
    let place = Place::new(&server);
    place.fetch(&FetchOption::Whole).unwrap();
    assert!(place.cache().join("blobs").join(pickled).is_file());
}

#[test]
fn a_list_without_sizes_and_hashes_is_enough() {
    let files = repository();
    let server = Server::with_list(files.clone(), false);
    let place = Place::new(&server);
    Checkpoint::open(&place.fetch(&FetchOption::Whole).unwrap().location).unwrap();
    let weights = etag(content(&files, "model.safetensors"));
    assert!(place.cache().join("blobs").join(weights).is_file());
    assert!(server.requests().iter().any(|r| r.method == "HEAD"));
}

#[test]
fn an_interrupted_download_goes_on_where_it_stopped() {
    let files = repository();
    let weights = content(&files, "model.safetensors");
    let server = Server::start(files.clone());
    let place = Place::new(&server);
    server.fails(
        "/storage/model.safetensors",
        Fault::Cut(weights.len() / 2),
        1,
    );
    place.fetch(&FetchOption::Whole).unwrap();
    let requests = server.requests();
    let parts: Vec<_> = requests
        .iter()
        .filter(|r| r.path.contains("/storage/model"))
        .collect();
    assert_eq!(parts.len(), 2, "{parts:?}");
    assert_eq!(parts[0].range, None);
    let rest = format!("bytes={}-", weights.len() / 2);
    assert_eq!(parts[1].range.as_deref(), Some(&*rest));
    assert_eq!(server.sent("/storage/model.safetensors"), weights.len());
}

#[test]
fn one_called_off_goes_on_the_next_time() {
    let files = repository();
    let weights = content(&files, "model.safetensors");
    let server = Server::start(files.clone());
    let place = Place::new(&server);
    let half = weights.len() / 2;
    // It stands still at the half, and is called off there.
    server.fails("/storage/model.safetensors", Fault::Stall(half), 1);
    let id = HubId::parse(MODEL).unwrap();
    let come = AtomicUsize::new(0);
    let half_come = || come.load(Ordering::Relaxed) >= half;
    let callbacks = Callbacks {
        cancel: CancelToken::new(&half_come),
        on_progress: Some(&|progress| {
            come.fetch_max(progress.done() as usize, Ordering::Relaxed);
        }),
        ..Callbacks::none()
    };
    let error = fetch(&place.hub, &id, &FetchOption::Whole, callbacks).unwrap_err();
    assert!(error.to_string().contains("called off"), "{error}");
    let blobs = place.cache().join("blobs");
    let partial = blobs.join(format!("{}.incomplete", etag(weights)));
    assert_eq!(fs::metadata(&partial).unwrap().len() as usize, half);
    // Whoever asks for the revision does not find half a model.
    assert!(!place.cache().join("refs/main").exists());
    server.forget();
    place.fetch(&FetchOption::Whole).unwrap();
    assert_eq!(
        server.sent("/storage/model.safetensors"),
        weights.len() - half
    );
    assert!(!partial.exists());
}

#[test]
fn a_beginning_of_another_file_is_not_kept() {
    let files = repository();
    let weights = content(&files, "model.safetensors");
    let server = Server::start(files.clone());
    let place = Place::new(&server);
    let blobs = place.cache().join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    let partial = blobs.join(format!("{}.incomplete", etag(weights)));
    fs::write(partial, vec![1; weights.len() / 3]).unwrap();
    place.fetch(&FetchOption::Whole).unwrap();
    assert_eq!(fs::read(blobs.join(etag(weights))).unwrap(), weights);
}

#[test]
fn a_server_that_ignores_the_range_sends_it_again() {
    let files = repository();
    let weights = content(&files, "model.safetensors");
    let server = Server::start(files.clone());
    let place = Place::new(&server);
    server.fails(
        "/storage/model.safetensors",
        Fault::Cut(weights.len() / 2),
        1,
    );
    server.fails("/storage/model.safetensors", Fault::Whole, 1);
    place.fetch(&FetchOption::Whole).unwrap();
    let blob = place.cache().join("blobs").join(etag(weights));
    assert_eq!(fs::read(blob).unwrap(), weights);
}

#[test]
fn says_what_a_model_costs_before_it_comes() {
    let files = repository();
    let server = Server::start(files.clone());
    let place = Place::new(&server);
    let estimate = estimate(&place.hub, &HubId::parse(MODEL).unwrap(), Callbacks::none()).unwrap();
    let needed = ["config.json", "tokenizer.json", "tokenizer_config.json"];
    let small: usize = needed
        .iter()
        .filter_map(|name| files.iter().find(|(file, _)| file == name))
        .map(|(_, content)| content.len())
        .sum();
    let weights = content(&files, "model.safetensors").len();
    assert_eq!(estimate.whole, (small + weights) as u64);
    let first = estimate.first_look.unwrap();
    assert!(
        first > small as u64 && first < estimate.whole,
        "{estimate:?}"
    );
    assert_eq!(server.sent("model.safetensors"), 0);
}
