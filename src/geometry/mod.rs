//! States -> anisotropy, similarity, variance, exactly and in one pass: of a state only sums over
//! its vectors are kept, in double precision, so nothing grows with the number of texts but what
//! is said of each.

mod bootstrap;
mod jackknife;
mod lanczos;
mod measure;
mod measuring;
mod pairs;
mod plan;
mod plane;
mod products;
mod spread;
mod sums;
#[cfg(test)]
mod tests;
mod texts;
mod units;

pub use measure::{Curve, Estimate, Measure};
pub use measuring::{Measured, Measuring};
pub use plan::{Plan, StateSizes, Subwords, TextPlan, combined};
pub use plane::{Plane, plane};
pub use texts::{Language, Texts, TextsError};
