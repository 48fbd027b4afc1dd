//! What the keys do.

use lexiscope::explorer::action::{Action, TabId};
use lexiscope::explorer::effect::Effect;
use lexiscope::explorer::keymap::COMMANDS;
use lexiscope::explorer::shell;
use lexiscope::explorer::state::{ModelChoice, Notice, Opening, Origin, State};
use lexiscope::explorer::views::palette::PaletteEntry;
use lexiscope::projection::End;
use lexiscope::query::{Query, Switch};
use lexiscope::transformer::Input;
use lexiscope::worker::{Event, ModelId};

use super::{Screen, model};

#[test]
fn arrows_and_letters_step_and_counts_multiply() {
    let mut screen = Screen::new(120, 30);
    screen.press("1 2 j k → l h ←");
    assert_eq!(screen.address(), "L3.N114");
    screen.press("9 9 9 9 ↑");
    assert_eq!(screen.address(), "L3.N0");
    assert!(
        screen
            .press("↑")
            .last_line()
            .contains("this is the first neuron")
    );
    screen.press("7 0 7 G");
    assert_eq!(screen.address(), "L3.N707");
    screen.press("G");
    assert_eq!(screen.address(), "L3.N767");
    screen.press("g g");
    assert_eq!(screen.address(), "L3.N0");
    screen.press("5 g g");
    assert_eq!(screen.address(), "L3.N5");
    screen.press("9 Esc g Esc ↓ ↑ g g");
    assert_eq!(screen.address(), "L3.N0");
    screen.press("PgDn PgUp C-d C-u");
    assert_eq!(screen.address(), "L3.N0");
}

#[test]
fn a_gated_neuron_shows_either_input_as_its_key() {
    let mut screen = Screen::new(120, 30);
    assert!(screen.press("u").last_line().contains("no gate here"));
    screen.press("o").write(model::GATED).press("Enter");
    let asked = |screen: &Screen| match &screen.state.wanted[0] {
        Query::Neuron(query) => query.input,
        other => panic!("{other:?}"),
    };
    assert_eq!(asked(&screen), Input::Gate);
    let text = screen.text();
    assert!(
        text.contains("K gate") && text.contains("−K gate"),
        "{text}"
    );
    assert!(text.contains("V at ++ (−−)") && text.contains("−V at +− (−+)"));
    screen.press("u");
    assert_eq!(asked(&screen), Input::Up);
    assert!(screen.text().contains("K up"));
    assert!(screen.press("y").last_line().contains("copied K up of"));
}

#[test]
fn the_key_of_qk_moves_behind_the_query() {
    let mut screen = Screen::new(120, 30);
    screen.press("Tab >");
    assert!(screen.last_line().contains("not rotary here"));
    screen.press("o").write(model::GATED).press("Enter");
    let asked = |screen: &Screen| {
        let distance = |query: &Query| match query {
            Query::Pairs(query) => Some(query.distance),
            _ => None,
        };
        let wanted = screen.state.wanted.iter();
        wanted.filter_map(distance).collect::<Vec<_>>()
    };
    screen.press("g h 1 2 > >");
    assert_eq!(asked(&screen), [0, 13]);
    assert!(screen.text().contains("QK Δ13  query → key"));
    assert_eq!(asked(screen.press("<")), [0, 12]);
    screen.press("9 9 <");
    assert_eq!(asked(&screen), [0, 0]);
    assert!(screen.text().contains("QK Δ0  query → key"));
    assert!(screen.press("<").last_line().contains("nearest key"));
}

#[test]
fn a_number_that_is_not_there_is_refused() {
    let mut screen = Screen::new(120, 30);
    screen.press("8 0 0 0 G");
    assert_eq!(screen.address(), "L3.N103");
    assert!(
        screen
            .last_line()
            .contains("✗ there is no neuron 8,000: the last one is 767")
    );
    screen.press("↓");
    assert!(!screen.last_line().contains('✗'));
}

