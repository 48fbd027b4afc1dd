//! The manual: a page for the program, and one for each of its commands.

use anyhow::{Result, bail};
use clap::Command;
use clap_mangen::Man;

/// All pages one after another, the program's first, or the page of one command only.
///
/// # Errors
/// There is no such command.
pub fn pages(mut program: Command, only: Option<String>) -> Result<String> {
    program.build();
    let name = program.get_name().to_owned();
    let commands = program.get_subcommands();
    let commands: Vec<&Command> = commands.filter(|c| c.get_name() != "help").collect();
    let page = |command: &Command| -> Result<Vec<u8>> {
        // Man looks pages up by `lexiscope-find`; what one types is `lexiscope find`.
        let title = format!("{name}-{}", command.get_name());
        let mut page = Vec::new();
        Man::new(command.clone()).title(title).render(&mut page)?;
        Ok(page)
    };
    let mut pages = Vec::new();
    match only {
        Some(only) => match commands.iter().find(|c| c.get_name() == only) {
            Some(command) => pages = page(command)?,
            None => {
                let known: Vec<&str> = commands.iter().map(|c| c.get_name()).collect();
                bail!(
                    "there is no command {only}: expected one of {}",
                    known.join(", ")
                );
            }
        },
        None => {
            Man::new(program.clone()).render(&mut pages)?;
            for command in commands {
                pages.extend(page(command)?);
            }
        }
    }
    Ok(String::from_utf8_lossy(&pages).into_owned())
}
