//! The worker with a reader that does what a test tells it, over channels: no test sleeps.

pub(super) mod fake;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use super::*;
use fake::{Reader, Step, answer_to, folder, neuron, pairs};

/// A worker whose model 1 is open, and the other ends of all channels. Dropping it closes `tell`
/// first, so that the reader comes to an end.
struct Bench {
    tell: Sender<Step>,
    worker: Worker,
    events: Receiver<Event>,
    begun: Receiver<Vec<Query>>,
    looked: Receiver<bool>,
}

fn bench() -> Bench {
    let (begun_to, begun) = channel();
    let (tell, told) = channel();
    let (looked_to, looked) = channel();
    let (events_to, events) = channel();
    let told = Arc::new(Mutex::new(told));
    let open = move |location: &Location| -> Result<Box<dyn Answering>, QueryError> {
        match location.to_string().as_str() {
            "missing" => return Err(QueryError::Other("there is no such folder".to_owned())),
            "broken" => panic!("index out of bounds"),
            _ => {}
        }
        Ok(Box::new(Reader {
            name: location.to_string(),
            begun: begun_to.clone(),
            told: Arc::clone(&told),
            looked: looked_to.clone(),
        }))
    };
    let worker = Worker::spawn(open, move |event| events_to.send(event).unwrap()).unwrap();
    let id = worker.open(folder("a"));
    assert!(matches!(events.recv(), Ok(Event::Opened { id: i, .. }) if i == id));
    Bench {
        worker,
        events,
        begun,
        tell,
        looked,
    }
}

const ONE: ModelId = ModelId(1);

impl Bench {
    fn tell(&self, steps: impl IntoIterator<Item = Step>) {
        for step in steps {
            self.tell.send(step).unwrap();
        }
    }

    /// The next event, which must be an answer of model 1.
    fn answered(&self) -> (Query, Arc<Answer>) {
        match self.events.recv().unwrap() {
            Event::Answered {
                id, query, answer, ..
            } => {
                assert_eq!(id, ONE);
                (query, answer)
            }
            Event::Failed { message, .. } | Event::NotOpened { message, .. } => panic!("{message}"),
            Event::Opened { .. } => panic!("opened"),
            Event::Fetching { .. } => panic!("nothing is on the hub"),
        }
    }

    /// The next event, which must be the finished answer to `query`.
    #[track_caller]
    fn is_answered(&self, query: &Query) {
        assert_eq!(self.answered(), (query.clone(), Arc::new(answer_to(query))));
    }
}

#[test]
fn of_a_hundred_queries_the_last_is_answered_and_no_more_than_two_are_computed() {
    let bench = bench();
    bench.worker.want(ONE, vec![pairs(0, 0)]);
    assert_eq!(bench.begun.recv().unwrap(), [pairs(0, 0)]);
    for i in 1..100 {
        bench.worker.want(ONE, vec![pairs(i / 6 % 4, i % 6)]);
    }
    let last = pairs(99 / 6 % 4, 99 % 6);
    bench.tell([Step::Look, Step::Finish]);
    assert!(!bench.looked.recv().unwrap());
    bench.is_answered(&last);
    assert_eq!(bench.begun.recv().unwrap(), [last]);
}

#[test]
fn what_is_there_is_answered_at_once_whatever_runs() {
    let bench = bench();
    bench.worker.want(ONE, vec![neuron(0, 1)]);
    bench.tell([Step::Finish]);
    bench.is_answered(&neuron(0, 1));
    bench.worker.want(ONE, vec![pairs(0, 0)]);
    while bench.begun.recv().unwrap() != [pairs(0, 0)] {
        bench.tell([Step::Look]);
    }
    bench.worker.want(ONE, vec![neuron(0, 1), pairs(0, 0)]);
    let now: Vec<Event> = bench.events.try_iter().collect();
    assert!(matches!(&now[..], [Event::Answered { query, took, .. }]
        if *query == neuron(0, 1) && took.is_zero()));
    bench.tell([Step::Look, Step::Finish]);
    bench.is_answered(&pairs(0, 0));
}

#[test]
fn partial_answers_are_passed_on_while_wanted() {
    let bench = bench();
    bench.worker.want(ONE, vec![pairs(0, 3)]);
    bench.tell([Step::Improve]);
    let (query, partial) = bench.answered();
    assert_eq!(query, pairs(0, 3));
    assert!(matches!(&*partial, Answer::Pairs(p) if p.done == 0.5 && !p.exact));
    bench.worker.want(ONE, vec![pairs(1, 0)]);
    bench.tell([Step::Improve, Step::Look, Step::Finish]);
    bench.is_answered(&pairs(1, 0));
}