#[test]
fn addresses_are_jumped_to_and_come_back_from() {
    let mut screen = Screen::new(120, 30);
    for (typed, address) in [
        ("L5.N0", "L5.N0"),
        ("n12", "L5.N12"),
        ("40", "L5.N40"),
        ("L2", "L2.N40"),
        ("l4.h3.qk", "L4.H3"),
        ("1", "L4.H1"),
    ] {
        screen.press(":").write(typed).press("Enter");
        assert_eq!(screen.address(), address, "{typed}");
    }
    assert_eq!(screen.state.views.heads.focus, 1);
    screen.press("H H");
    assert_eq!(screen.address(), "L2.N40");
    screen.press("L");
    assert_eq!(screen.address(), "L4.H3");
    screen.press("9 9 H");
    assert_eq!(screen.address(), "L3.N103");
}

#[test]
fn an_address_outside_the_model_says_what_there_is_and_keeps_the_line() {
    let mut screen = Screen::new(120, 30);
    screen.press(":").write("L9.N0").press("Enter");
    assert_eq!(screen.address(), "L3.N103");
    let line = screen.last_line();
    assert!(
        line.contains("✗ layer 9 is not in gpt2-pl: expected 0 to 5"),
        "{line}"
    );
    assert_eq!(screen.state.stack.len(), 1);
}

#[test]
fn the_palette_runs_what_its_words_find() {
    let mut screen = Screen::new(120, 30);
    screen.press("?").write("next pane").press("Enter");
    assert_eq!(screen.state.tab, TabId::Heads);
    assert!(screen.state.stack.is_empty());
    screen.press(":").write("no such thing").press("Enter");
    assert_eq!(screen.state.stack.len(), 1);
}

#[test]
fn the_palette_finds_by_what_people_call_things() {
    for (typed, action) in [
        ("convention", Action::OpenConventions),
        ("export", Action::Export),
        ("save", Action::Export),
        ("quit", Action::Quit),
        ("exit", Action::Quit),
        ("trust", Action::OpenConventions),
        ("robustness", Action::OpenConventions),
        ("cosine", Action::Convention(Switch::Cosine)),
        ("legend", Action::OpenLegend),
        ("search", Action::OpenFind),
        ("bookmark", Action::Mark),
        ("help", Action::OpenHelp),
        ("load", Action::OpenModels),
        ("layer norm", Action::Convention(Switch::Gain)),
        ("ablate", Action::Show(TabId::Prompt)),
        ("patch", Action::Show(TabId::Prompt)),
        ("logit lens", Action::Show(TabId::Prompt)),
        ("direct logit attribution", Action::Show(TabId::Prompt)),
        ("undo", Action::Undo),
    ] {
        let mut screen = Screen::new(120, 30);
        screen.press("?").write(typed);
        let found = screen.state.palette_listed();
        let is = |entry: &PaletteEntry| matches!(entry, PaletteEntry::Run(c) if c.action == action);
        assert!(found.iter().any(is), "{typed}: {found:?}");
    }
    let mut screen = Screen::new(120, 30);
    screen.press("?").write("unit length").press("Enter");
    assert!(screen.state.convention.has(Switch::Cosine));
}

#[test]
fn only_what_is_typed_is_opened_and_tab_goes_on_with_it() {
    let mut screen = Screen::new(120, 30);
    screen.state.models = ["gpt2-pl", "bert-pl"]
        .map(|name| ModelChoice::new(name, Origin::Bundled))
        .into();
    let opened = |screen: &Screen| screen.state.card().unwrap().name.clone();
    screen.press("o").write("gpt2").press("Enter");
    assert_eq!(opened(&screen), "gpt2");
    screen.press("o").write("bert").press("Tab");
    let asked = Effect::Complete {
        typed: "bert".to_owned(),
        folders: true,
    };
    assert_eq!(screen.done.pop(), Some(asked));
    let effects = shell::completed(&mut screen.state, "bert", vec!["berths/".to_owned()]);
    screen.perform(effects);
    // `bert` is all that the two have in common.
    screen.draw();
    assert!(
        screen.last_line().contains("bert-pl  berths/"),
        "{}",
        screen.last_line()
    );
    screen.press("- Tab");
    let effects = shell::completed(&mut screen.state, "bert-", Vec::new());
    screen.perform(effects);
    screen.press("Enter");
    assert_eq!(opened(&screen), "bert-pl");
    screen.press("o").write("gpt").press("↓ Enter");
    assert_eq!(opened(&screen), "gpt2-pl");
}

