//! What a person has chosen about the views, apart from what is shown at the moment: worth keeping.

use serde::{Deserialize, Serialize};

use super::rows::Column;
use crate::window::quantity::Quantity;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewChoices {
    /// What the heights of the strip's bars are.
    pub strip: Quantity,
    /// What the boxes of a unit are coloured by.
    pub unit: Quantity,
    /// The columns of the layer table beside the layer itself, in the table's own order.
    pub columns: Vec<Column>,
}

impl Default for ViewChoices {
    fn default() -> Self {
        Self { strip: Quantity::Time, unit: Quantity::Time, columns: Column::USUAL.to_vec() }
    }
}

impl ViewChoices {
    /// Whether the layer table shows a column; those against A only where one is pinned.
    pub(super) fn shows(&self, column: Column, is_pinned: bool) -> bool {
        column == Column::Layer || (self.columns.contains(&column) && (is_pinned || !column.is_against_a()))
    }

    /// Shows a column, or hides it.
    pub(super) fn toggle(&mut self, column: Column) {
        let before = self.columns.clone();
        let is_on = |other: &Column| (*other == column) != before.contains(other);
        self.columns = Column::ALL.into_iter().filter(is_on).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_shown_and_hidden_in_the_tables_own_order() {
        let mut choices = ViewChoices::default();
        choices.toggle(Column::Rate);
        choices.toggle(Column::Output);
        assert!(choices.shows(Column::Rate, false) && !choices.shows(Column::Output, false));
        let at = |column| Column::ALL.iter().position(|other| *other == column);
        assert!(choices.columns.is_sorted_by_key(|column| at(*column)));
        choices.toggle(Column::Rate);
        choices.toggle(Column::Output);
        assert_eq!(choices, ViewChoices::default());
        assert!(choices.shows(Column::LatencyAgainstA, true) && !choices.shows(Column::LatencyAgainstA, false));
    }

    #[test]
    fn choices_survive_a_file_and_what_a_file_does_not_say_is_as_usual() {
        let mut choices = ViewChoices { strip: Quantity::MemoryAccess, ..ViewChoices::default() };
        choices.toggle(Column::Spread);
        let text = toml::to_string(&choices).unwrap();
        assert_eq!(toml::from_str::<ViewChoices>(&text).unwrap(), choices);
        assert_eq!(toml::from_str::<ViewChoices>("unit = \"mult-adds\"").unwrap().columns, Column::USUAL);
    }
}
