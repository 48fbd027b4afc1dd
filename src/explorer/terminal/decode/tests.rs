use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::*;
use crate::explorer::key::Key;

/// What terminals send, and the keys that it is.
const KEYS: &[(&[u8], &str)] = &[
    (b"j", "j"),
    (b"G", "G"),
    (b"\r", "Enter"),
    (b"\t", "Tab"),
    (b"\x7f", "Backspace"),
    (b"\x08", "C-h"),
    (b"\x03", "C-c"),
    (b"\0", "C-Space"),
    (b"\x1c", "C-4"),
    (b"\x1f", "C-7"),
    ("ż".as_bytes(), "ż"),
    ("語".as_bytes(), "語"),
    ("👩".as_bytes(), "👩"),
    (b"\x1b[A", "↑"),
    (b"\x1bOB", "↓"),
    (b"\x1b[1;5C", "C-→"),
    (b"\x1b[5D", "C-←"),
    (b"\x1b[1;2H", "S-Home"),
    (b"\x1b[F", "End"),
    (b"\x1b[1~", "Home"),
    (b"\x1b[8~", "End"),
    (b"\x1b[3~", "Del"),
    (b"\x1bOP", "F1"),
    (b"\x1b[11~", "F1"),
    (b"\x1b[1;1P", "F1"),
    (b"\x1b[[A", "F1"),
    (b"\x1b?", "A-?"),
    (b"\x1b[5~", "PgUp"),
    (b"\x1b[6;3~", "A-PgDn"),
    (b"\x1b[Z", "S-Tab"),
    (b"\x1bOM", "Enter"),
    (b"\x1bj", "A-j"),
    (b"\x1b\r", "A-Enter"),
    ("\x1bń".as_bytes(), "A-ń"),
    // The Escape key twice, and an arrow after it.
    (b"\x1b\x1b[A", "Esc ↑"),
    (b"\x1b\x03", "Esc C-c"),
    (b"\x9bA", "↑"),
    (b"\x8fB", "↓"),
    // kitty's protocol, and xterm's modifyOtherKeys.
    (b"\x1b[106u", "j"),
    (b"\x1b[99;5u", "C-c"),
    (b"\x1b[27u", "Esc"),
    (b"\x1b[9;2u", "S-Tab"),
    (b"\x1b[103;2u", "G"),
    (b"\x1b[49:33;2u", "!"),
    (b"\x1b[57419u", "↑"),
    (b"\x1b[57403u", "4"),
    (b"\x1b[106;1:2u", "j"),
    (b"\x1b[27;5;99~", "C-c"),
    (b"\x1b[1;5:1A", "C-↑"),
];

/// What terminals say that is no key, by class.
const REPORTS: &[&[u8]] = &[
    // CSI: modes, colour scheme, attributes, status, cursor, size, pixels, keyboard flags, focus.
    b"\x1b[?2026;2$y",
    b"\x1b[?997;1n",
    b"\x1b[?64;1;2;6;22c",
    b"\x1b[>41;370;0c",
    b"\x1b[0n",
    b"\x1b[12;40R",
    b"\x1b[?12;40R",
    b"\x1b[8;30;120t",
    b"\x1b[?1;0;256S",
    b"\x1b[?1u",
    b"\x1b[I",
    b"\x1b[O",
    b"\x1b[4;2m",
    b"\x1b[>4;2m",
    b"\x1b[=1;1u",
    b"\x1b[<0;1;1;1M",
    b"\x1b[<0;0;5M",
    b"\x1b[<0;1;1y",
    b"\x1b[<999;1;1M",
    b"\x1b[1\"q",
    b"\x1b[0 q",
    b"\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18;19;20;21;22;23;24;25;26;27;28;29A",
    b"\x1b[99999999999;5u",
    b"\x1b[57358u",
    b"\x1b[3u",
    b"\x1b[200;1~",
    b"\x1b[201~",
    b"\x1b[24~",
    b"\x1b[P",
    b"\x1b[[B",
    b"\x9b?2026;2$y",
    // OSC, with each of its ends.
    b"\x1b]11;rgb:1c1c/1c1c/1c1c\x1b\\",
    b"\x1b]11;rgb:1c1c/1c1c/1c1c\x07",
    b"\x1b]52;c;bWFwZGVsamptcQ==\x07",
    b"\x1b]4;1;rgb:ffff/0000/0000\x1b\\",
    b"\x1b]Lqqq\x1b\\",
    b"\x1b]lmdq\x1b\\",
    b"\x9d10;rgb:ffff/ffff/ffff\x07",
    // DCS, APC, PM, SOS.
    b"\x1bP>|XTerm(370)\x1b\\",
    b"\x1bP1$r0m\x1b\\",
    b"\x1bP1+r544e=787465726d\x1b\\",
    b"\x1bP!|00000000\x1b\\",
    "\x1bPq żółw\n\x1b\\".as_bytes(),
    b"\x90>|tmux 3.3a\x1b\\",
    b"\x1b_Gi=31;OK\x1b\\",
    b"\x1b^mdq\x1b\\",
    b"\x1bXmdq\x1b\\",
    // Shifts, and escapes with intermediate bytes.
    b"\x1bOQ",
    b"\x1bO2Q",
    b"\x1bOp",
    b"\x1b\\",
    // What is no UTF-8.
    b"\xc0\xaf",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc2\x9b",
];

