//! The products in registers of x86.

use std::arch::x86_64::{
    __m256i, __m512i, _CMP_GE_OQ, _mm_add_epi32, _mm_cvtsi128_si32, _mm_shuffle_epi32,
    _mm256_add_epi32, _mm256_castsi256_si128, _mm256_cmp_ps, _mm256_cvtepi32_ps,
    _mm256_dpbusd_epi32, _mm256_extracti128_si256, _mm256_fmadd_ps, _mm256_fnmadd_ps,
    _mm256_loadu_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_movemask_ps, _mm256_set1_epi32,
    _mm256_set1_ps, _mm256_setzero_si256, _mm512_castsi512_si256, _mm512_cmp_ps_mask,
    _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_extracti64x4_epi64, _mm512_fmadd_ps,
    _mm512_fnmadd_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setzero_si512,
};
use std::array;

use super::{
    Columns, GROUP, Integers, Marked, PANEL, PanelGroup, Panels, Products, Row, STRIP, StripGroup,
    Strips, plain,
};

/// Numbers of 32 bits in a register of AVX-512, and such registers of a panel's columns.
const LANES: usize = 16;
const REGISTERS: usize = PANEL / LANES;
/// The same of AVX2; of a panel's columns as many registers are multiplied at a time.
const HALF: usize = 8;
const ABREAST: usize = 2;

/// What is multiplied.
pub(super) enum Work<'a> {
    /// See [`Kernel::reaching`](super::Kernel::reaching).
    Reaching(Strips<'a>, Panels<'a>, &'a mut [[u64; STRIP]]),
    /// See [`Kernel::refine`](super::Kernel::refine).
    Refine(
        (Integers<'a, i8>, &'a [Row]),
        (Integers<'a, u8>, &'a Columns),
        &'a mut Vec<Marked>,
    ),
    /// See [`Kernel::products`](super::Kernel::products).
    Products(&'a [StripGroup], &'a [PanelGroup], &'a mut Products),
}

#[expect(
    unsafe_code,
    reason = "this kernel is chosen only where the processor has been found to have it"
)]
pub(super) fn avx512(work: Work<'_>) {
    // SAFETY: `Kernel::all` has found AVX-512 F, VL and VNNI.
    unsafe { avx512_work(work) }
}

#[expect(
    unsafe_code,
    reason = "this kernel is chosen only where the processor has been found to have it"
)]
pub(super) fn avx2(work: Work<'_>) {
    // SAFETY: `Kernel::all` has found AVX2 and FMA.
    unsafe { avx2_work(work) }
}

