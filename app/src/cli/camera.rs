//! `shufflescope camera`: what cameras there are, and how fast frames come from one.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use shufflescope_engine::clock::MonotonicClock;
use shufflescope_engine::device::DeviceId;
use shufflescope_engine::model::Model;
use shufflescope_engine::units::Nanos;

use super::camera_report::Report;
use super::output::{complain, print};
use super::resolve::UsageError;
use super::site::{On, Site};
use super::table::{Align, Table};
use super::trained::{Network, NetworkArguments};
use crate::camera::{
    Capture, CaptureState, CaptureStatus, Classify, Classifying, Listed, Pipeline, PixelFormat, Resolution,
    SharedClock, SmoothingSwitch, SourceOptions, SourceSpec, Watched, list, watch,
};
use crate::worker::{CameraRun, Turn, Turns, find_cameras, run_camera};

pub(super) const EXAMPLES: &str = "\
Examples:
  shufflescope camera list
  shufflescope camera run --source device:0 --seconds 10
  shufflescope camera run --source http://10.0.0.2:8080/video --json
  shufflescope camera run --source synthetic --weights demo --markdown > run.md
  shufflescope camera run --source my-pictures/ --fps 60
  shufflescope camera run --source device:0 --weights demo --seconds 30
  shufflescope camera run --source device:0 --design model.onnx --labels names.txt --crop-mode squash
  shufflescope camera run --source synthetic --design shufflenet-v2-x0.5 --threads 1
  shufflescope camera run --source device:0 --weights demo --target ssh://pi@board

With --weights, or an ONNX model as --design, the last frame's most probable classes are told. With another --design alone the network runs on made-up weights:
its times are told, and no classes. With --target all of it runs there: the source is the target's camera, folder or stream,
and only what came of the run comes back; the network and its weights are brought from here.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List the cameras of this machine and the other sources
    List(ListArguments),
    /// Take frames for a while and say where their time goes
    Run(Box<RunArguments>),
}

#[derive(Debug, clap::Args)]
struct ListArguments {
    #[command(flatten)]
    on: On,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct RunArguments {
    /// device:0, http://HOST/PATH, an image file or folder, or synthetic
    // Not read by clap, which would quote an address with its password where something is wrong with it.
    #[arg(long, value_name = "SOURCE")]
    source: String,
    /// For how long
    #[arg(long, value_name = "N", default_value = "10", value_parser = seconds)]
    seconds: Duration,
    /// The size to ask a camera for, such as 640x480; it gives the nearest it has
    #[arg(long, value_name = "WxH")]
    resolution: Option<Resolution>,
    /// The frames per second to ask for
    #[arg(long, value_name = "N", value_parser = interval)]
    fps: Option<Nanos>,
    #[command(flatten)]
    network: NetworkArguments,
    #[command(flatten)]
    on: On,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::List(arguments) => run_list(arguments),
        Command::Run(arguments) => run_run(arguments),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.1..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("must be from 0.1 to 86400".into()),
    }
}

fn interval(text: &str) -> Result<Nanos, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=1000.0).contains(&rate) => Ok(Nanos((1e9 / rate) as u64)),
        _ => Err("must be from 0.1 to 1000".into()),
    }
}

