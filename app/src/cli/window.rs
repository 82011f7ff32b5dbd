//! Without a subcommand: the window, where this build has one.

#[cfg(feature = "window")]
pub use with::{EXAMPLES, WindowArguments, run};
#[cfg(not(feature = "window"))]
pub use without::{EXAMPLES, WindowArguments, run};

#[cfg(feature = "window")]
mod with {
    use std::path::{Path, PathBuf};

    use clap::CommandFactory;

    use crate::cli::Arguments;
    use crate::cli::resolve::UsageError;
    use crate::cli::running::{Load, Running};
    use crate::reader::Readers;
    use crate::window::{Renderer, WindowOptions};
    use crate::worker::Launcher;

    pub const EXAMPLES: &str = "  \
  shufflescope                                     open the window
  shufflescope my-design.toml                      open it on a design, a saved profile or an ONNX model
  shufflescope --device gpu:0 --precision f16      open it on a graphics card
  shufflescope --renderer glow                     open it on a machine without Vulkan
";

    #[derive(Debug, clap::Args)]
    pub struct WindowArguments {
        /// A design, saved profile or ONNX model to open
        file: Option<PathBuf>,
        /// What paints the window; without it wgpu, and glow where wgpu finds no adapter
        #[arg(long, value_enum)]
        renderer: Option<Renderer>,
        #[command(flatten)]
        running: Running,
        #[command(flatten)]
        load: Load,
    }

    /// Opens the window on the file, or on the last session's design; it is run as the options say.
    pub fn run(arguments: &WindowArguments) -> anyhow::Result<()> {
        let file = arguments.file.as_deref().map(file).transpose()?;
        let options = arguments.running.options(arguments.load.threads, arguments.load.batch)?;
        let (launcher, readers) = (Launcher::this_program()?, Readers::this_program()?);
        let renderer = arguments.renderer;
        crate::window::run(WindowOptions { launcher, readers, design: None, file, options, renderer })
    }

    /// The subcommands that begin like a word.
    fn similar(word: &str) -> String {
        let start: String = word.chars().take(3).collect();
        let command = Arguments::command();
        let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
        let names = shown.map(clap::Command::get_name).filter(|name| start.len() == 3 && name.starts_with(&start));
        names.collect::<Vec<_>>().join(" or ")
    }

    /// The whole path of a file, which has to be there.
    fn file(path: &Path) -> Result<PathBuf, UsageError> {
        let word = path.display();
        match std::fs::metadata(path) {
            Ok(about) if about.is_dir() => Err(UsageError(format!("`{word}` is a folder: name a file in it"))),
            Ok(_) => std::path::absolute(path).map_err(|error| UsageError(format!("`{word}`: {error}"))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if Arguments::command().find_subcommand(path).is_some() {
                    let rule =
                        "is a subcommand: it comes first, and options of the window such as --renderer go without";
                    return Err(UsageError(format!("`{word}` {rule}")));
                }
                let near = similar(&word.to_string());
                let meant = if near.is_empty() { near } else { format!(" Did you mean {near}?") };
                let neither = "there is no such file to open in the window, and no subcommand of that name";
                Err(UsageError(format!("`{word}`: {neither}.{meant} `shufflescope --help` lists them.")))
            }
            Err(error) => Err(UsageError(format!("`{word}` cannot be opened: {error}"))),
        }
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