#[test]
fn names_of_files_are_gone_on_with_where_a_file_is_asked_for() {
    let mut screen = Screen::new(120, 30);
    let complete = |screen: &mut Screen, found: &[&str]| {
        let Some(Effect::Complete { typed, .. }) = screen.done.pop() else {
            panic!("nothing was asked for: {:?}", screen.done);
        };
        let found = found.iter().map(ToString::to_string).collect();
        let effects = shell::completed(&mut screen.state, &typed, found);
        screen.perform(effects);
        typed
    };
    screen.press("f t").write("@te").press("Tab");
    assert_eq!(complete(&mut screen, &["texts/a.txt"]), "te");
    assert!(screen.last_line().contains("@texts/a.txt"));
    // What was typed meanwhile is not overwritten.
    screen.press("Tab x");
    complete(&mut screen, &["texts/a.txt.old"]);
    assert!(screen.last_line().contains("@texts/a.txtx "));
    screen.press("Esc f t").write("kot").press("Tab");
    assert!(screen.last_line().contains("@ begins one"));
}

#[test]
fn typing_over_a_proposed_text_takes_its_place() {
    let mut screen = Screen::new(120, 30);
    screen.press("g s t").write("eye");
    assert!(
        screen.last_line().contains("token › eye "),
        "{}",
        screen.last_line()
    );
    screen
        .press("Esc g n /")
        .write("sk")
        .press("Enter / →")
        .write("i");
    assert_eq!(screen.state.filters.contains, "ski");
    screen.press("Enter /").write("dom");
    assert_eq!(screen.state.filters.contains, "dom");
    // The note is edited, not proposed.
    screen
        .press("Esc M")
        .write("eye")
        .press("Enter M")
        .write("s")
        .press("Enter");
    assert_eq!(screen.state.bookmarks[0].note.as_deref(), Some("eyes"));
}

#[test]
fn random_places_differ_and_can_be_left() {
    let mut screen = Screen::new(120, 30);
    screen.press("r");
    let first = screen.address();
    screen.press("r H");
    assert_eq!(screen.address(), first);
    assert_ne!(first, "L3.N103");
}

#[test]
fn filters_are_part_of_what_is_asked() {
    let mut screen = Screen::new(120, 30);
    screen.press("f a n s Esc");
    let Query::Neuron(query) = &screen.state.wanted[0] else {
        panic!("{:?}", screen.state.wanted)
    };
    assert!(query.filters.ascii && query.filters.alnum && !query.filters.exclude_same);
    screen.press("Tab");
    let Query::Pairs(query) = &screen.state.wanted[0] else {
        panic!("{:?}", screen.state.wanted)
    };
    assert!(query.filters.exclude_same);
    screen.press("f 0");
    assert!(screen.state.filters.is_default());
}

#[test]
fn finding_is_live_and_escape_clears_it() {
    let mut screen = Screen::new(120, 30);
    screen.press("/").write("ńsk");
    assert_eq!(screen.state.filters.contains, "ńsk");
    screen.press("Backspace Enter");
    assert_eq!(screen.state.filters.contains, "ńs");
    screen.press("/ Esc");
    assert_eq!(screen.state.filters.contains, "");
}

#[test]
fn words_and_texts_are_asked_for_and_taken_away_again() {
    let mut screen = Screen::new(120, 30);
    screen.press("f t").write("ty i ja").press("Enter");
    assert_eq!(
        &*screen.state.filters.text.as_ref().unwrap().text,
        "ty i ja"
    );
    screen.press("f t Esc");
    assert!(screen.state.filters.text.is_none());
    screen.press("f w").write("list.txt").press("Enter");
    assert_eq!(screen.done, [Effect::ReadWords("list.txt".into())]);
}

#[test]
fn marks_are_made_listed_noted_and_deleted() {
    let mut screen = Screen::new(120, 30);
    screen.press("m");
    assert!(screen.text().contains("L3.N103 ★"));
    screen
        .press("r M")
        .write("miejsca")
        .press("Enter '")
        .write("miejsca");
    assert_eq!(screen.state.marks_listed().len(), 1);
    screen.press("C-e").write("!").press("Enter Esc");
    assert_eq!(screen.state.bookmarks[1].note.as_deref(), Some("miejsca!"));
    screen.press("H ' ↓ Enter");
    assert_eq!(screen.state.address(), screen.state.bookmarks[1].address);
    screen.press("' Del Esc");
    assert_eq!(screen.state.bookmarks.len(), 1);
    screen.press("m");
    assert!(screen.state.bookmarks.is_empty());
}

