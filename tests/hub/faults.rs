//! Everything that can go wrong on the way, as people meet it.

use std::fs;
use std::net::TcpListener;

use lexiscope::checkpoint::{FetchOption, Location};
use lexiscope::hub::{Hub, HubId, HubSettings};

use super::server::{Fault, Server, etag};
use super::{Place, content, repository};

const WEIGHTS: &str = "/storage/model.safetensors";
const ALWAYS: usize = 1000;

/// Downloads from a hub where requests for `path` go wrong.
fn fails(path: &str, fault: Fault) -> String {
    let server = Server::start(repository());
    server.fails(path, fault, ALWAYS);
    Place::new(&server).fails()
}

#[test]
fn no_network() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut server = Server::start(Vec::new());
    server.address = format!("http://{port}");
    let error = Place::new(&server).fails();
    let host = &server.address;
    let said = format!("owner/model: not here, and {host} cannot be reached");
    assert!(error.contains(&said), "{error}");
    assert!(
        error.contains("check the spelling, the network, HTTPS_PROXY and HF_ENDPOINT"),
        "{error}"
    );
}

#[test]
fn a_page_of_a_proxy() {
    for path in ["/api/models", "/resolve/", WEIGHTS] {
        let error = fails(path, Fault::Page);
        assert!(
            error.contains("expected a file, got a web page: a proxy"),
            "{path}: {error}"
        );
    }
}

#[test]
fn a_gated_model_says_how_to_get_in() {
    for status in [401, 403] {
        let error = fails(
            WEIGHTS,
            Fault::Status(status, "X-Error-Code: GatedRepo\r\n"),
        );
        assert!(error.contains(&format!("refused ({status})")), "{error}");
        assert!(error.contains("accept its licence at"), "{error}");
        assert!(error.contains("/owner/model and set HF_TOKEN"), "{error}");
    }
}

#[test]
fn a_model_or_a_revision_that_is_not_there_and_what_is_spelled_alike() {
    let error = fails(
        "/api/models",
        Fault::Status(404, "X-Error-Code: RepoNotFound\r\n"),
    );
    assert!(error.contains("the hub has no such model"), "{error}");
    let error = fails(
        "/api/models",
        Fault::Status(404, "X-Error-Code: RevisionNotFound\r\n"),
    );
    assert!(error.contains("the hub has no such revision"), "{error}");

    let server = Server::start(repository());
    let place = Place::new(&server);
    place.fetch(&FetchOption::Whole).unwrap();
    server.fails("/api/models", Fault::Status(404, ""), ALWAYS);
    let id = HubId::parse("owner/modl").unwrap();
    let acquired = lexiscope::checkpoint::fetch(
        &place.hub,
        &id,
        &FetchOption::Whole,
        lexiscope::task::Callbacks::none(),
    );
    let error = acquired.unwrap_err().to_string();
    assert!(error.ends_with("did you mean owner/model?"), "{error}");
}

#[test]
fn too_many_requests() {
    let error = fails("/api/models", Fault::Status(429, "Retry-After: 600\r\n"));
    assert!(error.contains("too many requests (429)"), "{error}");
    assert!(error.contains("set HF_TOKEN"), "{error}");
    // A short pause is kept, and the download goes on.
    let server = Server::start(repository());
    server.fails("/resolve/", Fault::Status(429, "Retry-After: 0\r\n"), 1);
    Place::new(&server).fetch(&FetchOption::Whole).unwrap();
}

#[test]
fn a_server_in_trouble_is_asked_again_and_not_for_ever() {
    let server = Server::start(repository());
    server.fails("/api/models", Fault::Status(503, ""), 2);
    server.fails(WEIGHTS, Fault::Status(502, ""), 2);
    Place::new(&server).fetch(&FetchOption::Whole).unwrap();

    let server = Server::start(repository());
    server.fails(WEIGHTS, Fault::Status(503, ""), ALWAYS);
    let error = Place::new(&server).fails();
    assert!(error.contains("the hub answered 503 3 times"), "{error}");
    let asked = server.requests();
    assert_eq!(asked.iter().filter(|r| r.path.contains(WEIGHTS)).count(), 3);
}

#[test]
fn a_connection_that_stands_still() {
    let error = fails(WEIGHTS, Fault::Stall(0));
    assert!(error.contains("not a byte came"), "{error}");
    assert!(error.contains("it goes on where it stopped"), "{error}");
    // Once is no matter.
    let server = Server::start(repository());
    server.fails(WEIGHTS, Fault::Stall(1000), 1);
    Place::new(&server).fetch(&FetchOption::Whole).unwrap();
}

#[test]
fn a_file_of_another_size_or_content_is_never_left_in_the_cache() {
    let files = repository();
    let weights = etag(content(&files, "model.safetensors"));
    for (fault, says) in [
        (Fault::Wrong, "expected the hash"),
        (Fault::Short(0), "bytes, got 0"),
    ] {
        let server = Server::start(files.clone());
        server.fails(WEIGHTS, fault.clone(), ALWAYS);
        let place = Place::new(&server);
        let error = place.fails();
        assert!(
            error.contains(says) && error.contains("try again"),
            "{fault:?}: {error}"
        );
        assert!(
            !place.cache().join("blobs").join(&weights).exists(),
            "{fault:?}"
        );
        let here = Location::cached(
            &HubId::parse(super::MODEL).unwrap(),
            &place.hub.settings().cache,
        );
        assert_eq!(here, None, "{fault:?}");
    }
}

