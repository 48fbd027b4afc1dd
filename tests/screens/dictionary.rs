//! What a dictionary would answer, made up.

use std::sync::Arc;

use lexiscope::checkpoint::{DictionaryHook, DictionarySide};
use lexiscope::projection::Scored;
use lexiscope::query::{
    DictionaryAnswer, DictionaryAsk, DictionaryCard, DictionaryCardSide, DictionaryFound,
    DictionaryQuery, DirectionColumns,
};

/// How many directions it has.
const COUNT: usize = 16_384;

/// A dictionary of a resid_post autoencoder of layer 12.
fn card(query: &DictionaryQuery) -> DictionaryCard {
    let sides = [
        (DictionarySide::Reads, "W_enc"),
        (DictionarySide::Writes, "W_dec"),
    ];
    let side = |(side, tensor): (DictionarySide, &str)| DictionaryCardSide {
        side,
        hook: DictionaryHook::ResidPost,
        layer: Some(12),
        tensor: tensor.to_owned(),
        stored: "F32".to_owned(),
    };
    DictionaryCard {
        name: query.source.path.display().to_string(),
        layout: "SAELens",
        model: None,
        count: COUNT,
        sides: sides.into_iter().map(side).collect(),
    }
}

/// The answer to a query, of a vocabulary of so many words.
pub fn answered(query: &DictionaryQuery, words: usize, rows: usize) -> DictionaryAnswer {
    let found = match query.ask {
        DictionaryAsk::Direction { row, k } => {
            let column = |c: usize| -> Vec<Scored> {
                let scored = |i: usize| Scored {
                    id: ((i + 5 * c + row) % words) as u32,
                    score: [7.4, 3.2, 2.5, 1.9][c] * 0.97f32.powi(i as i32),
                };
                (0..k.min(rows)).map(scored).collect()
            };
            DictionaryFound::Direction(DirectionColumns {
                columns: [column(0), column(1), column(2), column(3)],
                bias: Some(-0.31),
                threshold: Some(0.85),
                lengths: [Some(1.62), Some(1.0)],
                passing: rows,
                rows,
            })
        }
        _ => DictionaryFound::About,
    };
    DictionaryAnswer {
        card: Arc::new(card(query)),
        found,
    }
}
