//! What a user relies on: a view that is written down is the same view when it is read.

use super::*;
use crate::geometry::{Measure, Subwords};

fn read(text: &str) -> SavedView {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_view_is_read_as_it_is_written() {
    for text in [
        "L3.N103",
        "L3",
        "L3.N103 --convention raw",
        "L3.N103 --convention gain+cosine --column -V --key up --points --ascii --contains 'a b'",
        "L3.N103 --convention raw --contains=-x --in-text \"it's\"",
        "L4.H3.QK --convention raw --lowest --distance 12 --directions --exclude-same --words /a/list.txt --text /b.txt --words-sha256 3fa9",
        "S4 --measure context_specificity --corrected --by-layer --log --skip-first --token zamek --pieces first --without-dominant 3 --points",
        "D120 --convention raw --directions /a/sae.npz --layer 3 --side reads --hook resid_mid --tensor W",
        "L3.N103 --convention raw --links",
        "S0 --measure anisotropy --texts /a/texts.jsonl",
        "S0 --measure anisotropy --text 'Ala ma kota.' --text Kot.",
        "S4.T2 --text 'Ala ma kota, ' --special --target Paris --against 'New York' --ablate L3.H7=mean@2 --steer L7:Warsaw=20 --continue 30 --seed 3 --shade kl",
    ] {
        let view = read(text);
        let again = view.to_string();
        assert_eq!(read(&again), view, "{text}");
        if !text.contains('"') {
            assert_eq!(again.replace("--column=-V", "--column -V"), text);
        }
    }
}

#[test]
fn a_place_alone_leaves_the_settings_and_any_option_sets_them_all() {
    assert_eq!(read("l3.n103").settings, None);
    let settings = read("L3.N103 --ascii").settings.unwrap();
    let mut expected = ViewSettings::default();
    expected.filters.ascii = true;
    assert_eq!(*settings, expected);
    let chart = read("S2 --measure intra_sentence --by-layer --pieces last").settings;
    let chart = chart.unwrap().chart;
    assert_eq!(
        (chart.measure, chart.depth, chart.pieces, chart.token),
        (Measure::IntraSentence, Depth::State, Subwords::Last, None)
    );
}

#[test]
fn a_command_line_is_a_view_too() {
    for (command, model, view) in [
        (
            "lexiscope neuron gpt2-pl 3 103 -k 40 --convention gain --ascii --format csv",
            "gpt2-pl",
            "L3.N103 --convention gain --ascii",
        ),
        (
            "neuron './my models/a' L3.N103 --trust",
            "./my models/a",
            "L3.N103 --convention raw",
        ),
        (
            "lexiscope pairs bert-pl qk 2 1 --lowest -k 9",
            "bert-pl",
            "L2.H1.QK --convention raw --lowest",
        ),
        (
            "lexiscope pairs bert-pl vo L2.H1",
            "bert-pl",
            "L2.H1.VO --convention raw",
        ),
        (
            "lexiscope pairs bert-pl L2.H1.VO",
            "bert-pl",
            "L2.H1.VO --convention raw",
        ),
        (
            "lexiscope dictionary gpt2-pl --directions sae.pt D7 --similar -n 4 --layer 2",
            "gpt2-pl",
            "D7 --convention raw --directions sae.pt --layer 2",
        ),
        (
            "lexiscope links gpt2-pl L4.H3 -n 5 --list-words 2",
            "gpt2-pl",
            "L4.H3 --convention raw --links",
        ),
        (
            "lexiscope directions gpt2-pl ff-out 3",
            "gpt2-pl",
            "L3.N0 --convention raw --column V --directions",
        ),
        (
            "lexiscope geometry gpt2-pl --text a --measure anisotropy",
            "gpt2-pl",
            "S0 --measure anisotropy --text a",
        ),
    ] {
        let read = read(command);
        assert_eq!(read.model.as_deref(), Some(model), "{command}");
        assert_eq!(read.to_string(), view, "{command}");
    }
}

#[test]
fn what_is_no_view_is_refused_by_name() {
    for (text, why) in [
        ("zzz", "`zzz` is not an address"),
        ("L3.N103 --zoom 3", "`--zoom` is no option of a view"),
        ("L3.N103 ascii", "`ascii` is no option of a view"),
        (
            "L3.N103 --convention folded",
            "--convention: expected raw alone, or some of",
        ),
        (
            "L3.N103 --column W",
            "--column: expected K, V, -K or -V, got W",
        ),
        (
            "L3.N103 --distance",
            "--distance: expected a value, got none",
        ),
        (
            "L4.H3 --distance far",
            "--distance: expected a whole number, got far",
        ),
        ("L3.N103 --contains 'a", "a quote is open"),
        (
            "lexiscope find gpt2-pl dom",
            "`find` makes a list that is no place",
        ),
        ("lexiscope neuron gpt2-pl", "place: expected a value"),
    ] {
        let error = text.parse::<SavedView>().unwrap_err().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn says_what_one_view_has_and_another_has_not() {
    let marked = read("L3.N103 --convention gain+cosine --ascii");
    let present = read("L9.N1 --convention raw --ascii --contains dom --column V");
    assert_eq!(marked.unlike(&present), ["gain+cosine", "no contains dom"]);
    assert!(marked.unlike(&marked).is_empty());
}

#[test]
fn no_two_views_share_a_file_name() {
    let name = |text: &str| read(text).name_part();
    assert_eq!(name("L3.N103 --convention raw --column V"), "");
    assert_eq!(
        name("L3.N103 --convention gain+cosine --ascii --words /a/list.txt"),
        "-gain+cosine-ascii-words-list.txt"
    );
    assert_eq!(name("L4.H3.QK --lowest --distance 5"), "-lowest-distance-5");
    assert_eq!(
        name("S2 --measure anisotropy --by-layer --skip-first"),
        "-skip-first"
    );
    let odd = [
        "a/b",
        "a b",
        "a_b",
        "a\\b",
        &"x".repeat(300),
        &"x".repeat(301),
    ];
    let names: std::collections::BTreeSet<String> = odd
        .into_iter()
        .map(|odd| {
            name(&format!(
                "L3.N103 --contains {}",
                shell_line(&[odd.to_owned()])
            ))
        })
        .collect();
    assert_eq!(names.len(), 6, "{names:?}");
    assert!(
        names
            .iter()
            .all(|name| name.len() < 120 && !name.contains(['/', '\\', ' ']))
    );
}