fn keys(events: &[Event]) -> String {
    let key = |event: &Event| match event {
        Event::Key(key) => Key::from_event(*key).map_or("none".to_owned(), |key| key.to_string()),
        other => format!("{other:?}"),
    };
    events.iter().map(key).collect::<Vec<_>>().join(" ")
}

/// What comes of bytes that are read in pieces.
fn read(pieces: &[&[u8]]) -> Vec<Event> {
    let mut decoder = Decoder::new();
    let events = pieces
        .iter()
        .flat_map(|piece| decoder.read(piece))
        .collect();
    assert_eq!(decoder.patience(), None, "{pieces:?} is not finished");
    events
}

/// As [`REPORTS`], if they come in one piece: else ESC is the Escape key.
const WHOLE_REPORTS: &[&[u8]] = &[b"\x1bNq", b"\x1b(B", b"\x1b#8"];

/// Reads bytes whole, cut in two at each place, and one by one.
fn all_cuts(bytes: &[u8]) -> Vec<Vec<Event>> {
    let mut cuts = vec![read(&[bytes]), read(&bytes.chunks(1).collect::<Vec<_>>())];
    for at in 1..bytes.len() {
        let (a, b) = bytes.split_at(at);
        cuts.push(read(&[a, b]));
    }
    cuts
}

#[test]
fn keys_are_read_wherever_they_are_cut() {
    for (bytes, expected) in KEYS {
        // Cut behind ESC, a key with Alt is Escape and that key.
        let in_one = usize::from(bytes.get(1) != Some(&b'['));
        let apart = expected.replacen("A-", "Esc ", in_one);
        for events in all_cuts(bytes) {
            let found = keys(&events);
            assert!(
                found == *expected || found == apart,
                "{}",
                bytes.escape_ascii()
            );
        }
        assert_eq!(keys(&read(&[bytes])), *expected);
    }
    let all: Vec<u8> = KEYS.iter().flat_map(|(bytes, _)| *bytes).copied().collect();
    let expected: Vec<&str> = KEYS.iter().map(|(_, keys)| *keys).collect();
    assert_eq!(keys(&read(&[&all])), expected.join(" "));
}

#[test]
fn reports_of_every_class_are_no_keys_and_keys_work_after_them() {
    for report in REPORTS {
        for events in all_cuts(report) {
            assert_eq!(keys(&events), "", "{}", report.escape_ascii());
        }
        for (key, name) in [(&b"\x03"[..], "C-c"), (b"j", "j"), (b"\x1b[A", "↑")] {
            let after = [report, key].concat();
            for events in all_cuts(&after) {
                assert_eq!(keys(&events), name, "{}", after.escape_ascii());
            }
        }
    }
    let all = [REPORTS.concat(), WHOLE_REPORTS.concat()].concat();
    assert_eq!(keys(&read(&[&all])), "");
}

#[test]
fn an_unfinished_sequence_keeps_ctrl_c_from_nobody() {
    let begun = KEYS.iter().map(|(bytes, _)| bytes).chain(REPORTS);
    for (bytes, at) in begun.flat_map(|bytes| (0..bytes.len()).map(move |at| (bytes, at))) {
        let part = &bytes[..at];
        let mut decoder = Decoder::new();
        decoder.read(part);
        let events = decoder.read(b"\x03");
        assert!(keys(&events).ends_with("C-c"), "{}", part.escape_ascii());
        // And whoever waits needs no key for it.
        decoder.read(part);
        if decoder.patience().is_some() {
            decoder.expire();
        }
        assert_eq!(keys(&decoder.read(b"q")), "q", "{}", part.escape_ascii());
    }
}

