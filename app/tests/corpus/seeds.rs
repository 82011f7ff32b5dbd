//! What the fuzzers start from, as far as it is not found elsewhere: one small input of every kind that is read.

use image::{ExtendedColorType, ImageFormat, RgbImage};
use shufflescope::worker::{Event, Ticket};
use shufflescope_engine::clock::{ClockDomain, TimerQuality};
use shufflescope_engine::design::{Batch, Design, InputSize};
use shufflescope_engine::graph::{Activation, Conv2d, Graph, GraphBuilder, NodeId, Op, Shape, Window, lower};
use shufflescope_engine::measure::{Block, Interleaved, MarkedRun, ProcessSamples, Round, RowRecord, WarmUp};
use shufflescope_engine::model_file::onnx::{BatchNorm, to_onnx};
use shufflescope_engine::report::Profile;
use shufflescope_engine::units::Nanos;
use shufflescope_engine::weights::{Weights, save_safetensors};
use shufflescope_engine::zoo;

/// Target, file name and content.
type Seed = (&'static str, String, Vec<u8>);

pub fn all() -> Vec<Seed> {
    [designs(), models(), profiles(), lines(), weights(), streams(), frames(), pictures(), labels()].concat()
}

/// Presets of every family, cut to a few narrow stages for models that are to be small.
fn small() -> Vec<Design> {
    let names = ["shufflenet-v2-x0.5", "shufflenet-v1-g3-x0.5", "mobilenet-v2-x1.0", "mobilenet-v1-x1.0"];
    let cut = |mut design: Design| {
        design.input = InputSize::square(32);
        design.classes = 3;
        design.stages.truncate(2);
        for stage in &mut design.stages {
            (stage.channels, stage.repeats) = (24, stage.repeats.min(2));
        }
        design.stem.convs.iter_mut().for_each(|conv| conv.channels = 24);
        design.head.conv = design.head.conv.map(|_| 8);
        design
    };
    names.iter().filter_map(|name| zoo::preset(name)).map(cut).filter(|design| design.check().is_ok()).collect()
}

fn designs() -> Vec<Seed> {
    let presets = zoo::presets().iter().map(|preset| preset.design.clone());
    let named = presets.map(|design| (format!("{}.toml", design.name), design));
    let cut = small().into_iter().map(|design| (format!("small-{}.toml", design.name), design));
    named.chain(cut).map(|(name, design)| ("design_toml", name, design.to_toml().unwrap().into_bytes())).collect()
}

/// Layers one after another, each reading the one before.
fn chain(name: &str, input: Shape, ops: &[Op]) -> Graph {
    let mut builder = GraphBuilder::new(name, input);
    let mut value = builder.input();
    for (index, op) in ops.iter().enumerate() {
        value = builder.push(format!("layers.{index}"), *op, &[value]).unwrap();
    }
    builder.finish()
}

fn conv(in_channels: usize, out_channels: usize, kernel: usize, groups: usize, bias: bool) -> Op {
    Op::Conv2d(Conv2d { in_channels, out_channels, window: Window::square(kernel, 1), groups, bias })
}

fn graphs() -> Vec<Graph> {
    let (pixels, norm) = (Shape::new(1, 4, 8, 8), Op::BatchNorm { channels: 4, eps: 1e-5 });
    let classifier = [Op::GlobalAvgPool, Op::Linear { in_features: 4, out_features: 2, bias: true }];
    let relu = Op::Activation(Activation::Relu);
    let mut graphs: Vec<Graph> = small().iter().map(|design| lower(design, Batch(1)).unwrap()).collect();
    graphs.push(chain("convolutions", pixels, &[&[conv(4, 4, 3, 4, false), norm, relu][..], &classifier].concat()));
    graphs.push(chain("pools", pixels, &[Op::MaxPool(Window::square(3, 2)), Op::AvgPool(Window::inside(2, 2)), relu]));
    graphs.push(chain("shuffle", pixels, &[conv(4, 4, 1, 2, true), Op::ChannelShuffle { groups: 2 }]));
    let mut builder = GraphBuilder::new("branches", pixels);
    let input = builder.input();
    let mut push = |path: &str, op: Op, inputs: &[NodeId]| builder.push(path, op, inputs).unwrap();
    let left = push("left", conv(4, 4, 1, 1, true), &[input]);
    let sum = push("sum", Op::Add, &[input, left]);
    let both = push("both", Op::Concat, &[sum, left]);
    push("last", conv(8, 2, 1, 1, false), &[both]);
    graphs.push(builder.finish());
    graphs
}

fn models() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for graph in graphs() {
        let weights = Weights::seeded(&graph, 1);
        for (kind, batch_norm) in [("kept", BatchNorm::Keep), ("folded", BatchNorm::Fold)] {
            let bytes = to_onnx(&graph, &weights, batch_norm).unwrap();
            if bytes.len() < 24 << 10 {
                seeds.push(("onnx", format!("{}-{kind}.onnx", graph.name), bytes));
            }
        }
    }
    seeds
}

