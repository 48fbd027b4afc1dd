//! Parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    match lexiscope::cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lexiscope: {error:#}");
            ExitCode::FAILURE
        }
    }
}
