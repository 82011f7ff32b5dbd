//! `train`, `evaluate` and `weights cut` as scripts see them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::program::{self, failure, json, output, said, success};
use image::RgbImage;
use shufflescope_engine::design::Design;
use shufflescope_engine::zoo;

/// A folder of plain pictures, and a small design to be taught with them.
struct Desk {
    home: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { home: tempfile::tempdir().unwrap() };
        let mut design = zoo::preset("shufflenet-v2-x0.5").unwrap();
        design.input = "32".parse().unwrap();
        design.stages.truncate(2);
        design.stages.iter_mut().for_each(|stage| (stage.channels, stage.repeats) = (16, 2));
        (design.head.conv, design.family, design.width) = (Some(16), Default::default(), None);
        design.write(&desk.at("small.toml")).unwrap();
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn word(&self, name: &str) -> String {
        self.at(name).to_str().unwrap().to_owned()
    }

    /// Pictures of these colours with a little of something else in each.
    fn class(&self, name: &str, colour: [u8; 3], count: u32) -> &Self {
        let folder = self.at("pictures").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for number in 0..count {
            let picture = RgbImage::from_fn(40, 40, |x, y| {
                let spot = (x + number) % 11 == 0 && (y + 3 * number) % 7 == 0;
                image::Rgb(if spot { [number as u8; 3] } else { colour })
            });
            picture.save(folder.join(format!("{number}.png"))).unwrap();
        }
        self
    }

    fn train(&self, more: &[&str]) -> Vec<String> {
        let words = ["train", &self.word("small.toml"), "--data", &self.word("pictures"), "--threads", "1", "-o"];
        let words = words.into_iter().map(str::to_owned);
        words.chain([self.word("mine.safetensors")]).chain(more.iter().map(|word| (*word).to_owned())).collect()
    }
}

fn words(of: &[String]) -> Vec<&str> {
    of.iter().map(String::as_str).collect()
}

#[test]
fn a_small_network_learns_colours_and_its_weights_say_what_they_know() {
    let desk = Desk::new();
    desk.class("red", [220, 30, 40], 10).class("blue", [30, 40, 220], 10);
    std::fs::write(desk.at("pictures/red/broken.png"), "no picture").unwrap();
    let home = desk.home.path();
    let first = desk.train(&["--epochs", "80", "--seed", "1", "--json"]);
    let report = json(home, &words(&first));
    assert_eq!(report["classes"], serde_json::json!(["blue", "red"]));
    let accuracy = &report["accuracy"];
    assert_eq!((&accuracy["held_out"], &accuracy["correct"]), (&4.into(), &4.into()), "{report}");
    assert!(accuracy["low"].as_f64().unwrap() < 0.6 && accuracy["high"] == 1.0, "{report}");
    assert!(report["seconds"].as_f64().unwrap() > 0.0 && report["epochs"].as_f64().unwrap() >= 80.0);
    assert!(report["broken"][0].as_str().unwrap().contains("broken.png"));
    assert!(!desk.at("mine.safetensors.checkpoint").exists(), "it is done");

    let (_, told) = success(home, &words(&desk.train(&["--epochs", "1", "--from", &desk.word("mine.safetensors")])));
    assert!(told.contains("left out") && told.contains("broken.png"), "{told}");

    // What the file says of itself is enough to use it.
    let report = json(home, &["evaluate", &desk.word("mine.safetensors"), "--data", &desk.word("pictures"), "--json"]);
    assert_eq!(report["accuracy"]["held_out"], 20);
    assert!(report["accuracy"]["correct"].as_u64().unwrap() >= 18, "{report}");
    assert_eq!(report["precision"], "f32");
    let picture = desk.word("pictures/blue/1.png");
    let answer = json(home, &["classify", "--weights", &desk.word("mine.safetensors"), "--json", &picture]);
    assert_eq!(answer["top"][0]["label"], "blue");
    assert_eq!(answer["design"], Design::read(&desk.at("small.toml")).unwrap().name);
}

#[test]
fn weights_are_evaluated_in_8_bits_with_ranges_from_pictures_or_without() {
    let desk = Desk::new();
    desk.class("red", [220, 30, 40], 10).class("blue", [30, 40, 220], 10);
    let home = desk.home.path();
    success(home, &words(&desk.train(&["--epochs", "80", "--seed", "1"])));
    let (weights, pictures) = (desk.word("mine.safetensors"), desk.word("pictures"));
    let evaluate = ["evaluate", &weights, "--data", &pictures, "--threads", "1", "--json", "--precision"];
    let with = |precision: &'static str| [&evaluate[..], &[precision]].concat();
    for calibrates in [false, true] {
        let mut asked = with("int8");
        if calibrates {
            asked.extend(["--calibrate-with", &pictures]);
        }
        let (report, told) = success(home, &asked);
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!((&report["precision"], &report["accuracy"]["held_out"]), (&"int8".into(), &20.into()), "{report}");
        assert!(report["accuracy"]["correct"].as_u64().unwrap() >= 18, "{report}");
        assert_eq!(told.contains("ranges of values in 8 bits are from"), calibrates, "{told}");
    }
    let mut in_floats = with("f32");
    in_floats.extend(["--calibrate-with", &pictures]);
    assert!(failure(home, 2, &in_floats).contains("--precision int8"));
    assert!(failure(home, 2, &with("tf32")).contains("tf32"), "what no processor has");
}

