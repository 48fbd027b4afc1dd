//! Bytes that a terminal sends → keys, the mouse, pasted text. A complete state machine for control
//! functions (ECMA-48, and what xterm added): unrequested reports and replies are read to
//! their end and dropped, so that none of their bytes is taken for a key.

mod paste;

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyModifiers};

use super::sequence;
use super::typed::{character, control, key};

/// A lone ESC is the Escape key if nothing follows it for so long: terminals send a sequence in
/// one piece.
const ESCAPE_WAIT: Duration = Duration::from_millis(40);
/// A sequence that has begun is given up after so long without a byte.
const SEQUENCE_WAIT: Duration = Duration::from_secs(1);
/// Longest parameters of a control sequence that is looked at; longer ones are read and dropped.
const PARAMETERS_MAX: usize = 64;
/// Bytes of one pasted text that are kept.
const PASTE_MAX: usize = 1 << 20;
/// What ends a pasted text.
const PASTE_END: &[u8] = b"\x1b[201~";

const ESC: u8 = 0x1B;
const CTRL_C: u8 = 0x03;

/// What is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ground,
    /// A character in UTF-8, with the number of bytes that are missing.
    Character {
        missing: usize,
    },
    /// ESC.
    Escape,
    /// ESC and intermediate bytes, as in `ESC ( B`; the first of them.
    Intermediate(u8),
    /// `ESC [`: parameters, intermediates, a final byte.
    Csi,
    /// `ESC [ [`, with which the Linux console begins its function keys.
    ConsoleFunction,
    /// `ESC [ M`: button, column and row, a byte each.
    ByteMouse,
    /// `ESC N`: one character.
    SingleShift2,
    /// `ESC O`: parameters (rare) and a final byte.
    SingleShift3,
    /// A string that ends with ST: OSC, DCS, SOS, PM or APC.
    Text {
        introducer: u8,
        empty: bool,
    },
    /// ESC inside such a string: the first byte of ST, or of another sequence.
    TextEscape,
    /// Pasted text, with the number of bytes of [`PASTE_END`] that have come.
    Paste {
        matched: usize,
    },
}

/// Reads the bytes of a terminal, cut into pieces anywhere.
pub struct Decoder {
    state: State,
    /// The bytes of the character, the parameters or the mouse report being read.
    bytes: Vec<u8>,
    pasted: Vec<u8>,
    /// ESC came before the character that is being read.
    alt: bool,
    /// What was read last ended with ESC.
    cut: bool,
    /// The parameters were longer than [`PARAMETERS_MAX`].
    overlong: bool,
    /// The pasted text has paused for [`SEQUENCE_WAIT`].
    paused: bool,
}

impl Decoder {
    /// Between two keys.
    pub fn new() -> Self {
        Self {
            state: State::Ground,
            bytes: Vec::new(),
            pasted: Vec::new(),
            alt: false,
            cut: false,
            overlong: false,
            paused: false,
        }
    }

