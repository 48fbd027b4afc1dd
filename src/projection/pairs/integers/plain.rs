//! The same products without instructions for integers.

use faer::MatRef;
use pulp::Arch;

use crate::projection::kernel::multiply;

use super::{
    Columns, GROUP, Integers, Marked, PANEL, PanelGroup, Panels, Products, Row, STRIP, StripGroup,
    Strips,
};

/// What integers are widened into.
#[derive(Default)]
pub(in super::super) struct Widened {
    a: Vec<f32>,
    b: Vec<f32>,
    products: Vec<f32>,
}

pub(super) fn reaching(
    a: Strips<'_>,
    b: Panels<'_>,
    widened: &mut Widened,
    masks: &mut [[u64; STRIP]],
) {
    let strips = a.rows.len();
    let groups = a.groups.len() / strips.max(1);
    let (width, columns) = (groups * GROUP, b.columns.len() * PANEL);
    widened.a.clear();
    for strip in a.groups.chunks_exact(groups.max(1)) {
        for row in 0..STRIP {
            let coordinates = strip.iter().flat_map(|group| group[row].to_ne_bytes());
            widened.a.extend(coordinates.map(|x| f32::from(x as i8)));
        }
    }
    let arch = Arch::new();
    widened.b.resize(width * columns, 0.0);
    arch.dispatch(|| widen(groups, b, &mut widened.b));
    widened.products.resize(strips * STRIP * columns, 0.0);
    multiply(
        MatRef::from_row_major_slice(&widened.a, strips * STRIP, width),
        MatRef::from_row_major_slice(&widened.b, width, columns),
        &mut widened.products,
    );
    let rows = a.rows.iter().flatten();
    let products = widened.products.chunks_exact(columns.max(1));
    for (at, (row, products)) in rows.zip(products).enumerate() {
        let of_panels = products.as_chunks::<PANEL>().0.iter().zip(b.columns);
        for (panel, (products, columns)) in of_panels.enumerate() {
            let reaches = |column: usize| row.reached(products[column], columns, column);
            let any = || (0..PANEL).fold(false, |any, column| any | reaches(column));
            let some = match arch.dispatch(any) {
                true => 0..PANEL,
                false => 0..0,
            };
            masks[panel * strips + at / STRIP][at % STRIP] = some.fold(0, |mask, column| {
                mask | u64::from(reaches(column)) << column
            });
        }
    }
}

pub(super) fn products(strip: &[StripGroup], panel: &[PanelGroup], out: &mut Products) {
    for (rows, columns) in strip.iter().zip(panel) {
        for (out, row) in out.iter_mut().zip(rows) {
            let row = row.to_ne_bytes().map(|byte| i32::from(byte as i8));
            for (out, column) in out.iter_mut().zip(columns) {
                let each = row.iter().zip(column.to_ne_bytes());
                *out += each.map(|(a, b)| a * i32::from(b)).sum::<i32>();
            }
        }
    }
}

/// B's integers in f32, a row for each coordinate.
#[inline(always)]
fn widen(groups: usize, b: Panels<'_>, out: &mut [f32]) {
    let columns = b.columns.len() * PANEL;
    for (panel, groups) in b.groups.chunks_exact(groups.max(1)).enumerate() {
        for (at, group) in groups.iter().enumerate() {
            for coordinate in 0..GROUP {
                let start = (at * GROUP + coordinate) * columns + panel * PANEL;
                let out = out[start..start + PANEL].iter_mut().zip(group);
                out.for_each(|(out, lane)| *out = f32::from(lane.to_ne_bytes()[coordinate]));
            }
        }
    }
}

pub(super) fn refine(
    (a, rows): (Integers<'_, i8>, &[Row]),
    (b, columns): (Integers<'_, u8>, &Columns),
    marked: &mut Vec<Marked>,
) {
    Arch::new().dispatch(|| {
        marked.retain(|pair| {
            let (row, column) = (pair.row(), pair.column());
            let product = product(a.row(row), b.row(column)) as f32;
            rows[row].reached(product, columns, column)
        });
    });
}

/// Of the integers as they are stored, in 16 bits, so that the compiler multiplies two coordinates a lane.
#[inline(always)]
pub(super) fn product(a: &[[i8; GROUP]], b: &[[u8; GROUP]]) -> i32 {
    let (a, b) = (a.as_flattened(), b.as_flattened());
    let each = a.iter().zip(b);
    each.map(|(&a, &b)| i32::from(i16::from(a)) * i32::from(i16::from(b)))
        .sum()
}

impl Row {
    #[inline(always)]
    fn reached(self, product: f32, columns: &Columns, column: usize) -> bool {
        product + columns.errors[column] as f32 >= self.threshold(columns, column)
    }

    /// What a pair's product must reach with its column's error.
    #[inline(always)]
    pub(super) fn threshold(self, columns: &Columns, column: usize) -> f32 {
        let least = self.least * columns.inverse_steps[column] + self.shift;
        least - self.rest * columns.rests[column]
    }
}
