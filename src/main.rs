//! Parse, run, exit code.

use std::io::Write;
use std::process::ExitCode;

use lexiscope::outside::escape;

fn main() -> ExitCode {
    match lexiscope::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody listens any more, as after a window was closed, there is nobody to tell.
            let why = format!("{error:#}");
            let _unheard = writeln!(std::io::stderr(), "lexiscope: {}", escape::line(&why));
            ExitCode::FAILURE
        }
    }
}