    /// What the bytes say, together with those before them.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for &byte in bytes {
            self.take(byte, &mut events);
        }
        self.cut = self.state == State::Escape;
        events
    }

    /// How long to wait for the next byte before [`Self::expire`] is to be called.
    pub fn patience(&self) -> Option<Duration> {
        match self.state {
            State::Ground => None,
            State::Escape | State::TextEscape | State::Intermediate(_) => Some(ESCAPE_WAIT),
            State::Paste { .. } => (!self.paused).then_some(SEQUENCE_WAIT),
            State::Character { .. }
            | State::Csi
            | State::ConsoleFunction
            | State::ByteMouse
            | State::SingleShift2
            | State::SingleShift3
            | State::Text { .. } => Some(SEQUENCE_WAIT),
        }
    }

    /// Nothing has come for as long as [`Self::patience`] said: what has begun is over. ESC alone
    /// was the Escape key, ESC and one character more were that character with Alt held; the rest is
    /// dropped. A pasted text goes on: what may still come of it must not run as keys. But if it
    /// has paused so long, Ctrl-C ends it.
    pub fn expire(&mut self) -> Option<Event> {
        let alone = self.bytes.is_empty() && !self.overlong;
        let introducer = match self.state {
            State::Paste { .. } => {
                self.paused = true;
                return None;
            }
            State::Escape | State::TextEscape => {
                self.reset();
                return Some(key(KeyCode::Esc, KeyModifiers::NONE));
            }
            State::Intermediate(first) => Some(first),
            State::Csi if alone => Some(b'['),
            State::SingleShift2 => Some(b'N'),
            State::SingleShift3 if alone => Some(b'O'),
            State::Text {
                introducer,
                empty: true,
            } => Some(introducer),
            State::Ground
            | State::Character { .. }
            | State::Csi
            | State::ConsoleFunction
            | State::ByteMouse
            | State::SingleShift3
            | State::Text { .. } => None,
        };
        self.reset();
        introducer.map(|byte| key(KeyCode::Char(char::from(byte)), KeyModifiers::ALT))
    }

    fn reset(&mut self) {
        self.state = State::Ground;
        self.bytes.clear();
        (self.alt, self.cut) = (false, false);
        (self.overlong, self.paused) = (false, false);
    }

    fn enter(&mut self, state: State) {
        self.reset();
        self.state = state;
    }

    fn take(&mut self, byte: u8, events: &mut Vec<Event>) {
        match self.state {
            State::Ground => self.ground(byte, events),
            State::Character { missing } => self.character(byte, missing, events),
            State::Escape => self.escape(byte, events),
            State::Intermediate(_) => match byte {
                0x20..=0x2F => {}
                0x30..=0x7E => self.reset(),
                _ => self.again(byte, events),
            },
            State::Csi => self.csi(byte, events),
            State::ConsoleFunction => match byte {
                b'A'..=b'E' => {
                    events.extend(sequence::console_function(byte));
                    self.reset();
                }
                _ => self.again(byte, events),
            },
            State::ByteMouse => match byte {
                0x20.. => {
                    self.bytes.push(byte);
                    if let [button, column, row] = self.bytes[..] {
                        events.extend(sequence::byte_mouse(button, column, row));
                        self.reset();
                    }
                }
                _ => self.again(byte, events),
            },
            State::SingleShift2 => match byte {
                0x20..=0x7E => self.reset(),
                _ => self.again(byte, events),
            },
            State::SingleShift3 => match byte {
                b'0'..=b';' => self.bytes.push(byte),
                0x20..=0x7E => {
                    events.extend(sequence::application_key(byte));
                    self.reset();
                }
                _ => self.again(byte, events),
            },
            State::Text { introducer, empty } => self.text(byte, (introducer, empty), events),
            State::TextEscape if byte == b'\\' => self.reset(),
            State::TextEscape => {
                self.enter(State::Escape);
                self.escape(byte, events);
            }
            State::Paste { matched } => self.paste(byte, matched, events),
        }
    }

    /// Gives up what is being read: a byte has come that cannot belong to it.
    fn again(&mut self, byte: u8, events: &mut Vec<Event>) {
        self.reset();
        self.ground(byte, events);
    }

    fn ground(&mut self, byte: u8, events: &mut Vec<Event>) {
        let modifiers = match self.alt {
            true => KeyModifiers::ALT,
            false => KeyModifiers::NONE,
        };
        match byte {
            ESC => self.enter(State::Escape),
            0x00..=0x1F | 0x7F => {
                events.push(control(byte, modifiers));
                self.reset();
            }
            0x20..=0x7E => {
                events.push(character(char::from(byte), modifiers));
                self.reset();
            }
            // Control functions in eight bits: as ESC and a letter.
            0x80..=0x9F => {
                self.reset();
                self.introduce(byte - 0x40);
            }
            0xC2..=0xF4 => {
                let missing = match byte {
                    ..=0xDF => 1,
                    0xE0..=0xEF => 2,
                    0xF0.. => 3,
                };
                self.bytes.push(byte);
                self.state = State::Character { missing };
            }
            // Never in UTF-8.
            0xA0..=0xC1 | 0xF5.. => self.reset(),
        }
    }

    fn character(&mut self, byte: u8, missing: usize, events: &mut Vec<Event>) {
        if !matches!(byte, 0x80..=0xBF) {
            return self.again(byte, events);
        }
        self.bytes.push(byte);
        if missing > 1 {
            self.state = State::Character {
                missing: missing - 1,
            };
            return;
        }
        let modifiers = match self.alt {
            true => KeyModifiers::ALT,
            false => KeyModifiers::NONE,
        };
        let text = str::from_utf8(&self.bytes).unwrap_or_default();
        let typed = text.chars().filter(|c| !c.is_control());
        events.extend(typed.map(|c| character(c, modifiers)));
        self.reset();
    }

    fn escape(&mut self, byte: u8, events: &mut Vec<Event>) {
        // A key with Alt comes in one piece: this was Escape, and another key soon after it.
        let is_typed = matches!(byte, 0x00..=0x1A | 0x1C..=0x2F | 0x30..=0x7F | 0xA0..);
        let begins = matches!(byte, b'[' | b']' | b'O' | b'P' | b'X' | b'^' | b'_' | b'\\');
        if self.cut && is_typed && !begins {
            events.push(key(KeyCode::Esc, KeyModifiers::NONE));
            return self.again(byte, events);
        }
        match byte {
            ESC => events.push(key(KeyCode::Esc, KeyModifiers::NONE)),
            b'[' | b']' | b'N' | b'O' | b'P' | b'X' | b'^' | b'_' => self.introduce(byte),
            // The end of a string that was given up.
            b'\\' => self.reset(),
            0x20..=0x2F => self.state = State::Intermediate(byte),
            // What is held with Alt: these, and characters.
            b'\r' | b'\t' | 0x08 | 0x7F | 0x30..=0x7E | 0xA0.. => {
                self.alt = true;
                self.ground(byte, events);
            }
            0x00..=0x1F => {
                events.push(key(KeyCode::Esc, KeyModifiers::NONE));
                self.again(byte, events);
            }
            0x80..=0x9F => self.again(byte, events),
        }
    }

    /// Begins what ESC and this byte begin.
    fn introduce(&mut self, byte: u8) {
        let state = match byte {
            b'[' => State::Csi,
            b'N' => State::SingleShift2,
            b'O' => State::SingleShift3,
            b']' | b'P' | b'X' | b'^' | b'_' => State::Text {
                introducer: byte,
                empty: true,
            },
            _ => State::Ground,
        };
        self.enter(state);
    }

    fn csi(&mut self, byte: u8, events: &mut Vec<Event>) {
        match byte {
            0x20..=0x3F if self.bytes.len() < PARAMETERS_MAX => self.bytes.push(byte),
            0x20..=0x3F => self.overlong = true,
            0x40..=0x7E => {
                let next = match (&self.bytes[..], byte) {
                    (b"", b'[') => State::ConsoleFunction,
                    (b"", b'M') => State::ByteMouse,
                    (b"200", b'~') => State::Paste { matched: 0 },
                    _ => State::Ground,
                };
                if next == State::Ground && !self.overlong {
                    events.extend(sequence::event(&self.bytes, byte));
                }
                self.enter(next);
            }
            // CAN and SUB.
            0x18 | 0x1A => self.reset(),
            _ => self.again(byte, events),
        }
    }

    fn text(&mut self, byte: u8, (introducer, empty): (u8, bool), events: &mut Vec<Event>) {
        match byte {
            ESC => self.enter(State::TextEscape),
            // BEL, CAN, SUB.
            0x07 | 0x18 | 0x1A => self.reset(),
            // No reply has it; and whoever is kept waiting by an unfinished one must get out.
            CTRL_C => self.again(byte, events),
            // Each OSC begins with a number, or with a letter where it tells a title: this was
            // the Escape key and `]` after it.
            _ if empty
                && introducer == b']'
                && !matches!(byte, b'0'..=b'9' | b'l' | b'L' | b'I') =>
            {
                events.push(character(']', KeyModifiers::ALT));
                self.again(byte, events);
            }
            _ => {
                self.state = State::Text {
                    introducer,
                    empty: false,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests;
