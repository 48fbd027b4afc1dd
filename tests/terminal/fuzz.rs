//! Keys at random, windows pulled, text pasted, and what terminals say meanwhile: nothing that comes
//! hangs the explorer, breaks it, or takes it elsewhere than its keys say. `LEXISCOPE_FUZZ=200` plays
//! so many rounds instead of a few; each round is its number's.

use fastrand::Rng;

use super::places::{DOWN, LEFT, RIGHT, UP};
use super::program::{address_of, eventually};
use super::reports::REPORTS;
use super::{Home, Program};

const ROUNDS: u64 = 4;
/// The bundled models' last layer and neuron.
const LAST: [usize; 2] = [7, 1023];
/// Escape in kitty's encoding, which no letter after it can turn into Alt.
const ESCAPE: &str = "\x1b[27u";
/// Keys that leave the program, or stop it.
const LEAVING: [char; 3] = ['q', '\x03', '\x1a'];
const NAMED: [&str; 13] = [
    "\r", "\t", "\x7f", "\x1b[3~", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\x1b[Z", UP, DOWN,
    LEFT, RIGHT,
];

struct Person {
    random: Rng,
    program: Program,
    /// Where the keys have led: layer and neuron.
    at: [usize; 2],
}

impl Person {
    /// Something beside keys.
    fn noise(&mut self) {
        let random = &mut self.random;
        match random.u8(0..6) {
            0..3 => {
                let report = REPORTS[random.usize(..REPORTS.len())];
                // Cut in two, as a slow line does.
                let (a, b) = report.split_at(random.usize(1..report.len()));
                self.program.send(a).send(b);
            }
            3 => {
                let (x, y) = (random.u8(1..120), random.u8(1..40));
                // A movement, which nobody asked for.
                self.program.send(&format!("\x1b[<35;{x};{y}M"));
            }
            4 => {
                self.program.send("\x1b[200~jjq\rmdq\x1b[201~");
            }
            _ => {
                let (cols, rows) = (random.u16(1..200), random.u16(1..60));
                self.program.resize(cols, rows);
            }
        }
    }

    /// A step, and what it should do.
    fn step(&mut self) {
        let [layer, neuron] = self.at;
        let times = self.random.usize(1..40);
        let counted = |key: &str| format!("{times}{key}");
        let (keys, at) = match self.random.u8(0..9) {
            0 => (DOWN.to_owned(), [layer, neuron + 1]),
            1 => (UP.to_owned(), [layer, neuron.saturating_sub(1)]),
            2 => (RIGHT.to_owned(), [layer + 1, neuron]),
            3 => (LEFT.to_owned(), [layer.saturating_sub(1), neuron]),
            4 => (counted("j"), [layer, neuron + times]),
            5 => (counted("k"), [layer, neuron.saturating_sub(times)]),
            6 => ("gg".to_owned(), [layer, 0]),
            7 => (counted("G"), [layer, times]),
            _ => ("G".to_owned(), [layer, LAST[1]]),
        };
        self.program.send(&keys);
        self.at = [at[0].min(LAST[0]), at[1].min(LAST[1])];
    }

    fn address(&self) -> String {
        format!("L{}.N{}", self.at[0], self.at[1])
    }

    /// Any key at all, but those that leave.
    fn any_key(&mut self) {
        let key = match self.random.u8(0..10) {
            0 => NAMED[self.random.usize(..NAMED.len())].to_owned(),
            1 => self.random.char('\x01'..='\x1a').to_string(),
            _ => self.random.char(' '..='~').to_string(),
        };
        if !LEAVING.iter().any(|leaving| key.starts_with(*leaving)) {
            self.program.send(&key);
        }
    }

    /// Comes back from wherever it is to a neuron; false if a command was chosen that ends.
    fn come_back(&mut self) -> bool {
        self.program.resize(120, 30);
        self.at = [self.random.usize(..=LAST[0]), self.random.usize(..=LAST[1])];
        let address = self.address();
        let keys = format!("{}:{address}\r", ESCAPE.repeat(8));
        self.program.send(&keys);
        eventually(&address, || {
            if self.program.is_over() {
                return Some(false);
            }
            // A command was chosen that stops.
            #[cfg(target_os = "linux")]
            if self.program.stat()[0] == "T" {
                self.program.signal("CONT");
            }
            let there = self.program.look(|screen| address_of(screen) == address);
            there.then_some(true)
        })
    }

    /// That nothing has broken.
    fn look_for_faults(&self) {
        let text = self.program.text();
        assert!(!text.contains("a fault in lexiscope"), "{text}");
        let log = self.program.log();
        assert!(!log.contains(" ERROR "), "{log}");
    }
}

#[test]
fn whatever_comes_it_goes_where_its_keys_say_and_ends_well() {
    let rounds = std::env::var("LEXISCOPE_FUZZ").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    for round in 0..rounds {
        println!("round {round}");
        let home = Home::new();
        let mut program = home.start(&["gpt2-pl", "--at", "L2.N100"]);
        program.until_at("L2.N100");
        let mut person = Person {
            random: Rng::with_seed(round),
            program,
            at: [2, 100],
        };
        for _ in 0..3 {
            for _ in 0..12 {
                person.step();
                if person.random.u8(0..3) == 0 {
                    person.noise();
                }
            }
            person.program.resize(120, 30);
            let address = person.address();
            person.program.until_at(&address);
            for _ in 0..25 {
                person.any_key();
                if person.random.u8(0..8) == 0 {
                    person.noise();
                }
            }
            if !person.come_back() {
                break;
            }
            person.look_for_faults();
        }
        if !person.program.is_over() {
            person.program.send(&ESCAPE.repeat(8)).send("\x03");
        }
        person.program.ended_well();
        person.look_for_faults();
    }
}