#[test]
fn what_is_deleted_comes_back_step_by_step() {
    let mut screen = Screen::new(120, 30);
    screen.press("M").write("miejsca").press("Enter");
    screen.press("↓ m ↓ m");
    let marks = screen.state.bookmarks.clone();
    let line = screen.press("↑ ↑ m").last_line();
    let said = "the mark of L3.N103 “miejsca” is taken away · U brings it back";
    assert!(line.contains(said), "{line}");
    // Half a page down is no deletion.
    screen.press("' C-d C-u");
    assert_eq!(screen.state.bookmarks.len(), 2);
    let none = screen.press("Del Del").text();
    assert!(none.contains("no bookmarks: m marks a place"), "{none}");
    assert!(!none.contains("nothing has all of that"), "{none}");
    screen.press("Esc");
    assert!(screen.state.bookmarks.is_empty());
    screen.press("' U Esc U U");
    assert_eq!(screen.state.bookmarks, marks);
    assert!(screen.press("U").last_line().contains("no mark or note"));
    screen.press("M").write(" w lesie").press("Enter");
    let line = screen.last_line();
    assert!(line.contains("U brings the one before back"), "{line}");
    screen.press("U");
    assert_eq!(screen.state.bookmarks, marks);
}

#[test]
fn a_mark_brings_back_the_whole_view() {
    let mut screen = Screen::new(120, 30);
    screen.press("o").write(model::GATED).press("Enter");
    screen
        .press("g n c l Esc f a Esc / ")
        .write("ńsk")
        .press("Enter u ] m");
    let neuron = screen.state.saved_view();
    screen.press("g h v 7 > ] d m");
    let head = screen.state.saved_view();
    screen.press("g s s - X f 3 d w m");
    let chart = screen.state.saved_view();
    assert_eq!(screen.state.bookmarks.len(), 3);
    // Everything is another way now, in another model.
    screen.press("o").write("gpt2-pl").press("Enter");
    screen.press("g s a - X f d w g h d v g n f 0 Esc c 0 Esc [ r");
    for (row, (mark, words)) in [
        (&neuron, &["cosine", "contains ńsk"][..]),
        (&head, &["cosine", "lowest", "directions"]),
        (&chart, &["measure self_similarity", "corrected"]),
    ]
    .into_iter()
    .enumerate()
    {
        screen.press("'");
        let text = screen.text();
        let address = screen.state.bookmarks[row].address.to_string();
        let line = text
            .lines()
            .find(|line| line.contains(&format!("★ {address}")));
        for word in words {
            assert!(line.unwrap().contains(word), "{word}: {text}");
        }
        for _ in 0..row {
            screen.press("↓");
        }
        screen.press("Enter");
        assert_eq!(screen.state.saved_view(), *mark, "{row}");
        screen.press("o").write("gpt2-pl").press("Enter g n");
    }
}

#[test]
fn the_same_place_under_another_convention_is_another_mark() {
    let mut screen = Screen::new(120, 30);
    screen.press("m c l Esc");
    assert!(screen.text().contains("L3.N103 ☆"));
    let line = screen.press("m").last_line();
    assert!(line.contains("another mark of it has raw"), "{line}");
    assert_eq!(screen.state.bookmarks.len(), 2);
    assert!(screen.text().contains("L3.N103 ★"));
    screen.press("c 0 Esc m");
    assert_eq!(screen.state.bookmarks.len(), 1);
    assert!(screen.text().contains("L3.N103 ☆"));
}

