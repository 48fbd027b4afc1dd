//! What cannot be asked: families that are refused, and distances in layers that rotate nothing.

use super::*;

#[test]
fn a_known_family_is_refused_with_what_it_could_have() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("config.json"),
        r#"{"model_type": "pegasus"}"#,
    )
    .unwrap();
    let error = Checkpoint::open(&support::location(folder.path())).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("unknown `model_type` \"pegasus\""),
        "{error}"
    );
    assert!(error.contains("an encoder and a decoder"), "{error}");
    assert!(error.contains("could have neurons"), "{error}");
}

#[test]
fn a_layer_without_rotary_positions_has_one_list_for_all_distances() {
    for name in ["smollm3", "cohere2", "exaone4"] {
        let mut reader = reader(name);
        let query = |layer, distance| {
            Query::Pairs(PairsQuery {
                convention: Default::default(),
                form: "qk".parse().unwrap(),
                layer,
                head: 0,
                distance,
                end: End::Highest,
                k: 3,
                filters: Filters::default(),
            })
        };
        assert!(ask(&mut reader, query(0, 3)).is_ok(), "{name}");
        assert!(ask(&mut reader, query(1, 0)).is_ok(), "{name}");
        let error = ask(&mut reader, query(1, 3)).unwrap_err().to_string();
        assert!(
            error.contains("layer 1 has no rotary positions"),
            "{name}: {error}"
        );
    }
}
