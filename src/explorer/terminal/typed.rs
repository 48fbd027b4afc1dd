//! Characters, as the keys that type them.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

/// A key that is pressed.
pub(super) fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

/// A character, as the key that types it: with Shift, if it is a capital.
pub(super) fn character(c: char, modifiers: KeyModifiers) -> Event {
    let shift = match c.is_uppercase() {
        true => KeyModifiers::SHIFT,
        false => KeyModifiers::NONE,
    };
    key(KeyCode::Char(c), modifiers | shift)
}

/// A control character, as the key that types it.
pub(super) fn control(byte: u8, modifiers: KeyModifiers) -> Event {
    let held = |letter: u8| {
        key(
            KeyCode::Char(char::from(letter)),
            modifiers | KeyModifiers::CONTROL,
        )
    };
    match byte {
        b'\r' => key(KeyCode::Enter, modifiers),
        b'\t' => key(KeyCode::Tab, modifiers),
        0x7F => key(KeyCode::Backspace, modifiers),
        0x00 => held(b' '),
        0x01..=0x1A => held(b'a' - 1 + byte),
        // Ctrl-4 to Ctrl-7.
        _ => held(b'4' + (byte & 0x03)),
    }
}
