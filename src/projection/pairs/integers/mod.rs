//! Products of rows of 8-bit integers compared with thresholds: which pairs of a block reach theirs.
//!
//! A block's rows are packed, some coordinates of several rows side by side in the 32 bits that one
//! lane of a register takes, so that a tile of products stays in registers. With AVX-512 VNNI a lane
//! multiplies four coordinates, with AVX2 two; elsewhere the integers are products in f32, exact
//! because none reaches 2²⁴.

mod plain;
#[cfg(target_arch = "x86_64")]
mod x86;

use pulp::Arch;

pub(super) use plain::Widened;

/// Rows of A in a strip: with [`PANEL`] rows of B their products fill 24 of AVX-512's 32 registers.
pub(super) const STRIP: usize = 6;
/// Rows of B in a panel.
pub(super) const PANEL: usize = 64;
/// Coordinates that lie together.
pub(super) const GROUP: usize = 4;
/// Largest number of coordinates whose sums of 255·127 stay below 2²⁴, where f32 has every integer,
/// with room for the errors.
pub(super) const MOST_COORDINATES: usize = 512;
/// Added to B's integers: VNNI wants one factor without sign.
pub(super) const OFFSET: i32 = 128;

/// Some coordinates of each row of a strip, as a lane of a register takes them.
pub(super) type StripGroup = [u32; STRIP];
/// Some coordinates of each row of a panel, [`OFFSET`] added.
pub(super) type PanelGroup = [u32; PANEL];

/// Of each row of a strip with all columns of a panel.
pub(super) type Products = [[i32; PANEL]; STRIP];

/// What a row of A is compared by: a pair reaches its threshold if
/// `product + column.error + row.rest · column.rest ≥ row.least · column.inverse_step + row.shift`, the
/// product being that of the integers as they are stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) least: f32,
    /// A whole number.
    shift: f32,
    /// The norm, in steps, of the coordinates that are not multiplied.
    rest: f32,
}

impl Row {
    /// Reaches nothing: fills a strip up.
    pub(super) const NONE: Self = Self {
        least: f32::INFINITY,
        shift: 0.0,
        rest: 0.0,
    };

    /// `sum`: of the row's integers. `error`: how far its products may fall short, a whole number.
    pub(super) fn new(least: f32, sum: f32, error: f32, rest: f32) -> Self {
        // 2 for what the threshold itself is rounded by.
        let shift = OFFSET as f32 * sum - error - 2.0;
        Self { least, shift, rest }
    }
}

/// What a panel's columns are compared by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    /// How far their products may fall short.
    pub(super) errors: [i32; PANEL],
    pub(super) inverse_steps: [f32; PANEL],
    /// Norms, in steps, of the coordinates that are not multiplied.
    pub(super) rests: [f32; PANEL],
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            errors: [0; PANEL],
            inverse_steps: [1.0; PANEL],
            rests: [0.0; PANEL],
        }
    }
}

/// Some rows of A, packed.
#[derive(Clone, Copy)]
pub(super) struct Strips<'a> {
    /// For each strip its groups.
    pub(super) groups: &'a [StripGroup],
    pub(super) rows: &'a [[Row; STRIP]],
}

/// Some rows of B, packed.
#[derive(Clone, Copy)]
pub(super) struct Panels<'a> {
    /// For each panel its groups.
    pub(super) groups: &'a [PanelGroup],
    pub(super) columns: &'a [Columns],
}

/// Rows in 8-bit integers, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Integers<'a, T> {
    pub(super) quads: &'a [[T; GROUP]],
    /// Of a row.
    pub(super) per_row: usize,
}

impl<'a, T> Integers<'a, T> {
    pub(super) fn row(self, row: usize) -> &'a [[T; GROUP]] {
        &self.quads[row * self.per_row..(row + 1) * self.per_row]
    }
}

/// How integers are multiplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kernel {
    /// Four 8-bit products a lane of 512-bit registers.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// Two 16-bit products a lane of 256-bit registers.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// As products in f32.
    Plain,
}

/// B's integer as it is stored.
pub(super) fn offset(integer: i8) -> u8 {
    (i32::from(integer) + OFFSET) as u8
}