#[test]
fn a_copied_address_is_the_whole_view_where_it_is_typed() {
    let mut screen = Screen::new(120, 30);
    screen
        .press("c l Esc f a Esc / ")
        .write("it's")
        .press("Enter ] A");
    let view = screen.state.saved_view();
    let Some(Effect::Copy(address)) = screen.done.pop() else {
        panic!("{:?}", screen.done)
    };
    assert_eq!(
        address,
        r"L3.N103 --convention cosine --column V --ascii --contains 'it'\''s'"
    );
    screen
        .press("c 0 Esc f 0 Esc r :")
        .write(&address)
        .press("Enter");
    assert_eq!(screen.state.saved_view(), view);
    // An address alone leaves all that as it is; a command is a view too.
    screen.press(":").write("L2.N5").press("Enter");
    assert_eq!(screen.state.filters.contains, "it's");
    let command = "lexiscope pairs bert-pl qk 2 1 --lowest";
    screen.press(":").write(command).press("Enter");
    assert_eq!(screen.state.card().unwrap().name, "bert-pl");
    let text = screen.state.saved_view().to_string();
    assert_eq!(text, "L2.H1.QK --convention raw --lowest");
    screen.press(":").write("L2.N5 --zoom 3").press("Enter");
    assert!(screen.last_line().contains("`--zoom` is no option"));
    assert_eq!(screen.state.stack.len(), 1);
}

#[test]
fn a_view_keeps_its_convention_in_a_model_that_favours_another() {
    let mut screen = Screen::new(120, 30);
    screen.state.favour();
    let command = format!("lexiscope neuron {} 3 5 --convention gain", model::GATED);
    screen.press(":").write(&command).press("Enter");
    assert_eq!(screen.state.card().unwrap().name, model::GATED);
    assert_eq!(screen.state.convention().name(), "gain");
    assert_eq!(screen.state.convention_query(), None);
}

#[test]
fn the_history_goes_through_all_models_and_a_key_flips_between_two() {
    let mut screen = Screen::new(120, 30);
    let name = |screen: &Screen| screen.state.card().unwrap().name.clone();
    assert!(screen.press("`").last_line().contains("no other model"));
    screen.press(":").write("L1.N7").press("Enter c l Esc");
    screen.press("o").write(model::LARGE).press("Enter");
    screen.press(":").write("L20.N3000").press("Enter c 0 Esc");
    screen.press("H H");
    assert_eq!(
        (name(&screen), screen.address()),
        ("gpt2-pl".into(), "L1.N7".into())
    );
    assert_eq!(screen.state.convention().name(), "cosine");
    screen.press("L L");
    assert_eq!(
        (name(&screen), screen.address()),
        (model::LARGE.into(), "L20.N3000".into())
    );
    assert!(screen.state.convention().is_raw());
    // The other model has no layer 20: it is where it was left, and says so.
    screen.press("`");
    assert_eq!(
        (name(&screen), screen.address()),
        ("gpt2-pl".into(), "L1.N7".into())
    );
    assert!(screen.last_line().contains("layer 20 is not in gpt2-pl"));
    screen.press("c g Esc ↓ `");
    assert_eq!(
        (name(&screen), screen.address()),
        (model::LARGE.into(), "L1.N8".into())
    );
    assert_eq!(screen.state.convention().name(), "gain+cosine");
    // A model that is chosen is where it was left.
    screen
        .press(":")
        .write("L20.N3000")
        .press("Enter o")
        .write("gpt2-pl")
        .press("Enter");
    assert_eq!(screen.address(), "L1.N8");
    screen.press("o").write(model::LARGE).press("Enter");
    assert_eq!(screen.address(), "L20.N3000");
}

