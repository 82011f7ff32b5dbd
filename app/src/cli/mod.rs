//! The command line: one file per subcommand. Results go to stdout, everything else to stderr.
//!
//! Exit codes: 0 done, 1 it could not be done, 2 the command line itself is wrong.

mod advise;
mod apart;
mod both;
mod calibrate;
mod calibration;
mod camera;
mod camera_report;
mod classify;
mod compare;
mod cost;
mod designs;
mod devices;
mod evaluate;
mod export;
mod history;
mod in_turns;
mod kernel_table;
mod lab;
mod measuring;
mod output;
mod predict;
mod preprocessing;
mod profile;
mod quantities;
mod resolve;
mod running;
mod search;
mod search_folder;
mod shell_files;
mod side_by_side;
mod site;
mod sweep;
mod table;
mod teaching;
mod train;
mod trained;
mod user_store;
mod weights;
mod window;
mod words;
mod zoo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::resolve::UsageError;
use crate::explain;

/// Design ShuffleNet-style networks and see at once what they cost, on paper and on your device.
#[cfg_attr(feature = "window", doc = "", doc = "Without a subcommand the window opens, with FILE where one is named.")]
#[derive(Debug, Parser)]
#[command(name = "shufflescope", version, about, long_about, after_help = examples(), args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(flatten)]
    window: window::WindowArguments,
    #[command(subcommand)]
    command: Option<Command>,
}

fn examples() -> String {
    format!("Examples:\n{}{EXAMPLES}", window::EXAMPLES)
}

const EXAMPLES: &str = "  shufflescope designs                             list the networks that are built in
  shufflescope cost shufflenet-v2-x1.0             what it costs on paper, layer by layer
  shufflescope profile shufflenet-v2-x1.0          how long it takes on this machine, layer by layer
  shufflescope profile my-design.toml --mode rigorous --json > profile.json
  shufflescope profile my-design.toml --target ssh://pi@board       how long it takes there
  shufflescope history shufflenet-v2-x1.0          how long it took before, by date and version
  shufflescope calibrate --seconds 60              learn what kernels take here, then
  shufflescope predict my-design.toml              how long it will take, before it is measured
  shufflescope search --budget 2ms -o found        designs that do the most in that time
  shufflescope export profile.json -o report.html  a report to read and print
  shufflescope export my-design.toml -o model.onnx the network for other programs
  shufflescope weights fetch shufflenet-v2-x1.0    download trained weights, once
  shufflescope classify --weights shufflenet-v2-x1.0 photo.jpg
  shufflescope train my-design.toml --data pictures -o mine.safetensors

Exit codes: 0 done, 1 it could not be done, 2 the command line is wrong.";

