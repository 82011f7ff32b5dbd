//! `shufflescope weights`: trained weights that can be downloaded, and cut to fit a design.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use shufflescope_engine::design::Edit;
use shufflescope_engine::training::cut;
use shufflescope_engine::weights::save_safetensors;

use super::output::print;
use super::resolve::{self, UsageError};
use super::table::{Align, Table};
use super::teaching::Source;
use crate::address::{self, shown};
use crate::weights_store::{PUBLISHED, Progress, Published, Server, default_folder, fetch};

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope weights list
  shufflescope weights fetch shufflenet-v2-x1.0
  shufflescope classify --weights shufflenet-v2-x1.0 photo.jpg
  shufflescope weights cut shufflenet-v2-x1.0 --design my-narrower-design.toml -o start.safetensors

Weights are checked by their size and SHA-256 when they are downloaded and whenever they are used. Of those whose whole
hash is not published (list --json: fewer than 64 digits) the start decides at first; the whole one is then recorded
beside the file, in FILE.sha256, and decides from then on.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List what can be downloaded, and what is there
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Download weights, check them, and print where they are
    ///
    /// An interrupted download (Ctrl-C, a lost connection) goes on where it ended when the command is given again.
    Fetch {
        /// What to download (see `shufflescope weights list`)
        name: String,
        /// The folder to put them in [default: the user's data folder]
        #[arg(long, value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// A mirror to download from, in place of PyTorch's server
        #[arg(long, value_name = "URL")]
        server: Option<String>,
    },
    /// Cut weights of a wider or deeper network to fit a design of its family, and say what was cut
    ///
    /// Units are kept in order; channels by what they contribute, along the same ways through splits, shuffles and groups.
    /// What is cut is a start for training: untrained, it tells little right.
    Cut {
        /// The weights: a file, the name of downloaded ones, or `demo`
        from: String,
        /// What they are to fit: a preset's name or a TOML file
        #[arg(long, value_name = "DESIGN")]
        design: String,
        /// Where the weights go
        #[arg(short = 'o', long = "output", value_name = "FILE")]
        output: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::List { json } => list(*json),
        Command::Fetch { name, folder, server } => {
            let published = Published::find(name).ok_or_else(|| unknown(name))?;
            let server = server.as_deref().map(mirror).transpose()?.unwrap_or_else(Server::pytorch);
            let path = fetch_published(published, folder.as_deref(), &server)?;
            print(&format!("{}\n", path.display()))
        }
        Command::Cut { from, design, output } => cut_to_fit(from, design, output),
    }
}

/// Weights of a wider or deeper network, for as many classes as they know.
fn cut_to_fit(from: &str, design: &str, output: &Path) -> anyhow::Result<()> {
    let design = resolve::design(design, ": weights are cut to fit designs")?;
    let source = Source::of(from, &design)?;
    let design = design.apply(&Edit::Classes(source.design.classes));
    let (weights, report) = cut((&source.design, &source.weights), &design)?;
    save_safetensors(&weights, output)?;
    print(&format!("{report}\n{}\n", output.display()))
}

/// Weights of this name that have been downloaded.
pub(super) fn downloaded(published: &Published) -> Option<PathBuf> {
    Some(default_folder()?.join(published.file)).filter(|path| path.is_file())
}

/// No weights have this name.
pub(super) fn unknown(name: &str) -> UsageError {
    let names: Vec<&str> = PUBLISHED.iter().map(|published| published.name).collect();
    UsageError(format!("there are no weights `{name}` to download; there are {}", names.join(", ")))
}

fn mirror(url: &str) -> Result<Server, UsageError> {
    address::parse(url).map_err(|error| UsageError(format!("--server {}: {error}", shown(url))))?;
    Ok(Server { base_url: format!("{}/", url.trim_end_matches('/')), ..Server::pytorch() })
}

fn fetch_published(published: &Published, folder: Option<&Path>, server: &Server) -> anyhow::Result<PathBuf> {
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => default_folder().context("the system names no folder for the user's data: give --folder")?,
    };
    let bar = progress_bar();
    let mut show = |progress: Progress| {
        if let Some(total) = progress.total {
            bar.set_length(total.0);
        }
        bar.set_position(progress.received.0);
    };
    let fetched = fetch(&published.expected(), &folder, server, &AtomicBool::new(false), &mut show);
    bar.finish_and_clear();
    Ok(fetched?)
}

fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("downloading {bar:30} {bytes} of {total_bytes}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    design: &'static str,
    file: &'static str,
    /// ImageNet top-1 accuracy as published by torchvision.
    published_top1_percent: f64,
    megabytes: f64,
    /// The SHA-256, or its start where no more of it is published; then the whole one is recorded on first use.
    sha256: &'static str,
    /// Where it is, if it is.
    path: Option<PathBuf>,
}

fn list(json: bool) -> anyhow::Result<()> {
    let entries: Vec<Entry> = PUBLISHED
        .iter()
        .map(|published| Entry {
            name: published.name,
            design: published.design,
            file: published.file,
            published_top1_percent: published.top1_percent,
            megabytes: published.megabytes,
            sha256: published.expected().sha256,
            path: downloaded(published),
        })
        .collect();
    if json {
        return print(&(serde_json::to_string_pretty(&entries)? + "\n"));
    }
    let mut table = Table::new(&[
        ("name", Align::Left),
        ("design", Align::Left),
        ("published top-1", Align::Right),
        ("size", Align::Right),
        ("downloaded", Align::Left),
    ]);
    for entry in entries {
        table.row([
            entry.name.into(),
            entry.design.into(),
            format!("{:.1} %", entry.published_top1_percent),
            format!("{:.1} MB", entry.megabytes),
            entry.path.map_or_else(|| "no".into(), |path| path.display().to_string()),
        ]);
    }
    print(&format!("{table}ImageNet-1k weights of torchvision, from {}\n", Server::pytorch().base_url))
}