#[test]
fn escape_is_a_key_if_nothing_follows_it() {
    let mut decoder = Decoder::new();
    assert!(decoder.read(b"\x1b").is_empty());
    assert_eq!(decoder.patience(), Some(ESCAPE_WAIT));
    assert_eq!(keys(decoder.expire().as_slice()), "Esc");
    assert_eq!(keys(&decoder.read(b"]j")), "] j");
    for (bytes, held) in [(&b"\x1b["[..], "A-["), (b"\x1bO", "A-O"), (b"\x1b]", "A-]")] {
        assert!(decoder.read(bytes).is_empty());
        assert_eq!(keys(decoder.expire().as_slice()), held);
        assert_eq!(decoder.patience(), None);
    }
    // Escape and `]`, typed faster than they were read.
    assert_eq!(keys(&decoder.read(b"\x1b]]")), "A-] ]");
}

#[test]
fn pasted_text_is_one_event_whatever_is_in_it() {
    for text in ["jjq\rmq", "", "ż\x1b[A\x1b\x1b[20", "\x1b[201", "\x03q"] {
        let bytes = format!("\x1b[200~{text}\x1b[201~");
        for events in all_cuts(bytes.as_bytes()) {
            assert_eq!(events, [Event::Paste(text.to_owned())]);
        }
    }
    let long = "a".repeat(PASTE_MAX + 10);
    let events = read(&[b"\x1b[200~", long.as_bytes(), b"\x1b[201~"]);
    assert_eq!(events, [Event::Paste("a".repeat(PASTE_MAX))]);
}

#[test]
fn a_paste_without_an_end_is_left_by_ctrl_c_and_runs_no_key() {
    let mut decoder = Decoder::new();
    assert!(decoder.read(b"\x1b[200~jj").is_empty());
    assert_eq!(decoder.patience(), Some(SEQUENCE_WAIT));
    assert_eq!(decoder.expire(), None);
    assert_eq!(decoder.patience(), None);
    assert!(decoder.read(b"dq\x03").is_empty(), "it goes on");
    decoder.expire();
    assert_eq!(keys(&decoder.read(b"\x03")), "C-c");
    assert_eq!(keys(&decoder.read(b"j")), "j");
}

#[test]
fn the_mouse_is_read_in_numbers_and_in_bytes() {
    use MouseEventKind::{Down, Drag, Moved, ScrollDown, ScrollUp, Up};
    let (left, right) = (MouseButton::Left, MouseButton::Right);
    let (none, ctrl) = (KeyModifiers::NONE, KeyModifiers::CONTROL);
    for (bytes, kind, column, row, modifiers) in [
        (&b"\x1b[<0;10;5M"[..], Down(left), 9, 4, none),
        (b"\x1b[<0;10;5m", Up(left), 9, 4, none),
        (b"\x1b[<34;300;200M", Drag(right), 299, 199, none),
        (b"\x1b[<64;1;1M", ScrollUp, 0, 0, none),
        (b"\x1b[<81;2;1M", ScrollDown, 1, 0, ctrl),
        (b"\x1b[<35;2;1M", Moved, 1, 0, none),
        (b"\x1b[M *%", Down(left), 9, 4, none),
        (b"\x1b[M#!!", Up(left), 0, 0, none),
        (b"\x1b[Ma\xff\x80", ScrollDown, 222, 95, none),
    ] {
        let expected = Event::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers,
        });
        for events in all_cuts(bytes) {
            assert_eq!(
                events.as_slice(),
                std::slice::from_ref(&expected),
                "{}",
                bytes.escape_ascii()
            );
        }
    }
}

proptest! {
    #[test]
    fn whatever_has_come_ctrl_c_is_a_key_again(
        bytes in prop::collection::vec(prop_oneof![
            any::<u8>(),
            prop::sample::select(b"\x1b[]OPX^_?<;:0123~MuyR\\\x07\x03\x9b\x9d".to_vec()),
        ], 0..60),
        cut in any::<prop::sample::Index>(),
    ) {
        let (a, b) = bytes.split_at(cut.index(bytes.len() + 1));
        let mut whole = Decoder::new();
        let mut parts = Decoder::new();
        let expected = whole.read(&bytes);
        let events = [parts.read(a), parts.read(b)].concat();
        if !a.ends_with(b"\x1b") {
            prop_assert_eq!(events, expected);
        }
        while parts.patience().is_some() {
            parts.expire();
        }
        let events = parts.read(b"\x03");
        prop_assert_eq!(keys(&events), "C-c");
    }
}
