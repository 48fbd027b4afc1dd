//! `NaN`, `Infinity` and `-Infinity`, which Python writes into JSON and which JSON does not have.

/// The same text with these literals as strings: an unused key then does no harm, and one
/// that is read is refused with the value as it stands.
pub(super) fn quoted(bytes: &[u8]) -> Vec<u8> {
    const LITERALS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let mut out = Vec::with_capacity(bytes.len() + 16);
    let (mut at, mut in_string) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let literal = LITERALS.iter().find(|literal| rest.starts_with(literal));
        match (in_string, literal) {
            (false, Some(literal)) => {
                out.push(b'"');
                out.extend_from_slice(literal);
                out.push(b'"');
                at += literal.len();
                continue;
            }
            (true, _) if byte == b'\\' => {
                out.extend_from_slice(&rest[..rest.len().min(2)]);
                at += 2;
                continue;
            }
            _ if byte == b'"' => in_string = !in_string,
            _ => {}
        }
        out.push(byte);
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn literals_outside_strings_become_strings() {
        let text = r#"{"a": NaN, "NaN \" Infinity": [-Infinity, Infinity, 1], "b\\": NaN}"#;
        let expected =
            r#"{"a": "NaN", "NaN \" Infinity": ["-Infinity", "Infinity", 1], "b\\": "NaN"}"#;
        assert_eq!(quoted(text.as_bytes()), expected.as_bytes());
        assert_eq!(quoted(b"\"\\"), b"\"\\");
    }
}
