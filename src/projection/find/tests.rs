use super::*;
use crate::projection::{End, PairsWanted, best_pairs};
use crate::task::CancelToken;
use crate::transformer::{Form, FormWeights};

fn draw(rng: &mut fastrand::Rng, rows: usize, cols: usize) -> Matrix {
    let data = (0..rows * cols).map(|_| rng.f32() - 0.5).collect();
    Matrix::new(rows, cols, data)
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn a_row_and_a_column_of_the_form_are_its_values() {
    let mut rng = fastrand::Rng::with_seed(3);
    let (embedding, targets) = (draw(&mut rng, 30, 12), draw(&mut rng, 2, 12));
    let form = BiasedForm {
        weights: FormWeights {
            left: draw(&mut rng, 12, 4),
            right: draw(&mut rng, 12, 4),
        },
        biases: [None, None],
    };
    let weights = &form.weights;
    let factor = |rows: &Matrix, w: &Matrix| {
        let w = w.transposed();
        let at = |i: usize| product(rows.row(i / 4), w.row(i % 4));
        Matrix::new(rows.rows(), 4, (0..rows.rows() * 4).map(at).collect())
    };
    let targets = Targets::new(vec![7, 9], targets);
    let [from, to] = head_sides(Form::Vo, &form, &targets, &targets);
    assert_eq!((from.role, to.role), (Role::From, Role::To));
    for (side, (near, far)) in [
        (from, (&weights.left, &weights.right)),
        (to, (&weights.right, &weights.left)),
    ] {
        let (a, b) = (factor(&targets.vectors, near), factor(&embedding, far));
        let want = PairsWanted {
            k: 1,
            end: End::Highest,
            passing: &[true; 30],
            admits: &|_, _| true,
        };
        // Padded to the same number of rows: the search is over a square.
        for j in 0..2 {
            let only = Matrix::new(30, 4, a.row(j).repeat(30));
            let best = best_pairs(&only, &b, &want, CancelToken::never(), &mut |_, _| {}).unwrap();
            let score = product(side.vectors.row(j), embedding.row(best[0].to as usize));
            assert!(
                (score - best[0].score).abs() < 1e-5,
                "{} {score}",
                side.role
            );
        }
    }
}

#[test]
fn equal_ranks_go_to_the_higher_cosine() {
    let hit = |index, cosine| Hit {
        layer: 0,
        index,
        token: 0,
        score: 0.0,
        cosine,
        rank: None,
        partner: None,
        by: cosine,
    };
    let mut top = TopHits::new(Role::K, 3);
    for (mut hit, rank) in [
        (hit(0, 0.9), 2),
        (hit(1, 0.2), 1),
        (hit(2, 0.3), 1),
        (hit(3, 1.0), 900),
    ] {
        hit.counted(1.0, rank, RankBy::Rank);
        top.offer(hit);
    }
    let order: Vec<usize> = top.best().iter().map(|h| h.index).collect();
    assert_eq!(order, [2, 1, 0]);
}
