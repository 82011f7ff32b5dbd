//! `--apart`: every layer's own time, and what fusing saves.

use shufflescope_engine::measure::SPLIT_LABEL;
use shufflescope_engine::report::{Profile, layer_rows, time_by_kind, what_fusing_saves};
use shufflescope_engine::units::Nanos;

use super::table::{Align, Table};

/// The layers with their parts of the kernels' times, the time by kind of work, and what fusing saves; nothing where the
/// layers were not measured apart.
pub(super) fn report(profile: &Profile) -> String {
    let Some(measurement) = profile.measurement.as_ref().filter(|measurement| measurement.apart.is_some()) else {
        return String::new();
    };
    let mut table = Table::new(&[
        ("layer", Align::Left),
        ("operation", Align::Left),
        ("kernel", Align::Right),
        ("split", Align::Right),
        ("share", Align::Right),
        ("apart", Align::Right),
    ]);
    let whole = measurement.breakdown.as_ref().map_or(Nanos::ZERO, |breakdown| breakdown.marked_whole);
    for row in layer_rows(profile) {
        // Layers that do not compute would only be lines without a time.
        let Some((share, alone)) = row.apart.and_then(|apart| Some((apart.share, apart.alone?))) else { continue };
        table.row([
            row.cost.path.clone(),
            row.cost.op.clone(),
            row.kernel.map(|kernel| kernel.index.to_string()).unwrap_or_default(),
            share.to_string(),
            percent(share.share_of(whole)),
            alone.to_string(),
        ]);
    }
    let mut text = format!("\n{table}split, {SPLIT_LABEL}\n");
    text += &by_kind(profile);
    if let Some(saved) = what_fusing_saves(measurement) {
        text += &format!("{saved}\n");
    }
    text
}

/// Where the time goes by kind of work.
fn by_kind(profile: &Profile) -> String {
    let of = profile.measurement.as_ref().and_then(|measurement| time_by_kind(&profile.cost.layers, measurement));
    let Some(of) = of else { return String::new() };
    let mut table = Table::new(&[("kind of work", Align::Left), ("time", Align::Right), ("share", Align::Right)]);
    let sum: Nanos = of.times.values().copied().sum();
    for (kind, time) in of.sorted() {
        table.row([kind.name().into(), time.to_string(), percent(time.share_of(sum))]);
    }
    format!("\n{table}")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
