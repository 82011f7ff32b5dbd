//! What a person can ask for. Panels only push commands; [`App`](super::App) carries them out in one place.
//!
//! Those that need no more than a click stand in one [table](entries) with their names and keys: menus, shortcuts and the
//! command palette are made of it.

mod fuzzy;
mod obstacle;
mod table;

use std::path::PathBuf;

use shufflescope_engine::design::Edit;
use shufflescope_engine::model::Model;
use shufflescope_engine::runtime::RunOptions;

use super::bench::{Owner, Side};
use super::camera::CameraCommand;
use super::compare::Choice;
use super::explore::ExploreCommand;
use super::guard::Answer;
use super::lab::Run;
use super::over::Over;
use super::settings::TextSize;
use super::tab::Tab;
use super::targets::TargetCommand;
use super::teach::TeachCommand;
use super::view::View;
use crate::export::{Export, ResultForm};

pub use self::fuzzy::rank;
pub use self::obstacle::{no_kernels, obstacle};
pub use self::table::{Entry, Menu, entries, keys_of};

/// One request of a person.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Changes the design; edits of the same setting in one go (a drag, a number being typed) are undone together.
    Edit(Edit),
    /// Changes device, runtime, precision, threads or batch; not part of the design, so undo leaves it alone.
    Run(RunOptions),
    /// Takes the last edit back.
    Undo,
    /// Makes the edit that was taken back again.
    Redo,
    /// Selects a layer by its path, in every view.
    Select(Option<String>),
    /// Remembers the present design and its latency as A, which the headline cards compare with.
    Pin,
    /// Forgets A.
    Unpin,
    /// Shows another tab.
    ShowTab(Tab),
    /// Shows another view of the design in the middle.
    Show(View),
    /// Does something in the camera tab.
    Camera(CameraCommand),
    /// Teaches a design a person's own things, in the camera tab.
    Teach(TeachCommand),
    /// Does something in the *Explore* tab.
    Explore(ExploreCommand),
    /// Does something in the list of targets.
    Target(TargetCommand),
    /// Measures this edit of the present design in turns with the design as it is.
    Try(Edit),
    /// Measures what predictions rest on, for a minute.
    Calibrate,
    /// Starts or stops measuring after every edit.
    ToggleLive,
    /// Measures the present design again, also after a failure.
    MeasureAgain,
    /// Measures the present design in rigorous mode.
    Refine,
    /// Measures what the device can do at most: the ceilings of the roofline.
    MeasureCeilings,
    /// Measures every layer of the present design as a kernel of its own.
    TakeApart,
    /// Stops the measurement in progress.
    Cancel,
    /// Starts a new design, once the present one is safe or given up.
    New,
    /// Asks for a design file, a saved profile or an ONNX model and opens it.
    OpenDialog,
    /// Opens this design file, saved profile or ONNX model, once the present design is safe or given up.
    Open(PathBuf),
    /// Takes a file from the list of recent ones.
    ForgetRecent(PathBuf),
    /// Takes those from the list of recent files that are not there any more.
    ForgetMissing,
    /// Looks which of the recent files are there.
    LookForRecent,
    /// Closes the window, once the present design is safe or given up.
    Quit,
    /// Says what is to become of a design that is not saved.
    Answer(Answer),
    /// Shows this network.
    OpenModel(Box<Model>),
    /// Shows the design again that a fixed network took the place of.
    BackToDesign,
    /// Saves to the file the design came from, or asks for one.
    Save,
    /// Asks for a file and saves to it.
    SaveAs,
    /// Asks for a file and writes the last valid network, or what is known about it, to it.
    ExportDialog(Export),
    /// Writes the last valid network, or what is known about it, to this file.
    Export(Export, PathBuf),
    /// Ends the reading or export of this number.
    CancelErrand(u64),
    /// Puts another network on one side of the comparison.
    Choose(Side, Choice),
    /// Asks for a file for one side of the comparison.
    ChooseFileDialog(Side),
    /// Reads this file for one side of the comparison.
    ChooseFile(Side, PathBuf),
    /// Measures A and B in turns.
    StartCompare,
    /// Measures experiments, networks or a sweep, behind what is measured already.
    RunLab(Run),
    /// Asks for a file and writes a result of this name and form to it.
    ExportText(String, ResultForm, String),
    /// Puts this text onto the clipboard, and says so: `what` it is.
    Copy {
        /// The text.
        text: String,
        /// What it is, in a few words.
        what: String,
    },
    /// Stops what this tab measures.
    StopRun(Owner),
    /// Asks for a file and writes the last comparison to it.
    ExportComparison(ResultForm),
    /// Asks for a file and writes the recorded camera run to it.
    ExportRun(ResultForm),
    /// Shows this folder in the system's file manager.
    ShowFolder(PathBuf),
    /// Takes the newest message away.
    Dismiss,
    /// Takes the message of this number away.
    DismissOne(u64),
    /// Takes all messages away.
    DismissAll,
    /// Measures on the graphics card that was offered.
    AcceptGpu,
    /// Takes the offer of a graphics card away, for good.
    DeclineGpu,
    /// Changes between the dark and the light theme.
    ToggleTheme,
    /// Changes the size of everything that is written.
    TextSize(TextSize),
    /// Shows this over the window, or nothing.
    ShowOver(Option<Over>),
}

/// Where panels put their commands.
#[derive(Debug, Default)]
pub struct Commands(Vec<Command>);

impl Commands {
    /// Adds a request; requests are carried out in order.
    pub fn push(&mut self, command: Command) {
        self.0.push(command);
    }

    /// Adds an edit of the design.
    pub fn edit(&mut self, edit: Edit) {
        self.push(Command::Edit(edit));
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes all requests.
    pub fn take(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.0)
    }
}
