//! Noise floors seen: what comparisons in a context could not tell apart.

use rusqlite::{params, params_from_iter};

use super::context::ANY_BATCH;
use super::kept::seconds;
use super::{RunContext, Store, StoreError, Timestamp};
use crate::measure::NoiseFloor;

/// Of so many the largest counts.
const LATEST: usize = 5;

/// Most floors kept; the oldest are forgotten.
const MOST: i64 = 5_000;

impl Store {
    /// The floor of this context: the largest of the last five seen, whatever the batch.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn floor(&self, context: &RunContext) -> Result<Option<NoiseFloor>, StoreError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT max(share) FROM (SELECT share FROM noise_floors JOIN contexts ON contexts.id = context \
                 WHERE {ANY_BATCH} ORDER BY noise_floors.id DESC LIMIT {LATEST})"
            );
            let share: Option<f64> =
                connection.query_row(&sql, params_from_iter(context.without_batch()), |row| row.get(0))?;
            Ok(share.map(|share| NoiseFloor { share }))
        })
    }

    /// Adds what was just seen; a floor that is no number is left out.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub fn note_floor(&self, context: &RunContext, floor: NoiseFloor) -> Result<(), StoreError> {
        if !floor.share.is_finite() {
            return Ok(());
        }
        self.write(|transaction| {
            let (context, seen) = (context.put(transaction)?, seconds(Timestamp::now()));
            transaction.execute(
                "INSERT INTO noise_floors (context, seen, share) VALUES (?1, ?2, ?3)",
                params![context, seen, floor.share],
            )?;
            let oldest = "DELETE FROM noise_floors WHERE id <= (SELECT max(id) FROM noise_floors) - ?1";
            transaction.execute(oldest, params![MOST]).map(drop)
        })
    }
}
