//! Vectors → token lists, forms → pair lists: products with the embedding and exact selection.

mod balance;
mod batch;
mod both_ends;
mod device;
mod directions;
mod embedding_gram;
mod error;
mod find;
mod inverse;
mod kernel;
mod pairs;
mod ranks;
mod row_transform;
mod rows;
mod score_sums;
mod select;
mod undertrained;

pub use both_ends::BothEnds;
pub use device::{DeviceChoice, device_name, pick_device};
pub use directions::{BLOCK_GAP, Decomposition, copying, decompose_form, decompose_rows, gram};
pub use embedding_gram::{embedding_gram, product};
pub use error::ProjectionError;
pub use find::{
    BiasedForm, HeadSide, Hit, LayerScores, RankBy, RankSearch, RankedWanted, Role, Targets,
    TopHits, VectorChunk, head_sides, layer_scores,
};
pub use inverse::Inverse;
pub use pairs::{
    Factor, FactorProduct, NearProduct, NearRows, PairKernel, PairsWanted, best_pairs,
    best_pairs_by, best_pairs_on, likely_pairs, likely_pairs_while, scores_of, searches_products,
    standing_out,
};
pub use ranks::{ListRows, RankedScore};
pub use row_transform::RowScale;
pub use rows::{LogitDistribution, LogitShape, LogitsWanted, Rows};
pub use score_sums::ScoreSums;
pub use select::{Best, End, Pair, Passing, Ranked, Scored};
pub use undertrained::{Seeds, undertrained};
