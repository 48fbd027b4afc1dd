use super::*;
use crate::worker::tests::fake::{folder, neuron, pairs};

/// A mailbox whose model 1 is open.
fn opened() -> Mailbox {
    let mut mailbox = Mailbox::default();
    let id = mailbox.open(folder("a"));
    assert!(matches!(mailbox.next(), Some(Task::Open { .. })));
    mailbox.opened(id);
    mailbox
}

const ONE: ModelId = ModelId(1);

#[test]
fn keeps_only_the_last_of_each_kind() {
    let mut mailbox = opened();
    for n in 0..100 {
        mailbox.want(ONE, vec![neuron(0, 10 * n)]);
        mailbox.open(folder(&n.to_string()));
    }
    let open = Task::Open {
        id: ModelId(101),
        location: folder("99"),
    };
    assert_eq!(mailbox.next(), Some(open));
    let query = neuron(0, 990);
    let answer = Task::Answer { query, round: 100 };
    assert_eq!(mailbox.next(), Some(answer));
    assert!(mailbox.settle(&neuron(0, 990)));
    assert!(matches!(mailbox.next(), Some(Task::LookAhead(_))));
    assert_eq!(mailbox.next(), None);
}

#[test]
fn a_query_that_stays_is_not_asked_again() {
    let mut mailbox = opened();
    assert_eq!(mailbox.want(ONE, vec![neuron(0, 1)]), [neuron(0, 1)]);
    mailbox.settle(&neuron(0, 1));
    let more = vec![neuron(0, 1), pairs(0, 0)];
    assert_eq!(mailbox.want(ONE, more.clone()), [pairs(0, 0)]);
    assert_eq!(mailbox.want(ONE, more), []);
    assert!(!mailbox.waits(&neuron(0, 1)) && mailbox.waits(&pairs(0, 0)));
}

#[test]
fn queries_wait_for_their_model() {
    let mut mailbox = opened();
    mailbox.want(ModelId(2), vec![neuron(0, 1)]);
    assert_eq!(mailbox.next(), None);
    mailbox.opened(ModelId(2));
    assert!(matches!(mailbox.next(), Some(Task::Answer { .. })));
}

#[test]
fn a_running_query_goes_on_while_it_is_wanted() {
    let mut mailbox = opened();
    let (vo, other) = (pairs(0, 0), pairs(0, 1));
    mailbox.want(ONE, vec![Query::ValueNorms]);
    mailbox.want(ONE, vec![vo.clone(), Query::ValueNorms]);
    assert!(mailbox.goes_on(&Query::ValueNorms, 1));
    mailbox.want(ONE, vec![neuron(0, 0), vo.clone()]);
    assert!(!mailbox.goes_on(&vo, 1), "a neuron comes first");
    mailbox.want(ONE, vec![vo.clone(), neuron(0, 0)]);
    assert!(mailbox.goes_on(&vo, 1));
    mailbox.want(ONE, vec![other]);
    assert!(!mailbox.goes_on(&vo, 1));
}

#[test]
fn what_goes_on_where_it_was_makes_way_for_what_comes_first() {
    let mut mailbox = opened();
    mailbox.want(ONE, vec![Query::FirstConvention]);
    mailbox.want(ONE, vec![Query::FirstConvention, pairs(0, 0)]);
    assert!(mailbox.goes_on(&Query::FirstConvention, 1));
    mailbox.want(ONE, vec![pairs(0, 0), Query::FirstConvention]);
    assert!(!mailbox.goes_on(&Query::FirstConvention, 1));
    assert!(mailbox.goes_on(&pairs(0, 0), 3));
}

#[test]
fn a_list_that_is_not_proven_waits_until_there_is_something_of_the_others() {
    let mut mailbox = opened();
    let (vo, other) = (pairs(0, 0), pairs(0, 1));
    let next = |query: &Query| {
        let query = query.clone();
        Some(Task::Answer { query, round: 1 })
    };
    mailbox.want(ONE, vec![vo.clone(), other.clone()]);
    assert_eq!(mailbox.next(), next(&vo));
    mailbox.improved(&vo);
    assert!(!mailbox.goes_on(&vo, 1));
    assert_eq!(mailbox.next(), next(&other));
    assert!(mailbox.goes_on(&other, 1));
    mailbox.improved(&other);
    assert!(!mailbox.goes_on(&other, 1), "the first is proven first");
    assert_eq!(mailbox.next(), next(&vo));
    assert!(mailbox.goes_on(&vo, 1));
    mailbox.settle(&vo);
    assert_eq!(mailbox.next(), next(&other));
    // What is left and asked again begins as it did at first.
    mailbox.want(ONE, vec![vo.clone()]);
    mailbox.want(ONE, vec![other.clone(), vo]);
    assert!(mailbox.goes_on(&other, 3));
}

