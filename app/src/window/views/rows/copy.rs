//! The table as text to be pasted elsewhere: the lines and columns that are shown, in their order.

use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::report::{csv_cell, markdown_cell};

use super::{Column, Facts, Rows};
use crate::window::against::Against;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// A table of GitHub's Markdown, with the numbers as they are shown.
    Markdown,
    /// Comma-separated values with a heading (RFC 4180, line ends `\n`), with exact numbers.
    Csv,
}

impl TextForm {
    /// Both, in the order offered.
    pub const ALL: [Self; 2] = [Self::Markdown, Self::Csv];

    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Markdown => "Markdown",
            Self::Csv => "CSV",
        }
    }
}

impl Rows {
    /// All lines with these columns. Times that are not the present network's are left out.
    pub fn text(&self, form: TextForm, columns: &[Column], layers: &[LayerCost], against: Option<&Against>) -> String {
        let lines = self.lines.iter().filter_map(|&line| Facts::of_line(line, self, layers, against));
        let is_told = |column: Column| !(self.is_stale && column.is_measured());
        let mut text = String::new();
        match form {
            TextForm::Markdown => {
                let headings: Vec<&str> = columns.iter().map(|column| column.name()).collect();
                let is_right = |column: &Column| column.is_number() || *column == Column::Latency;
                let rules: Vec<&str> =
                    columns.iter().map(|column| if is_right(column) { "---:" } else { "---" }).collect();
                text += &format!("| {} |\n| {} |\n", headings.join(" | "), rules.join(" | "));
                for facts in lines {
                    let cells: Vec<String> = columns
                        .iter()
                        .map(
                            |&column| if is_told(column) { markdown_cell(&facts.shown(column)) } else { String::new() },
                        )
                        .collect();
                    text += &format!("| {} |\n", cells.join(" | "));
                }
            }
            TextForm::Csv => {
                let headings: Vec<&str> = columns.iter().map(|column| column.heading()).collect();
                text += &(headings.join(",") + "\n");
                for facts in lines {
                    let cells: Vec<String> = columns
                        .iter()
                        .map(|&column| if is_told(column) { csv_cell(&facts.exact(column)) } else { String::new() })
                        .collect();
                    text += &(cells.join(",") + "\n");
                }
            }
        }
        text
    }
}
