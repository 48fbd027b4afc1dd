//! The Prompt tab: a text through the model, every state as words, and who moved a word.

mod act;
mod attention;
mod draw;
mod parts;
mod sidebar;
mod state;

use ratatui::layout::Rect;

use crate::explorer::action::{Action, Motion, TabId};
use crate::explorer::board::Shown;
use crate::explorer::effect::Effect;
use crate::explorer::keymap::Scope;
use crate::explorer::saved_view::ViewSettings;
use crate::explorer::screen::Canvas;
use crate::explorer::state::{Purpose, State};
use crate::explorer::view::{Axis, Export, Exported, Tab, View};
use crate::explorer::views::legend::LegendEntry;
use crate::query::{Address, Answer, Query};

pub use crate::explorer::prompt_settings::{CellShade, CommandPlace, GoesOn, ListedChange};
pub use state::{Prompt, PromptPart};

/// The tab.
pub struct PromptView;

impl View for PromptView {
    fn scopes(&self, _: &State) -> &'static [Scope] {
        &[Scope::Text, Scope::Panes]
    }

    fn page(&self) -> Option<&'static str> {
        Some("prompt")
    }

    fn queries(&self, state: &State) -> Vec<Query> {
        let text = state.views.prompt.query().map(Query::Prompt);
        let words = match state.prompt_answer() {
            Some((_, true)) => state.prompt_words(),
            _ => Vec::new(),
        };
        let picture = state.attention_query().map(Query::Attention);
        let goes_on = state.views.prompt.continuation().map(Query::Prompt);
        let text = text.into_iter().chain(picture);
        text.chain(words).chain(goes_on).collect()
    }

    fn act(&self, state: &mut State, action: Action, count: Option<usize>) -> Option<Vec<Effect>> {
        let front = state.tab == TabId::Prompt && state.stack.is_empty();
        match action {
            Action::Prompt(command) => return Some(act::command(state, command, count)),
            Action::Word(motion) if front => act::step(state, motion, count),
            _ => return None,
        }
        Some(Vec::new())
    }

    fn answered(&self, state: &mut State, shown: &Shown) {
        if let (Query::Prompt(query), Answer::Prompt(answer)) = (&shown.query, &*shown.answer)
            && state.views.prompt.query().as_ref() == Some(query)
        {
            let prompt = &mut state.views.prompt;
            prompt.position = answer.position;
            if query.position.is_none() {
                prompt.own = Some(answer.position);
            }
            if state.tab == TabId::Prompt {
                // Where one is was not known before.
                let view = state.saved_view();
                state.history.replace(view);
            }
        }
    }

    fn row(&self, state: &mut State, row: usize) {
        act::click(state, row);
    }

    fn failed(&self, state: &mut State, query: &Query) -> bool {
        matches!(query, Query::Prompt(_)) && state.tab == TabId::Prompt
    }

    fn opened(&self, state: &mut State) {
        let Some(model) = &state.model else { return };
        let prompt = &mut state.views.prompt;
        prompt.state = model.card.spec.passes.len();
        prompt.position = 0;
        prompt.unplaced();
        // Neurons and heads of another model.
        prompt.settings.changes.clear();
    }

    fn draw(&self, canvas: &mut Canvas, body: Rect) {
        draw::draw(canvas, body);
    }

    fn line(&self, state: &mut State, purpose: &Purpose, typed: &str) -> Option<Vec<Effect>> {
        act::typed(state, purpose, typed)
    }

    fn export(&self, state: &State) -> Option<Export> {
        let shown = state.views.prompt.query().map(Query::Prompt);
        let shown = shown.and_then(|query| state.board.get(&query).cloned());
        let whole = |shown: &Shown| matches!(&*shown.answer, Answer::Prompt(of) if of.whole);
        let what = match shown.filter(whole) {
            Some(shown) => {
                let goes_on = state.views.prompt.continuation().map(Query::Prompt);
                let goes_on = goes_on.and_then(|query| state.board.get(&query).cloned());
                Exported::Answers {
                    in_focus: vec![shown.clone()],
                    all: [shown].into_iter().chain(goes_on).collect(),
                }
            }
            None => Exported::Unfinished("there is no answer yet: T asks for a text".to_owned()),
        };
        Some(Export {
            name: format!("prompt-{}", self.address(state)),
            what,
        })
    }

    fn lines(&self, state: &State) -> (String, Vec<String>) {
        let lines = state.prompt_parts().into_iter();
        let lines = lines.map(|part| format!("{}\t{}", part.address, part.amount));
        (self.address(state).to_string(), lines.collect())
    }

    fn legend(&self, state: &State, text: &str) -> Vec<LegendEntry> {
        let shade = state.views.prompt.settings.shade;
        let rows = [
            (
                "from, to",
                "a row a position that looks, a column a position that it looks at, shaded by the head's \
                 attention weight",
                state.views.prompt.attention,
            ),
            (shade.name(), shade.meaning(), text.contains("shaded by")),
            (
                "identity",
                "the last state's words are the model's own predictions, and a change by nothing (a scale of \
                 1, a steering of 0) changes none",
                text.contains("shaded by"),
            ),
            (
                "sum",
                "what each layer's heads and neurons add to the target's logit; with the embedding's part \
                 and the constant they come to the logit: the last two figures below are the same",
                text.contains(" sum "),
            ),
            (
                "L3.H5 █ 62 %",
                "under the tokens: how the head in hand attends to each from the position",
                state.attended_head().is_some(),
            ),
            (
                "+1.20 ██",
                "what a neuron or head adds to the target's logit; of an encoder how much it writes",
                !state.prompt_parts().is_empty(),
            ),
            (
                "← 3 · VO",
                "the token that the head attends to most, how much, and its best pairs of read and written",
                text.contains("VO "),
            ),
            (
                "goes on",
                "how the text goes on, without and with the changes; n ends it, N draws anew",
                text.contains("goes on"),
            ),
            (
                "V · K",
                "the first words that the neuron writes as it fires now (−V: it fires negatively), and those \
                 it fires on",
                text.contains("· K "),
            ),
        ];
        let rows = rows.into_iter().filter(|(.., shown)| *shown);
        rows.map(|(sign, words, _)| LegendEntry::new(sign, words, &[]))
            .collect()
    }
}