#[test]
fn a_command_that_makes_the_list_again_is_copied() {
    let mut screen = Screen::new(120, 30);
    screen.press("f a Esc C g h v C d C");
    let copied: Vec<&str> = screen
        .done
        .iter()
        .map(|effect| match effect {
            Effect::Copy(text) => &**text,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        copied,
        [
            "lexiscope neuron gpt2-pl 3 103 -k 30 --convention raw --robustness --ascii",
            "lexiscope pairs gpt2-pl vo 3 0 -k 50 --lowest --convention raw --robustness --ascii",
            "lexiscope directions gpt2-pl vo 3 0 -n 64 -k 10 --convention raw --ascii",
        ]
    );
    let mut screen = Screen::new(120, 30);
    screen.press("g s s x 3 d C");
    let Some(Effect::Copy(command)) = screen.done.pop() else {
        panic!("{:?}", screen.done)
    };
    assert_eq!(
        command,
        "lexiscope geometry gpt2-pl --texts polish --token nie --without-dominant 3 --measure self_similarity"
    );
    let mut screen = Screen::new(120, 30);
    screen.press("g s p 3 g g C g n - p C");
    let copied = screen.done.iter().map(|effect| match effect {
        Effect::Copy(text) => &**text,
        other => panic!("{other:?}"),
    });
    assert_eq!(
        copied.collect::<Vec<_>>(),
        [
            "lexiscope geometry gpt2-pl --texts polish --token nie --state 3 --points",
            "lexiscope neuron gpt2-pl 3 103 -k 100 --convention raw --column=-K --points",
        ]
    );
}

#[test]
fn a_mark_in_another_model_opens_it_first() {
    let mut screen = Screen::new(120, 30);
    screen
        .press(": L 1 . N 7 Enter m o")
        .write("bert-pl")
        .press("Enter");
    assert_eq!(screen.state.card().unwrap().name, "bert-pl");
    assert_ne!(screen.address(), "L1.N7");
    screen.press("' Enter");
    assert_eq!(screen.state.card().unwrap().name, "gpt2-pl");
    assert_eq!(screen.address(), "L1.N7");
}

#[test]
fn a_model_that_does_not_open_leaves_the_one_before() {
    let mut screen = Screen::new(120, 30);
    let effects = shell::paste(&mut screen.state, "");
    assert!(effects.is_empty());
    let opened = screen.state.model.as_ref().unwrap().id;
    screen.state.stack.clear();
    // The key alone: the test's worker would open whatever it is asked for.
    for key in ["o", "x", "Enter"] {
        shell::key(&mut screen.state, key.parse().unwrap());
    }
    shell::opening(&mut screen.state, ModelId(9));
    shell::event(
        &mut screen.state,
        Event::NotOpened {
            id: ModelId(9),
            name: "x".to_owned(),
            message: "x: no config.json".to_owned(),
        },
    );
    screen.draw();
    assert!(screen.text().contains("✗ x: no config.json"));
    assert_eq!(screen.state.model.as_ref().unwrap().id, opened);
    // Nothing stands in the way of going on, and what was typed is proposed the next time.
    screen.press("↓");
    assert_eq!(screen.address(), "L3.N104");
    screen.press("o");
    assert_eq!(screen.state.field().unwrap().text(), "x");
    screen.write("y");
    assert_eq!(screen.state.field().unwrap().text(), "y");
}

#[test]
fn what_cannot_be_answered_says_why_in_its_place() {
    let mut screen = Screen::new(120, 30);
    let event = Event::Failed {
        id: ModelId(1),
        query: screen.state.wanted[0].clone(),
        message: "h.3.mlp.c_fc.weight holds a number that is not finite".to_owned(),
    };
    shell::event(&mut screen.state, event);
    screen.draw();
    assert!(screen.last_line().contains("✗ h.3.mlp.c_fc.weight holds"));
    screen.press("?").press("Esc");
    assert!(screen.text().contains("h.3.mlp.c_fc.weight"));
    screen.press("↓");
    assert!(!screen.text().contains("h.3.mlp"));
}

#[test]
fn late_answers_are_ignored() {
    let mut screen = Screen::new(120, 30);
    let before = screen.state.wanted[0].clone();
    let answer = screen.state.neuron_shown().unwrap().answer.clone();
    screen.press("5 ↓");
    let shown = screen.state.neuron_shown().unwrap().query.clone();
    let id = screen.state.model.as_ref().unwrap().id;
    for (id, query) in [(id, before.clone()), (ModelId(0), shown.clone())] {
        let answer = answer.clone();
        let took = std::time::Duration::ZERO;
        let event = Event::Answered {
            id,
            query,
            answer,
            took,
        };
        shell::event(&mut screen.state, event);
    }
    let now = screen.state.neuron_shown().unwrap();
    assert_eq!(now.query, shown);
    assert_ne!(now.took, std::time::Duration::ZERO);
}

#[test]
fn a_session_is_taken_up_where_it_was_left() {
    let mut screen = Screen::new(120, 30);
    screen.press("r f a Esc Tab ↓ v ]");
    let session = screen.state.session();
    let mut state = State::new(1);
    state.resume(session.clone(), Vec::new());
    model::open(&mut state, 1, "gpt2-pl");
    assert_eq!(state.session(), session);
    assert_eq!(state.views.heads.end, End::Lowest);
    assert_eq!(state.saved_view(), screen.state.saved_view());
    assert_eq!(state.views.neurons.layer, screen.state.views.neurons.layer);
}

#[test]
fn a_session_of_an_earlier_version_is_taken_up() {
    let session = "model = \"gpt2-pl\"\nby_tensor = false\npane = \"heads\"\n\
                   neuron = \"L3.N103\"\nhead = \"L4.H3.QK\"\nstate = \"S2\"\n\
                   measure = \"self_similarity\"\ntoken = \"zamek\"\nbeside = []\n\
                   strip = \"overlap\"\nrecent_folders = []\nconvention = \"cosine\"\n\
                   [chart]\ncorrected = true\n[filters]\nascii = true\ncontains = \"dom\"\n";
    let mut state = State::new(1);
    state.resume(toml::from_str(session).unwrap(), Vec::new());
    model::open(&mut state, 1, "gpt2-pl");
    let views: Vec<String> = state
        .saved_views()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        views,
        [
            "L3.N103 --convention cosine --ascii --contains dom",
            "S2 --measure self_similarity --corrected --by-layer --token zamek",
            "S6.T0",
            "L4.H3.QK --convention cosine --ascii --contains dom",
        ]
    );
}

