//! Products of rows of 8-bit integers compared with thresholds: which pairs of a block reach theirs.
//!
//! With AVX-512 VNNI a tile of products stays in registers; elsewhere the integers are products in
//! f32, exact because none reaches 2²⁴.

use faer::MatRef;
use pulp::Arch;

use crate::projection::kernel::multiply;

/// Rows of A in a strip: with [`PANEL`] rows of B their products fill 24 of 32 registers.
pub(super) const STRIP: usize = 6;
/// Rows of B in a panel.
pub(super) const PANEL: usize = 64;
/// Coordinates that one instruction multiplies.
pub(super) const GROUP: usize = 4;
/// Largest number of coordinates whose sums of 255·127 stay below 2²⁴, where f32 has every integer,
/// with room for the errors.
pub(super) const MOST_COORDINATES: usize = 512;
/// Added to B's integers: the instruction wants one factor without sign.
const OFFSET: i32 = 128;

/// Four coordinates of each row of a strip.
pub(super) type StripGroup = [[i8; GROUP]; STRIP];
/// Four coordinates of each row of a panel, [`OFFSET`] added.
pub(super) type PanelGroup = [[u8; GROUP]; PANEL];

/// What a strip's rows are compared by: a pair reaches its threshold if
/// `product + row.error + column.error ≥ row.least · column.inverse_step`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) least: f32,
    /// A whole number.
    pub(super) error: f32,
    /// Sum of the row's integers.
    pub(super) sum: f32,
}

impl Row {
    /// Reaches nothing: fills a strip up.
    pub(super) const NONE: Self = Self {
        least: f32::INFINITY,
        error: 0.0,
        sum: 0.0,
    };
}

/// Which groups of coordinates are multiplied, of those that each strip and each panel has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// All that there are.
    pub(super) groups: usize,
    /// How many of the first.
    pub(super) leading: usize,
    /// One more.
    pub(super) rest: usize,
}

/// Some rows of A.
#[derive(Clone, Copy)]
pub(super) struct Strips<'a> {
    /// For each strip its groups.
    pub(super) integers: &'a [StripGroup],
    pub(super) rows: &'a [[Row; STRIP]],
}

/// Some rows of B.
#[derive(Clone, Copy)]
pub(super) struct Panels<'a> {
    /// For each panel its groups.
    pub(super) integers: &'a [PanelGroup],
    pub(super) errors: &'a [[i32; PANEL]],
    pub(super) inverse_steps: &'a [[f32; PANEL]],
}

/// How integers are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// As products in f32.
    Plain,
}

/// What the plain form widens integers into.
#[derive(Default)]
pub(super) struct Widened {
    a: Vec<f32>,
    b: Vec<f32>,
    products: Vec<f32>,
}

/// B's integer as it is stored.
pub(super) fn offset(integer: i8) -> u8 {
    (i32::from(integer) + OFFSET) as u8
}

impl Kernel {
    /// The fastest of this machine.
    pub(super) fn detected() -> Self {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni") {
            return Self::Avx512Vnni;
        }
        Self::Plain
    }

    /// Strips of A and panels of B that are best multiplied at a time: such that the strips and a
    /// panel stay in the first-level cache; in f32, such that the products stay in the second.
    pub(super) fn block(self) -> (usize, usize) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => (16, 16),
            Self::Plain => (32, 8),
        }
    }

    /// What scoring one pair in full costs, in products of coordinates. Of wide rows it is the time in
    /// which memory gives one of them.
    pub(super) fn products_per_score(self, width: usize) -> f32 {
        let products = 2000.0 + 30.0 * width as f32;
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => 4.0 * products,
            Self::Plain => products,
        }
    }

    /// For each panel and in it each row of A the columns that may reach their threshold, a bit
    /// each. `masks`: panels × strips.
    pub(super) fn reaching(
        self,
        shape: Shape,
        a: Strips<'_>,
        b: Panels<'_>,
        widened: &mut Widened,
        masks: &mut [[u64; STRIP]],
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => x86::reaching(shape, a, b, masks),
            Self::Plain => plain(shape, (a, b), widened, masks),
        }
    }
}

impl Shape {
    /// The groups that are multiplied, for one strip or panel after the other.
    fn used<T>(self, integers: &[T]) -> impl Iterator<Item = [&[T]; 2]> {
        let blocks = integers.chunks_exact(self.groups.max(1));
        blocks.map(move |groups| [&groups[..self.leading], &groups[self.rest..=self.rest]])
    }

    /// Coordinates that are multiplied.
    fn width(self) -> usize {
        (self.leading + 1) * GROUP
    }
}

