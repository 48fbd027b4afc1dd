//! Derivatives of the activation functions.

use crate::transformer::forward::activation::{Activation, ROOT, phi, sigmoid};

impl Activation {
    /// The derivative at a number.
    pub(super) fn derivative(self, x: f32) -> f32 {
        let swish = |x: f32, by: f32, inner: f32| {
            let s = sigmoid(by);
            s + x * s * (1.0 - s) * inner
        };
        let density = |x: f32| (-0.5 * x * x).exp() / (2.0 * std::f32::consts::PI).sqrt();
        match self {
            Self::Gelu => phi(x) + x * density(x),
            Self::GeluTanh => {
                let by = 2.0 * ROOT * (x + 0.044_715 * x * x * x);
                swish(x, by, 2.0 * ROOT * (1.0 + 3.0 * 0.044_715 * x * x))
            }
            Self::GeluClipped if (x * phi(x)).abs() >= 10.0 => 0.0,
            Self::GeluClipped => phi(x) + x * density(x),
            Self::QuickGelu => swish(x, 1.702 * x, 1.702),
            Self::Relu => f32::from(u8::from(x > 0.0)),
            Self::ReluSquared => 2.0 * x.max(0.0),
            Self::Silu => swish(x, x, 1.0),
            Self::Sigmoid => {
                let s = sigmoid(x);
                s * (1.0 - s)
            }
            Self::Tanh => 1.0 - x.tanh().powi(2),
            Self::Linear => 1.0,
            Self::Xielu(learned) => learned.derivative(x),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_the_slopes_of_the_functions() {
        for name in [
            "gelu",
            "gelu_new",
            "gelu_10",
            "quick_gelu",
            "relu",
            "relu2",
            "silu",
            "sigmoid",
            "tanh",
            "linear",
            "xielu",
        ] {
            let function = Activation::named(name).unwrap();
            for x in [-3.1f32, -1.2, -0.2, 0.3, 0.9, 2.7] {
                let h = 1e-2;
                let mut around = [x - h, x + h];
                function.apply(&mut around);
                let slope = (around[1] - around[0]) / (2.0 * h);
                let got = function.derivative(x);
                assert!((got - slope).abs() < 2e-4, "{name} at {x}: {got}, {slope}");
            }
        }
    }
}
