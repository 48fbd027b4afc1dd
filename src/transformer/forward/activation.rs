//! The functions between the two halves of the feed-forward part, by the names that Hugging Face
//! gives them (`ACT2FN` of transformers' activations.py).

use candle_core::Tensor;
use pulp::{Arch, Simd, WithSimd};

use super::ForwardError;

/// What a neuron's input becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Activation {
    /// `x·Φ(x)`, by the error function.
    Gelu,
    /// Its approximation by the hyperbolic tangent.
    GeluTanh,
    /// `x·Φ(x)`, clipped to ±10.
    GeluClipped,
    /// `x·σ(1.702·x)`.
    QuickGelu,
    Relu,
    /// `max(x, 0)²`.
    ReluSquared,
    /// `x·σ(x)`.
    Silu,
    Sigmoid,
    Tanh,
    Linear,
    /// xIELU with a layer's own numbers.
    Xielu(LearnedXielu),
}

/// xIELU (Huang and Schlag 2024, arXiv 2411.13010): αₚx² + βx above 0, else αₙ(eˣ − 1 − x) + βx, with
/// β = 0.5.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LearnedXielu {
    above: f32,
    below: f32,
}

impl LearnedXielu {
    const BETA: f32 = 0.5;

    /// From the numbers in the file: αₚ is the softplus of the first, αₙ is β more than that of the
    /// second.
    pub(super) fn new(above: f32, below: f32) -> Self {
        let softplus = |x: f32| f64::from(x).exp().ln_1p() as f32;
        Self {
            above: softplus(above),
            below: Self::BETA + softplus(below),
        }
    }

    #[inline(always)]
    fn of(self, x: f32) -> f32 {
        let turn = match x > 0.0 {
            true => self.above * x * x,
            // As transformers keeps it from 0.
            false => (x.min(-1e-6).exp_m1() - x) * self.below,
        };
        turn + Self::BETA * x
    }

    /// The derivative at a number.
    pub(super) fn derivative(self, x: f32) -> f32 {
        let turn = match x > 0.0 {
            true => 2.0 * self.above * x,
            false => (x.exp() - 1.0) * self.below,
        };
        turn + Self::BETA
    }
}

use Activation::{
    Gelu, GeluClipped, GeluTanh, Linear, QuickGelu, Relu, ReluSquared, Sigmoid, Silu, Tanh, Xielu,
};

const NAMES: &[(&str, Activation)] = &[
    ("gelu", Gelu),
    ("gelu_python", Gelu),
    ("gelu_new", GeluTanh),
    ("gelu_fast", GeluTanh),
    ("gelu_pytorch_tanh", GeluTanh),
    ("gelu_python_tanh", GeluTanh),
    ("gelu_accurate", GeluTanh),
    ("gelu_10", GeluClipped),
    ("quick_gelu", QuickGelu),
    ("relu", Relu),
    ("relu2", ReluSquared),
    ("silu", Silu),
    ("swish", Silu),
    ("sigmoid", Sigmoid),
    ("tanh", Tanh),
    ("linear", Linear),
    ("xielu", Xielu(LEARNED)),
];

/// In the place of a layer's own numbers until it is read.
const LEARNED: LearnedXielu = LearnedXielu {
    above: 0.8,
    below: 0.8,
};

/// √(2/π).
pub(super) const ROOT: f32 = 0.797_884_6;

impl Activation {
    /// The function of this name.
    ///
    /// # Errors
    /// A name that is not in the table.
    pub(super) fn named(name: &str) -> Result<Self, ForwardError> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, function)| *function).ok_or_else(|| {
            let known: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
            ForwardError::Activation {
                got: name.to_owned(),
                known: known.join(", "),
            }
        })
    }

    /// Applies it to numbers in memory.
    pub(super) fn apply(self, numbers: &mut [f32]) {
        Arch::new().dispatch(Apply(self, numbers));
    }

    /// What it makes of a tensor, which stays as it is.
    pub(super) fn of(self, x: &Tensor) -> candle_core::Result<Tensor> {
        if !x.device().is_cpu() {
            return self.apply_on_device(x);
        }
        let mut numbers: Vec<f32> = x.flatten_all()?.to_vec1()?;
        self.apply(&mut numbers);
        Tensor::from_vec(numbers, x.shape(), x.device())
    }

    /// Applies it on a device.
    pub(super) fn apply_on_device(self, x: &Tensor) -> candle_core::Result<Tensor> {
        let sigmoid = |x: &Tensor| (x.neg()?.exp()? + 1.0)?.recip();
        match self {
            Gelu => x.gelu_erf(),
            GeluTanh => x.gelu(),
            GeluClipped => x.gelu_erf()?.clamp(-10f32, 10f32),
            QuickGelu => x * sigmoid(&(x * 1.702)?)?,
            Relu => x.relu(),
            ReluSquared => x.relu()?.sqr(),
            Silu => x.silu(),
            Sigmoid => sigmoid(x),
            Tanh => x.tanh(),
            Linear => Ok(x.clone()),
            Xielu(_) => {
                let mut numbers: Vec<f32> = x.flatten_all()?.to_vec1()?;
                self.apply(&mut numbers);
                Tensor::from_vec(numbers, x.shape(), x.device())
            }
        }
    }
}

/// One loop a function, compiled for the widest registers that the processor has.
struct Apply<'a>(Activation, &'a mut [f32]);