#[derive(Debug, Subcommand)]
enum Command {
    /// List the networks that are built in
    #[command(
        after_help = "Examples:\n  shufflescope designs\n  shufflescope designs --toml shufflenet-v2-x1.0 > mine.toml"
    )]
    Designs(designs::Arguments),
    /// List devices, cores, instruction sets and the features compiled in
    #[command(after_help = "Examples:\n  shufflescope devices\n  shufflescope devices --json")]
    Devices(devices::Arguments),
    /// Say what a design costs on paper: mult-adds, parameters, memory access, activation memory
    #[command(after_help = cost::EXAMPLES)]
    Cost(cost::Arguments),
    /// Measure how long a design takes on this machine, whole and per layer
    #[command(after_help = profile::EXAMPLES)]
    Profile(profile::Arguments),
    /// Predict how long a design will take here, from the kernels that were measured before
    #[command(after_help = predict::EXAMPLES)]
    Predict(predict::Arguments),
    /// Measure what predictions rest on: the kernels of random designs, the least known first
    #[command(after_help = calibrate::EXAMPLES)]
    Calibrate(calibrate::Arguments),
    /// Say what to change next: every knob with its predicted change of latency
    #[command(after_help = advise::EXAMPLES)]
    Advise(advise::Arguments),
    /// Find the designs that do the most within a latency, and measure them
    #[command(after_help = search::EXAMPLES)]
    Search(search::Arguments),
    /// Write the kernel or block latencies of this target as a table for other programs
    #[command(after_help = kernel_table::EXAMPLES)]
    Table(kernel_table::Arguments),
    /// Say how long designs took over dates and versions on each machine
    #[command(after_help = history::EXAMPLES)]
    History(history::Arguments),
    /// List cameras and other sources of pictures, and take frames from one
    #[command(after_help = camera::EXAMPLES)]
    Camera(camera::Arguments),
    /// Write a design or a saved profile as a report, table, trace, model or source
    #[command(after_help = export::EXAMPLES)]
    Export(export::Arguments),
    /// Say what is on pictures, with trained weights
    #[command(after_help = classify::EXAMPLES)]
    Classify(classify::Arguments),
    /// Teach a design to tell a folder's pictures apart
    #[command(after_help = train::EXAMPLES)]
    Train(train::Arguments),
    /// Say how many of a folder's pictures weights tell right
    #[command(after_help = evaluate::EXAMPLES)]
    Evaluate(evaluate::Arguments),
    /// List trained weights that can be downloaded, download them, and cut weights to fit a design
    #[command(after_help = weights::EXAMPLES)]
    Weights(weights::Arguments),
    /// Say which of two networks is faster here, layer by layer; fails where B is slower than allowed
    #[command(after_help = compare::EXAMPLES)]
    Compare(compare::Arguments),
    /// Repeat the paper's controlled experiments (Tables 1 to 4, appendix Table 1 b) on this machine
    #[command(after_help = lab::EXAMPLES)]
    Lab(lab::Arguments),
    /// Measure the networks of the paper's Table 8 here, beside their published figures
    #[command(after_help = zoo::EXAMPLES)]
    Zoo(zoo::Arguments),
    /// Measure a design at many widths, groups, batches and threads
    #[command(after_help = sweep::EXAMPLES)]
    Sweep(sweep::Arguments),
    /// Measure for a window or command line at the other end of stdin and stdout
    #[command(hide = true)]
    Worker,
    /// Open a file or render an export for a window at the other end of stdin and stdout
    #[command(hide = true)]
    Reader,
    /// Write the manual pages and shell completions, for packages
    #[command(hide = true)]
    ShellFiles(shell_files::Arguments),
}

/// Runs the program; the exit code says how it went.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Clap's own streams and codes: help and version to stdout with 0, errors to stderr with 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&format!("error: {}", explain(&error)));
            if error.is::<UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        None => window::run(&arguments.window),
        Some(Command::Designs(arguments)) => designs::run(&arguments),
        Some(Command::Devices(arguments)) => devices::run(&arguments),
        Some(Command::Cost(arguments)) => cost::run(&arguments),
        Some(Command::Profile(arguments)) => profile::run(&arguments),
        Some(Command::Predict(arguments)) => predict::run(&arguments),
        Some(Command::Calibrate(arguments)) => calibrate::run(&arguments),
        Some(Command::Advise(arguments)) => advise::run(&arguments),
        Some(Command::Search(arguments)) => search::run(&arguments),
        Some(Command::Table(arguments)) => kernel_table::run(&arguments),
        Some(Command::History(arguments)) => history::run(&arguments),
        Some(Command::Camera(arguments)) => camera::run(&arguments),
        Some(Command::Export(arguments)) => export::run(&arguments),
        Some(Command::Classify(arguments)) => classify::run(&arguments),
        Some(Command::Train(arguments)) => train::run(&arguments),
        Some(Command::Evaluate(arguments)) => evaluate::run(&arguments),
        Some(Command::Weights(arguments)) => weights::run(&arguments),
        Some(Command::Compare(arguments)) => compare::run(&arguments),
        Some(Command::Lab(arguments)) => lab::run(&arguments),
        Some(Command::Zoo(arguments)) => zoo::run(&arguments),
        Some(Command::Sweep(arguments)) => sweep::run(&arguments),
        Some(Command::Worker) => crate::worker::serve(std::io::stdin(), std::io::stdout()),
        Some(Command::ShellFiles(arguments)) => shell_files::run(&arguments),
        Some(Command::Reader) => crate::reader::serve(std::io::stdin(), std::io::stdout().lock()),
    }
}
