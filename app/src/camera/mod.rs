//! Where pictures come from, and what becomes of them: cameras, files, network streams and a drawn scene behind one
//! trait ([`FrameSource`]), a thread that keeps the newest frame ([`Capture`]), the way of a frame from there to the
//! screen ([`Pipeline`]), and the network that looks at it ([`Wish`]).

mod back_off;
mod capture;
mod classifying;
mod device;
mod error;
mod fit;
mod folder;
mod frame;
mod http;
mod list;
mod mailbox;
mod open;
mod pipeline;
mod pixels;
mod preview;
mod spec;
mod stop;
mod synthetic;
mod trained;
mod watch;
mod wish;

pub use capture::{Capture, CaptureState, CaptureStatus, SharedClock};
pub use classifying::{Classifying, SmoothingSwitch};
pub use error::SourceError;
pub(crate) use fit::Question;
pub use fit::{Fit, Offer};
pub use frame::{Captured, Frame, FrameSource, Next, Pixels, Resolution, SourceOptions};
pub use http::parts_of_stream;
pub use list::{Listed, list};
pub use mailbox::Mailbox;
pub use open::open;
pub use pipeline::{
    Classify, Generation, Outcome, Pipeline, Prediction, Quantiles, Stage, StageTimes, Statistics, View, Wake,
};
pub use pixels::{PixelError, PixelFormat, RawImage};
pub(crate) use preview::scaled_down;
pub use spec::SourceSpec;
pub(crate) use stop::Pace;
pub use stop::Stop;
pub use synthetic::Scene;
pub use trained::{Trained, WeightsChoice};
pub use watch::{Watched, watch};
pub use wish::Wish;