impl WithSimd for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self(function, numbers) = self;
        match function {
            Gelu => each(numbers, |x| x * phi(x)),
            GeluTanh => each(numbers, |x| {
                x * sigmoid(2.0 * ROOT * (x + 0.044_715 * x * x * x))
            }),
            GeluClipped => each(numbers, |x| (x * phi(x)).clamp(-10.0, 10.0)),
            QuickGelu => each(numbers, |x| x * sigmoid(1.702 * x)),
            Relu => each(numbers, |x| x.max(0.0)),
            ReluSquared => each(numbers, |x| x.max(0.0) * x.max(0.0)),
            Silu => each(numbers, |x| x * sigmoid(x)),
            Sigmoid => each(numbers, sigmoid),
            Tanh => each(numbers, f32::tanh),
            Linear => {}
            Xielu(learned) => each(numbers, |x| learned.of(x)),
        }
    }
}

#[inline(always)]
fn each(numbers: &mut [f32], f: impl Fn(f32) -> f32) {
    for x in numbers {
        *x = f(*x);
    }
}

#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Φ, the normal distribution: half of erfc(−x/√2), which is Numerical Recipes' `erfcc`: a
/// relative error of 1.2e-7 at most, in the tails too.
#[inline(always)]
pub(super) fn phi(x: f32) -> f32 {
    let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * z);
    const C: [f32; 10] = [
        0.170_872_77,
        -0.822_152_2,
        1.488_515_9,
        -1.135_204,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_7,
        -1.265_512_2,
    ];
    let series = C.iter().fold(0.0, |sum: f32, c| sum.mul_add(t, *c));
    let tail = 0.5 * t * exp(series - z * z);
    if x < 0.0 { tail } else { 1.0 - tail }
}

/// eˣ within 2e-7 of itself (Cephes' `expf`), without a branch or a call, so that a loop over it
/// runs in wide registers.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    /// Added to a small number, it leaves the nearest whole one in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.3, 88.3);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    const C: [f32; 6] = [
        1.987_569_1e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ];
    let series = C.iter().fold(0.0, |sum: f32, c| sum.mul_add(r, *c));
    let fraction = (series * r).mul_add(r, r) + 1.0;
    fraction * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// By the formulas of activations.py in double precision, at −3, −1, −0.1, 0.5 and 2.
    const EXPECTED: &[(&str, [f64; 5])] = &[
        (
            "gelu",
            [
                -0.004_049_694_1,
                -0.158_655_253_9,
                -0.046_017_216_3,
                0.345_731_230_6,
                1.954_499_736_1,
            ],
        ),
        (
            "gelu_new",
            [
                -0.003_637_392_1,
                -0.158_808_009_4,
                -0.046_017_249_0,
                0.345_714_009_8,
                1.954_597_694_1,
            ],
        ),
        (
            "quick_gelu",
            [
                -0.018_071_309_7,
                -0.154_204_234_1,
                -0.045_755_241_9,
                0.350_388_436_6,
                1.935_658_623_1,
            ],
        ),
        (
            "silu",
            [
                -0.142_277_619_5,
                -0.268_941_421_4,
                -0.047_502_081_3,
                0.311_229_665_6,
                1.761_594_156_0,
            ],
        ),
        ("relu", [0.0, 0.0, 0.0, 0.5, 2.0]),
        ("relu2", [0.0, 0.0, 0.0, 0.25, 4.0]),
    ];

    #[test]
    fn functions_have_their_values_by_name_on_either_kind_of_device() {
        for (name, expected) in EXPECTED {
            let mut got = [-3.0, -1.0, -0.1, 0.5, 2.0];
            let function = Activation::named(name).unwrap();
            let x = Tensor::new(&got, &Device::Cpu).unwrap();
            let on_device: Vec<f32> = function.apply_on_device(&x).unwrap().to_vec1().unwrap();
            function.apply(&mut got);
            for ((got, on_device), expected) in got.into_iter().zip(on_device).zip(expected) {
                assert!((f64::from(got) - expected).abs() < 4e-7, "{name}: {got}");
                let apart = (f64::from(on_device) - expected).abs();
                assert!(apart < 4e-7, "{name}: {on_device}");
            }
        }
    }

    #[test]
    fn names_of_one_function_are_one_function() {
        let same = |names: &[&str]| {
            names
                .iter()
                .all(|n| Activation::named(n).unwrap() == Activation::named(names[0]).unwrap())
        };
        assert!(same(&["gelu", "gelu_python"]));
        assert!(same(&["gelu_new", "gelu_fast", "gelu_pytorch_tanh"]));
        assert!(same(&["silu", "swish"]));
        let mut clipped = [12.0, -12.0, 1.0];
        Activation::named("gelu_10").unwrap().apply(&mut clipped);
        assert!(clipped[0] == 10.0 && clipped[2] > 0.84);
    }

    #[test]
    fn an_unknown_function_is_refused_by_name() {
        let message = Activation::named("laplace").unwrap_err().to_string();
        assert!(
            message.contains("laplace") && message.contains("gelu_new"),
            "{message}"
        );
    }

    #[test]
    fn the_exponential_is_exact_to_the_last_bits() {
        for i in -8_000..8_000 {
            let x = i as f32 / 100.0;
            let expected = f64::from(x).exp();
            assert!(
                (f64::from(exp(x)) / expected - 1.0).abs() < 3e-7,
                "{x}: {} {expected}",
                exp(x)
            );
        }
        assert!(exp(-1000.0) < 1e-37 && exp(1000.0).is_finite());
    }
}