fn plain(
    shape: Shape,
    (a, b): (Strips<'_>, Panels<'_>),
    widened: &mut Widened,
    masks: &mut [[u64; STRIP]],
) {
    let strips = a.rows.len();
    let columns = b.errors.len() * PANEL;
    widened.a.clear();
    for groups in shape.used(a.integers) {
        for row in 0..STRIP {
            let coordinates = groups.into_iter().flatten().flat_map(|group| group[row]);
            widened.a.extend(coordinates.map(f32::from));
        }
    }
    let arch = Arch::new();
    widened.b.resize(shape.width() * columns, 0.0);
    arch.dispatch(|| widen(shape, b, &mut widened.b));
    widened.products.resize(strips * STRIP * columns, 0.0);
    multiply(
        MatRef::from_row_major_slice(&widened.a, strips * STRIP, shape.width()),
        MatRef::from_row_major_slice(&widened.b, shape.width(), columns),
        &mut widened.products,
    );
    let rows = a.rows.iter().flatten();
    let products = widened.products.chunks_exact(columns.max(1));
    for (at, (row, products)) in rows.zip(products).enumerate() {
        let of_panels = products.as_chunks::<PANEL>().0.iter().zip(b.errors);
        for (panel, ((products, errors), steps)) in of_panels.zip(b.inverse_steps).enumerate() {
            // 1 for what the threshold itself is rounded by.
            let error = row.error + 1.0;
            let reaches = |column: usize| {
                products[column] + errors[column] as f32 + error >= row.least * steps[column]
            };
            let any = || (0..PANEL).fold(false, |any, column| any | reaches(column));
            let columns = match arch.dispatch(any) {
                true => 0..PANEL,
                false => 0..0,
            };
            masks[panel * strips + at / STRIP][at % STRIP] = columns.fold(0, |mask, column| {
                mask | u64::from(reaches(column)) << column
            });
        }
    }
}

