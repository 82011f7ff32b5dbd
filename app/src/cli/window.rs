//! Without a subcommand: the window, where this build has one.

#[cfg(feature = "window")]
pub use with::{EXAMPLES, WindowArguments, run};
#[cfg(not(feature = "window"))]
pub use without::{EXAMPLES, WindowArguments, run};

#[cfg(feature = "window")]
mod with {
    use crate::cli::running::{Load, Running};
    use crate::reader::Readers;
    use crate::window::{Renderer, WindowOptions};
    use crate::worker::Launcher;

    pub const EXAMPLES: &str = "  \
  shufflescope                                     open the window
  shufflescope --device gpu:0 --precision f16      open it on a graphics card
  shufflescope --renderer glow                     open it on a machine without Vulkan
";

    #[derive(Debug, clap::Args)]
    pub struct WindowArguments {
        /// What paints the window; without it wgpu, and glow where wgpu finds no adapter
        #[arg(long, value_enum)]
        renderer: Option<Renderer>,
        #[command(flatten)]
        running: Running,
        #[command(flatten)]
        load: Load,
    }

    /// Opens the window on the last session's design, which is run as the options say.
    pub fn run(arguments: &WindowArguments) -> anyhow::Result<()> {
        let options = arguments.running.options(arguments.load.threads, arguments.load.batch)?;
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
