//! Which families can be run on texts, and why others cannot.

use super::ForwardError;
use crate::checkpoint::{FAMILIES, Family, FamilyForward};

pub(super) fn family_forward(
    family: &'static Family,
) -> Result<&'static FamilyForward, ForwardError> {
    let forward = family.forward.as_ref().ok_or_else(|| unknown(family))?;
    match forward.not_run {
        None => Ok(forward),
        Some(why) => Err(ForwardError::NotRun {
            family: family.title,
            why,
            known: runnable(),
        }),
    }
}

/// That a family's forward pass is not known here.
pub(super) fn unknown(family: &Family) -> ForwardError {
    ForwardError::Family {
        family: family.title,
        known: runnable(),
    }
}

/// The families that can be run.
fn runnable() -> String {
    let known = FAMILIES.iter().filter(|family| family.runs());
    let mut known: Vec<&str> = known.map(|f| f.title).collect();
    known.dedup();
    known.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::family;

    #[test]
    fn a_family_without_a_pass_is_refused_with_those_that_have_one() {
        let opt = Family {
            title: "OPT",
            forward: None,
            ..*family("gpt2").unwrap()
        };
        let message = family_forward(Box::leak(Box::new(opt)))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with(
                "OPT models can be read as words but not run on texts yet: \
                 expected one of GPT-2, BERT, Llama, "
            ),
            "{message}"
        );
    }
}