#[test]
fn an_answer_that_is_not_wanted_any_more_is_kept_and_not_sent() {
    let bench = bench();
    bench.worker.want(ONE, vec![pairs(0, 0)]);
    bench.begun.recv().unwrap();
    bench.worker.want(ONE, vec![pairs(2, 2)]);
    bench.tell([Step::Finish]);
    assert_eq!(bench.begun.recv().unwrap(), [pairs(2, 2)]);
    bench.worker.want(ONE, vec![pairs(0, 0), pairs(2, 2)]);
    bench.tell([Step::Finish]);
    bench.is_answered(&pairs(0, 0));
    bench.is_answered(&pairs(2, 2));
}

#[test]
fn a_panic_becomes_one_line_and_the_worker_lives_on() {
    let bench = bench();
    for (step, expected) in [
        (
            Step::Panic,
            "a fault in lexiscope, please report it: out of",
        ),
        (Step::Fail, "no such thing"),
    ] {
        bench.worker.want(ONE, vec![pairs(0, 0)]);
        bench.tell([step]);
        match bench.events.recv().unwrap() {
            Event::Failed { query, message, .. } => {
                assert_eq!((query, message.as_str()), (pairs(0, 0), expected));
            }
            _ => panic!("an answer from a reader that failed"),
        }
        bench.worker.want(ONE, vec![pairs(3, 5)]);
        while bench.begun.recv().unwrap() != [pairs(3, 5)] {
            bench.tell([Step::Look]);
        }
        bench.worker.want(ONE, vec![]);
        bench.tell([Step::Look]);
    }
}

#[test]
fn neighbours_are_computed_ahead_and_answered_from_the_cache() {
    let bench = bench();
    bench.worker.want(ONE, vec![neuron(1, 50)]);
    assert_eq!(bench.begun.recv().unwrap(), [neuron(1, 50)]);
    bench.tell([Step::Finish]);
    bench.is_answered(&neuron(1, 50));
    let batch = bench.begun.recv().unwrap();
    let nearest = [neuron(1, 51), neuron(1, 49), neuron(2, 50), neuron(0, 50)];
    assert_eq!(batch, nearest);
    bench.tell([Step::Finish]);
    // The next batch gives way to a head, so the first one is done.
    assert!(
        !bench
            .begun
            .recv()
            .unwrap()
            .iter()
            .any(|query| nearest.contains(query))
    );
    bench.worker.want(ONE, vec![pairs(0, 0)]);
    bench.tell([Step::Look]);
    assert!(!bench.looked.recv().unwrap());
    assert_eq!(bench.begun.recv().unwrap(), [pairs(0, 0)]);
    bench.worker.want(ONE, batch.clone());
    for query in &batch {
        bench.is_answered(query);
    }
}

#[test]
fn a_query_interrupts_looking_ahead() {
    let bench = bench();
    bench.worker.want(ONE, vec![neuron(1, 50)]);
    bench.tell([Step::Finish]);
    bench.is_answered(&neuron(1, 50));
    bench.begun.recv().unwrap();
    let batch = bench.begun.recv().unwrap();
    bench.tell([Step::Look]);
    assert!(bench.looked.recv().unwrap(), "nothing else to do");
    bench.worker.want(ONE, vec![batch[0].clone()]);
    bench.tell([Step::Look]);
    assert!(bench.looked.recv().unwrap(), "what is asked is what runs");
    bench.worker.want(ONE, vec![neuron(3, 7)]);
    bench.tell([Step::Look]);
    assert!(!bench.looked.recv().unwrap());
    assert_eq!(bench.begun.recv().unwrap(), [neuron(3, 7)]);
}

#[test]
fn a_head_that_is_looked_ahead_at_and_then_asked_for_goes_on() {
    let bench = bench();
    bench.worker.want(ONE, vec![pairs(1, 3)]);
    bench.tell([Step::Finish]);
    bench.is_answered(&pairs(1, 3));
    bench.begun.recv().unwrap();
    let ahead = bench.begun.recv().unwrap();
    assert_eq!(ahead, [pairs(1, 4)]);
    bench.worker.want(ONE, ahead);
    bench.tell([Step::Look, Step::Finish]);
    assert!(bench.looked.recv().unwrap());
    bench.is_answered(&pairs(1, 4));
}

