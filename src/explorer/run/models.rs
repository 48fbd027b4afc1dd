//! Models: found here or brought from the hub, opened in the place of the one in front or beside it.

use anyhow::Context;

use super::{Explorer, Message};
use crate::checkpoint::{Fetched, FoundModel, Location, ModelStores, ModelSummary, StoredModel};
use crate::explorer::effect::{ComparedEffect, Effect};
use crate::explorer::fetching::News;
use crate::explorer::files::full_name;
use crate::explorer::number::bytes;
use crate::explorer::shell;
use crate::explorer::state::{ModelChoice, Origin};
use crate::hub::{Blocks, HubId};
use crate::worker::{Event, ModelId, Worker};

impl Explorer {
    /// Asks the worker something of the open model.
    pub(super) fn ask(&self, ask: impl FnOnce(&Worker, ModelId)) -> Vec<Effect> {
        if let Some(model) = &self.state.model {
            ask(&self.worker, model.id);
        }
        Vec::new()
    }

    pub(super) fn open(&mut self, name: &str) -> Vec<Effect> {
        match Location::find(&full_name(name), &ModelStores::from_environment()) {
            Ok(FoundModel::Here(location)) => self.open_at(location),
            // Who starts with a model wants it; who chooses one is asked how it should come.
            Ok(FoundModel::OnHub(_))
                if self.state.model.is_none() && (self.state.strict || self.state.by_tensor) =>
            {
                self.fetch(name, self.state.by_tensor)
            }
            // How it should come was chosen before.
            Ok(FoundModel::OnHub(_)) if self.state.in_parts.contains(name) => {
                self.fetch(name, true)
            }
            Ok(FoundModel::OnHub(id)) => {
                shell::on_hub(&mut self.state);
                match self.fetching.survey(id) {
                    Ok(()) => Vec::new(),
                    Err(error) => shell::failed(&mut self.state, format!("{error:#}")),
                }
            }
            Err(error) => shell::not_opening(&mut self.state, error.to_string()),
        }
    }

    /// Looks up the models that lie on this machine: first their names, then what their headers say.
    /// A folder may be slow, or a disk asleep, so it has a thread of its own.
    pub(super) fn list_models(&mut self) -> Vec<Effect> {
        let tell = self.tell.clone();
        let list = move || {
            let listing = ModelStores::from_environment().list();
            let choices = |summaries: &[ModelSummary]| {
                let summaries = summaries.iter().map(Some).chain(std::iter::repeat(None));
                let models = listing.models.iter().zip(summaries);
                let models = models
                    .map(|(model, summary)| choice(model, summary))
                    .collect();
                Message::Stored(models, listing.problems.clone())
            };
            // Once the loop is gone nobody is left to be told anything.
            if tell.send(choices(&[])).is_ok() {
                drop(tell.send(choices(&listing.summaries())));
            }
        };
        let thread = std::thread::Builder::new().name("models".to_owned());
        match thread.spawn(list) {
            Ok(_) => Vec::new(),
            Err(error) => {
                let message = format!("the models on this machine cannot be listed: {error}");
                self.state.fail(message);
                Vec::new()
            }
        }
    }

    fn open_at(&mut self, location: Location) -> Vec<Effect> {
        let id = self.worker.open(location);
        shell::opening(&mut self.state, id);
        Vec::new()
    }

    pub(super) fn fetch(&mut self, name: &str, by_tensor: bool) -> Vec<Effect> {
        let (folder, limit) = &self.blocks;
        let blocks = || Blocks::open(folder.clone(), *limit);
        let begun = HubId::parse(name)
            .context("no hub id")
            .and_then(|id| self.fetching.fetch(id, by_tensor, blocks));
        match begun {
            Ok(()) => Vec::new(),
            Err(error) => shell::failed(&mut self.state, format!("{error:#}")),
        }
    }

    /// A transfer tells something.
    pub(super) fn news(&mut self, news: News) -> Vec<Effect> {
        let state = &mut self.state;
        match news {
            News::Estimate(estimate) => shell::estimate(state, estimate),
            News::Progress(progress) => shell::progress(state, progress),
            News::Failed(message) => return shell::failed(state, message),
            News::Arrived(Fetched { location, notice }) => {
                if let Some(notice) = notice {
                    state.say(notice);
                }
                return self.open_at(location);
            }
        }
        Vec::new()
    }

    pub(super) fn compared(&mut self, key: u64, what: ComparedEffect) -> Vec<Effect> {
        match what {
            ComparedEffect::Open(name) => {
                if let Err(error) = self.compared_models.open(key, &full_name(&name)) {
                    let event = Event::NotOpened {
                        id: ModelId(0),
                        name,
                        message: format!("{error:#}"),
                    };
                    return shell::compared(&mut self.state, key, event);
                }
            }
            ComparedEffect::Want(queries) => self.compared_models.want(key, queries),
            ComparedEffect::Close => self.compared_models.close(key),
        }
        Vec::new()
    }
}

/// A row of the chooser: size, family and kind of numbers beside the name.
fn choice(model: &StoredModel, summary: Option<&ModelSummary>) -> ModelChoice {
    let origin = match model.location {
        Location::Bundled(_) => Origin::Bundled,
        Location::Folder { .. }
        | Location::Remote(_)
        | Location::Adapted(_)
        | Location::Difference(_) => Origin::Stored(model.place),
    };
    let mut details = vec![bytes(model.bytes)];
    details.extend(model.base.as_ref().map(|base| match &base.name {
        Some(name) => format!("adapter of {name}"),
        None => "adapter".to_owned(),
    }));
    if let Some(summary) = summary {
        details.extend(summary.family.map(str::to_owned));
        details.extend(summary.stored.clone());
        details.extend(summary.problem.clone());
    }
    ModelChoice {
        details: details.join(" · "),
        ..ModelChoice::new(&*model.name, origin)
    }
}
