use std::array;

use super::*;

/// Rows of A and of B, all of as many coordinates.
struct Drawn {
    a: Vec<Vec<[i8; GROUP]>>,
    b: Vec<Vec<[u8; GROUP]>>,
}

impl Drawn {
    /// Half of them at the ends of their range, some of them whole rows.
    fn new(rng: &mut fastrand::Rng, (strips, panels): (usize, usize), quads: usize) -> Self {
        let mut row = |at: usize| -> Vec<[i8; GROUP]> {
            let mut integer = || match at % 4 {
                0 => 127,
                1 => -127,
                _ => [rng.i8(-127..=127), 127, -127][rng.usize(0..3)],
            };
            (0..quads).map(|_| [0; GROUP].map(|_| integer())).collect()
        };
        let a = (0..strips * STRIP).map(&mut row).collect();
        let b = (0..panels * PANEL).map(&mut row);
        let b = b.map(|row| row.iter().map(|quad| quad.map(offset)).collect());
        Self { a, b: b.collect() }
    }

    /// Of the integers as they are stored.
    fn product(&self, row: usize, column: usize) -> i32 {
        let (a, b) = (&self.a[row], &self.b[column]);
        let each = a.as_flattened().iter().zip(b.as_flattened());
        each.map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
    }

    /// The bits of the columns that reach their thresholds: for each panel, in it each row.
    fn reaching(&self, kernel: Kernel, rows: &[Row], columns: &[Columns]) -> Vec<u64> {
        let groups = self.a[0].len() * kernel.groups_per_quad();
        let mut strips = vec![[0; STRIP]; self.a.len() / STRIP * groups];
        for (at, row) in self.a.iter().enumerate() {
            let strip = &mut strips[at / STRIP * groups..][..groups];
            kernel.pack(row.iter().copied(), at % STRIP, strip);
        }
        let mut panels = vec![[0; PANEL]; self.b.len() / PANEL * groups];
        for (at, row) in self.b.iter().enumerate() {
            let panel = &mut panels[at / PANEL * groups..][..groups];
            kernel.pack(row.iter().copied(), at % PANEL, panel);
        }
        let (rows, _) = rows.as_chunks::<STRIP>();
        let mut masks = vec![[0; STRIP]; rows.len() * columns.len()];
        let strips = Strips {
            groups: &strips,
            rows,
        };
        let panels = Panels {
            groups: &panels,
            columns,
        };
        kernel.reaching(strips, panels, &mut Widened::default(), &mut masks);
        masks.into_flattened()
    }

    /// The same of all columns, looked at again pair by pair.
    fn refined(&self, kernel: Kernel, rows: &[Row], columns: &[Columns]) -> Vec<u64> {
        let whole = |quads: usize| quads.next_multiple_of(8);
        let per_row = whole(self.a[0].len());
        let mut masks = Vec::new();
        for (panel, columns) in self.b.chunks(PANEL).zip(columns) {
            let mut quads = vec![[0; GROUP]; PANEL * per_row];
            for (to, row) in quads.chunks_exact_mut(per_row).zip(panel) {
                to[..row.len()].copy_from_slice(row);
            }
            let panel = Integers {
                quads: &quads,
                per_row,
            };
            let mut whole_rows = vec![[0; GROUP]; self.a.len() * per_row];
            for (to, row) in whole_rows.chunks_exact_mut(per_row).zip(&self.a) {
                to[..row.len()].copy_from_slice(row);
            }
            let a = Integers {
                quads: &whole_rows,
                per_row,
            };
            let mut pairs = Vec::new();
            let all = vec![[u64::MAX; STRIP]; self.a.len() / STRIP];
            marked(&all, PANEL, &mut pairs);
            assert_eq!(pairs.len(), self.a.len() * PANEL);
            kernel.refine((a, rows), (panel, columns), &mut pairs);
            let mut of_rows = vec![0; self.a.len()];
            for pair in pairs {
                of_rows[pair.row()] |= 1u64 << pair.column();
            }
            masks.extend(of_rows);
        }
        masks
    }

    /// Both looks of each kernel.
    fn looks(&self, rows: &[Row], columns: &[Columns]) -> Vec<(String, Vec<u64>)> {
        let looks = Kernel::all().into_iter().flat_map(|kernel| {
            let first = self.reaching(kernel, rows, columns);
            let second = self.refined(kernel, rows, columns);
            [
                (format!("{kernel:?}"), first),
                (format!("{kernel:?}, second look"), second),
            ]
        });
        looks.collect()
    }
}

const SHAPES: [(usize, usize, usize); 5] =
    [(1, 1, 1), (2, 3, 5), (3, 1, 17), (2, 1, 40), (1, 2, 128)];