#[test]
fn a_model_that_does_not_open_leaves_the_one_before() {
    let bench = bench();
    for (name, expected) in [
        ("missing", "there is no such folder"),
        (
            "broken",
            "a fault in lexiscope, please report it: index out of bounds",
        ),
    ] {
        let asked = bench.worker.open(folder(name));
        match bench.events.recv().unwrap() {
            Event::NotOpened {
                id,
                name: n,
                message,
            } => {
                assert_eq!((id, n.as_str(), message.as_str()), (asked, name, expected));
            }
            _ => panic!("{name} opened"),
        }
    }
    bench.worker.want(ONE, vec![pairs(0, 0)]);
    bench.tell([Step::Finish]);
    bench.is_answered(&pairs(0, 0));
}

#[test]
fn another_model_answers_for_itself() {
    let bench = bench();
    bench.worker.want(ONE, vec![pairs(0, 0)]);
    bench.tell([Step::Finish]);
    bench.is_answered(&pairs(0, 0));
    bench.begun.recv().unwrap();
    bench.begun.recv().unwrap();
    let id = bench.worker.open(folder("b"));
    bench.worker.want(id, vec![pairs(0, 0)]);
    bench.tell([Step::Look]);
    let opened = bench.events.recv().unwrap();
    assert!(matches!(opened, Event::Opened { id: i, card } if i == id && card.name == "b"));
    assert_eq!(bench.begun.recv().unwrap(), [pairs(0, 0)], "computed anew");
    bench.tell([Step::Finish]);
    let answered = bench.events.recv().unwrap();
    assert!(matches!(answered, Event::Answered { id: i, .. } if i == id));
    bench.worker.want(ONE, vec![pairs(0, 0)]);
    assert!(bench.events.try_recv().is_err(), "the old model is gone");
}

#[test]
fn dropping_cancels_what_runs_and_joins() {
    let bench = bench();
    bench.worker.want(ONE, vec![pairs(0, 0)]);
    bench.begun.recv().unwrap();
    bench.tell([Step::NeverEnd]);
    drop(bench.worker);
    assert!(bench.begun.try_recv().is_err());
    assert!(bench.tell.send(Step::Finish).is_err(), "the reader is gone");
}

#[test]
fn what_is_idle_makes_way_and_comes_after_all_neighbours() {
    let bench = bench();
    bench.worker.want(ONE, Vec::new());
    bench.worker.idle(ONE, vec![pairs(0, 0)]);
    assert_eq!(bench.begun.recv().unwrap(), [pairs(0, 0)]);
    bench.worker.want(ONE, vec![pairs(1, 1)]);
    bench.tell([Step::Look, Step::Finish]);
    assert!(!bench.looked.recv().unwrap(), "it makes way");
    bench.is_answered(&pairs(1, 1));
    // Four neighbours, and then what was left.
    bench.tell((0..5).map(|_| Step::Finish));
    bench.is_answered(&pairs(0, 0));
    let begun: Vec<_> = bench.begun.try_iter().flatten().collect();
    assert_eq!(begun.len(), 6);
    assert_eq!((&begun[0], &begun[5]), (&pairs(1, 1), &pairs(0, 0)));
}

#[test]
fn the_model_before_is_open_again_at_once_unless_its_files_are_others() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| Location::Folder {
        name: name.to_owned(),
        path: home.path().join(name),
    };
    for name in ["a", "b"] {
        std::fs::create_dir(home.path().join(name)).unwrap();
        std::fs::write(home.path().join(name).join("weights"), "1").unwrap();
    }
    let read = Arc::new(Mutex::new(Vec::new()));
    let (events_to, events) = channel();
    let (begun, looked, told) = (channel().0, channel().0, channel().1);
    let told = Arc::new(Mutex::new(told));
    let reads = Arc::clone(&read);
    let open = move |location: &Location| -> Result<Box<dyn Answering>, QueryError> {
        let name = location.to_string();
        reads.lock().unwrap().push(name.clone());
        Ok(Box::new(Reader {
            name,
            begun: begun.clone(),
            told: Arc::clone(&told),
            looked: looked.clone(),
        }))
    };
    let worker = Worker::spawn(open, move |event| events_to.send(event).unwrap()).unwrap();
    let opens = |name: &str| {
        let id = worker.open(at(name));
        match events.recv().unwrap() {
            Event::Opened { id: i, card } => assert_eq!((i, &*card.name), (id, name)),
            _ => panic!("{name} is not open"),
        }
    };
    for name in ["a", "b", "a", "b"] {
        opens(name);
    }
    assert_eq!(*read.lock().unwrap(), ["a", "b"]);
    std::fs::write(home.path().join("a").join("weights"), "22").unwrap();
    opens("a");
    assert_eq!(*read.lock().unwrap(), ["a", "b", "a"]);
    // A model that is asked for again is read again: it may have been trained on.
    opens("a");
    opens("b");
    assert_eq!(*read.lock().unwrap(), ["a", "b", "a", "a"]);
}
