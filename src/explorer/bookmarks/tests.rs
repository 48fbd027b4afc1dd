//! What a user relies on: nothing that was marked is ever lost.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use super::*;

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn add(
    bookmarks: &mut Bookmarks,
    model: &str,
    address: Address,
    note: Option<&str>,
) -> Result<Notice, StoreError> {
    bookmarks.apply(BookmarkChange::Add(NewMark {
        model: model.to_owned(),
        address,
        view: String::new(),
        note: note.map(str::to_owned),
    }))
}

fn remove(bookmarks: &mut Bookmarks, id: &str) {
    let id = id.to_owned();
    bookmarks.apply(BookmarkChange::Remove { id }).unwrap();
}

fn annotate(bookmarks: &mut Bookmarks, id: &str, note: &str) {
    let (id, note) = (id.to_owned(), Some(note.to_owned()));
    bookmarks
        .apply(BookmarkChange::Annotate { id, note })
        .unwrap();
}

fn addresses(bookmarks: &Bookmarks) -> Vec<String> {
    let list = bookmarks.list().iter();
    list.map(|b| b.address.to_string()).collect()
}

/// The one file whose name has `part` in it.
fn file_with(folder: &Path, part: &str) -> PathBuf {
    let paths = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|p| p.to_string_lossy().contains(part))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[test]
fn two_programs_add_and_remove_without_losing_each_others_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut a, _) = Bookmarks::open(folder.path());
    let (mut b, _) = Bookmarks::open(folder.path());
    add(&mut a, "gpt2-pl", address("L3.N103"), Some("miejsca")).unwrap();
    add(&mut b, "gpt2-pl", address("L1.H2.VO"), None).unwrap();
    assert_eq!(addresses(&b), ["L3.N103", "L1.H2.VO"]);
    add(&mut a, "herbert", address("L4"), None).unwrap();
    let first = a.list()[0].id.clone();
    remove(&mut b, &first);
    remove(&mut b, &first);
    let second = a.list()[1].id.clone();
    annotate(&mut a, &second, "że");
    assert_eq!(addresses(&a), ["L1.H2.VO", "L4"]);
    b.refresh().unwrap();
    assert_eq!(b.list(), a.list());
    assert_eq!(b.list()[0].note.as_deref(), Some("że"));
}

#[test]
fn threads_that_add_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for layer in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                let (mut bookmarks, _) = Bookmarks::open(folder);
                for neuron in 0..10 {
                    let address = Address::Neuron { layer, neuron };
                    assert_eq!(add(&mut bookmarks, "m", address, None).unwrap(), None);
                }
            });
        }
    });
    let (bookmarks, _) = Bookmarks::open(folder.path());
    let distinct: BTreeSet<_> = addresses(&bookmarks).into_iter().collect();
    assert_eq!((bookmarks.list().len(), distinct.len()), (40, 40));
}

#[test]
fn a_file_edited_by_hand_is_understood_and_its_other_fields_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"
theme = "dark"

[[bookmark]]
model = "gpt2-pl"
address = "l3.n103"
colour = "red"

[[bookmark]]
id = "x"
model = "gpt2-pl"
address = "L3.N104"

[[bookmark]]
id = "x"
model = "gpt2-pl"
address = "L3.N105"
[bookmark.seen]
times = 3
"#;
    fs::write(folder.path().join("bookmarks.toml"), text).unwrap();
    let (mut bookmarks, notice) = Bookmarks::open(folder.path());
    assert_eq!(notice, None);
    let ids: BTreeSet<_> = bookmarks.list().iter().map(|b| &b.id).collect();
    assert_eq!(ids.len(), 3);
    let last = bookmarks.list()[2].id.clone();
    annotate(&mut bookmarks, &last, "here");
    remove(&mut bookmarks, "x");
    assert_eq!(addresses(&bookmarks), ["L3.N103", "L3.N105"]);
    let kept: toml::Table =
        toml::from_str(&fs::read_to_string(folder.path().join("bookmarks.toml")).unwrap()).unwrap();
    assert_eq!(kept["theme"].as_str(), Some("dark"));
    assert_eq!(kept["bookmark"][0]["colour"].as_str(), Some("red"));
    assert_eq!(kept["bookmark"][1]["seen"]["times"].as_integer(), Some(3));
    assert_eq!(kept["bookmark"][1]["note"].as_str(), Some("here"));
}

#[test]
fn a_mark_that_is_brought_back_is_as_it_was_and_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    // As an earlier version wrote it, which knew places alone; the last of another program.
    let text = r#"
[[bookmark]]
id = "a"
model = "gpt2-pl"
address = "L3.N103"
note = "miejsca"
created = 5
colour = "red"

[[bookmark]]
id = "b"
model = "gpt2-pl"
address = "L4.H3"
view = "L4.H3.QK --convention gain --lowest"
created = 6

[[bookmark]]
id = "c"
model = "gpt2-pl"
address = "L4.H3"
view = "L4.H2.QK --zoom 3"
created = 7
"#;
    fs::write(folder.path().join("bookmarks.toml"), text).unwrap();
    let (mut bookmarks, _) = Bookmarks::open(folder.path());
    let before = bookmarks.list().to_vec();
    let views = before.iter().map(|mark| mark.view().map(|v| v.to_string()));
    let whole = "L4.H3.QK --convention gain --lowest".to_owned();
    assert_eq!(views.collect::<Vec<_>>(), [None, Some(whole), None]);
    assert_eq!(before[0].target().to_string(), "L3.N103");
    remove(&mut bookmarks, "a");
    assert_eq!(bookmarks.list().len(), 2);
    for _ in 0..2 {
        let (mark, at) = (Box::new(before[0].clone()), 0);
        bookmarks
            .apply(BookmarkChange::Restore { mark, at })
            .unwrap();
    }
    assert_eq!(bookmarks.list(), before);
    bookmarks.refresh().unwrap();
    assert_eq!(bookmarks.list(), before);
}

