//! The command line, and nothing behind it: arguments to queries, answers to standard output.

mod args;
mod contexts;
mod convention;
mod dictionary;
mod difference;
mod experts;
mod fetch;
mod fit_lens;
mod geometry;
mod geometry_args;
mod guide;
mod info;
mod interrupt;
mod lens_effect;
mod links;
mod listed;
mod lookup_args;
mod machine;
mod manual;
mod place;
mod progress;
mod prompt;
mod rank;
mod relations;
mod say;
mod scan;
mod shared_args;
mod similar;
mod size;
mod texts_args;

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::error::ErrorKind as UsageError;
use clap::{CommandFactory, FromArgMatches};

use crate::checkpoint::ModelStores;
use crate::explorer::paths::Paths;
use crate::explorer::saved_view::SavedView;
use crate::explorer::theme::{ColorChoice, Theme};
use crate::explorer::{self, Setup};
use crate::log;
use crate::query::sheet::{families_sheet, models_sheet};
use crate::query::{
    Answering, Callbacks, Convention, ModelCard, NeuronQuery, PairsQuery, Query, Reader, Switch,
};
use crate::report::{self, ChartFormat, Format};
use crate::sheet::Sheet;
use crate::sheet::Timings;

use listed::{Asked, listed};
use machine::Machine;
use say::say;

use args::{Cli, Color, Command, Explore};
use shared_args::{ChartOutputArgs, OutputArgs, end};

/// Parses the command line and does what it says. Wrong usage ends the program with status 2.
///
/// # Errors
/// What was asked for could not be done; one line that says what, where, and what to do.
pub fn run() -> Result<()> {
    let cli = match Cli::from_arg_matches(&arguments().get_matches()) {
        Ok(cli) => cli,
        Err(error) => error.format(&mut arguments()).exit(),
    };
    match cli.command {
        None => explore(cli.explore),
        Some(Command::Neuron {
            model,
            place,
            k,
            key,
            points: _,
            column,
            reading,
            scan,
            filters,
            output,
        }) => {
            let address = usage("neuron", place.read());
            let query = NeuronQuery {
                convention: Convention::RAW,
                layer: address.layer(),
                neuron: 0,
                input: key,
                k,
                filters: filters.read()?,
            };
            let query = match column {
                Some(column) => Query::NeuronMap(query.points_of(column)),
                None => Query::Neuron(query),
            };
            let asked = Asked {
                query,
                neuron: Some(address),
            };
            listed(&model, scan.as_deref(), asked, reading, output)
        }
        Some(Command::Pairs {
            model,
            place,
            k,
            lowest,
            distance,
            reading,
            scan,
            filters,
            output,
        }) => {
            let (form, layer, head) = usage("pairs", place.read());
            let (end, filters) = (end(lowest), filters.read()?);
            let query = PairsQuery {
                form,
                layer,
                head,
                distance,
                end,
                k,
                filters,
                convention: Convention::RAW,
            };
            listed(
                &model,
                scan.as_deref(),
                Query::Pairs(query),
                reading,
                output,
            )
        }
        Some(Command::Find(args)) => lookup_args::find(args),
        Some(Command::Directions(args)) => lookup_args::directions(args),
        Some(Command::Dictionary(args)) => dictionary::run(args),
        Some(Command::Rank(args)) => rank::rank(args),
        Some(Command::Relations(args)) => relations::relations(args),
        Some(Command::Similar(args)) => similar::similar(args),
        Some(Command::Links(args)) => links::links(args),
        Some(Command::Difference(args)) => difference::difference(args),
        Some(Command::Experts(args)) => experts::experts(&args),
        Some(Command::Geometry(args)) => geometry::run(&args),
        Some(Command::Prompt(args)) => prompt::prompt(&args),
        Some(Command::Contexts(args)) => contexts::contexts(&args),
        Some(Command::Evidence(args)) => contexts::evidence(&args),
        Some(Command::Scan {
            model,
            out,
            range,
            convention,
            filters,
            machine,
        }) => {
            let filters = filters.read()?;
            let (mut reader, _) = open(&model, machine)?;
            let convention = convention.of(&mut reader)?;
            if convention.has(Switch::Lens) {
                bail!(
                    "a scan cannot say which lens it was made with: leave the convention lens out"
                );
            }
            let plan = range.plan(filters, convention);
            scan::scan(&mut reader, &plan, &out)
        }
        Some(Command::FitLens(args)) => fit_lens::run(&args),
        Some(Command::LensEffect(args)) => lens_effect::run(args),
        Some(Command::Info { model, output }) => info::run(&model, output),
        Some(Command::Models {
            families: true,
            format,
            csv,
        }) => print(&csv.written(report::write(&families_sheet(), format), format)),
        Some(Command::Models {
            families: false,
            format,
            csv,
        }) => {
            let listing = ModelStores::from_environment().list();
            let sheet = models_sheet(&listing);
            for problem in &listing.problems {
                say(problem);
            }
            print(&csv.written(report::write(&sheet, format), format))
        }
        Some(Command::Download { model }) => print(&fetch::download(&model)?),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "lexiscope", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
        Some(Command::Guide(args)) => guide::print(&args),
        Some(Command::Man { command }) => print(&manual::pages(Cli::command(), command)?),
    }
}