#[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
fn avx512_work(work: Work<'_>) {
    match work {
        Work::Reaching(a, b, masks) => avx512_all(a, b, masks),
        Work::Refine(a, b, marked) => avx512_pairs(a, b, marked),
        Work::Products(strip, panel, out) => {
            let none = [_mm512_setzero_si512(); REGISTERS];
            for (out, sums) in out.iter_mut().zip(avx512_sums(strip, panel, none)) {
                let halves = sums.map(|sum| {
                    let high = _mm512_extracti64x4_epi64::<1>(sum);
                    [_mm512_castsi512_si256(sum), high]
                });
                *out = pulp::cast(halves);
            }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn avx2_work(work: Work<'_>) {
    match work {
        Work::Reaching(a, b, masks) => avx2_all(a, b, masks),
        Work::Refine(a, b, marked) => plain::refine(a, b, marked),
        Work::Products(strip, panel, out) => {
            for first in (0..PANEL / HALF).step_by(ABREAST) {
                let none = [_mm256_setzero_si256(); ABREAST];
                let sums = avx2_sums(strip, panel, first, none);
                for (out, sums) in out.iter_mut().zip(sums) {
                    let some: [i32; ABREAST * HALF] = pulp::cast(sums);
                    out[first * HALF..][..ABREAST * HALF].copy_from_slice(&some);
                }
            }
        }
    }
}

/// The groups of each strip or panel, of which there are `blocks`.
fn of_each<G>(groups: &[G], blocks: usize) -> impl Iterator<Item = &[G]> {
    groups.chunks_exact((groups.len() / blocks.max(1)).max(1))
}

#[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
fn avx512_all(a: Strips<'_>, b: Panels<'_>, masks: &mut [[u64; STRIP]]) {
    let of_panels = masks.chunks_exact_mut(a.rows.len().max(1));
    let of_panels = of_panels.zip(of_each(b.groups, b.columns.len()));
    for ((masks, panel), columns) in of_panels.zip(b.columns) {
        let of_strips = of_each(a.groups, a.rows.len()).zip(a.rows);
        for ((strip, rows), masks) in of_strips.zip(masks) {
            *masks = avx512_tile((strip, rows), (panel, columns));
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
#[expect(unsafe_code, reason = "loads are by address")]
fn avx512_tile(
    (strip, rows): (&[StripGroup], &[Row; STRIP]),
    (panel, columns): (&[PanelGroup], &Columns),
) -> [u64; STRIP] {
    // SAFETY: each address is that of an array of a register's size.
    let counts = |lanes: &[i32; LANES]| unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) };
    let numbers = |lanes: &[f32; LANES]| unsafe { _mm512_loadu_ps(lanes.as_ptr()) };
    let (errors, _) = columns.errors.as_chunks::<LANES>();
    let (steps, _) = columns.inverse_steps.as_chunks::<LANES>();
    let (rests, _) = columns.rests.as_chunks::<LANES>();
    let sums = avx512_sums(strip, panel, array::from_fn(|at| counts(&errors[at])));
    let mut masks = [0; STRIP];
    for ((mask, sums), row) in masks.iter_mut().zip(sums).zip(rows) {
        let (least, shift) = (_mm512_set1_ps(row.least), _mm512_set1_ps(row.shift));
        let rest = _mm512_set1_ps(row.rest);
        for (at, sum) in sums.into_iter().enumerate() {
            let threshold = _mm512_fmadd_ps(least, numbers(&steps[at]), shift);
            let threshold = _mm512_fnmadd_ps(rest, numbers(&rests[at]), threshold);
            let reaches = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(_mm512_cvtepi32_ps(sum), threshold);
            *mask |= u64::from(reaches) << (at * LANES);
        }
    }
    masks
}

/// The products of a strip's rows with a panel's columns, added to what each column `starts` with.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
#[expect(unsafe_code, reason = "loads are by address")]
fn avx512_sums(
    strip: &[StripGroup],
    panel: &[PanelGroup],
    starts: [__m512i; REGISTERS],
) -> [[__m512i; REGISTERS]; STRIP] {
    // SAFETY: each address is that of an array of a register's size.
    let integers = |lanes: &[u32; LANES]| unsafe { _mm512_loadu_si512(lanes.as_ptr().cast()) };
    let mut sums = [starts; STRIP];
    for (strip, panel) in strip.iter().zip(panel) {
        let (panel, _) = panel.as_chunks::<LANES>();
        let panel: [__m512i; REGISTERS] = array::from_fn(|at| integers(&panel[at]));
        for (sums, &of_row) in sums.iter_mut().zip(strip) {
            let of_row = _mm512_set1_epi32(of_row.cast_signed());
            for (sum, &of_panel) in sums.iter_mut().zip(&panel) {
                *sum = _mm512_dpbusd_epi32(*sum, of_panel, of_row);
            }
        }
    }
    sums
}

#[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
#[expect(unsafe_code, reason = "loads are by address")]
fn avx512_pairs(
    (a, rows): (Integers<'_, i8>, &[Row]),
    (b, columns): (Integers<'_, u8>, &Columns),
    marked: &mut Vec<Marked>,
) {
    // SAFETY: each address is that of an array of a register's size.
    let whole_a =
        |quads: &[[i8; GROUP]; LANES]| unsafe { _mm512_loadu_si512(quads.as_ptr().cast()) };
    let whole_b =
        |quads: &[[u8; GROUP]; LANES]| unsafe { _mm512_loadu_si512(quads.as_ptr().cast()) };
    let half_a = |quads: &[[i8; GROUP]; HALF]| unsafe { _mm256_loadu_si256(quads.as_ptr().cast()) };
    let half_b = |quads: &[[u8; GROUP]; HALF]| unsafe { _mm256_loadu_si256(quads.as_ptr().cast()) };
    let mut kept = 0;
    for at in 0..marked.len() {
        let pair = marked[at];
        let (row, column) = (&rows[pair.row()], pair.column());
        let (of_a, rest_a) = a.row(pair.row()).as_chunks::<LANES>();
        let (of_b, rest_b) = b.row(column).as_chunks::<LANES>();
        let mut sums = _mm512_setzero_si512();
        for (a, b) in of_a.iter().zip(of_b) {
            sums = _mm512_dpbusd_epi32(sums, whole_b(b), whole_a(a));
        }
        let high = _mm512_extracti64x4_epi64::<1>(sums);
        let mut sums = _mm256_add_epi32(_mm512_castsi512_si256(sums), high);
        let (rest_a, _) = rest_a.as_chunks::<HALF>();
        let (rest_b, _) = rest_b.as_chunks::<HALF>();
        for (a, b) in rest_a.iter().zip(rest_b) {
            sums = _mm256_dpbusd_epi32(sums, half_b(b), half_a(a));
        }
        let product = sum_of(sums) + columns.errors[column];
        let threshold = row.threshold(columns, column);
        // Written whether it stays or not: no branch to be guessed.
        marked[kept] = pair;
        kept += usize::from(product as f32 >= threshold);
    }
    marked.truncate(kept);
}

/// The sum of a register's numbers.
#[inline]
#[target_feature(enable = "avx2")]
fn sum_of(eight: __m256i) -> i32 {
    let high = _mm256_extracti128_si256::<1>(eight);
    let four = _mm_add_epi32(_mm256_castsi256_si128(eight), high);
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    let one = _mm_add_epi32(two, _mm_shuffle_epi32::<0b10_11_00_01>(two));
    _mm_cvtsi128_si32(one)
}

#[target_feature(enable = "avx2,fma")]
fn avx2_all(a: Strips<'_>, b: Panels<'_>, masks: &mut [[u64; STRIP]]) {
    let of_panels = masks.chunks_exact_mut(a.rows.len().max(1));
    let of_panels = of_panels.zip(of_each(b.groups, b.columns.len()));
    for ((masks, panel), columns) in of_panels.zip(b.columns) {
        let of_strips = of_each(a.groups, a.rows.len()).zip(a.rows);
        for ((strip, rows), masks) in of_strips.zip(masks) {
            *masks = [0; STRIP];
            for first in (0..PANEL / HALF).step_by(ABREAST) {
                avx2_tile((strip, rows), (panel, columns), first, masks);
            }
        }
    }
}

/// See [`avx512_sums`]; of some registers of a panel's columns, from the `first` on: with these the
/// products of a strip fill 12 of 16 registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "loads are by address")]
fn avx2_sums(
    strip: &[StripGroup],
    panel: &[PanelGroup],
    first: usize,
    starts: [__m256i; ABREAST],
) -> [[__m256i; ABREAST]; STRIP] {
    // SAFETY: each address is that of an array of a register's size.
    let integers = |lanes: &[u32; HALF]| unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) };
    let mut sums = [starts; STRIP];
    for (strip, panel) in strip.iter().zip(panel) {
        let (panel, _) = panel.as_chunks::<HALF>();
        let panel: [__m256i; ABREAST] = array::from_fn(|at| integers(&panel[first + at]));
        for (sums, &of_row) in sums.iter_mut().zip(strip) {
            let of_row = _mm256_set1_epi32(of_row.cast_signed());
            for (sum, &of_panel) in sums.iter_mut().zip(&panel) {
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(of_panel, of_row));
            }
        }
    }
    sums
}

/// The masks of as many registers of a panel's columns.
#[inline]
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "loads are by address")]
fn avx2_tile(
    (strip, rows): (&[StripGroup], &[Row; STRIP]),
    (panel, columns): (&[PanelGroup], &Columns),
    first: usize,
    masks: &mut [u64; STRIP],
) {
    // SAFETY: each address is that of an array of a register's size.
    let counts = |lanes: &[i32; HALF]| unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) };
    let numbers = |lanes: &[f32; HALF]| unsafe { _mm256_loadu_ps(lanes.as_ptr()) };
    let (errors, _) = columns.errors.as_chunks::<HALF>();
    let (steps, _) = columns.inverse_steps.as_chunks::<HALF>();
    let (rests, _) = columns.rests.as_chunks::<HALF>();
    let starts = array::from_fn(|at| counts(&errors[first + at]));
    let sums = avx2_sums(strip, panel, first, starts);
    for ((mask, sums), row) in masks.iter_mut().zip(sums).zip(rows) {
        let (least, shift) = (_mm256_set1_ps(row.least), _mm256_set1_ps(row.shift));
        let rest = _mm256_set1_ps(row.rest);
        for (at, sum) in sums.into_iter().enumerate() {
            let at = first + at;
            let threshold = _mm256_fmadd_ps(least, numbers(&steps[at]), shift);
            let threshold = _mm256_fnmadd_ps(rest, numbers(&rests[at]), threshold);
            let reaches = _mm256_cmp_ps::<_CMP_GE_OQ>(_mm256_cvtepi32_ps(sum), threshold);
            let reaches = _mm256_movemask_ps(reaches).cast_unsigned();
            *mask |= u64::from(reaches) << (at * HALF);
        }
    }
}
