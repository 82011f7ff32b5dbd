//! The reader's side: reads one request, does it, answers.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

use anyhow::Context;
use shufflescope_engine::design::{Batch, Design};
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::report::{Profile, ProfileFileError};
use shufflescope_engine::units::Bytes;

use super::memory;
use super::protocol::{Answer, Head, MOST_LINE, Request, VERSION};

/// Answers one request. Whoever asked closes `input` when the answer is no longer wanted, which ends the process.
///
/// # Errors
/// Where the request is none, or nobody takes the answer.
pub fn serve(input: impl Read + Send + 'static, mut output: impl Write) -> anyhow::Result<()> {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    input.by_ref().take(MOST_LINE.0).read_until(b'\n', &mut line).context("no request came in")?;
    let request = serde_json::from_slice(&line).context("this is no request to a reader")?;
    drop(line);
    std::thread::spawn(move || {
        // The window is gone, however it ended: nobody waits for what may hang here.
        while matches!(input.read(&mut [0; 64]), Ok(1..)) {}
        std::process::exit(1);
    });
    let (answer, attached) = match request {
        Request::Open(path) => open(&path),
        Request::Render(what, material) => {
            if let Model::File(file) = &material.model {
                limit(file.path());
            }
            material.render(what).map(|bytes| (Answer::Rendered, bytes))
        }
    }
    .unwrap_or_else(|error| (Answer::Failed(error), Vec::new()));
    let head = Head { version: VERSION.into(), answer, attached: Bytes(attached.len() as u64) };
    serde_json::to_writer(&mut output, &head).context("the answer has no JSON form")?;
    output.write_all(b"\n")?;
    output.write_all(&attached)?;
    Ok(output.flush()?)
}

fn limit(path: &Path) {
    memory::limit(Bytes(std::fs::metadata(path).map_or(0, |metadata| metadata.len())));
}

/// Reads a saved profile, an ONNX model or a design, as the file's name says.
fn open(path: &OsStr) -> Result<(Answer, Vec<u8>), String> {
    let path = Path::new(path);
    limit(path);
    let has_ending = |ending| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending));
    if has_ending("onnx") {
        let model = ModelFile::open(path).map_err(|error| error.to_string())?;
        let outline = model.outline().map_err(|error| error.to_string())?;
        return Ok((Answer::Model(Box::new(model.into())), outline));
    }
    if !has_ending("json") {
        let design = Design::read(path).map_err(|error| error.to_string())?;
        return Ok((Answer::Design(Box::new(design)), Vec::new()));
    }
    let remedy = "Of all exports only a profile (JSON) opens again.";
    let profile = Profile::read(path).map_err(|error| match error {
        ProfileFileError::Syntax { .. } | ProfileFileError::NoSchema { .. } => format!("{error}. {remedy}"),
        error => error.to_string(),
    })?;
    // A design is checked already; a model file is read now.
    let outline = match &profile.design {
        Model::Design(_) => Ok(Vec::new()),
        Model::Network(_) => profile.design.graph(Batch(1)).map(|_| Vec::new()),
        Model::File(file) => file.graph(Batch(1)).and_then(|_| file.outline()),
    };
    let (outline, missing) = match outline {
        Ok(outline) => (outline, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    Ok((Answer::Profile(Box::new(profile), missing), outline))
}
