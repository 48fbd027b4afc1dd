//! One vocabulary item: its own string, what a person reads, and what kind it is.

/// Where a token stands in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Nothing to mark: it starts a word (`Ġdom`, `▁dom`, WordPiece `dom`), or, in vocabularies
    /// that mark ends, it ends one (`dom</w>`).
    Word,
    /// It continues a word begun before: shown with a leading `·`.
    Continues,
    /// The word goes on after it (no `</w>`): shown with a trailing `·`.
    Open,
    /// A special token or one in brackets: shown as it is.
    Special,
}

/// A vocabulary item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The vocabulary's own string: `Ġdom`, `dom</w>`, `##mu`.
    pub raw: Box<str>,
    /// Decoded, without boundary mark and outer spaces; bytes that are half a character as
    /// `⟨C5⟩`; safe for a terminal (no control or zero-width character left as it is).
    pub text: Box<str>,
    pub boundary: Boundary,
}
