//! Without a subcommand: the window, where this build has one.

#[cfg(feature = "window")]
pub use with::{EXAMPLES, WindowArguments, run};
#[cfg(not(feature = "window"))]
pub use without::{EXAMPLES, WindowArguments, run};

#[cfg(feature = "window")]
mod with {
    use shufflescope_engine::device::DeviceId;
    use shufflescope_engine::runtime::RunOptions;

    use crate::cli::resolve::default_threads;
    use crate::reader::Readers;
    use crate::window::{Renderer, WindowOptions};
    use crate::worker::Launcher;

    pub const EXAMPLES: &str = "  \
  shufflescope                                     open the window
  shufflescope --renderer glow                     open it on a machine without Vulkan
";

    #[derive(Debug, clap::Args)]
    pub struct WindowArguments {
        /// What paints the window; without it wgpu, and glow where wgpu finds no adapter
        #[arg(long, value_enum)]
        renderer: Option<Renderer>,
    }

    /// Opens the window on the last session's design.
    pub fn run(arguments: &WindowArguments) -> anyhow::Result<()> {
        let options = RunOptions::new(DeviceId::Cpu, default_threads(), 1);
        let (launcher, readers) = (Launcher::this_program()?, Readers::this_program()?);
        crate::window::run(WindowOptions { launcher, readers, design: None, options, renderer: arguments.renderer })
    }
}

#[cfg(not(feature = "window"))]
mod without {
    use clap::CommandFactory;

    use crate::cli::resolve::UsageError;

    pub const EXAMPLES: &str = "";

    #[derive(Debug, clap::Args)]
    pub struct WindowArguments {}

    /// Says what this build is for instead.
    pub fn run(_: &WindowArguments) -> anyhow::Result<()> {
        let help = crate::cli::Arguments::command().render_help();
        let reason = "this build has no window (the feature `window` was left out): give a subcommand";
        Err(UsageError(format!("{reason}\n\n{}", help.to_string().trim_end())).into())
    }
}
