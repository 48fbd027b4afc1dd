//! Parse, run, exit code.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match lexiscope::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody listens any more, as after a window was closed, there is nobody to tell.
            let _unheard = writeln!(std::io::stderr(), "lexiscope: {error:#}");
            ExitCode::FAILURE
        }
    }
}