fn profiles() -> Vec<Seed> {
    let profile = |design: &Design| Profile::new(design, Batch(1), None).unwrap().to_json().unwrap().into_bytes();
    small().iter().map(|design| ("profile_json", format!("{}.json", design.name), profile(design))).collect()
}

/// A measurement made elsewhere, with samples that could have led to it.
fn lines() -> Vec<Seed> {
    let golden = include_bytes!("../../../engine/tests/golden/profile.json");
    let measurement = Profile::from_json(golden, "profile.json").unwrap().measurement.unwrap();
    let timer = TimerQuality { precision: Nanos(20), read_cost: Nanos(25) };
    let warm_up = WarmUp { first_run: Nanos(9_000), runs: 5, time: Nanos(50_000), settled: true };
    let mut samples = ProcessSamples::new(warm_up, timer, 2, 1);
    samples.whole = (0..30).map(|run| Nanos(1_000_000 + 997 * (run % 7))).collect();
    samples.enqueue.clone_from(&samples.whole);
    samples.canary = vec![Nanos(10_000); 4];
    let kernels = measurement.breakdown.as_ref().map_or(0, |breakdown| breakdown.kernels.len());
    let run = MarkedRun { whole: Nanos(1_100_000), kernels: vec![Nanos(90_000); kernels], clock: ClockDomain::Host };
    samples.marked = vec![run; 6];
    let ticket = Ticket(7);
    let done = Event::Done { ticket, measurement: Box::new(measurement), samples: Box::new(samples) };

    let mut turns = Interleaved::new(timer);
    let row = RowRecord { warm_up, runs_per_sample: 1, samples_per_block: 2, threads: 2, instruction_set: None };
    turns.rows = vec![row; 3];
    let block = |round: u64| move |row: usize| Block { row, samples: vec![Nanos(1_000 + 10 * round + row as u64); 2] };
    turns.rounds = (0..8).map(|round| Round { blocks: (0..3).map(block(round)).collect() }).collect();
    turns.prepared_anew = vec![4];
    let turns = Event::TurnsDone { ticket, samples: Box::new(turns) };
    let line = |event: &Event| serde_json::to_vec(event).unwrap();
    let golden = [
        ("requests", &include_bytes!("../golden/requests.jsonl")[..]),
        ("events", &include_bytes!("../golden/events.jsonl")[..]),
    ];
    let mut seeds = vec![
        ("worker_lines", "done.json".to_owned(), line(&done)),
        ("worker_lines", "turns_done.json".to_owned(), line(&turns)),
    ];
    for (kind, lines) in golden {
        let lines = lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).enumerate();
        seeds.extend(lines.map(|(index, line)| ("worker_lines", format!("{kind}-{index}.json"), line.to_vec())));
    }
    seeds
}

fn weights() -> Vec<Seed> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.safetensors");
    save_safetensors(&Weights::seeded(super::targets::tiny(), 2), &path).unwrap();
    let tiny = std::fs::read(&path).unwrap();
    // Half precision, a counter and a part of the names.
    let header = concat!(
        r#"{"__metadata__":{"format":"pt"},"fc.bias":{"dtype":"F16","shape":[5],"data_offsets":[0,10]},"#,
        r#""fc.weight":{"dtype":"BF16","shape":[5,4],"data_offsets":[10,50]},"#,
        r#""stem.1.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[50,58]}}"#
    );
    let part = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0x3C; 58]].concat();
    vec![
        ("safetensors", "tiny.safetensors".into(), tiny),
        ("safetensors", "part.safetensors".into(), part),
        ("pth", "tiny.pth".into(), include_bytes!("../../../networks/tests/fixtures/tiny.pth").to_vec()),
        (
            "pth",
            "before_1_6.pth".into(),
            include_bytes!("../../../networks/tests/fixtures/tiny_before_1_6.pth").to_vec(),
        ),
        (
            "pth",
            "half_checkpoint.pth".into(),
            include_bytes!("../../../networks/tests/fixtures/tiny_half_checkpoint.pth").to_vec(),
        ),
        ("pth", "averaged.ckpt".into(), include_bytes!("../../../networks/tests/fixtures/tiny_averaged.ckpt").to_vec()),
    ]
}

