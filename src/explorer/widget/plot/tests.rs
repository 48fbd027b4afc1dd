use super::*;

fn trace(values: &[f64]) -> Trace {
    let point = |(i, &y): (usize, &f64)| Point {
        x: i as f64,
        y,
        band: None,
    };
    Trace {
        points: values.iter().enumerate().map(point).collect(),
        style: Style::new(),
        kind: 0,
    }
}

fn drawn(trace: &Trace, width: u16, height: u16) -> Vec<String> {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    let last = trace.points.len().saturating_sub(1) as f64;
    let frame = Frame {
        area,
        x: if last == 0.0 {
            [-0.5, 0.5]
        } else {
            [0.0, last]
        },
        y: extent([trace]).unwrap_or([0.0, 1.0]),
    };
    plot(&mut buffer, frame, std::slice::from_ref(trace));
    let row = |y| {
        (0..width)
            .map(|x| buffer[(x, y)].symbol().to_owned())
            .collect()
    };
    (0..height).map(row).collect()
}

#[test]
fn a_line_is_split_where_there_is_no_number() {
    let trace = trace(&[1.0, 2.0, f64::NAN, f64::INFINITY, 3.0]);
    let lengths: Vec<usize> = runs(&trace.points).map(<[Point]>::len).collect();
    assert_eq!(lengths, [2, 1]);
    assert_eq!(runs(&self::trace(&[f64::NAN]).points).count(), 0);
    assert_eq!(extent([&trace]), Some([0.9, 3.1]));
    // Nothing is drawn from the second to the fifth.
    let rows = drawn(&trace, 21, 6);
    let column = |x: usize| -> String { rows.iter().filter_map(|r| r.chars().nth(x)).collect() };
    assert!(
        column(12).trim().is_empty() && !column(2).trim().is_empty(),
        "{rows:#?}"
    );
}

#[test]
fn equal_values_are_a_line_in_the_middle() {
    let rows = drawn(&trace(&[0.5; 3]), 5, 3);
    assert!(
        rows[0].trim().is_empty() && rows[2].trim().is_empty(),
        "{rows:#?}"
    );
    assert!(rows[1].chars().all(|c| c != ' '), "{rows:#?}");
    assert_eq!(extent([&trace(&[0.0, 0.0])]), Some([-0.01, 0.01]));
}

#[test]
fn one_state_is_one_mark_and_no_value_is_nothing() {
    let rows = drawn(&trace(&[0.7]), 5, 3);
    assert_eq!(rows, ["     ", "  ●  ", "     "]);
    assert_eq!(extent([&trace(&[f64::NAN])]), None);
    assert_eq!(drawn(&trace(&[f64::NAN]), 3, 1), ["   "]);
}

#[test]
fn draws_nothing_where_there_is_no_room() {
    for (width, height) in [(0, 0), (1, 1), (0, 3), (3, 0), (2, 1)] {
        drawn(&trace(&[1.0, 2.0, 3.0]), width, height);
    }
}

#[test]
fn lines_along_the_first_and_last_row_of_dots_end() {
    for values in [&[1.0, 1.0, 0.0, 0.0, 1.0, 1.0][..], &[0.0, 0.0, 1.0, 1.0]] {
        let trace = trace(values);
        let frame = Frame {
            area: Rect::new(0, 0, 12, 3),
            x: [0.0, (values.len() - 1) as f64],
            // As where two equal texts are at exactly 1: no room above the line.
            y: [0.0, 1.0],
        };
        let mut buffer = Buffer::empty(frame.area);
        plot(&mut buffer, frame, std::slice::from_ref(&trace));
        let drawn = |y: u16| (0..12).any(|x| buffer[(x, y)].symbol() != " ");
        assert!(drawn(0) && drawn(2));
    }
}