#[test]
fn each_model_is_found_where_it_was_left_the_next_time_too() {
    let mut screen = Screen::new(120, 30);
    screen
        .press(":")
        .write("L1.N7")
        .press("Enter o")
        .write("bert-pl")
        .press("Enter");
    let session = toml::to_string(&screen.state.session()).unwrap();
    let mut state = State::new(1);
    state.resume(toml::from_str(&session).unwrap(), Vec::new());
    model::open(&mut state, 1, "bert-pl");
    model::open(&mut state, 2, "gpt2-pl");
    assert_eq!(state.address().to_string(), "L1.N7");
}

#[test]
fn an_old_list_stands_under_its_own_name_while_a_new_one_is_searched() {
    let mut screen = Screen::new(120, 30);
    screen.press("g h");
    // The keys alone: the lists of the next head are not there yet.
    for key in ["↓", "v"] {
        shell::key(&mut screen.state, key.parse().unwrap());
    }
    screen.draw();
    let text = screen.text();
    let titles = text.lines().nth(2).unwrap();
    assert!(
        titles.contains("L3.H0.VO …") && titles.contains("L3.H0.QK …"),
        "{titles}"
    );
    assert!(!titles.contains("lowest"), "{titles}");
    assert_eq!(screen.address(), "L3.H1");
    screen.press("↑ g n");
    shell::key(&mut screen.state, "↓".parse().unwrap());
    screen.draw();
    let titles = screen.text();
    assert!(titles.contains("▌K L3.N103 …"), "{titles}");
}

#[test]
fn settings_of_the_chart_that_are_on_are_seen_at_every_width() {
    for (width, marks) in [
        (
            200,
            [
                "without 3 dominant",
                "first piece",
                "no first position",
                "relative depth",
            ],
        ),
        (80, ["−3 dims", "1st piece", "−first", "depth"]),
        (60, ["−3 dims", "1st piece", "−first", "depth"]),
    ] {
        let mut screen = Screen::new(width, 24);
        screen.press("g s 3 d w f x");
        let text = screen.text();
        let bar = text.lines().nth(22).unwrap();
        for mark in marks {
            assert!(bar.contains(&format!("● {mark}")), "{mark}: {bar}");
        }
    }
}

#[test]
fn lists_are_copied_as_lines_and_the_place_as_an_address() {
    let mut screen = Screen::new(120, 30);
    screen.press("y A Tab y");
    let [
        Effect::Copy(column),
        Effect::Copy(address),
        Effect::Copy(pairs),
    ] = &screen.done[..]
    else {
        panic!("{:?}", screen.done)
    };
    assert_eq!(column.lines().count(), 30);
    assert!(column.starts_with("granicy\t4.7"), "{column}");
    // What continues a word is not what begins one.
    assert!(column.contains("\n·eś\t"), "{column}");
    assert_eq!(address, "L3.N103 --convention raw");
    assert_eq!(pairs.lines().count(), 50);
    assert_eq!(pairs.lines().next().unwrap().split('\t').count(), 3);
}

#[test]
fn exporting_proposes_a_name_and_writes_what_is_on_screen() {
    let mut screen = Screen::new(120, 30);
    screen.press("Tab ] e Enter");
    let [Effect::Export { path, answers }] = &screen.done[..] else {
        panic!("{:?}", screen.done)
    };
    assert_eq!(path.to_str(), Some("gpt2-pl-L3.H0.QK.csv"));
    // The list, and how far to trust it.
    assert_eq!(answers.len(), 2);
}