/// Content type, then whether it is chunked and how long the pieces are, then the body: see the target.
fn streams() -> Vec<Seed> {
    let stream = |name: &str, kind: &str, chunked: u8, piece: u8, body: &[u8]| {
        let seed = [kind.as_bytes(), &[b'\n', chunked, piece], body].concat();
        ("mjpeg_multipart", name.to_owned(), seed)
    };
    let plain =
        b"--f\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\n\r\n\xFF\xD8x\xFF\xD9\r\n--f\r\n\r\ntwo\r\n--f--\r\n";
    let chunks = b"B\r\n--f\r\n\r\n\xFF\xD8\xFF\xD9\r\n8;a=b\r\n\r\n--f\r\n\r\r\n3\r\n\nxy\r\n0\r\n\r\n";
    vec![
        stream("plain", "multipart/x-mixed-replace; boundary=f", 0, 3, plain),
        stream("dashes", "multipart/x-mixed-replace;boundary=--f", 0, 255, plain),
        stream("quoted", "Multipart/Mixed; charset=\"a;b\"; Boundary=\"f\"", 0, 1, plain),
        stream("chunked", "multipart/x-mixed-replace; boundary=f", 1, 5, chunks),
        stream("wrong_length", "multipart/x; boundary=f", 0, 7, b"--f\nContent-Length: 99\n\nabc\n--f\n\ndef\n--f"),
        stream("no_header", "multipart/x; boundary=f", 0, 9, b"garbage\r\n--f\r\n\r\n\r\n--f"),
        stream("other_type", "image/jpeg", 0, 9, b"\xFF\xD8\xFF\xD9"),
    ]
}

/// Format, width, height and padding, then pixels: see the target.
fn frames() -> Vec<Seed> {
    let frame = |name: &str, format: u8, [width, height]: [u16; 2], padding: u8, pixels: &[u8]| {
        let seed = [&[format][..], &width.to_le_bytes(), &height.to_le_bytes(), &[padding], pixels].concat();
        ("camera_pixels", name.to_owned(), seed)
    };
    let ramp: Vec<u8> = (0..=255).collect();
    vec![
        frame("yuyv", 0, [8, 8], 0, &ramp),
        frame("yuyv_odd", 0, [5, 3], 12, &ramp),
        frame("nv12", 1, [8, 8], 0, &ramp),
        frame("nv12_odd", 1, [5, 5], 10, &ramp),
        frame("rgb24", 2, [8, 8], 0, &ramp),
        frame("rgb24_padded", 2, [4, 4], 12, &ramp),
        frame("short", 1, [64, 64], 0, &ramp),
        frame("large", 2, [60_000, 60_000], 0, &ramp),
        frame("mjpeg", 3, [0, 0], 0, include_bytes!("../support/camera/red_and_blue.jpg")),
    ]
}

fn pictures() -> Vec<Seed> {
    let picture = RgbImage::from_fn(9, 7, |x, y| image::Rgb([x as u8 * 28, y as u8 * 36, 128]));
    let mut seeds = Vec::new();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::WebP] {
        let mut bytes = std::io::Cursor::new(vec![]);
        picture.write_to(&mut bytes, format).unwrap();
        seeds.push(("picture_file", format!("rgb.{}", format.extensions_str()[0]), bytes.into_inner()));
    }
    let mut grey = Vec::new();
    image::codecs::jpeg::JpegEncoder::new(&mut grey).encode(&[0x80; 64], 8, 8, ExtendedColorType::L8).unwrap();
    let red_and_blue = include_bytes!("../support/camera/red_and_blue.jpg").to_vec();
    for target in ["jpeg", "picture_file"] {
        seeds.push((target, "grey.jpg".into(), grey.clone()));
        seeds.push((target, "red_and_blue.jpg".into(), red_and_blue.clone()));
    }
    seeds
}

fn labels() -> Vec<Seed> {
    let list = |name: &str, text: &[u8]| ("labels", name.to_owned(), text.to_vec());
    vec![
        list("plain", b"cat\ndog\nhorse\n"),
        list("windows", b"\xEF\xBB\xBFcat\r\n  big dog \r\nB\xC3\xA4r\r\n\r\n"),
        list("hole", b"cat\n\ndog\n"),
        list("control", b"cat\n\x1b[2Jdog\n"),
        list("long", &[b'x'; 201]),
        list("separators", "a\u{2028}b\u{85}c\u{200b}\n\u{a0}\n".as_bytes()),
        list("empty", b""),
    ]
}
