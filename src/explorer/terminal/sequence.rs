//! What a control sequence says: a key, the mouse, or nothing that was asked for.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

/// What `CSI parameters last` says; `None` for what is neither a key nor the mouse.
pub fn event(parameters: &[u8], last: u8) -> Option<Event> {
    // Parameters and intermediate bytes are ASCII.
    let text = str::from_utf8(parameters).ok()?;
    if let Some(mouse) = text.strip_prefix('<') {
        return numbered_mouse(mouse, last);
    }
    let is_plain = |byte: &u8| matches!(byte, b'0'..=b';');
    if !parameters.iter().all(is_plain) {
        // Private parameters and intermediate bytes are in replies and in settings.
        return None;
    }
    let parameters = Parameters(text);
    let code = match last {
        b'Z' => return pressed(KeyCode::BackTab, KeyModifiers::SHIFT),
        // Without parameters it asks for characters to be deleted.
        b'P' if text.starts_with("1;") => KeyCode::F(1),
        b'A' | b'B' | b'C' | b'D' | b'F' | b'H' => {
            let code = arrow(last)?;
            // `CSI 5 A` in the place of `CSI 1 ; 5 A`, from some old terminals.
            let short = !text.contains(';') && parameters.number(0, 0) > Some(1);
            let at = usize::from(!short);
            return Some(parameters.held(code, at));
        }
        b'~' => match parameters.number(0, 0)? {
            1 | 7 => KeyCode::Home,
            3 => KeyCode::Delete,
            4 | 8 => KeyCode::End,
            5 => KeyCode::PageUp,
            6 => KeyCode::PageDown,
            11 => KeyCode::F(1),
            // xterm's modifyOtherKeys.
            27 => {
                let modifiers = parameters.modifiers(1);
                return encoded(parameters.number(2, 0)?, None, modifiers)
                    .map(|(code, modifiers)| Event::Key(KeyEvent::new(code, modifiers)));
            }
            _ => return None,
        },
        b'u' => {
            let (code, shifted) = (parameters.number(0, 0)?, parameters.number(0, 1));
            let (code, modifiers) = encoded(code, shifted, parameters.modifiers(1))?;
            let kind = parameters.kind(1);
            return Some(Event::Key(KeyEvent::new_with_kind(code, modifiers, kind)));
        }
        _ => return None,
    };
    Some(parameters.held(code, 1))
}

/// What `ESC O last` says: keys of terminals in application mode.
pub fn application_key(last: u8) -> Option<Event> {
    let code = match last {
        b'M' => KeyCode::Enter,
        b'P' => KeyCode::F(1),
        _ => arrow(last)?,
    };
    pressed(code, KeyModifiers::NONE)
}

/// What `CSI M button column row` says; each is sent as one byte, from the space on.
pub fn byte_mouse(button: u8, column: u8, row: u8) -> Option<Event> {
    let cell = |byte: u8| u16::from(byte).checked_sub(33);
    mouse(button.checked_sub(32)?, false, (cell(column)?, cell(row)?))
}

/// What `CSI < button ; column ; row M` says, or `m` for a button that is let go.
fn numbered_mouse(text: &str, last: u8) -> Option<Event> {
    if !matches!(last, b'M' | b'm') {
        return None;
    }
    let mut numbers = text.split(';');
    let button = numbers.next()?.parse().ok()?;
    let mut cell = || numbers.next()?.parse::<u16>().ok()?.checked_sub(1);
    let (column, row) = (cell()?, cell()?);
    numbers
        .next()
        .is_none()
        .then(|| mouse(button, last == b'm', (column, row)))?
}

