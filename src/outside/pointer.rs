//! Files that stand in the place of others: what a clone without Git LFS or a failed download leaves.

/// Bytes at the start of a file that tell.
const HEAD: usize = 64;

/// What a file is instead of what its name says, by its first bytes: a Git LFS pointer or a web page;
/// `None` for anything else.
pub fn impostor(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(&head[..head.len().min(HEAD)]);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let starts = |what: &str| {
        text.get(..what.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(what))
    };
    if starts("version https://git-lfs") || starts("version https://hawser") {
        Some("a Git LFS pointer (run `git lfs pull` there)")
    } else if starts("<!doctype") || starts("<html") {
        Some("a web page (an error page saved as the file)")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_pointers_pages_and_nothing_from_files() {
        let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n";
        assert!(impostor(pointer).unwrap().contains("git lfs pull"));
        assert!(
            impostor(b"\n <!DOCTYPE html>")
                .unwrap()
                .contains("a web page")
        );
        for file in [
            b"".as_slice(),
            b"{\"a\": 1}",
            b"#version: 0.2\na b\n",
            b"PK\x03\x04",
            b"version",
            "ż".as_bytes(),
        ] {
            assert_eq!(impostor(file), None);
        }
    }
}
