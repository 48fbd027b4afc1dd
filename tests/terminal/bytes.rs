//! What was written to the terminal, read byte by byte.

pub const FRAME_BEGINS: &[u8] = b"\x1b[?2026h";
pub const FRAME_ENDS: &[u8] = b"\x1b[?2026l";

/// Where `part` begins last.
fn rfind(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).rposition(|w| w == part)
}

/// How many bytes can be shown without showing half a frame.
pub fn whole_frames(bytes: &[u8]) -> usize {
    let begun = rfind(bytes, FRAME_BEGINS);
    if begun > rfind(bytes, FRAME_ENDS) {
        return begun.unwrap_or_default();
    }
    // The beginning of a frame may itself be cut.
    let cut = (1..FRAME_BEGINS.len()).find(|n| bytes.ends_with(&FRAME_BEGINS[..*n]));
    bytes.len() - cut.unwrap_or(0)
}

/// A control sequence, or a stretch of text.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    Text(&'a str),
    /// `ESC [ … letter`, without the `ESC [`.
    Csi(&'a str),
    /// `ESC ] … ST`, without both.
    Osc(&'a str),
}

/// The pieces of a text that has no other control sequences.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = if let Some(csi) = rest.strip_prefix("\x1b[") {
            let end = csi.find(|c: char| ('@'..='~').contains(&c)).unwrap() + 1;
            (Piece::Csi(&csi[..end]), &csi[end..])
        } else if let Some(osc) = rest.strip_prefix("\x1b]") {
            let (osc, after) = osc.split_once("\x1b\\").unwrap();
            (Piece::Osc(osc), after)
        } else {
            assert!(
                !rest.starts_with('\x1b'),
                "{:?}",
                &rest[..rest.len().min(20)]
            );
            let end = rest.find('\x1b').unwrap_or(rest.len());
            (Piece::Text(&rest[..end]), &rest[end..])
        };
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// The text that was written outside of all frames: there should be none.
pub fn outside_frames(text: &str) -> String {
    let mut outside = String::new();
    let mut inside = false;
    for piece in pieces(text) {
        match piece {
            Piece::Csi("?2026h") => inside = true,
            Piece::Csi("?2026l") => inside = false,
            Piece::Text(text) if !inside => outside.push_str(text),
            _ => {}
        }
    }
    outside
}

/// The parameters of all `SGR` sequences that set a colour; 39 and 49, which set none, are left out.
pub fn colours(text: &str) -> Vec<&str> {
    let sgr = pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Csi(csi) => csi.strip_suffix('m'),
        _ => None,
    });
    let coloured = |sgr: &&str| {
        sgr.split([';', ':']).any(|part| {
            matches!(
                part.parse(),
                Ok(30..=38 | 40..=48 | 58 | 90..=97 | 100..=107)
            )
        })
    };
    sgr.filter(coloured).collect()
}

/// Base64 (RFC 4648) undone.
pub fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => panic!("{text} is not base64"),
    };
    let digits: Vec<u8> = text.trim_end_matches('=').bytes().map(digit).collect();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let number = group.iter().fold(0, |n, d| n << 6 | u32::from(*d)) << (6 * (4 - group.len()));
        bytes.extend(&number.to_be_bytes()[1..group.len()]);
    }
    bytes
}

#[test]
fn half_a_frame_is_held_back() {
    for (bytes, shown) in [
        (&b"abc"[..], 3),
        (b"\x1b[?2026hab\x1b[?2026l", 18),
        (b"x\x1b[?2026hab\x1b[?20", 1),
        (b"ab\x1b[?20", 2),
    ] {
        assert_eq!(whole_frames(bytes), shown, "{:?}", bytes.escape_ascii());
    }
}

#[test]
fn text_outside_frames_and_colours_are_found() {
    let text =
        "\x1b[?1049h\x1b[?2026h\x1b[1;38;5;6min\x1b[0m\x1b[39m\x1b[?2026l\x1b]52;c;eA==\x1b\\out";
    assert_eq!(outside_frames(text), "out");
    assert_eq!(colours(text), ["1;38;5;6"]);
    assert_eq!(base64("c8WCb3dv"), "słowo".as_bytes());
    assert_eq!(base64("eA=="), b"x");
}