/// B's integers in f32, a row for each coordinate.
#[inline(always)]
fn widen(shape: Shape, b: Panels<'_>, out: &mut [f32]) {
    let columns = b.errors.len() * PANEL;
    for (panel, groups) in shape.used(b.integers).enumerate() {
        for (at, group) in groups.into_iter().flatten().enumerate() {
            for coordinate in 0..GROUP {
                let start = (at * GROUP + coordinate) * columns + panel * PANEL;
                let out = out[start..start + PANEL].iter_mut().zip(group);
                out.for_each(|(out, row)| *out = f32::from(row[coordinate]) - OFFSET as f32);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m512i, _CMP_GE_OQ, _mm512_cmp_ps_mask, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32,
        _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_set1_ps,
    };
    use std::array;

    use super::{OFFSET, PANEL, PanelGroup, Panels, Row, STRIP, Shape, StripGroup, Strips};

    /// Numbers of 32 bits in a register.
    const LANES: usize = 16;
    /// Registers of a panel's columns.
    const REGISTERS: usize = PANEL / LANES;

    #[expect(
        unsafe_code,
        reason = "this kernel is chosen only where the processor has been found to have it"
    )]
    pub(super) fn reaching(shape: Shape, a: Strips<'_>, b: Panels<'_>, masks: &mut [[u64; STRIP]]) {
        // SAFETY: `Kernel::detected` has found AVX-512 F and VNNI.
        unsafe { all(shape, a, b, masks) }
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    fn all(shape: Shape, a: Strips<'_>, b: Panels<'_>, masks: &mut [[u64; STRIP]]) {
        let of_panels = masks.chunks_exact_mut(a.rows.len().max(1));
        let of_panels = of_panels.zip(shape.used(b.integers));
        let numbers = b.errors.iter().zip(b.inverse_steps);
        for ((masks, panel), (errors, steps)) in of_panels.zip(numbers) {
            let of_strips = shape.used(a.integers).zip(a.rows);
            for ((strip, rows), masks) in of_strips.zip(masks) {
                *masks = tile((strip, rows), (panel, errors, steps));
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    #[expect(unsafe_code, reason = "loads are by address")]
    fn tile(
        (strip, rows): ([&[StripGroup]; 2], &[Row; STRIP]),
        (panel, errors, steps): ([&[PanelGroup]; 2], &[i32; PANEL], &[f32; PANEL]),
    ) -> [u64; STRIP] {
        // SAFETY: each address is that of an array of a register's size.
        let integers =
            |lanes: &[[u8; 4]; LANES]| unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) };
        let counts = |lanes: &[i32; LANES]| unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) };
        let numbers = |lanes: &[f32; LANES]| unsafe { _mm512_loadu_ps(lanes.as_ptr()) };
        let (errors, _) = errors.as_chunks::<LANES>();
        let (steps, _) = steps.as_chunks::<LANES>();
        let mut sums: [[__m512i; REGISTERS]; STRIP] =
            [array::from_fn(|at| counts(&errors[at])); STRIP];
        for (strip, panel) in strip.into_iter().zip(panel) {
            for (strip, panel) in strip.iter().zip(panel) {
                let (panel, _) = panel.as_chunks::<LANES>();
                let panel: [__m512i; REGISTERS] = array::from_fn(|at| integers(&panel[at]));
                for (sums, &of_row) in sums.iter_mut().zip(strip) {
                    let of_row = i32::from_ne_bytes(of_row.map(|x| x as u8));
                    let of_row = _mm512_set1_epi32(of_row);
                    for (sum, &of_panel) in sums.iter_mut().zip(&panel) {
                        *sum = _mm512_dpbusd_epi32(*sum, of_panel, of_row);
                    }
                }
            }
        }
        let steps: [_; REGISTERS] = array::from_fn(|at| numbers(&steps[at]));
        let mut masks = [0; STRIP];
        for ((mask, sums), row) in masks.iter_mut().zip(sums).zip(rows) {
            let least = _mm512_set1_ps(row.least);
            // 1 for what the threshold itself is rounded by.
            let shift = _mm512_set1_ps(OFFSET as f32 * row.sum - row.error - 1.0);
            for (at, sum) in sums.into_iter().enumerate() {
                let threshold = _mm512_fmadd_ps(least, steps[at], shift);
                let reaches = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(_mm512_cvtepi32_ps(sum), threshold);
                *mask |= u64::from(reaches) << (at * LANES);
            }
        }
        masks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against sums of whole numbers.
    #[test]
    fn every_kernel_marks_what_whole_numbers_reach() {
        let mut rng = fastrand::Rng::with_seed(3);
        for (strips, panels, groups) in [(1, 1, 1), (2, 3, 5), (3, 1, 17), (1, 2, 128)] {
            let shape = Shape {
                groups: groups + 2,
                leading: groups - 1,
                rest: groups,
            };
            // The largest integers on both sides too.
            let mut integer = || [rng.i8(-127..=127), 127, -127][rng.usize(0..3)];
            let a: Vec<StripGroup> = (0..strips * shape.groups)
                .map(|_| [[0; GROUP]; STRIP].map(|row| row.map(|_| integer())))
                .collect();
            let b: Vec<[[i8; GROUP]; PANEL]> = (0..panels * shape.groups)
                .map(|_| [[0; GROUP]; PANEL].map(|row| row.map(|_| integer())))
                .collect();
            let used = |block: usize| {
                let groups = (0..shape.leading).chain([shape.rest]);
                groups.map(move |group| block * shape.groups + group)
            };
            let sum = |strip: usize, row: usize| -> i32 {
                let all = used(strip).flat_map(|group| a[group][row]);
                all.map(i32::from).sum()
            };
            let rows: Vec<[Row; STRIP]> = (0..strips)
                .map(|strip| {
                    std::array::from_fn(|row| Row {
                        least: rng.f32() * 4000.0 - 2000.0,
                        error: rng.u32(0..300) as f32,
                        sum: sum(strip, row) as f32,
                    })
                })
                .collect();
            let errors: Vec<[i32; PANEL]> = (0..panels)
                .map(|_| [0; PANEL].map(|_| rng.i32(0..300)))
                .collect();
            let inverse_steps: Vec<[f32; PANEL]> = (0..panels)
                .map(|_| [0.0; PANEL].map(|_| rng.f32() * 30.0 + 1.0))
                .collect();
            let stored: Vec<PanelGroup> = b
                .iter()
                .map(|group| group.map(|row| row.map(offset)))
                .collect();
            for kernel in [Kernel::detected(), Kernel::Plain] {
                let mut masks = vec![[0; STRIP]; strips * panels];
                let strips_of = Strips {
                    integers: &a,
                    rows: &rows,
                };
                let panels_of = Panels {
                    integers: &stored,
                    errors: &errors,
                    inverse_steps: &inverse_steps,
                };
                kernel.reaching(
                    shape,
                    strips_of,
                    panels_of,
                    &mut Widened::default(),
                    &mut masks,
                );
                for at in 0..panels * PANEL * strips * STRIP {
                    let (column, row) = (at % (panels * PANEL), at / (panels * PANEL));
                    let (panel, strip) = (column / PANEL, row / STRIP);
                    let product: i32 = used(panel)
                        .zip(used(strip))
                        .flat_map(|(b_group, a_group)| {
                            let pairs = b[b_group][column % PANEL].into_iter();
                            pairs.zip(a[a_group][row % STRIP])
                        })
                        .map(|(b, a)| i32::from(a) * i32::from(b))
                        .sum();
                    let of_row = rows[strip][row % STRIP];
                    let bound = f64::from(product + errors[panel][column % PANEL])
                        + f64::from(of_row.error);
                    let least =
                        f64::from(of_row.least) * f64::from(inverse_steps[panel][column % PANEL]);
                    let marked = masks[panel * strips + strip][row % STRIP] >> (column % PANEL) & 1;
                    // In between is what the threshold's own rounding may do.
                    if bound >= least {
                        assert_eq!(marked, 1, "{kernel:?}: {bound} reaches {least}");
                    } else if bound < least - 3.0 {
                        assert_eq!(marked, 0, "{kernel:?}: {bound} does not reach {least}");
                    }
                }
            }
        }
    }
}