#[test]
fn a_broken_file_is_set_aside_and_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bookmarks, _) = Bookmarks::open(folder.path());
    let broken = "[[bookmark]]\nmodel = \"gpt2-pl\naddress =";
    fs::write(folder.path().join("bookmarks.toml"), broken).unwrap();
    let notice = add(&mut bookmarks, "gpt2-pl", address("L0"), None).unwrap();
    let aside = file_with(folder.path(), ".broken-");
    assert!(notice.unwrap().contains(&*aside.to_string_lossy()));
    assert_eq!(fs::read_to_string(aside).unwrap(), broken);
    assert_eq!(addresses(&bookmarks), ["L0"]);
}

#[test]
fn every_broken_file_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        fs::write(folder.path().join("bookmarks.toml"), "=").unwrap();
        let (bookmarks, notice) = Bookmarks::open(folder.path());
        assert!(bookmarks.list().is_empty() && notice.is_some());
    }
    let names = fs::read_dir(folder.path()).unwrap();
    let broken = names.filter(|e| {
        e.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("broken")
    });
    assert_eq!(broken.count(), 3);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (mut bookmarks, _) = Bookmarks::open(&file.join("data"));
    let error = add(&mut bookmarks, "m", address("L0"), None).unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("cannot make the folder ") && !text.contains('\n'),
        "{text}"
    );
    assert!(bookmarks.list().is_empty());
}

#[cfg(unix)]
#[test]
fn a_linked_file_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real.toml");
    fs::write(&real, "").unwrap();
    let link = folder.path().join("bookmarks.toml");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let (mut bookmarks, _) = Bookmarks::open(folder.path());
    add(&mut bookmarks, "m", address("L0"), None).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("L0"));
}

/// Set for the program that is to be killed: the folder where it adds bookmarks without end.
const FOLDER: &str = "LEXISCOPE_TEST_BOOKMARKS";

/// Runs itself once more as another program, which says the number of every bookmark that it has
/// added, and kills it in the middle of the next.
#[test]
fn a_killed_program_loses_nothing_that_it_has_said_is_kept() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let (mut bookmarks, _) = Bookmarks::open(Path::new(&folder));
        for neuron in bookmarks.list().len().. {
            let place = Address::Neuron { layer: 0, neuron };
            add(&mut bookmarks, "m", place, None).unwrap();
            println!("kept {neuron}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let (_, module) = module_path!().split_once("::").unwrap();
    let test = format!("{module}::a_killed_program_loses_nothing_that_it_has_said_is_kept");
    for round in 0..12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &test, "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut text = String::new();
        for _ in 0..fastrand::usize(4..12) {
            said.read_line(&mut text).unwrap();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        said.read_to_string(&mut text).unwrap();
        let mut kept = text.lines().filter_map(|l| l.strip_prefix("kept "));
        let last: usize = kept.next_back().unwrap().parse().unwrap();
        let (bookmarks, notice) = Bookmarks::open(folder.path());
        assert_eq!(notice, None, "round {round}");
        let expected = (0..bookmarks.list().len()).map(|n| format!("L0.N{n}"));
        assert!(expected.eq(addresses(&bookmarks)));
        assert!(bookmarks.list().len() > last, "round {round}");
    }
}

#[test]
fn many_marks_of_one_place_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let mark = "[[bookmark]]\nmodel = \"m\"\naddress = \"L0.N0\"\n";
    fs::write(folder.path().join("bookmarks.toml"), mark.repeat(20_000)).unwrap();
    let (bookmarks, notice) = Bookmarks::open(folder.path());
    assert_eq!((bookmarks.list().len(), notice), (20_000, None));
    let ids: BTreeSet<&str> = bookmarks.list().iter().map(|b| b.id.as_str()).collect();
    assert_eq!(ids.len(), 20_000);
    let (again, _) = Bookmarks::open(folder.path());
    assert_eq!(again.list(), bookmarks.list());
}

#[test]
fn a_lock_that_is_not_given_up_is_a_sentence_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut bookmarks, _) = Bookmarks::open(folder.path());
    add(&mut bookmarks, "m", address("L1"), None).unwrap();
    let held = fs::File::open(folder.path().join("bookmarks.toml.lock")).unwrap();
    held.lock().unwrap();
    let error = add(&mut bookmarks, "m", address("L2"), None).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("bookmarks.toml: another program has held its lock for 2 s"),
        "{error}"
    );
    drop(held);
    assert_eq!(addresses(&bookmarks), ["L1"]);
    add(&mut bookmarks, "m", address("L2"), None).unwrap();
    assert_eq!(addresses(&bookmarks), ["L1", "L2"]);
}

#[test]
fn what_a_killed_program_left_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bookmarks.toml.tmp"), "half a fi").unwrap();
    let (mut bookmarks, _) = Bookmarks::open(folder.path());
    add(&mut bookmarks, "m", address("L1"), None).unwrap();
    let names = fs::read_dir(folder.path()).unwrap();
    let names: BTreeSet<_> = names.map(|e| e.unwrap().file_name()).collect();
    assert_eq!(
        names,
        ["bookmarks.toml".into(), "bookmarks.toml.lock".into()].into()
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_the_file_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("bookmarks.toml");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let (mut bookmarks, notice) = Bookmarks::open(folder.path());
    assert!(notice.unwrap().contains("could not be read (it is a pipe)"));
    add(&mut bookmarks, "m", address("L1"), None).unwrap();
    assert!(pipe.is_file());
}
