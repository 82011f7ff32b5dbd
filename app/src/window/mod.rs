//! The window: the document it shows, the commands that change it, and the panels that draw it.
//!
//! Panels read a [`Scene`] and push [`Command`]s; [`App`] takes worker and file events, then carries out commands, then
//! lets the panels paint. Nothing here blocks: measuring happens in the worker process; files, dialogs, the store
//! and statistics over samples are on threads.

mod advice;
mod against;
mod app;
mod bench;
mod calibration;
mod camera;
mod ceilings;
mod command;
mod compare;
mod document;
mod drafts;
mod explore;
mod files;
mod fonts;
mod forecast;
mod format;
mod gpu_offer;
mod guard;
mod keeper;
mod lab;
mod layer_times;
mod libraries;
mod live;
mod native;
mod notices;
mod over;
mod pacer;
mod panels;
mod past_runs;
mod quantity;
mod recent;
mod scene;
mod settings;
mod shelf;
mod strip;
mod surroundings;
mod tab;
mod taken_apart;
mod targets;
mod teach;
pub mod theme;
mod view;
mod views;
mod widgets;

pub use crate::export::{Export, Material, ResultForm};
pub use advice::{Adviser, Applications, Applied, Depth, Promise, Trial, Trials, Tried};
pub use app::{App, Setup};
pub use bench::{Bench, Care, Outcome, Owner, Side, Standing, Step, Task, Work};
pub use calibration::{Calibration, Progress};
pub use camera::{Camera, CameraCommand, Download, Fit, Offer, Recording, Trained, WeightsChoice};
pub use ceilings::Ceilings;
pub use command::{Command, Commands, Entry, Menu, entries};
pub use compare::{Choice, Compare, Compared, OnPaper};
pub use document::{Analysis, Document, Pinned, PinnedNetwork};
pub use explore::{Exploration, Explore, ExploreCommand, Landmark, Landmarks, Origin, Own, Shown, Wish};
pub use files::{Dialogs, Errand, Pending, Question, Reply, SystemDialogs, Wanted};
pub use fonts::FontFolders;
pub use forecast::{Beside, Forecast, Knowledge, Learning};
pub use gpu_offer::{GpuOffer, Question as GpuQuestion};
pub use guard::{Answer as GuardAnswer, Intent};
pub use keeper::{Answer, Asked, Desk, Keeper, KernelTimes};
pub use lab::{Input, Known, Lab, Measured, Networks, Run, SweepPlan, SweepPoints, SweepTexts};
pub use layer_times::{LayerTimes, TimeSource};
pub use live::{Freshness, Live, Phase};
pub use native::{Renderer, WindowOptions, run};
pub use notices::{Notice, Notices, Queued};
pub use over::Over;
pub use past_runs::PastRuns;
pub use quantity::{Amounts, Quantity};
pub use recent::Recent;
pub use scene::Scene;
pub use settings::{TextSize, ThemeChoice};
pub use surroundings::Surroundings;
pub use tab::Tab;
pub use taken_apart::{TakenApart, is_fused};
pub use targets::{
    Entry as TargetEntry, Judged, Manner, Measured as MeasuredThere, Refusal, Side as SideThere, State as TargetState,
    TargetCommand, Targets,
};
pub use teach::{
    Hint as TeachHint, Listed as ListedProject, Outcome as TeachOutcome, Running as TeachRunning, Teach, TeachCommand,
};
pub use view::View;
pub use views::{LayerColumn, ViewChoices};