impl Tab for PromptView {
    fn title(&self) -> &'static str {
        "Prompt"
    }

    fn name(&self) -> &'static str {
        "prompt"
    }

    fn address(&self, state: &State) -> Address {
        Address::Token {
            state: state.views.prompt.state,
            position: state.views.prompt.position,
        }
    }

    fn holds(&self, address: Address) -> bool {
        matches!(address, Address::Token { .. })
    }

    fn place(&self, state: &mut State, address: Address) {
        let prompt = &mut state.views.prompt;
        match address {
            Address::Token { state, position } => {
                (prompt.state, prompt.position) = (state, position);
                prompt.placed = prompt.own.is_none();
            }
            Address::Layer { layer } => prompt.state = layer + 1,
            Address::Neuron { .. }
            | Address::Expert { .. }
            | Address::Head { .. }
            | Address::State { .. }
            | Address::Direction { .. } => {}
        }
    }

    fn number(&self, _: &State) -> String {
        "S".to_owned()
    }

    fn axis<'s>(&self, state: &'s mut State, motion: Motion) -> Option<Axis<'s>> {
        let layers = state.model.as_ref()?.card.spec.passes.len();
        let tokens = state.prompt_answer().map(|(answer, _)| answer.tokens.len());
        let prompt = &mut state.views.prompt;
        Some(match motion {
            Motion::Left | Motion::Right => Axis {
                what: "position",
                first: 0,
                len: tokens?,
                at: &mut prompt.position,
            },
            _ => Axis {
                what: "state",
                first: 0,
                len: layers + 1,
                at: &mut prompt.state,
            },
        })
    }

    fn anywhere(&self, state: &mut State) -> Address {
        let layers = state.card().map_or(0, |card| card.spec.passes.len());
        let tokens = state
            .prompt_answer()
            .map_or(1, |(answer, _)| answer.tokens.len());
        Address::Token {
            state: state.random.usize(0..layers + 1),
            position: state.random.usize(0..tokens.max(1)),
        }
    }

    fn settings(&self, state: &State) -> ViewSettings {
        ViewSettings {
            prompt: state.views.prompt.settings.clone(),
            ..ViewSettings::default()
        }
    }

    fn options(&self, settings: &ViewSettings) -> Vec<Vec<String>> {
        settings.of_prompt()
    }

    fn restore(&self, state: &mut State, settings: &ViewSettings) -> Vec<Effect> {
        act::restore(state, settings)
    }

    fn focus(&self, state: &State) -> Option<Query> {
        state.views.prompt.query().map(Query::Prompt)
    }

    fn settings_line(&self, canvas: &mut Canvas, row: Rect) {
        draw::settings(canvas, row);
    }
}