#[test]
fn one_that_comes_short_is_asked_for_the_rest() {
    let files = repository();
    let weights = content(&files, "model.safetensors");
    let server = Server::start(files.clone());
    server.fails(WEIGHTS, Fault::Short(weights.len() - 5000), 1);
    let place = Place::new(&server);
    place.fetch(&FetchOption::Whole).unwrap();
    assert_eq!(server.sent(WEIGHTS), weights.len());
    let blob = place.cache().join("blobs").join(etag(weights));
    assert_eq!(fs::read(blob).unwrap(), weights);
}

#[test]
fn a_small_file_is_checked_too() {
    let server = Server::start(repository());
    server.fails(
        "/resolve/0123456789abcdef0123456789abcdef01234567/config.json",
        Fault::Wrong,
        9,
    );
    let error = Place::new(&server).fails();
    assert!(
        error.contains("owner/model/config.json: expected the hash"),
        "{error}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let files = repository();
    let server = Server::start(files.clone());
    let place = Place::new(&server);
    let blobs = place.cache().join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    let weights = etag(content(&files, "model.safetensors"));
    let partial = blobs.join(format!("{weights}.incomplete"));
    std::os::unix::fs::symlink("/dev/full", partial).unwrap();
    let error = place.fails();
    assert!(
        error.contains("the disk is full; make room or set HF_HUB_CACHE"),
        "{error}"
    );
}

#[test]
fn a_cache_that_cannot_be_written() {
    let server = Server::start(repository());
    let place = Place::new(&server);
    fs::write(place.home.path().join("hub"), "a file").unwrap();
    let error = place.fails();
    assert!(error.contains("cannot be written"), "{error}");
    assert!(
        error.contains("set HF_HUB_CACHE to a folder of your own"),
        "{error}"
    );
}

#[test]
fn a_repository_without_weights_that_can_be_read() {
    let files = repository();
    let other = files
        .into_iter()
        .filter(|(name, _)| name != "model.safetensors" && name != "pytorch_model.bin");
    let error = Place::new(&Server::start(other)).fails();
    assert!(
        error.contains("expected config.json and weights, got weights for TensorFlow alone"),
        "{error}"
    );
    assert!(
        error.contains("(tf_model.h5): take the model's weights for PyTorch"),
        "{error}"
    );
}

#[test]
fn an_unknown_family_is_refused_before_any_weight_comes() {
    let mut files = repository();
    let config = files
        .iter_mut()
        .find(|(name, _)| name == "config.json")
        .unwrap();
    config.1 = br#"{"model_type": "perceiver"}"#.to_vec();
    let server = Server::start(files);
    let error = Place::new(&server).fails();
    assert!(
        error.contains("unknown `model_type` \"perceiver\": expected one of"),
        "{error}"
    );
    let asked = server.requests();
    assert!(
        asked.iter().all(|r| !r.path.contains("safetensors")),
        "{asked:?}"
    );
}

#[test]
fn offline_asks_nothing() {
    let server = Server::start(repository());
    let place = Place::with(&server, &[("HF_HUB_OFFLINE", "1")]);
    let error = place.fails();
    assert!(error.contains("HF_HUB_OFFLINE is set"), "{error}");
    assert!(server.requests().is_empty());
}

#[test]
fn what_is_no_hub() {
    let error = fails("/api/models", Fault::Short(20));
    assert!(
        error.contains("expected the hub's description of a model"),
        "{error}"
    );
    let settings = HubSettings::read(|name| (name == "HF_ENDPOINT").then(|| "ftp://x".into()));
    let hub = Hub::new(settings).unwrap();
    let error = hub
        .list(
            &HubId::parse("a/b").unwrap(),
            lexiscope::task::Callbacks::none(),
        )
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("HF_ENDPOINT: expected an address"),
        "{error}"
    );
}

#[test]
fn the_token_goes_to_the_hub_alone_and_no_message_has_it() {
    let (server, storage) = (Server::start(repository()), Server::start(repository()));
    server.stores_at(&storage);
    let place = Place::with(&server, &[("HF_TOKEN", "hf_secret")]);
    place.fetch(&FetchOption::Whole).unwrap();
    let bearer = Some("Bearer hf_secret".to_owned());
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.token == bearer)
    );
    let stored = storage.requests();
    assert!(!stored.is_empty() && stored.iter().all(|request| request.token.is_none()));

    let server = Server::start(repository());
    server.fails("/api/models", Fault::Status(403, ""), ALWAYS);
    let place = Place::with(&server, &[("HF_TOKEN", "hf_secret")]);
    let error = place.fetch(&FetchOption::Whole).unwrap_err();
    assert!(!format!("{error} {error:?} {:?}", place.hub).contains("hf_secret"));
    let odd = HubSettings::read(|name| (name == "HF_TOKEN").then(|| "hf_\u{7f}secret".into()));
    let error = Hub::new(odd).unwrap_err().to_string();
    assert!(
        error.contains("HF_TOKEN holds characters") && !error.contains("secret"),
        "{error}"
    );
}
