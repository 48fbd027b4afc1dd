//! Eight codes at a time, each a byte of a `u64`, the first one lowest: how they are taken apart, and
//! their way to f32 in a processor's own instructions.

/// The same byte eight times.
pub(super) const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// Eight codes below 128 less `by`, as signed bytes.
#[inline(always)]
pub(super) fn less(codes: u64, by: u8) -> u64 {
    // The highest bit keeps one byte from borrowing of the next.
    ((codes | each(128)) - each(by)) ^ each(128)
}

/// Bit i of a byte as byte i: 0 or 1.
#[inline(always)]
pub(super) fn spread(bits: u8) -> u64 {
    let own = each(bits) & 0x8040_2010_0804_0201;
    (own + each(127)) >> 7 & each(1)
}

/// What eight codes become.
pub(super) trait Lanes: Copy {
    /// `code·scale − least` of eight signed bytes. Without a least number 0 is subtracted, which
    /// changes no bit.
    fn scaled(self, codes: u64, scale: f32, least: f32, out: &mut [f32; 8]);

    /// The values of eight codes below 16.
    fn looked_up(self, codes: u64, values: &[i8; 16]) -> u64;
}

/// For every processor.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Lanes for Plain {
    #[inline(always)]
    fn scaled(self, codes: u64, scale: f32, least: f32, out: &mut [f32; 8]) {
        for (out, code) in out.iter_mut().zip(codes.to_le_bytes()) {
            *out = f32::from(i8::from_le_bytes([code])) * scale - least;
        }
    }

    #[inline(always)]
    fn looked_up(self, codes: u64, values: &[i8; 16]) -> u64 {
        let value = |code: u8| values[usize::from(code & 15)].to_le_bytes()[0];
        u64::from_le_bytes(codes.to_le_bytes().map(value))
    }
}

/// AVX2.
#[cfg(target_arch = "x86_64")]
impl Lanes for pulp::x86::V3 {
    #[inline(always)]
    fn scaled(self, codes: u64, scale: f32, least: f32, out: &mut [f32; 8]) {
        let codes = self.avx2._mm256_cvtepi8_epi32(pulp::cast([codes, 0]));
        let codes = self.avx._mm256_cvtepi32_ps(codes);
        let [scale, least] = [scale, least].map(|x| self.avx._mm256_set1_ps(x));
        let products = self.avx._mm256_mul_ps(codes, scale);
        *out = pulp::cast(self.avx._mm256_sub_ps(products, least));
    }

    #[inline(always)]
    fn looked_up(self, codes: u64, values: &[i8; 16]) -> u64 {
        let (codes, values) = (pulp::cast([codes, 0]), pulp::cast(*values));
        let [low, _]: [u64; 2] = pulp::cast(self.ssse3._mm_shuffle_epi8(values, codes));
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_taken_apart_byte_by_byte() {
        for bits in 0..=255u8 {
            let own = spread(bits).to_le_bytes();
            assert!((0..8).all(|i| own[i] == bits >> i & 1), "{bits}");
        }
        let codes = [0, 1, 31, 32, 63, 64, 127, 5];
        let own = less(u64::from_le_bytes(codes), 32).to_le_bytes();
        assert_eq!(own, codes.map(|code| code.wrapping_sub(32)));
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn the_processors_instructions_give_the_same_bits() {
        let Some(own) = pulp::x86::V3::try_new() else {
            return;
        };
        let mut rng = fastrand::Rng::with_seed(3);
        let values: [i8; 16] = std::array::from_fn(|_| rng.i8(..));
        for _ in 0..1_000 {
            let (codes, scale, least) = (rng.u64(..), rng.f32() - 0.5, rng.f32() - 0.5);
            for least in [0.0, least] {
                let (mut plain, mut quick) = ([0.0; 8], [1.0; 8]);
                Plain.scaled(codes, scale, least, &mut plain);
                own.scaled(codes, scale, least, &mut quick);
                assert_eq!(plain.map(f32::to_bits), quick.map(f32::to_bits));
            }
            let codes = codes & each(15);
            let looked_up = own.looked_up(codes, &values);
            assert_eq!(Plain.looked_up(codes, &values), looked_up);
        }
    }
}
