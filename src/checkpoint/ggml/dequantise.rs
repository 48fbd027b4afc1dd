//! From blocks of stored numbers to f32, block by block, in the operations of ggml's own definition:
//! the numbers are the same to the last bit on every processor.

use std::marker::PhantomData;

use pulp::NullaryFnOnce;

use super::GgmlType;
use super::lanes::{Lanes, Plain};
use super::{k_blocks, small_blocks};

/// Blocks of `N` bytes and `M` numbers.
trait Form<const N: usize, const M: usize> {
    fn read(lanes: impl Lanes, block: &[u8; N], out: &mut [f32; M]);
}

/// A type for each form: a function that is handed over would not be inlined, and only inlined code
/// has a processor's own instructions.
macro_rules! forms {
    ($($name:ident, $bytes:literal, $numbers:literal, $read:path;)*) => {$(
        struct $name;

        impl Form<$bytes, $numbers> for $name {
            #[inline(always)]
            fn read(lanes: impl Lanes, block: &[u8; $bytes], out: &mut [f32; $numbers]) {
                $read(lanes, block, out);
            }
        }
    )*};
}

forms! {
    Q4_0, 18, 32, small_blocks::q4_0;
    Q4_1, 20, 32, small_blocks::q4_1;
    Q5_0, 22, 32, small_blocks::q5_0;
    Q5_1, 24, 32, small_blocks::q5_1;
    Q8_0, 34, 32, small_blocks::q8_0;
    Q2K, 84, 256, k_blocks::q2_k;
    Q3K, 110, 256, k_blocks::q3_k;
    Q4K, 144, 256, k_blocks::q4_k;
    Q5K, 176, 256, k_blocks::q5_k;
    Q6K, 210, 256, k_blocks::q6_k;
    Iq4Nl, 18, 32, small_blocks::iq4_nl;
    Iq4Xs, 136, 256, small_blocks::iq4_xs;
    Mxfp4, 17, 32, small_blocks::mxfp4;
}

type Widen = fn(&[u8], &mut [f32]);

fn widening(kind: GgmlType) -> Option<Widen> {
    Some(match kind.id() {
        2 => widen::<Q4_0, 18, 32>,
        3 => widen::<Q4_1, 20, 32>,
        6 => widen::<Q5_0, 22, 32>,
        7 => widen::<Q5_1, 24, 32>,
        8 => widen::<Q8_0, 34, 32>,
        10 => widen::<Q2K, 84, 256>,
        11 => widen::<Q3K, 110, 256>,
        12 => widen::<Q4K, 144, 256>,
        13 => widen::<Q5K, 176, 256>,
        14 => widen::<Q6K, 210, 256>,
        20 => widen::<Iq4Nl, 18, 32>,
        23 => widen::<Iq4Xs, 136, 256>,
        39 => widen::<Mxfp4, 17, 32>,
        _ => return None,
    })
}

impl GgmlType {
    /// Whether its blocks can be read.
    pub(in super::super) fn is_readable(self) -> bool {
        widening(self).is_some()
    }

    /// The numbers of whole blocks: `out` has as many as `bytes` hold. A type that cannot be read
    /// leaves `out` as it is.
    pub(in super::super) fn dequantise(self, bytes: &[u8], out: &mut [f32]) {
        if let Some(widen) = widening(self) {
            widen(bytes, out);
        }
    }
}

struct Blocks<'a, L, F, const N: usize, const M: usize> {
    lanes: L,
    bytes: &'a [u8],
    out: &'a mut [f32],
    form: PhantomData<F>,
}

impl<L: Lanes, F: Form<N, M>, const N: usize, const M: usize> NullaryFnOnce
    for Blocks<'_, L, F, N, M>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (blocks, _) = self.bytes.as_chunks::<N>();
        let (out, _) = self.out.as_chunks_mut::<M>();
        for (block, out) in blocks.iter().zip(out) {
            F::read(self.lanes, block, out);
        }
    }
}

fn widen<F: Form<N, M>, const N: usize, const M: usize>(bytes: &[u8], out: &mut [f32]) {
    let form = PhantomData::<F>;
    #[cfg(target_arch = "x86_64")]
    if let Some(lanes) = pulp::x86::V3::try_new() {
        lanes.vectorize(Blocks {
            lanes,
            bytes,
            out,
            form,
        });
        return;
    }
    let lanes = Plain;
    let blocks = Blocks {
        lanes,
        bytes,
        out,
        form,
    };
    blocks.call();
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use candle_core::CpuStorage;
    use candle_core::quantized::GgmlDType;
    use half::f16;

    use super::super::in_block::half;
    use super::*;

    /// What candle makes of whole blocks.
    fn by_candle(dtype: GgmlDType, bytes: &[u8], count: usize) -> Vec<f32> {
        let mut even = vec![0u16; bytes.len().div_ceil(2)];
        let copy = &mut bytemuck::cast_slice_mut(&mut even)[..bytes.len()];
        copy.copy_from_slice(bytes);
        let CpuStorage::F32(numbers) = dtype
            .from_data(Cow::Borrowed(copy))
            .dequantize(count)
            .unwrap()
        else {
            panic!("no numbers")
        };
        numbers
    }

    #[test]
    fn scales_are_those_of_half_precision() {
        for bits in 0..=u16::MAX {
            let got = half(&bits.to_le_bytes(), 0);
            let want = f16::from_bits(bits).to_f32();
            assert!(
                got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(),
                "{bits:x}"
            );
        }
    }

    #[test]
    fn blocks_are_those_of_candle_to_the_last_bit() {
        use GgmlDType::{Q2K, Q3K, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};
        /// Where scales in half precision lie.
        const TYPES: [(u32, GgmlDType, &[usize]); 10] = [
            (2, Q4_0, &[0]),
            (3, Q4_1, &[0, 2]),
            (6, Q5_0, &[0]),
            (7, Q5_1, &[0, 2]),
            (8, Q8_0, &[0]),
            (10, Q2K, &[80, 82]),
            (11, Q3K, &[108]),
            (12, Q4K, &[0, 2]),
            (13, Q5K, &[0, 2]),
            (14, Q6K, &[208]),
        ];
        let mut rng = fastrand::Rng::with_seed(11);
        for (id, dtype, scales) in TYPES {
            let kind = GgmlType::of(id);
            let mut bytes = vec![0; 64 * kind.bytes()];
            rng.fill(&mut bytes);
            for block in bytes.chunks_mut(kind.bytes()) {
                for &at in scales {
                    let scale = f16::from_f32((rng.f32() - 0.5) / 64.0);
                    block[at..at + 2].copy_from_slice(&scale.to_le_bytes());
                }
            }
            let count = 64 * kind.numbers();
            let mut got = vec![0.0; count];
            kind.dequantise(&bytes, &mut got);
            let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let want = by_candle(dtype, &bytes, count);
            assert_eq!(bits(&got), bits(&want), "{kind}");
        }
    }
}
