//! Models and weights travel by content, once.

use shufflescope_engine::design::Batch;
use shufflescope_engine::graph::lower;
use shufflescope_engine::model::{Model, ModelFile};
use shufflescope_engine::model_file::onnx::{BatchNorm, write_onnx};
use shufflescope_engine::weights::Weights;

use super::server::Server;
use super::{client, job, result, small};

/// The files that were kept there.
fn kept(server: &Server) -> Vec<std::path::PathBuf> {
    let folders = std::fs::read_dir(server.at("cache/shufflescope/content")).into_iter().flatten().flatten();
    folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap().flatten()).map(|file| file.path()).collect()
}

#[test]
fn a_model_and_weights_are_kept_by_content_there_and_not_read_where_they_lie_here() {
    let Some(server) = Server::start() else { return };
    let here = tempfile::tempdir().unwrap();
    let path = here.path().join("a net.onnx");
    let graph = lower(&small(), Batch(1)).unwrap();
    write_onnx(&graph, &Weights::seeded(&graph, 7), BatchNorm::Keep, &path).unwrap();
    let model = Model::from(ModelFile::open(&path).unwrap());
    let mut client = client(&server, server.port);
    client.measure(job(model.clone()));
    let first = result(&mut client).unwrap();
    assert_eq!(first.design, model.fingerprint());
    let [copy] = kept(&server).try_into().unwrap();
    assert!(copy.ends_with("a net.onnx"), "{copy:?}");
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&path).unwrap());
    // By another path it is the same content: it is not sent again, which a copy that nobody may write shows.
    let moved = here.path().join("moved").join("a net.onnx");
    std::fs::create_dir_all(moved.parent().unwrap()).unwrap();
    std::fs::rename(&path, &moved).unwrap();
    let written = std::fs::metadata(&copy).unwrap().len();
    client.measure(job(Model::from(ModelFile::open(&moved).unwrap())));
    assert_eq!(result(&mut client).unwrap().design, first.design);
    assert_eq!((kept(&server).len(), std::fs::metadata(&copy).unwrap().len()), (1, written));
    // What does not lie here any more cannot be measured there, and says so.
    std::fs::remove_file(&moved).unwrap();
    let weights = here.path().join("gone.safetensors");
    client.measure(shufflescope::worker::Job { weights: Some(weights), ..job(small()) });
    let message = result(&mut client).unwrap_err();
    assert!(message.contains("gone.safetensors"), "{message}");
}
