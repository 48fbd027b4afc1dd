//! Which experts a router chooses for each token, and what their outputs are multiplied with.

use crate::checkpoint::{RouterGroups, RouterScores, Routing};

use super::activation::exp;

/// By row of the router's products, `[rows, experts]`, what each expert's output is multiplied with: 0
/// of those that are not taken. Of equals the first is taken.
pub(super) fn routed(products: &[f32], routing: &Routing, correction: Option<&[f32]>) -> Vec<f32> {
    let experts = routing.experts;
    let mut shares = vec![0.0; products.len()];
    let rows = products.chunks_exact(experts.max(1));
    for (products, shares) in rows.zip(shares.chunks_exact_mut(experts.max(1))) {
        row(products, routing, correction, shares);
    }
    shares
}

fn row(products: &[f32], routing: &Routing, correction: Option<&[f32]>, shares: &mut [f32]) {
    let scores = match routing.scores {
        RouterScores::Softmax => softmax(products),
        RouterScores::SoftmaxOfTaken => products.to_vec(),
        RouterScores::Sigmoid => products.iter().map(|&x| 1.0 / (1.0 + exp(-x))).collect(),
    };
    let mut choice = scores.clone();
    if let Some(correction) = correction {
        choice.iter_mut().zip(correction).for_each(|(c, x)| *c += x);
    }
    if let Some(groups) = routing.groups {
        limit(&mut choice, groups);
    }
    let taken = best(&choice, routing.per_token);
    let mut weights: Vec<f32> = taken.iter().map(|&expert| scores[expert]).collect();
    if routing.scores == RouterScores::SoftmaxOfTaken {
        weights = softmax(&weights);
    }
    let sum = match routing.renormalised {
        // As DeepSeek's code adds it; next to nothing beside any sum.
        true => weights.iter().sum::<f32>() + 1e-20,
        false => 1.0,
    };
    for (expert, weight) in taken.into_iter().zip(weights) {
        shares[expert] = weight / sum * routing.factor as f32;
    }
}

fn softmax(x: &[f32]) -> Vec<f32> {
    let largest = x.iter().fold(f32::NEG_INFINITY, |m, &x| m.max(x));
    let powers: Vec<f32> = x.iter().map(|&x| exp(x - largest)).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

/// The k largest, the first of equals before others.
fn best(x: &[f32], k: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&a, &b| x[b].total_cmp(&x[a]));
    order.truncate(k);
    order
}

/// Leaves only experts of the best groups to choose from.
fn limit(choice: &mut [f32], groups: RouterGroups) {
    let size = choice.len() / groups.groups.max(1);
    let figure = |group: &[f32]| -> f32 {
        let best = best(group, groups.judged_by);
        best.into_iter().map(|expert| group[expert]).sum()
    };
    let figures: Vec<f32> = choice.chunks_exact(size.max(1)).map(figure).collect();
    let taken = best(&figures, groups.taken);
    for (at, group) in choice.chunks_exact_mut(size.max(1)).enumerate() {
        if !taken.contains(&at) {
            group.fill(f32::NEG_INFINITY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTING: Routing = Routing {
        experts: 4,
        per_token: 2,
        scores: RouterScores::Softmax,
        renormalised: false,
        factor: 1.0,
        groups: None,
    };

    fn close(got: &[f32], want: &[f32]) {
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 1e-6, "{got} {want}");
        }
    }

    #[test]
    fn the_best_are_taken_and_their_weights_are_as_the_model_makes_them() {
        // e^0 = 1, e^ln2 = 2, …: shares of 10.
        let products = [0.0, 2f32.ln(), 4f32.ln(), 3f32.ln()];
        close(&routed(&products, &ROUTING, None), &[0.0, 0.0, 0.4, 0.3]);
        let renormalised = Routing {
            renormalised: true,
            factor: 7.0,
            ..ROUTING
        };
        close(
            &routed(&products, &renormalised, None),
            &[0.0, 0.0, 4.0, 3.0],
        );
        let of_taken = Routing {
            scores: RouterScores::SoftmaxOfTaken,
            ..ROUTING
        };
        let shares = routed(&products, &of_taken, None);
        close(&shares, &[0.0, 0.0, 4.0 / 7.0, 3.0 / 7.0]);
    }

    #[test]
    fn a_correction_changes_the_choice_and_no_weight() {
        let sigmoid = Routing {
            scores: RouterScores::Sigmoid,
            ..ROUTING
        };
        let shares = routed(&[0.0, 0.0, 1.0, 2.0], &sigmoid, Some(&[1.0, 0.0, 0.0, 0.0]));
        close(&shares, &[0.5, 0.0, 0.0, 1.0 / (1.0 + (-2f32).exp())]);
    }

    #[test]
    fn only_experts_of_the_best_groups_are_taken() {
        let groups = RouterGroups {
            groups: 2,
            taken: 1,
            judged_by: 2,
        };
        let limited = Routing {
            scores: RouterScores::Sigmoid,
            groups: Some(groups),
            ..ROUTING
        };
        // The best single one lies in the other group.
        let shares = routed(&[0.0, 3.0, 2.0, 2.0], &limited, None);
        assert!(shares[0] == 0.0 && shares[1] == 0.0 && shares[2] > 0.0 && shares[3] > 0.0);
    }
}