impl Kernel {
    /// Those of this machine, the fastest first.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let vnni = is_x86_feature_detected!("avx512vnni")
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl");
            if vnni {
                all.push(Self::Avx512Vnni);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Self::Avx2);
            }
        }
        all.push(Self::Plain);
        all
    }

    /// The fastest of this machine.
    pub(super) fn detected() -> Self {
        Self::all().first().copied().unwrap_or(Self::Plain)
    }

    /// Strips of A and panels of B that are best multiplied at a time: such that the strips stay in
    /// the second-level cache and a panel in the first; in f32, such that the products stay in the
    /// second.
    pub(super) fn block(self) -> (usize, usize) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni | Self::Avx2 => (128, 2),
            Self::Plain => (32, 8),
        }
    }

    /// What [refining](Self::refine) the bound of one pair costs, in products of coordinates.
    pub(super) fn products_per_refined(self, width: usize) -> f32 {
        let products = width as f32;
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => 1400.0 + products,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 100.0 + 2.0 * products,
            Self::Plain => 100.0 + 2.0 * products,
        }
    }

    /// Groups in which the kernel takes [`GROUP`] coordinates.
    pub(super) fn groups_per_quad(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => 1,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => 2,
            Self::Plain => 1,
        }
    }

    /// Puts coordinates of a row at its place among N.
    pub(super) fn pack<T: Coordinate, const N: usize>(
        self,
        quads: impl Iterator<Item = [T; GROUP]>,
        place: usize,
        groups: &mut [[u32; N]],
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                let (groups, _) = groups.as_chunks_mut::<2>();
                for ([one, other], quad) in groups.iter_mut().zip(quads) {
                    let [a, b, c, d] = quad.map(|x| u32::from(x.wide() as u16));
                    (one[place], other[place]) = (a | b << 16, c | d << 16);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => pack_bytes(quads, place, groups),
            Self::Plain => pack_bytes(quads, place, groups),
        }
    }

    /// For each panel and in it each row of A the columns that may reach their threshold, a bit
    /// each. `masks`: panels × strips.
    pub(super) fn reaching(
        self,
        a: Strips<'_>,
        b: Panels<'_>,
        widened: &mut Widened,
        masks: &mut [[u64; STRIP]],
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => x86::avx512(x86::Work::Reaching(a, b, masks)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::avx2(x86::Work::Reaching(a, b, masks)),
            Self::Plain => plain::reaching(a, b, widened, masks),
        }
    }

    /// The products of a strip's rows with a panel's columns, of the integers as they are stored.
    pub(super) fn products(self, strip: &[StripGroup], panel: &[PanelGroup]) -> Products {
        let mut out = [[0; PANEL]; STRIP];
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => x86::avx512(x86::Work::Products(strip, panel, &mut out)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::avx2(x86::Work::Products(strip, panel, &mut out)),
            Self::Plain => plain::products(strip, panel, &mut out),
        }
        out
    }

    /// Leaves of the `marked` pairs with a panel those that may reach their threshold by all integers of
    /// their rows. `rows`: what these are compared by.
    pub(super) fn refine(
        self,
        (a, rows): (Integers<'_, i8>, &[Row]),
        (b, columns): (Integers<'_, u8>, &Columns),
        marked: &mut Vec<Marked>,
    ) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => {
                x86::avx512(x86::Work::Refine((a, rows), (b, columns), marked));
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => x86::avx2(x86::Work::Refine((a, rows), (b, columns), marked)),
            Self::Plain => plain::refine((a, rows), (b, columns), marked),
        }
    }
}

/// The product of a row of A with a row of B, as it was before [`OFFSET`] was added.
pub(super) fn product(a: &[[i8; GROUP]], b: &[[u8; GROUP]]) -> i32 {
    let of_a: i32 = a.as_flattened().iter().map(|&x| i32::from(x)).sum();
    Arch::new().dispatch(|| plain::product(a, b)) - OFFSET * of_a
}

/// A row of a block with a column of a panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Marked(u32);

impl Marked {
    fn new(row: usize, column: u32) -> Self {
        Self((row * PANEL) as u32 | column)
    }

    pub(super) fn row(self) -> usize {
        self.0 as usize / PANEL
    }

    pub(super) fn column(self) -> usize {
        self.0 as usize % PANEL
    }
}

/// The pairs that a panel's masks mark of its columns `..valid`.
pub(super) fn marked(masks: &[[u64; STRIP]], valid: usize, out: &mut Vec<Marked>) {
    /// Pairs that are written of each row, whether it has as many or not: a branch for each of them
    /// would be guessed wrong as often as not.
    const AT_ONCE: usize = 4;
    let valid = u64::MAX >> (PANEL - valid);
    let mut len = 0;
    for (strip, masks) in masks.iter().enumerate() {
        if masks.iter().fold(0, |any, mask| any | mask) == 0 {
            continue;
        }
        for (at, mask) in masks.iter().enumerate() {
            let row = strip * STRIP + at;
            let mut mask = mask & valid;
            loop {
                if len + AT_ONCE > out.len() {
                    out.resize(2 * out.len() + PANEL, Marked(0));
                }
                let count = mask.count_ones() as usize;
                for to in &mut out[len..len + AT_ONCE] {
                    *to = Marked::new(row, mask.trailing_zeros() % PANEL as u32);
                    mask &= mask.wrapping_sub(1);
                }
                len += count.min(AT_ONCE);
                if count <= AT_ONCE {
                    break;
                }
            }
        }
    }
    out.truncate(len);
}

/// An 8-bit integer as one side stores it.
pub(super) trait Coordinate: Copy + Default + Send + Sync {
    fn of(integer: i8) -> Self;
    fn byte(self) -> u8;
    fn wide(self) -> i16;
}

impl Coordinate for i8 {
    fn of(integer: i8) -> Self {
        integer
    }

    fn byte(self) -> u8 {
        self as u8
    }

    fn wide(self) -> i16 {
        i16::from(self)
    }
}

impl Coordinate for u8 {
    fn of(integer: i8) -> Self {
        offset(integer)
    }

    fn byte(self) -> u8 {
        self
    }

    fn wide(self) -> i16 {
        i16::from(self)
    }
}

fn pack_bytes<T: Coordinate, const N: usize>(
    quads: impl Iterator<Item = [T; GROUP]>,
    place: usize,
    groups: &mut [[u32; N]],
) {
    for (group, quad) in groups.iter_mut().zip(quads) {
        group[place] = u32::from_ne_bytes(quad.map(T::byte));
    }
}

#[cfg(test)]
mod tests;
