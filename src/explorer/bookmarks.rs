//! Places one wants to come back to.

use crate::query::Address;

/// A marked place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    pub model: String,
    pub address: Address,
    /// May be empty.
    pub note: String,
}