#[test]
fn a_neighbour_goes_on_if_it_is_what_is_asked() {
    let mut mailbox = opened();
    mailbox.want(ONE, vec![pairs(0, 0)]);
    mailbox.settle(&pairs(0, 0));
    let neighbour = pairs(0, 1);
    let others = [neighbour.clone()];
    assert!(mailbox.goes_on(&neighbour, 1) && mailbox.batch_goes_on(&[]));
    mailbox.want(ONE, vec![neighbour.clone()]);
    assert!(mailbox.goes_on(&neighbour, 1) && mailbox.batch_goes_on(&others));
    assert!(!mailbox.batch_goes_on(&[]));
    mailbox.want(ONE, vec![pairs(1, 1)]);
    assert!(!mailbox.goes_on(&neighbour, 1));
}

#[test]
fn what_is_idle_waits_for_all_else_and_makes_way_for_it() {
    let mut mailbox = opened();
    mailbox.want(ONE, vec![neuron(0, 1)]);
    assert_eq!(mailbox.idle(ONE, vec![pairs(0, 0)]), [pairs(0, 0)]);
    assert_eq!(mailbox.idle(ModelId(2), vec![pairs(1, 1)]), []);
    mailbox.settle(&neuron(0, 1));
    assert!(matches!(mailbox.next(), Some(Task::LookAhead(_))));
    let query = pairs(0, 0);
    let idle = Task::Answer { query, round: 1 };
    assert_eq!(mailbox.next(), Some(idle));
    assert!(mailbox.goes_on(&pairs(0, 0), 1) && mailbox.waits(&pairs(0, 0)));
    // A step, and what may be asked after it, come first.
    mailbox.want(ONE, vec![neuron(0, 20)]);
    assert!(!mailbox.goes_on(&pairs(0, 0), 1));
    mailbox.settle(&neuron(0, 20));
    assert!(!mailbox.goes_on(&pairs(0, 0), 1));
    assert!(matches!(mailbox.next(), Some(Task::LookAhead(_))));
    assert!(mailbox.goes_on(&pairs(0, 0), 1));
    assert!(mailbox.settle(&pairs(0, 0)));
    assert_eq!(mailbox.next(), None);
}

#[test]
fn on_a_walk_all_that_takes_longer_waits_for_a_rest() {
    let mut mailbox = opened();
    let list = |n| vec![pairs(0, 0), neuron(0, n), Query::ValueNorms];
    mailbox.want(ONE, list(1));
    mailbox.settle(&pairs(0, 0));
    mailbox.settle(&neuron(0, 1));
    let longer = |round| Task::Answer {
        query: Query::ValueNorms,
        round,
    };
    assert_eq!(mailbox.next(), Some(longer(1)));
    mailbox.want(ONE, list(2));
    assert!(!mailbox.goes_on(&Query::ValueNorms, 1), "a step was made");
    let query = neuron(0, 2);
    let step = Task::Answer { query, round: 2 };
    assert_eq!(mailbox.next(), Some(step));
    mailbox.settle(&neuron(0, 2));
    let ahead = Task::WalkAhead(Steps {
        asked: list(2),
        before: list(1),
        round: 2,
    });
    assert_eq!(mailbox.next(), Some(ahead));
    let on_the_way = neuron(0, 3);
    assert!(mailbox.goes_on(&on_the_way, 2) && mailbox.batch_goes_on(&[on_the_way]));
    assert!(mailbox.next().is_none() && mailbox.is_walking());
    mailbox.rest();
    assert_eq!(mailbox.next(), Some(longer(2)));
    assert!(mailbox.goes_on(&Query::ValueNorms, 2));
    mailbox.settle(&Query::ValueNorms);
    assert!(matches!(mailbox.next(), Some(Task::LookAhead(_))));
    // A jump is no walk.
    mailbox.want(ONE, list(90));
    assert!(!mailbox.is_walking());
}

#[test]
fn opening_and_stopping_interrupt() {
    let mut mailbox = opened();
    mailbox.want(ONE, vec![pairs(0, 0)]);
    mailbox.open(folder("b"));
    assert!(!mailbox.goes_on(&pairs(0, 0), 1));
    assert!(matches!(mailbox.next(), Some(Task::Open { .. })));
    assert!(mailbox.goes_on(&pairs(0, 0), 1));
    mailbox.stop();
    assert!(!mailbox.goes_on(&pairs(0, 0), 1));
    assert_eq!(mailbox.next(), Some(Task::Stop));
}