/// A product reaches itself and nothing higher, so that its integer is the exact one.
#[test]
fn every_kernel_has_the_products_of_whole_numbers() {
    let mut rng = fastrand::Rng::with_seed(3);
    for (strips, panels, quads) in SHAPES {
        let drawn = Drawn::new(&mut rng, (strips, panels), quads);
        for row in 0..strips * STRIP {
            let mut rows = vec![Row::NONE; strips * STRIP];
            rows[row] = Row {
                least: 1.0,
                shift: 0.0,
                rest: 0.0,
            };
            for (error, expected) in [(0, u64::MAX), (-1, 0)] {
                let columns: Vec<Columns> = (0..panels)
                    .map(|panel| Columns {
                        errors: [error; PANEL],
                        inverse_steps: array::from_fn(|column| {
                            drawn.product(row, panel * PANEL + column) as f32
                        }),
                        ..Columns::default()
                    })
                    .collect();
                for (look, masks) in drawn.looks(&rows, &columns) {
                    let of_row = masks.iter().skip(row).step_by(strips * STRIP);
                    assert!(
                        of_row.clone().all(|&mask| mask == expected),
                        "{look}, {quads}"
                    );
                    assert_eq!(of_row.count(), panels);
                }
            }
        }
    }
}

#[test]
fn every_kernel_multiplies_as_whole_numbers_do() {
    let mut rng = fastrand::Rng::with_seed(6);
    for (_, _, quads) in SHAPES {
        let drawn = Drawn::new(&mut rng, (1, 1), quads);
        for kernel in Kernel::all() {
            let groups = quads * kernel.groups_per_quad();
            let (mut strip, mut panel) = (vec![[0; STRIP]; groups], vec![[0; PANEL]; groups]);
            for (at, row) in drawn.a.iter().enumerate() {
                kernel.pack(row.iter().copied(), at, &mut strip);
            }
            for (at, row) in drawn.b.iter().enumerate() {
                kernel.pack(row.iter().copied(), at, &mut panel);
            }
            let found = kernel.products(&strip, &panel);
            for (row, found) in found.iter().enumerate() {
                let expected = array::from_fn(|column| drawn.product(row, column));
                assert_eq!(*found, expected, "{kernel:?}, {quads}");
            }
        }
    }
}

#[test]
fn every_kernel_marks_what_errors_and_steps_let_reach() {
    let mut rng = fastrand::Rng::with_seed(4);
    for (strips, panels, quads) in SHAPES {
        let drawn = Drawn::new(&mut rng, (strips, panels), quads);
        // Of the products with B's integers as they were before the offset.
        let own = |row: usize| {
            let row = drawn.a[row].as_flattened();
            row.iter().map(|&x| i32::from(x)).sum::<i32>()
        };
        let mut number = || {
            let least = rng.f32() * 4000.0 - 2000.0;
            (least, rng.u32(0..300) as f32, rng.f32() * 200.0)
        };
        let numbers: Vec<(f32, f32, f32)> = (0..strips * STRIP).map(|_| number()).collect();
        let rows = numbers.iter().enumerate();
        let rows: Vec<Row> = rows
            .map(|(row, &(least, error, rest))| Row::new(least, own(row) as f32, error, rest))
            .collect();
        let columns: Vec<Columns> = (0..panels)
            .map(|_| Columns {
                errors: [0; PANEL].map(|_| rng.i32(0..300)),
                inverse_steps: [0.0; PANEL].map(|_| rng.f32() * 30.0 + 1.0),
                rests: [0.0; PANEL].map(|_| rng.f32() * 200.0),
            })
            .collect();
        for (look, masks) in drawn.looks(&rows, &columns) {
            for (at, mask) in masks.iter().enumerate() {
                let (panel, row) = (at / rows.len(), at % rows.len());
                let (least, error, rest) = numbers[row];
                let columns = &columns[panel];
                for column in 0..PANEL {
                    let product = drawn.product(row, panel * PANEL + column) - OFFSET * own(row);
                    let bound = f64::from(product + columns.errors[column]) + f64::from(error);
                    let bound = bound + f64::from(rest) * f64::from(columns.rests[column]);
                    let least = f64::from(least) * f64::from(columns.inverse_steps[column]);
                    let marked = mask >> column & 1;
                    // In between is what the threshold's own rounding may do.
                    if bound >= least {
                        assert_eq!(marked, 1, "{look}: {bound} reaches {least}");
                    } else if bound < least - 4.0 {
                        assert_eq!(marked, 0, "{look}: {bound} does not reach {least}");
                    }
                }
            }
        }
    }
}

#[test]
fn every_pair_that_is_marked_is_listed_once() {
    let mut rng = fastrand::Rng::with_seed(5);
    for valid in [1, 7, PANEL] {
        let masks: Vec<[u64; STRIP]> = (0..40)
            .map(|strip| {
                [0; STRIP].map(|_: u64| (0..strip % 9).fold(u64::MAX, |mask, _| mask & rng.u64(..)))
            })
            .collect();
        let mut pairs = Vec::new();
        marked(&masks, valid, &mut pairs);
        let listed: Vec<(usize, usize)> = pairs.iter().map(|p| (p.row(), p.column())).collect();
        let rows = masks.as_flattened().iter().enumerate();
        let expected = rows.flat_map(|(row, mask)| {
            let set = (0..valid).filter(move |column| mask >> column & 1 == 1);
            set.map(move |column| (row, column))
        });
        assert_eq!(listed, expected.collect::<Vec<_>>());
    }
}
