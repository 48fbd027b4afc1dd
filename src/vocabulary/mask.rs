//! Filters -> which rows a list may show.

use super::{Filters, Undertrained, Vocabulary, VocabularyError};

/// Which rows of the embedding (and, after them, positions) a list may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// One flag a row.
    pub passes: Vec<bool>,
    /// How many are set.
    pub passing: usize,
}

impl Vocabulary {
    /// The rows that pass, `positions` learned positions after the vocabulary's own if
    /// `filters.positions` is set. `undertrained`: the model's own; `None` hides none.
    ///
    /// # Errors
    /// The tokenizer cannot read `filters.text`.
    pub fn mask(
        &self,
        filters: &Filters,
        positions: usize,
        undertrained: Option<&Undertrained>,
    ) -> Result<Mask, VocabularyError> {
        let hidden = undertrained.filter(|_| filters.exclude_undertrained);
        let spelled = self.spellings_that_pass(filters);
        let mut passes: Vec<bool> = self
            .classes
            .iter()
            .zip(&self.tokens)
            .zip(0..)
            .map(|((class, token), id)| {
                token.is_some()
                    && (class.ascii || !filters.ascii)
                    && (class.alnum || !filters.alnum)
                    && !(class.special && filters.exclude_special)
                    && !hidden.is_some_and(|hidden| hidden.contains(id))
                    && spelled.as_ref().is_none_or(|passes| {
                        let spelling = self.spelling(id);
                        spelling.is_some_and(|spelling| passes[spelling as usize])
                    })
            })
            .collect();
        if let Some(text) = &filters.text {
            let mut occurs = vec![false; passes.len()];
            for &id in self.ids_in(&text.text)?.iter() {
                if let Some(occurs) = occurs.get_mut(id as usize) {
                    *occurs = true;
                }
            }
            passes
                .iter_mut()
                .zip(occurs)
                .for_each(|(passes, occurs)| *passes &= occurs);
        }
        if filters.positions {
            passes.resize(passes.len() + positions, true);
        }
        let passing = passes.iter().filter(|&&passes| passes).count();
        Ok(Mask { passes, passing })
    }

    /// The spellings that pass `contains` and `words`; `None` without such a filter.
    fn spellings_that_pass(&self, filters: &Filters) -> Option<Vec<bool>> {
        let containing =
            (!filters.contains.is_empty()).then(|| self.spellings().containing(&filters.contains));
        let listed = filters
            .words
            .as_ref()
            .map(|list| self.spellings().among(&list.words));
        match (containing, listed) {
            (Some(a), Some(b)) => Some(a.iter().zip(b).map(|(&a, b)| a && b).collect()),
            (a, b) => a.or(b),
        }
    }

    /// The rows that pass, those together that are [the same](Self::same): in rising order.
    pub fn same_rows(&self, mask: &Mask) -> Vec<Vec<u32>> {
        let passing = (0..mask.passes.len() as u32).filter(|&id| mask.passes[id as usize]);
        let mut of_spelling: Vec<Vec<u32>> = vec![Vec::new(); self.spellings().len()];
        let mut alone = Vec::new();
        for id in passing {
            match self.spelling(id) {
                Some(spelling) => of_spelling[spelling as usize].push(id),
                None => alone.push(vec![id]),
            }
        }
        of_spelling.retain(|rows| !rows.is_empty());
        of_spelling.extend(alone);
        of_spelling
    }
}
