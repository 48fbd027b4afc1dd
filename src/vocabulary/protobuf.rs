//! SentencePiece's model file: a protocol buffer, of which the pieces and what cuts texts are read.
//! Field numbers are those of `sentencepiece_model.proto`.

use super::error::VocabularyError;
use super::error::short;

/// A SentencePiece model.
pub(super) struct SentencePieceModel {
    /// In the order of their ids.
    pub pieces: Vec<Piece>,
    pub kind: ModelKind,
    /// Whether a character without a piece becomes its bytes.
    pub byte_fallback: bool,
    pub unk_id: i64,
    pub bos_id: i64,
    pub eos_id: i64,
    pub unk_piece: String,
    pub bos_piece: String,
    pub eos_piece: String,
    /// Which characters become which, compiled; empty for none.
    pub charsmap: Vec<u8>,
    /// Whether a space is put before a text.
    pub add_dummy_prefix: bool,
    pub remove_extra_whitespaces: bool,
    /// Whether spaces are written as `▁`.
    pub escape_whitespaces: bool,
}

pub(super) struct Piece {
    pub text: String,
    pub score: f32,
    pub kind: PieceKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PieceKind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ModelKind {
    Unigram,
    Bpe,
    Word,
    Char,
}

/// A field's content.
enum Field<'a> {
    Varint(u64),
    Fixed32([u8; 4]),
    Bytes(&'a [u8]),
    /// Eight bytes: no field that is read here has them.
    Fixed64,
}

impl SentencePieceModel {
    /// # Errors
    /// Bytes that are no such message.
    pub(super) fn parse(file: &'static str, bytes: &[u8]) -> Result<Self, VocabularyError> {
        let mut model = Self {
            pieces: Vec::new(),
            kind: ModelKind::Unigram,
            byte_fallback: false,
            unk_id: 0,
            bos_id: 1,
            eos_id: 2,
            unk_piece: "<unk>".to_owned(),
            bos_piece: "<s>".to_owned(),
            eos_piece: "</s>".to_owned(),
            charsmap: Vec::new(),
            add_dummy_prefix: true,
            remove_extra_whitespaces: true,
            escape_whitespaces: true,
        };
        model
            .read(bytes)
            .map_err(|problem| VocabularyError::NotSentencePiece { file, problem })?;
        Ok(model)
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        each_field(bytes, |number, field| {
            match (number, field) {
                (1, Field::Bytes(piece)) => {
                    let piece = Piece::read(piece)
                        .map_err(|problem| format!("{problem} in piece {}", self.pieces.len()))?;
                    self.pieces.push(piece);
                }
                (2, Field::Bytes(trainer)) => self.read_trainer(trainer)?,
                (3, Field::Bytes(normalizer)) => self.read_normalizer(normalizer)?,
                _ => {}
            }
            Ok(())
        })
    }

    fn read_trainer(&mut self, bytes: &[u8]) -> Result<(), String> {
        each_field(bytes, |number, field| {
            match (number, field) {
                (3, Field::Varint(kind)) => {
                    self.kind = match kind {
                        1 => ModelKind::Unigram,
                        2 => ModelKind::Bpe,
                        3 => ModelKind::Word,
                        4 => ModelKind::Char,
                        other => return Err(format!("a model of the unknown type {other}")),
                    };
                }
                (35, Field::Varint(flag)) => self.byte_fallback = flag != 0,
                (40, Field::Varint(id)) => self.unk_id = signed(id),
                (41, Field::Varint(id)) => self.bos_id = signed(id),
                (42, Field::Varint(id)) => self.eos_id = signed(id),
                (45, Field::Bytes(piece)) => self.unk_piece = text(piece)?,
                (46, Field::Bytes(piece)) => self.bos_piece = text(piece)?,
                (47, Field::Bytes(piece)) => self.eos_piece = text(piece)?,
                _ => {}
            }
            Ok(())
        })
    }

    fn read_normalizer(&mut self, bytes: &[u8]) -> Result<(), String> {
        each_field(bytes, |number, field| {
            match (number, field) {
                (2, Field::Bytes(charsmap)) => self.charsmap = charsmap.to_vec(),
                (3, Field::Varint(flag)) => self.add_dummy_prefix = flag != 0,
                (4, Field::Varint(flag)) => self.remove_extra_whitespaces = flag != 0,
                (5, Field::Varint(flag)) => self.escape_whitespaces = flag != 0,
                _ => {}
            }
            Ok(())
        })
    }
}

impl Piece {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut piece = Self {
            text: String::new(),
            score: 0.0,
            kind: PieceKind::Normal,
        };
        each_field(bytes, |number, field| {
            match (number, field) {
                (1, Field::Bytes(bytes)) => piece.text = text(bytes)?,
                (2, Field::Fixed32(bytes)) => piece.score = f32::from_le_bytes(bytes),
                (3, Field::Varint(kind)) => {
                    piece.kind = match kind {
                        1 => PieceKind::Normal,
                        2 => PieceKind::Unknown,
                        3 => PieceKind::Control,
                        4 => PieceKind::UserDefined,
                        5 => PieceKind::Unused,
                        6 => PieceKind::Byte,
                        other => return Err(format!("the unknown type {other}")),
                    };
                }
                _ => {}
            }
            Ok(())
        })?;
        if !piece.score.is_finite() {
            return Err(format!(
                "a score that is no number ({:?})",
                short(&piece.text)
            ));
        }
        Ok(piece)
    }
}

/// Ids are 32 bits and signed, written as 64.
fn signed(id: u64) -> i64 {
    id as i64
}

fn text(bytes: &[u8]) -> Result<String, String> {
    let text = str::from_utf8(bytes).map_err(|_| "a string that is not UTF-8".to_owned())?;
    Ok(text.to_owned())
}

/// Hands on the fields of a message one by one; none is longer than the message itself.
fn each_field<'a>(
    mut bytes: &'a [u8],
    mut read: impl FnMut(u64, Field<'a>) -> Result<(), String>,
) -> Result<(), String> {
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut bytes)?),
            1 => {
                take(&mut bytes, 8)?;
                Field::Fixed64
            }
            2 => {
                let length = varint(&mut bytes)?;
                Field::Bytes(take(&mut bytes, length)?)
            }
            5 => {
                let value = take(&mut bytes, 4)?;
                Field::Fixed32(
                    value
                        .try_into()
                        .map_err(|_| "a number cut short".to_owned())?,
                )
            }
            wire => return Err(format!("a field of the unknown kind {wire}")),
        };
        read(key >> 3, field)?;
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let [byte] = take(bytes, 1)? else {
            return Err("its end inside a number".to_owned());
        };
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a number of more than ten bytes".to_owned())
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Result<&'a [u8], String> {
    let length = usize::try_from(length).ok();
    let cut = length.and_then(|length| bytes.split_at_checked(length));
    let Some((taken, rest)) = cut else {
        return Err("its end inside a field".to_owned());
    };
    *bytes = rest;
    Ok(taken)
}