/// A line of the list.
#[derive(Serialize)]
struct Source {
    kind: &'static str,
    source: String,
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    formats: Vec<PixelFormat>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sizes: Vec<Resolution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Source {
    fn always(kind: &'static str, source: &str, name: &str) -> Self {
        let (formats, sizes) = (Vec::new(), Vec::new());
        Self { kind, source: source.into(), name: name.into(), formats, sizes, problem: None }
    }
}

impl From<Listed> for Source {
    fn from(listed: Listed) -> Self {
        let Listed { source, name, formats, sizes, problem } = listed;
        Self { kind: "device", source: source.to_string(), name, formats, sizes, problem }
    }
}

fn run_list(arguments: &ListArguments) -> anyhow::Result<()> {
    let listed = match arguments.on.target().is_remote() {
        true => find_cameras(&arguments.on.site()?.programs.own).map_err(anyhow::Error::msg)?,
        false => list(),
    };
    let mut sources: Vec<Source> = listed.into_iter().map(Source::from).collect();
    let cameras = sources.len();
    sources.extend([
        Source::always("synthetic", "synthetic", "a drawn scene of simple shapes"),
        Source::always(
            "folder",
            "folder:PATH",
            "an image file, or the images of a folder in order (PNG, JPEG, BMP, WebP)",
        ),
        Source::always("http", "http://HOST/PATH", "an MJPEG stream of a network camera or phone"),
    ]);
    if arguments.json {
        return print(&(serde_json::to_string_pretty(&serde_json::json!({ "sources": sources }))? + "\n"));
    }
    if cameras == 0 {
        complain("No camera was found.");
    }
    let mut table = Table::new(&[("source", Align::Left), ("name", Align::Left), ("formats and sizes", Align::Left)]);
    for Source { source, name, formats, sizes, problem, .. } in sources {
        let formats: Vec<String> = formats.iter().map(ToString::to_string).collect();
        let sizes = match sizes.as_slice() {
            [] => String::new(),
            [only] => only.to_string(),
            [least, .., most] => format!("{least} to {most}"),
        };
        let details = problem.unwrap_or_else(|| format!("{} {sizes}", formats.join(" ")).trim().to_owned());
        table.row([source, name, details]);
    }
    print(&table.to_string())
}

fn run_run(arguments: &RunArguments) -> anyhow::Result<()> {
    let source: SourceSpec = arguments.source.parse().map_err(|reason| UsageError(format!("--source: {reason}")))?;
    if arguments.on.target().is_remote() {
        return run_there(arguments, source, &arguments.on.site()?);
    }
    let clock: SharedClock = Arc::new(MonotonicClock::new());
    let options = SourceOptions { resolution: arguments.resolution, interval: arguments.fps };
    let no_thread = "no thread can be started";
    // Nobody measures on the device while the network runs there, and it runs only when nobody does.
    let asked = arguments.network.design.is_some() || arguments.network.weights.is_some();
    let _turn = asked.then(|| wait_for_turn(arguments.network.device()));
    let network = network(&arguments.network, &clock)?;
    let (design, classifier) = network.map_or((None, None), |(design, classifier)| (Some(design), Some(classifier)));
    let capture = Capture::start(&source, options, Arc::clone(&clock)).context(no_thread)?;
    let pipeline = Pipeline::start(capture, classifier, clock, Box::new(|| {})).context(no_thread)?;
    let mut told = CaptureStatus::default();
    let watched = watch(pipeline, arguments.seconds, &mut |status, _| {
        tell_changes(&told, status);
        told.clone_from(status);
        ControlFlow::Continue(())
    })?;
    tell(arguments, &source, &Site::here()?, design, watched)
}

/// As [`run_run`], all of it on another machine: its source, its network.
fn run_there(arguments: &RunArguments, source: SourceSpec, site: &Site) -> anyhow::Result<()> {
    let (design, wish) = arguments.network.wish(site)?.map_or((None, None), |(name, wish)| (Some(name), Some(wish)));
    let options = SourceOptions { resolution: arguments.resolution, interval: arguments.fps };
    let time = arguments.seconds.into();
    let job = CameraRun { source: source.clone(), options, wish: wish.map(Box::new), time };
    let watched = run_camera(&site.programs.own, job, |behind| {
        complain(&format!("waiting for {behind} to finish measuring on this device"));
    });
    tell(arguments, &source, site, design, watched.map_err(anyhow::Error::msg)?)
}

/// Prints what came of a run.
fn tell(
    arguments: &RunArguments,
    source: &SourceSpec,
    site: &Site,
    design: Option<String>,
    watched: Watched,
) -> anyhow::Result<()> {
    let mut report = Report::new(source, arguments.seconds, watched);
    (report.design, report.weights) = (design, arguments.network.weights.clone());
    print(&match (arguments.json, arguments.markdown) {
        (true, _) => site.json(&report)?,
        (_, true) => site.text(report.markdown()),
        _ => site.text(report.text()),
    })
}

/// The turn on the device, once nobody else measures there.
fn wait_for_turn(device: DeviceId) -> Option<Turn> {
    let mut told = String::new();
    Turns::of_this_user().wait(device, "camera run", &|| false, |behind| {
        if told != behind {
            complain(&format!("waiting for {behind} to finish measuring on this device"));
            told = behind.to_owned();
        }
    })
}

/// The network asked for, by name, with trained weights where some were asked for; `None` where none is.
fn network(arguments: &NetworkArguments, clock: &SharedClock) -> anyhow::Result<Option<(String, Box<dyn Classify>)>> {
    let clock = Arc::clone(clock);
    let asked = arguments.asked()?;
    if arguments.weights.is_none() {
        match &asked {
            None => return Ok(None),
            // It has its own.
            Some(Model::File(_)) => {}
            Some(model) => {
                let (classifier, options) = arguments.untrained(model)?;
                complain("note: without --weights only the network's time is told: what it would say means nothing");
                let timing = Classifying::timing(classifier, &options, clock)?;
                return Ok(Some((model.name().to_owned(), Box::new(timing))));
            }
        }
    }
    let network = Network::of(arguments, asked)?;
    let name = network.model.name().to_owned();
    let (classifier, options) = network.classifier(arguments)?;
    Ok(Some((name, Box::new(Classifying::trained(classifier, &options, clock, SmoothingSwitch::new(true))?))))
}

/// Says what went wrong since the last look, once.
fn tell_changes(before: &CaptureStatus, now: &CaptureStatus) {
    match (&before.state, &now.state) {
        (CaptureState::Retrying { error: before, .. }, CaptureState::Retrying { error, .. }) if before == error => {}
        (_, CaptureState::Retrying { error, .. }) => complain(&format!("{error}; trying again")),
        (CaptureState::Retrying { .. }, CaptureState::Running) => complain("frames come again"),
        _ => {}
    }
    if before.last_skipped != now.last_skipped
        && let Some(reason) = &now.last_skipped
    {
        complain(reason);
    }
}