/// The command line's arguments. `-k -5` is a number that is out of range, no unknown option.
fn arguments() -> clap::Command {
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|arg| match arg.get_action().takes_values() {
            true => arg.allow_negative_numbers(true),
            false => arg,
        })
    })
}

/// What was read of a command's arguments; wrong usage ends the program with status 2 and the
/// command's own usage, as clap's own does.
fn usage<T>(command: &str, read: Result<T>) -> T {
    read.unwrap_or_else(|error| {
        let mut program = arguments();
        program.build();
        match program.find_subcommand_mut(command) {
            Some(command) => command.error(UsageError::InvalidValue, error),
            None => program.error(UsageError::InvalidValue, error),
        }
        .exit()
    })
}

fn explore(explore: Explore) -> Result<()> {
    let of_view = explore.at.as_ref().and_then(|at| at.model.as_ref());
    if let (Some(model), Some(other)) = (&explore.model, of_view)
        && model != other
    {
        bail!("{model} is to be opened, but --at is a place of {other}: give one of the two");
    }
    start_threads(explore.machine)?;
    let choice = match explore.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    };
    let paths = Paths::find(|name| std::env::var_os(name))?;
    let level = std::env::var(log::VARIABLE).ok();
    log::start(&paths.state, level.as_deref())?;
    let setup = Setup {
        theme: Theme::choose(choice, |name| std::env::var(name).ok()),
        paths,
        mouse: !explore.no_mouse,
        device: explore.machine.device(),
        by_tensor: explore.machine.remote,
        memory: explore.machine.memory(),
        blocks_max: explore.machine.blocks_max(),
        model: explore.model.map(|model| explore.machine.named(&model)),
        at: explore.at.or_else(|| {
            let source = explore.dictionary.source(explore.directions.as_deref()?);
            Some(SavedView::of_dictionary(source))
        }),
        scan: explore.scan,
        lens: explore.machine.lens().map(Path::to_owned),
    };
    // A dumb terminal cannot place a cursor: it is written to like a file.
    let dumb = std::env::var("TERM").is_ok_and(|terminal| terminal == "dumb");
    if dumb || !std::io::stdout().is_terminal() {
        let machine = explore.machine;
        let locate = |name: &str| fetch::locate(name, || machine.way());
        return print(&explorer::page(&setup, locate)?);
    }
    explorer::run(setup)
}

/// The threads that everything computes with, for the whole program.
fn start_threads(machine: Machine) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(machine.threads);
    pool.build_global()
        .context("the threads to compute with could not be started; try --threads 1")
}

/// Opens a model; with it the milliseconds that took.
fn open(model: &str, machine: Machine) -> Result<(Reader, f64)> {
    start_threads(machine)?;
    open_on(model, machine)
}

fn open_on(model: &str, machine: Machine) -> Result<(Reader, f64)> {
    let start = Instant::now();
    let location = fetch::locate(&machine.named(model), || machine.way())?;
    let mut reader = Reader::open(&location, machine.device())?.holding(machine.memory());
    if let Some(lens) = machine.lens() {
        reader = reader.through_lens(lens)?;
    }
    if let Ok(paths) = Paths::find(|name| std::env::var_os(name)) {
        reader = reader.keeping_rankings(paths.rankings());
    }
    for notice in &reader.card().notices {
        say(notice);
    }
    Ok((reader, milliseconds(start)))
}

/// Why a filter leaves out no undertrained tokens.
const UNTOLD: &str = "undertrained tokens cannot be told in this model: no tokens that training \
                      cannot have seen lie together in its embedding";

/// The card for the sheet of a query: undertrained tokens are marked where people read. Says so if
/// they are to be left out and cannot be told.
fn card_for(
    reader: &mut dyn Answering,
    query: &Query,
    output: OutputArgs,
) -> Result<Arc<ModelCard>> {
    let hidden = query.filters().is_some_and(|f| f.exclude_undertrained);
    if !hidden && !matches!(output.format, Format::Table | Format::Markdown) {
        return Ok(reader.card());
    }
    let card = reader.marked_card(Callbacks::none())?;
    if hidden && card.undertrained.is_none() {
        say(format_args!("{UNTOLD}; none is left out"));
    }
    Ok(card)
}

/// Prints an answer as a chart or as a sheet, whichever the format asks for.
fn print_chart_or_sheet(
    (format, output): (ChartFormat, ChartOutputArgs),
    timings: Timings,
    chart: impl FnOnce() -> Result<String>,
    sheet: impl FnOnce() -> Result<Sheet>,
) -> Result<()> {
    match format {
        ChartFormat::Svg => print(&chart()?),
        ChartFormat::Text(format) => print_sheet(sheet()?, timings, output.of_text(format)),
    }
}

/// Prints a sheet, with its timings where they are asked for.
fn print_sheet(sheet: Sheet, timings: Timings, output: OutputArgs) -> Result<()> {
    let sheet = sheet.timed(output.timings.then_some(timings));
    let text = report::write(&sheet, output.format);
    say_timings(output, timings);
    print(&output.csv.written(text, output.format))
}

/// On standard error, where JSON does not have them in it.
fn say_timings(output: OutputArgs, timings: Timings) {
    if output.timings && output.format != Format::Json {
        say::line(timings);
    }
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// To standard output; a reader that has gone away is no fault.
fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("standard output could not be written to")
        }
        _ => Ok(()),
    }
}
