//! The guide: every page is in the program, every link leads somewhere, its generated tables are
//! those of the program, and its commands run.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lexiscope::explorer::keymap;
use lexiscope::guide::{Emphasis, MarkdownBlock, blocks, page, pages};

/// Set, the tests write the generated parts of the guide instead of comparing them.
const WRITE: &str = "LEXISCOPE_WRITE_GUIDE";
const README_BYTES_MAX: usize = 9 * 1024;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn guide(file: &str) -> PathBuf {
    root().join("assets/guide").join(file)
}

/// What lies between a page's markers is `wanted`, or becomes it.
#[track_caller]
fn generated(file: &str, name: &str, wanted: &str) {
    let text = fs::read_to_string(guide(file)).unwrap();
    let [begin, end] = ["begin", "end"].map(|which| format!("<!-- {which} {name} -->\n"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    let wanted = format!("{before}{begin}{}\n\n{end}{after}", wanted.trim_end());
    if std::env::var_os(WRITE).is_some() {
        fs::write(guide(file), wanted).unwrap();
    } else {
        assert!(
            text == wanted,
            "assets/guide/{file} is not what the program says: {WRITE}=1 cargo test --release --test guide"
        );
    }
}

fn lexiscope() -> Command {
    let mut command = Command::new(support::BINARY);
    command.env_remove("COLUMNS");
    command
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_key_tables_are_those_of_the_program() {
    generated("keys.md", "keys", &keymap::markdown());
}

#[test]
fn the_list_of_commands_is_that_of_the_program() {
    let help = text(lexiscope().arg("-h").output().unwrap());
    let commands = help.split("\nCommands:\n").nth(1).unwrap();
    let commands = commands.split("\n\n").next().unwrap();
    let mut table = "\n| | |\n|---|---|\n".to_owned();
    for line in commands.lines() {
        match line.trim_start().split_once("  ") {
            Some((name, about)) if line.starts_with("  ") && !line.starts_with("   ") => {
                table.push_str(&format!("| `{name}` | {} |\n", about.trim()));
            }
            _ => {
                table.truncate(table.len() - " |\n".len());
                table.push_str(&format!(" {} |\n", line.trim()));
            }
        }
    }
    generated("commands.md", "commands", &table);
}

#[test]
fn the_table_of_families_is_that_of_the_program() {
    let table = lexiscope()
        .args(["models", "--families", "--format", "markdown"])
        .output();
    generated(
        "models.md",
        "families",
        &format!("\n{}", text(table.unwrap())),
    );
}

#[test]
fn every_file_of_the_guide_is_a_page_of_the_program_and_in_the_index() {
    let mut topics: Vec<String> = fs::read_dir(guide(""))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(".md")?.to_owned()))
        .filter(|name| name != "README")
        .collect();
    topics.sort();
    let mut known: Vec<&str> = pages().iter().map(|page| page.topic).collect();
    known.sort_unstable();
    assert_eq!(topics, known);

    let index = fs::read_to_string(guide("README.md")).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for page in pages() {
        let line = format!("- [{0}]({0}.md): {1}\n", page.topic, page.summary);
        assert!(
            index.contains(&line),
            "assets/guide/README.md lacks: {line}"
        );
        let link = format!("](assets/guide/{}.md)", page.topic);
        assert!(
            readme.contains(&link),
            "README.md does not link to {}",
            page.topic
        );
        assert!(
            page.text.starts_with("# ") && !page.title().is_empty(),
            "{}",
            page.topic
        );
    }
}

#[test]
fn the_readme_stays_short() {
    let bytes = fs::metadata(root().join("README.md")).unwrap().len();
    assert!(
        bytes <= README_BYTES_MAX as u64,
        "README.md has {bytes} bytes"
    );
}

/// The anchors of a page's headings, as GitHub makes them.
fn anchors(markdown: &str) -> Vec<String> {
    let headings = blocks(markdown)
        .into_iter()
        .filter_map(|block| match block {
            MarkdownBlock::Heading { text, .. } => Some(text),
            MarkdownBlock::Paragraph(_)
            | MarkdownBlock::Item { .. }
            | MarkdownBlock::Code(_)
            | MarkdownBlock::Table(_) => None,
        });
    headings
        .map(|spans| {
            let text: String = spans.into_iter().map(|span| span.text).collect();
            let kept = text.to_lowercase();
            let kept = kept
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut files = vec![root().join("README.md"), root().join("assets/README.md")];
    files.push(root().join("benches/README.md"));
    files.push(guide("README.md"));
    files.extend(
        pages()
            .iter()
            .map(|page| guide(&format!("{}.md", page.topic))),
    );
    let mut found = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for target in text.split("](").skip(1) {
            let target = target.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            found += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = match path {
                "" => file.clone(),
                path => file.parent().unwrap().join(path),
            };
            assert!(there.exists(), "{}: {target}", file.display());
            if !anchor.is_empty() {
                let anchors = anchors(&fs::read_to_string(there).unwrap());
                let known = anchors.iter().any(|a| a == anchor);
                assert!(known, "{}: {target} is none of {anchors:?}", file.display());
            }
        }
    }
    assert!(found > 50, "only {found} links were found");
}

#[test]
fn the_program_prints_pages_as_they_are_written_and_names_its_topics() {
    let list = text(lexiscope().arg("guide").output().unwrap());
    for page in pages() {
        assert!(
            list.contains(page.topic) && list.contains(page.summary),
            "{list}"
        );
    }
    let printed = text(lexiscope().args(["guide", "conventions"]).output().unwrap());
    assert_eq!(
        printed,
        fs::read_to_string(guide("conventions.md")).unwrap()
    );

    let wrong = lexiscope().args(["guide", "convention"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert!(
        said.contains("similar") && said.contains("'conventions'"),
        "{said}"
    );
}

/// The lines of a page's shell examples.
fn commands(markdown: &str) -> Vec<String> {
    let shell = markdown.split("\n```sh\n").skip(1);
    let lines = shell.flat_map(|text| text.split("\n```").next().unwrap().lines());
    let lines = lines.filter(|line| line.starts_with("lexiscope "));
    lines.map(str::to_owned).collect()
}

#[test]
fn commands_on_the_bundled_models_run() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("animals.txt"), "kot\npies\nkoń\nwilk\n").unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let texts = pages().iter().map(|page| page.text);
    let all = texts.chain([readme.as_str()]).flat_map(commands);
    let bundled = all.filter(|line| {
        let others = ["./", "../", "sdadas/", "meta-org/"];
        !others.iter().any(|other| line.contains(other))
    });
    let bundled: BTreeSet<String> = bundled.collect();
    let program = Path::new(support::BINARY);
    let path = std::env::var("PATH").unwrap_or_default();
    let mut run = 0;
    for line in bundled {
        // What a pipe leads to need not be installed everywhere.
        let line = line.split(" | ").next().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-ec", line]).current_dir(home.path());
        shell.env(
            "PATH",
            format!("{}:{path}", program.parent().unwrap().display()),
        );
        for name in [
            "HOME",
            "HF_HOME",
            "XDG_DATA_HOME",
            "XDG_STATE_HOME",
            "XDG_CACHE_HOME",
        ] {
            shell.env(name, home.path());
        }
        let output = shell.env("HF_HUB_OFFLINE", "1").output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
        run += 1;
    }
    assert!(run > 15, "only {run} commands were found");
}

#[test]
fn a_page_can_be_drawn_in_blocks() {
    let keys = blocks(page("keys").unwrap().text);
    let headed = |title: &str| {
        keys.iter().any(|block| {
            matches!(block, MarkdownBlock::Heading { level: 2, text } if text.iter().any(|s| s.text == title))
        })
    };
    assert!(headed("Neurons") && headed("Map of heads"));
    // A backtick within backticks, and keys that are separate pieces.
    let cells = keys.iter().filter_map(|block| match block {
        MarkdownBlock::Table(rows) => Some(rows.iter().flatten().flatten()),
        MarkdownBlock::Heading { .. }
        | MarkdownBlock::Paragraph(_)
        | MarkdownBlock::Item { .. }
        | MarkdownBlock::Code(_) => None,
    });
    let code: Vec<&str> = cells
        .flatten()
        .filter(|span| span.emphasis == Emphasis::Code)
        .map(|span| span.text.as_str())
        .collect();
    for key in ["`", "C-c", "?", "g g"] {
        assert!(code.contains(&key), "{key}: {code:?}");
    }
}