/// Bits of a button: 3 its number, with 64 or 128 those from the fourth on; 4 Shift, 8 Alt, 16
/// Ctrl; 32 it moves.
fn mouse(bits: u8, released: bool, (column, row): (u16, u16)) -> Option<Event> {
    const BUTTONS: [MouseButton; 3] = [MouseButton::Left, MouseButton::Middle, MouseButton::Right];
    let number = usize::from(bits & 3 | (bits & 0xC0) >> 4);
    let kind = match (BUTTONS.get(number), bits & 32 != 0) {
        (Some(&button), true) => MouseEventKind::Drag(button),
        (Some(&button), false) if released => MouseEventKind::Up(button),
        (Some(&button), false) => MouseEventKind::Down(button),
        (None, true) => MouseEventKind::Moved,
        (None, false) => match number {
            3 => MouseEventKind::Up(MouseButton::Left),
            4 => MouseEventKind::ScrollUp,
            5 => MouseEventKind::ScrollDown,
            6 => MouseEventKind::ScrollLeft,
            7 => MouseEventKind::ScrollRight,
            _ => return None,
        },
    };
    let held = [
        (4, KeyModifiers::SHIFT),
        (8, KeyModifiers::ALT),
        (16, KeyModifiers::CONTROL),
    ];
    let held = held.into_iter().filter(|(bit, _)| bits & bit != 0);
    Some(Event::Mouse(MouseEvent {
        kind,
        column,
        row,
        modifiers: held.map(|(_, modifier)| modifier).collect(),
    }))
}

/// F1, as the Linux console tells it.
pub fn console_function(last: u8) -> Option<Event> {
    (last == b'A').then(|| pressed(KeyCode::F(1), KeyModifiers::NONE))?
}

fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Event> {
    Some(Event::Key(KeyEvent::new(code, modifiers)))
}

fn arrow(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        _ => return None,
    })
}

/// A key that is told by its code point (kitty's protocol and `CSI u`): the key, and what is held
/// beyond what the character says.
fn encoded(
    code: u32,
    shifted: Option<u32>,
    modifiers: KeyModifiers,
) -> Option<(KeyCode, KeyModifiers)> {
    const KEYPAD: &str = "0123456789./*-+";
    let shift = modifiers.contains(KeyModifiers::SHIFT);
    let key = match code {
        0x1B => KeyCode::Esc,
        0x0D | 57414 => KeyCode::Enter,
        0x09 if shift => KeyCode::BackTab,
        0x09 => KeyCode::Tab,
        0x08 | 0x7F => KeyCode::Backspace,
        57399..=57413 => KeyCode::Char(KEYPAD.chars().nth(code as usize - 57399)?),
        57415 => KeyCode::Char('='),
        57416 => KeyCode::Char(','),
        57417 => KeyCode::Left,
        57418 => KeyCode::Right,
        57419 => KeyCode::Up,
        57420 => KeyCode::Down,
        57421 => KeyCode::PageUp,
        57422 => KeyCode::PageDown,
        57423 => KeyCode::Home,
        57424 => KeyCode::End,
        57426 => KeyCode::Delete,
        // The other keys that kitty numbers in the private use area.
        0xE000..=0xF8FF => return None,
        _ => {
            let c = char::from_u32(code).filter(|c| !c.is_control())?;
            let upper = shifted.and_then(char::from_u32);
            let upper = upper.filter(|c| !c.is_control());
            match shift {
                true => KeyCode::Char(upper.or_else(|| c.to_uppercase().next()).unwrap_or(c)),
                false => KeyCode::Char(c),
            }
        }
    };
    Some((key, modifiers))
}

/// Numbers between semicolons, each with further ones behind colons.
struct Parameters<'a>(&'a str);

impl Parameters<'_> {
    fn number(&self, at: usize, part: usize) -> Option<u32> {
        let parameter = self.0.split(';').nth(at)?;
        parameter.split(':').nth(part)?.parse().ok()
    }

    /// What is held: one more than the sum of its bits.
    fn modifiers(&self, at: usize) -> KeyModifiers {
        let bits = self.number(at, 0).unwrap_or(1).saturating_sub(1);
        let held = [
            (1, KeyModifiers::SHIFT),
            (2, KeyModifiers::ALT),
            (4, KeyModifiers::CONTROL),
            (8, KeyModifiers::SUPER),
            (16, KeyModifiers::HYPER),
            (32, KeyModifiers::META),
        ];
        let held = held.into_iter().filter(|(bit, _)| bits & bit != 0);
        held.map(|(_, modifier)| modifier).collect()
    }

    fn kind(&self, at: usize) -> KeyEventKind {
        match self.number(at, 1) {
            Some(2) => KeyEventKind::Repeat,
            Some(3) => KeyEventKind::Release,
            _ => KeyEventKind::Press,
        }
    }

    /// A key with what is held beside it.
    fn held(&self, code: KeyCode, at: usize) -> Event {
        let (modifiers, kind) = (self.modifiers(at), self.kind(at));
        Event::Key(KeyEvent::new_with_kind(code, modifiers, kind))
    }
}
