//! Lines between window and worker, in both directions, and what either side makes of one before it trusts it.

use shufflescope::teach::TeachWork;
use shufflescope::worker::{Contest, Event, Job, Request};
use shufflescope_engine::classify::Preprocessing;
use shufflescope_engine::cost::total_cost;
use shufflescope_engine::design::Batch;
use shufflescope_engine::measure::{
    Circumstances, Interleaved, KernelTime, Measurement, PairedSamples, ProcessSamples, Scatter, compare,
};
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::{RunOptions, check_memory};
use shufflescope_engine::search::Search;

pub fn run(bytes: &[u8]) {
    let mut scatter = None;
    for line in bytes.split(|&byte| byte == b'\n') {
        if let Ok(request) = serde_json::from_slice::<Request>(line) {
            let again = serde_json::to_vec(&request).expect("a request that was read can be written");
            assert_eq!(serde_json::from_slice::<Request>(&again).expect("and read"), request);
            asked(&request);
            if let Request::Measure { job, .. } = request {
                scatter = job.scatter;
            }
        }
        if let Ok(event) = serde_json::from_slice::<Event>(line) {
            let again = serde_json::to_vec(&event).expect("an event that was read can be written");
            assert_eq!(serde_json::from_slice::<Event>(&again).expect("and read"), event);
            told(event, scatter);
        }
    }
}

/// The worker's side, up to where memory is taken and devices are opened.
fn asked(request: &Request) {
    match request {
        Request::Measure { job, .. } | Request::Apart { job, .. } => {
            let Job { design, options, protocol, .. } = &**job;
            let _ = protocol.on(options.device);
            graph(design, options);
        }
        Request::TakeTurns { job, .. } => match &job.networks {
            Contest::Pair { a, b } => [a, b].into_iter().for_each(|model| graph(model, &job.options)),
            Contest::Column(choice) => {
                if let Some(column) = choice.column() {
                    let _ = column.graphs(Batch(job.options.batch));
                }
            }
        },
        Request::Search { job, .. } => {
            if let Some(mut search) = Search::new(job.goal, job.starts.clone(), &job.options, job.seed) {
                search.resume(job.found.clone());
                let _ = search.front();
            }
        }
        Request::Teach { work: TeachWork::Teach(job), .. } => {
            let _ = Preprocessing::with(job.design.input, &job.preprocessing);
            graph(&Model::from(&job.design), &job.run);
        }
        Request::Hello { .. }
        | Request::Teach { .. }
        | Request::Peaks { .. }
        | Request::FindDevices
        | Request::FindCameras
        | Request::Camera(_)
        | Request::CameraRun { .. }
        | Request::File { .. }
        | Request::Content { .. }
        | Request::Alive
        | Request::Painting
        | Request::Cancel => {}
    }
}

fn graph(model: &Model, options: &RunOptions) {
    let _ = model.fingerprint();
    // A file is whatever lies at that place of this machine.
    if !matches!(model, Model::File(_))
        && let Ok(graph) = model.graph(Batch(options.batch))
        && check_memory(&graph, options).is_ok()
    {
        let _ = total_cost(&graph);
    }
}

/// The window's side: what several processes have measured becomes one result.
fn told(event: Event, scatter: Option<Scatter>) {
    match event {
        Event::Done { measurement, samples, .. } => merged(&measurement, &samples, scatter),
        Event::Progress { partial: Some(partial), .. } => shown(&partial),
        Event::Apart { apart, .. } => {
            let _ = apart.layer("conv1.0");
        }
        Event::TurnsDone { samples, .. } | Event::Turns { samples: Some(samples), .. } => compared(&samples),
        _ => {}
    }
}

fn merged(measurement: &Measurement, samples: &ProcessSamples, scatter: Option<Scatter>) {
    shown(measurement);
    let kernels = measurement.breakdown.iter().flat_map(|breakdown| &breakdown.kernels).map(KernelTime::kernel);
    let circumstances = Circumstances {
        key: measurement.key(),
        kernels: kernels.collect(),
        conditions: measurement.conditions.clone(),
        scatter,
    };
    for processes in [vec![samples.clone()], vec![samples.clone(), samples.clone()]] {
        if let Ok(measurement) = Measurement::summarise(&circumstances, &processes) {
            shown(&measurement);
            assert!(serde_json::to_vec(&measurement).is_ok());
        }
    }
}

fn shown(measurement: &Measurement) {
    let _ = (measurement.interval_rests_on(), measurement.is_disturbed(), measurement.split());
    let _ = measurement.warnings.iter().map(ToString::to_string).collect::<Vec<_>>();
}

fn compared(samples: &Interleaved) {
    for processes in [vec![samples.clone()], vec![samples.clone(), samples.clone()]] {
        let _ = Interleaved::spread(&processes, 0);
        if let Ok(comparison) = compare(&PairedSamples::of(&processes, &[0, 2], 1), None) {
            let _ = (comparison.ratio.half_width(), comparison.ratio.inverse(), comparison.effort());
        }
    }
}
