//! What a person sets: how it is applied at the start, and kept for the next one.

use std::path::{Path, PathBuf};

use eframe::egui;
use egui::Theme;

use super::App;
use crate::window::over::Over;
use crate::window::settings::{Change, TextSize, ThemeChoice};
use crate::window::views::ViewChoices;

impl App {
    /// Applies what was set in an earlier session, in the first frame.
    pub(super) fn apply_settings(&mut self, ctx: &egui::Context) {
        let Some(values) = self.unapplied.take() else { return };
        if let Some(theme) = values.theme {
            ctx.set_theme(match theme {
                ThemeChoice::Dark => Theme::Dark,
                ThemeChoice::Light => Theme::Light,
            });
        }
        // The size has steps and bounds of its own.
        ctx.options_mut(|options| {
            options.zoom_with_keyboard = false;
            // The table of commands has it.
            options.quit_shortcuts.clear();
        });
        if let Some(views) = values.views {
            match views.try_into::<ViewChoices>() {
                Ok(choices) => self.tabs.views.choices = choices,
                Err(error) => self.fail(format!("`views` in the settings is not used. {}.", error.message())),
            }
        }
        self.kept_choices = self.tabs.views.choices.clone();
        self.text_size = values.text_size.unwrap_or(1.0);
        ctx.set_zoom_factor(self.text_size);
        self.recent.look();
    }

    pub(super) fn change_settings(&self, change: Change) {
        if let Some(changes) = &self.changes {
            changes.add(change);
            self.files.change_settings(changes);
        }
    }

    /// Keeps what was chosen about the views in this frame.
    pub(super) fn keep_choices(&mut self) {
        let choices = &self.tabs.views.choices;
        if *choices != self.kept_choices {
            self.kept_choices = choices.clone();
            if let Ok(views) = toml::Table::try_from(choices) {
                self.change_settings(Change::Views(views));
            }
        }
    }

    pub(super) fn toggle_theme(&self, ctx: &egui::Context) {
        let (theme, choice) = match ctx.theme() {
            Theme::Dark => (Theme::Light, ThemeChoice::Light),
            Theme::Light => (Theme::Dark, ThemeChoice::Dark),
        };
        ctx.set_theme(theme);
        self.change_settings(Change::Theme(choice));
    }

    pub(super) fn set_text_size(&mut self, change: TextSize, ctx: &egui::Context) {
        let size = change.after(self.text_size);
        if size != self.text_size {
            self.text_size = size;
            ctx.set_zoom_factor(size);
            self.change_settings(Change::TextSize(size));
        }
    }

    /// Shows this over the window, or nothing. A tour that is left counts as shown.
    pub(super) fn show_over(&mut self, over: Option<Over>) {
        if self.over == Some(Over::Tour) && over != self.over {
            self.change_settings(Change::TourShown);
        }
        if over == Some(Over::Targets) {
            self.targets.check_new();
        }
        self.over = over;
    }

    /// Puts a file first among the recent ones; a draft is none.
    pub(super) fn remember_recent(&mut self, file: &Path) {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        if self.is_draft(&file) {
            return;
        }
        let is_first = self.recent.files().first() == Some(&file);
        self.recent.add(&file);
        if !is_first {
            self.change_settings(Change::AddRecent(file));
        }
    }

    pub(super) fn forget_recent(&mut self, file: PathBuf) {
        self.recent.forget(&file);
        self.change_settings(Change::ForgetRecent(file));
    }

    /// Remembers where an export went.
    pub(super) fn remember_export(&mut self, file: &Path) {
        if let Some(folder) = self.files.remember(file).map(Path::to_owned) {
            self.change_settings(Change::ExportFolder(folder));
        }
    }
}
