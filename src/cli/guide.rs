//! `lexiscope guide`: the manual, page by page.

use std::io::{ErrorKind, IsTerminal};

use anyhow::Result;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::explorer;
use crate::explorer::theme::{ColorChoice, Theme};
use crate::guide;

/// Which page of the guide.
#[derive(Clone, Debug, Args)]
pub struct GuideArgs {
    /// A topic; without one the topics are listed
    #[arg(value_parser = topics())]
    topic: Option<String>,
}

fn topics() -> PossibleValuesParser {
    let topics = guide::pages().iter();
    PossibleValuesParser::new(topics.map(|p| PossibleValue::new(p.topic).help(p.summary)))
}

/// Prints a page, or the list of topics: to a terminal wrapped and in the theme's styles, to a pipe
/// as it is written.
///
/// # Errors
/// Standard output cannot be written to.
pub fn print(args: &GuideArgs) -> Result<()> {
    let Some(page) = args.topic.as_deref().and_then(guide::page) else {
        return super::print(&contents());
    };
    let dumb = std::env::var("TERM").is_ok_and(|terminal| terminal == "dumb");
    let mut out = std::io::stdout().lock();
    if dumb || !out.is_terminal() {
        return super::print(page.text);
    }
    let theme = Theme::choose(ColorChoice::Auto, |name| std::env::var(name).ok());
    match explorer::print_guide(&mut out, &theme, page) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The topics, each with what it is about.
fn contents() -> String {
    let widest = guide::pages().iter().map(|p| p.topic.len()).max();
    let widest = widest.unwrap_or(0);
    let lines = guide::pages().iter();
    let lines = lines.map(|p| format!("{:widest$}  {}\n", p.topic, p.summary));
    lines.collect::<String>() + "\nlexiscope guide TOPIC prints one.\n"
}