#[test]
fn the_same_seed_gives_the_same_weights_and_a_training_of_seconds_ends_in_time() {
    let desk = Desk::new();
    desk.class("red", [220, 30, 40], 6).class("green", [30, 200, 40], 6);
    let home = desk.home.path();
    let weights = |seed: &str| {
        success(home, &words(&desk.train(&["--epochs", "2", "--seed", seed])));
        std::fs::read(desk.at("mine.safetensors")).unwrap()
    };
    let (first, again, other) = (weights("3"), weights("3"), weights("4"));
    // The header holds how long it took; the tensors follow it.
    let tensors = |file: &[u8]| {
        let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        file[8 + header..].to_vec()
    };
    assert!(tensors(&first) == tensors(&again), "the same seed");
    assert!(tensors(&first) != tensors(&other), "another seed");
    let report = json(home, &words(&desk.train(&["--seconds", "1", "--json"])));
    assert!(report["seconds"].as_f64().unwrap() < 30.0, "{report}");
}

#[test]
fn data_that_nothing_can_be_learnt_from_is_refused_with_what_is_missing() {
    let desk = Desk::new();
    let home = desk.home.path();
    let refused = |more: &[&str], code: i32| failure(home, code, &words(&desk.train(more)));
    assert!(refused(&[], 1).contains("pictures"), "no folder");
    desk.class("red", [220, 30, 40], 3);
    assert!(refused(&[], 1).contains("only the class `red`"));
    std::fs::create_dir(desk.at("pictures/empty")).unwrap();
    assert!(refused(&[], 1).contains("`empty` has no pictures"));
    desk.class("empty", [1, 2, 3], 1);
    assert!(refused(&[], 1).contains("`empty` has 1 picture"));
    for wrong in [&["--seconds", "0"][..], &["--epochs", "x"], &["--seconds", "1", "--epochs", "1"], &["--input", "7"]]
    {
        refused(wrong, 2);
    }
    assert!(refused(&["--from", &desk.word("nothing.safetensors")], 1).contains("nothing.safetensors"));
    assert!(!desk.at("mine.safetensors").exists());
}

#[test]
fn a_training_that_is_killed_goes_on_where_it_was_kept() {
    let desk = Desk::new();
    desk.class("red", [220, 30, 40], 10).class("blue", [30, 40, 220], 10);
    let (home, kept) = (desk.home.path(), desk.at("mine.safetensors.checkpoint"));
    // Longer than any test would wait: it ends by the kill.
    let mut training = program::command(home, &words(&desk.train(&["--seconds", "3600", "--seed", "5"])));
    let mut child = training.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while !kept.exists() {
        assert!(Instant::now() < deadline && child.try_wait().unwrap().is_none(), "nothing was kept");
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!desk.at("mine.safetensors").exists(), "weights are written whole or not at all");
    let (_, told) = success(home, &words(&desk.train(&["--epochs", "1", "--seed", "5"])));
    let steps = told.lines().find_map(|line| line.split_once("step ")).map(|(_, step)| step.to_owned());
    assert!(told.contains("going on") && steps.is_some_and(|step| !step.starts_with('0')), "{told}");
    assert!(desk.at("mine.safetensors").exists() && !kept.exists());
}

#[test]
fn a_checkpoint_of_another_training_is_not_gone_on_from() {
    let desk = Desk::new();
    desk.class("red", [220, 30, 40], 4).class("green", [30, 200, 40], 4);
    std::fs::write(desk.at("mine.safetensors.checkpoint"), "something else").unwrap();
    let told = failure(desk.home.path(), 1, &words(&desk.train(&["--epochs", "1"])));
    assert!(told.contains("mine.safetensors.checkpoint") && told.contains("delete it"), "{told}");
    assert_eq!(std::fs::read(desk.at("mine.safetensors.checkpoint")).unwrap(), b"something else");
}

#[test]
fn weights_are_cut_to_fit_and_what_was_cut_is_said() {
    let desk = Desk::new();
    let home = desk.home.path();
    let mut narrow = shufflescope_engine::classify::demo::design();
    narrow.stages.iter_mut().for_each(|stage| stage.channels /= 2);
    narrow.stages[1].repeats = 3;
    narrow.write(&desk.at("narrow.toml")).unwrap();
    let cut = |from: &str, design: &str| {
        output(home, &["weights", "cut", from, "--design", &desk.word(design), "-o", &desk.word("cut.safetensors")])
    };
    let done = cut("demo", "narrow.toml");
    let told = String::from_utf8(done.stdout.clone()).unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert!(told.contains("stage2 keeps 24 of 48 channels; stage3 keeps 48 of 96 channels and 3 of 4 units"), "{told}");
    let graph = shufflescope_engine::graph::lower(&narrow, shufflescope_engine::design::Batch(1)).unwrap();
    shufflescope_engine::weights::load(Path::new(&desk.word("cut.safetensors")), &graph).unwrap();
    let refused = cut("demo", "small.toml");
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("only width and depth may differ") || said(&refused).contains("weights have"));
}
