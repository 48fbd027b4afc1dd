use super::table::{ROWS, ShownWhen};
use super::*;

fn signs(lines: &[&str]) -> Vec<String> {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let found = legend(&State::new(0), &lines);
    found.into_iter().map(|entry| entry.sign).collect()
}

#[test]
fn explains_what_stands_on_the_screen_and_nothing_else() {
    assert_eq!(signs(&[""]), [""; 0]);
    assert_eq!(signs(&["  L3.N103 ★   "]), ["★"]);
    assert_eq!(signs(&["2/7 ↩"]), ["1/1 ↩"]);
    assert_eq!(signs(&["─ z −1.9 ─"]), ["4.81", "z 4.1"]);
    assert_eq!(signs(&["─ 9/30 ─"]), ["15–30/30"]);
    // A word that ends in z is no z, and one in the middle of which a · stands neither begins nor ends.
    assert_eq!(signs(&["jazz 4"]), [""; 0]);
}

#[test]
fn tells_the_three_meanings_of_a_dot_apart() {
    assert_eq!(signs(&["│·eś│"]), ["·eś"]);
    assert_eq!(signs(&["│dom· │"]), ["dom·"]);
    assert_eq!(signs(&["a · b"]), ["·"]);
}

#[test]
fn no_two_rows_have_one_sign_and_each_says_something() {
    for (i, row) in ROWS.iter().enumerate() {
        assert!(
            ROWS[..i].iter().all(|other| other.sign != row.sign),
            "{}",
            row.sign
        );
        assert!(row.words.len() > 10, "{}", row.sign);
        assert!(matches!(row.shown, ShownWhen::Form(_)) || !row.covers.is_empty());
    }
}