#[test]
fn as_many_rows_are_written_as_were_asked_for_and_the_name_says_how() {
    let rows = |screen: &mut Screen| match screen.done.pop() {
        Some(Effect::Export { path, answers }) => match (&answers[0].0, &*answers[0].1) {
            (Query::Neuron(query), lexiscope::query::Answer::Neuron(answer)) => {
                assert!(answer.columns.iter().all(|list| list.len() == query.k));
                (path.to_str().unwrap().to_owned(), query.k)
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    // However high the screen is.
    for height in [20, 70] {
        let mut screen = Screen::new(120, height);
        screen.press("e Enter");
        assert_eq!(rows(&mut screen), ("gpt2-pl-L3.N103.csv".to_owned(), 30));
        screen.press("c l Esc 5 0 0 e Enter");
        let name = "gpt2-pl-L3.N103-cosine.csv".to_owned();
        assert_eq!(rows(&mut screen), (name, 500));
        assert!(screen.press("y").last_line().contains("500 lines"));
    }
}

#[test]
fn every_command_does_something_or_says_why_not() {
    for start in ["", "Tab", "Tab Tab"] {
        for command in COMMANDS {
            let mut screen = Screen::new(120, 30);
            screen.press(start);
            let before = (screen.state.session(), screen.state.stack.clone());
            let (list, fold) = (screen.state.views.neurons, screen.state.views.heads.clone());
            let chart = |state: &State| {
                (
                    state.views.geometry.settings.clone(),
                    state.views.geometry.points,
                )
            };
            let charted = chart(&screen.state);
            shell::act(
                &mut screen.state,
                lexiscope::explorer::action::Action::Redraw,
            );
            let effects = shell::act(&mut screen.state, command.action);
            let state = &screen.state;
            let after = (state.session(), state.stack.clone());
            let said = matches!(&state.notice, Some(Notice::Said(_) | Notice::Error(_)));
            let changed =
                before != after || list != state.views.neurons || fold != state.views.heads;
            let changed = changed || charted != chart(state);
            assert!(
                said || changed || !effects.is_empty(),
                "{:?} does nothing and says nothing",
                command.action
            );
        }
    }
}

#[test]
fn without_a_model_every_command_is_safe() {
    for command in COMMANDS {
        let mut state = State::new(0);
        shell::act(&mut state, command.action);
        for key in command.keys {
            for key in lexiscope::explorer::key::keys(key) {
                shell::key(&mut state, key);
            }
        }
    }
}

#[test]
fn opening_can_be_left_and_the_place_is_kept() {
    let mut screen = Screen::new(120, 30);
    screen.press("r ↓");
    let (address, visited) = (screen.address(), screen.state.history.position());
    let mut effects = Vec::new();
    for key in ["o", "x", "Enter", "Esc"] {
        effects.extend(shell::key(&mut screen.state, key.parse().unwrap()));
    }
    // The worker does the last opening only.
    let open = |name: &str| Effect::Open(name.to_owned());
    assert_eq!(effects, [Effect::ListModels, open("x"), open("gpt2-pl")]);
    screen.draw();
    assert!(screen.last_line().contains("no longer opening x"));
    model::open(&mut screen.state, 3, "gpt2-pl");
    assert_eq!(screen.address(), address);
    assert_eq!(screen.state.history.position(), visited);
}

#[test]
fn a_last_model_that_is_gone_gives_way_to_the_bundled_one_but_a_named_one_ends_the_program() {
    let start = |strict| {
        let mut state = State::new(0);
        state.strict = strict;
        state.opening = Some(Opening {
            id: None,
            transfer: None,
            name: "/gone".to_owned(),
            then: Vec::new(),
        });
        let effects = shell::not_opening(&mut state, "/gone: no such model".to_owned());
        (effects, state.notice.is_some())
    };
    assert_eq!(
        start(false),
        (vec![Effect::Open("gpt2-pl".to_owned())], true)
    );
    let message = "/gone: no such model".to_owned();
    assert_eq!(start(true), (vec![Effect::GiveUp(message)], false));
}
