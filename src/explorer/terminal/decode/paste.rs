//! Pasted text, up to the sequence that ends it.

use crossterm::event::Event;

use super::{CTRL_C, Decoder, ESC, PASTE_END, PASTE_MAX, State};

impl Decoder {
    pub(super) fn paste(&mut self, byte: u8, matched: usize, events: &mut Vec<Event>) {
        if byte == CTRL_C && self.paused {
            self.pasted.clear();
            return self.again(byte, events);
        }
        self.paused = false;
        if byte == PASTE_END[matched] {
            if matched + 1 < PASTE_END.len() {
                self.state = State::Paste {
                    matched: matched + 1,
                };
                return;
            }
            let text = String::from_utf8_lossy(&std::mem::take(&mut self.pasted)).into_owned();
            events.push(Event::Paste(text));
            return self.reset();
        }
        // ESC is nowhere in the end mark but at its beginning.
        let begins = byte == ESC;
        self.keep(&PASTE_END[..matched]);
        if !begins {
            self.keep(&[byte]);
        }
        self.state = State::Paste {
            matched: usize::from(begins),
        };
    }

    fn keep(&mut self, pasted: &[u8]) {
        let room = PASTE_MAX.saturating_sub(self.pasted.len());
        self.pasted
            .extend_from_slice(&pasted[..pasted.len().min(room)]);
    }
}
