//! What a line of the table says in each column: as it is shown, and exactly.

use shufflescope_engine::cost::LayerCost;
use shufflescope_engine::graph::Shape;
use shufflescope_engine::units::{Elements, FlopRate, MultAdds, Nanos};

use super::look::Column;
use super::unit::{LayerShare, Sums, Timing, Unit, difference};
use super::{Group, Line, Rows};
use crate::window::against::Against;
use crate::window::format;
use crate::window::quantity::Amounts;

/// See the module.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The layer's path, or the group's name.
    pub name: &'a str,
    op: String,
    output: Option<Shape>,
    timing: Option<Timing>,
    alone: Option<Nanos>,
    sums: Sums,
    beside: Beside,
}

/// What stands beside a line.
#[derive(Clone, Copy, Debug)]
enum Beside {
    /// Nothing is pinned, or the line is a heading.
    Nothing,
    /// A has no such layer.
    New,
    /// The same layers of A.
    Layers(Amounts),
}

impl Beside {
    fn of(amounts: Option<Amounts>, is_pinned: bool) -> Self {
        match amounts {
            _ if !is_pinned => Self::Nothing,
            None => Self::New,
            Some(amounts) => Self::Layers(amounts),
        }
    }
}

impl<'a> Facts<'a> {
    /// Of a kernel, or a layer that is in none.
    pub fn of_unit(unit: &Unit, first: &'a LayerCost, is_pinned: bool) -> Self {
        Self {
            name: &first.path,
            op: first.op.clone(),
            output: Some(unit.output),
            timing: unit.timing,
            alone: unit.alone,
            sums: unit.sums,
            beside: Beside::of(unit.beside, is_pinned),
        }
    }

    /// Of a layer below its kernel.
    pub fn of_layer(index: usize, layer: &'a LayerCost, rows: &Rows, against: Option<&Against>) -> Self {
        let share = rows.share_of(index);
        let mut sums = Sums::default();
        sums.add(layer);
        let timing = share.filter(|share| share.time > Nanos::ZERO).map(|LayerShare { time, share, .. }| Timing {
            median: time,
            interval: None,
            share,
            rate: FlopRate::of(layer.mult_adds, time),
            launches: 1,
        });
        let alone = share.and_then(|share| share.alone);
        // Where layers are not timed by themselves, the time of A's layer stands at its kernel too.
        let has_time = timing.is_some() && !rows.is_stale;
        let beside = against.and_then(|against| against.layers(&[index]));
        let beside = beside.map(|amounts| Amounts { time: amounts.time.filter(|_| has_time), ..amounts });
        let beside = Beside::of(beside, against.is_some());
        let (op, output) = (layer.op.clone(), Some(layer.output));
        Self { name: &layer.path, op, output, timing, alone, sums, beside }
    }

    /// Of a group's heading.
    pub fn of_group(group: &'a Group) -> Self {
        let op = if group.layers == 1 { "1 layer".to_owned() } else { format!("{} layers", group.layers) };
        let timing =
            group.time.map(|(median, share)| Timing { median, interval: None, share, rate: None, launches: 0 });
        let (sums, beside) = (group.sums, Beside::Nothing);
        Self { name: &group.name, op, output: None, timing, alone: None, sums, beside }
    }

    /// Of any line.
    pub fn of_line(line: Line, rows: &'a Rows, layers: &'a [LayerCost], against: Option<&Against>) -> Option<Self> {
        Some(match line {
            Line::Group(group) => Self::of_group(rows.groups.get(group)?),
            Line::Unit(unit) => {
                let unit = rows.units.get(unit)?;
                Self::of_unit(unit, layers.get(unit.first())?, against.is_some())
            }
            Line::Layer(layer) => Self::of_layer(layer, layers.get(layer)?, rows, against),
        })
    }

    /// How the difference of this column is to be seen: less than A is good. `None` where there is none.
    pub fn difference(&self, column: Column) -> Option<i128> {
        match self.beside {
            Beside::Layers(amounts) => difference(column, self.timing, &self.sums, amounts),
            Beside::Nothing | Beside::New => None,
        }
    }

    /// As the table shows it; empty where there is nothing to say.
    pub fn shown(&self, column: Column) -> String {
        let some = |count: u64, text: String| if count == 0 { String::new() } else { text };
        let sums = &self.sums;
        match column {
            Column::Layer => self.name.to_owned(),
            Column::Op => self.op.clone(),
            Column::Output => self.output.map(|output| output.to_string()).unwrap_or_default(),
            Column::Latency => self.timing.map(|timing| timing.median.to_string()).unwrap_or_default(),
            Column::Spread => {
                let half_width = self.timing.and_then(|timing| timing.half_width());
                half_width.map(|half_width| format!("±{}", format::share(half_width))).unwrap_or_default()
            }
            Column::Rate => {
                let rate = self.timing.and_then(|timing| timing.rate);
                rate.map(|rate| format::three_digits(rate.0)).unwrap_or_default()
            }
            Column::Apart => self.alone.map(|alone| alone.to_string()).unwrap_or_default(),
            Column::MultAdds => some(sums.mult_adds.0, sums.mult_adds.to_string()),
            Column::Params => some(sums.params.0, sums.params.to_string()),
            Column::MemoryAccess => some(sums.memory_access.0, sums.memory_access.to_string()),
            Column::Intensity => sums.intensity().map(format::three_digits).unwrap_or_default(),
            Column::LatencyAgainstA | Column::MultAddsAgainstA | Column::MemoryAccessAgainstA => {
                match (self.beside, self.difference(column)) {
                    (Beside::New, _) => "new".into(),
                    (_, difference) => difference.map(|more| signed(column, more)).unwrap_or_default(),
                }
            }
        }
    }

    /// To compute with: no prefixes, times in nanoseconds; empty where it is not known.
    pub fn exact(&self, column: Column) -> String {
        match column {
            Column::Layer | Column::Op | Column::Output => self.shown(column),
            Column::Latency => self.timing.map(|timing| timing.median.0.to_string()).unwrap_or_default(),
            Column::Spread => {
                let half_width = self.timing.and_then(|timing| timing.half_width());
                half_width.map(|half_width| format!("{half_width:.4}")).unwrap_or_default()
            }
            Column::Rate => {
                let rate = self.timing.and_then(|timing| timing.rate);
                rate.map(|rate| rate.0.to_string()).unwrap_or_default()
            }
            Column::Apart => self.alone.map(|alone| alone.0.to_string()).unwrap_or_default(),
            Column::MultAdds => self.sums.mult_adds.0.to_string(),
            Column::Params => self.sums.params.0.to_string(),
            Column::MemoryAccess => self.sums.memory_access.0.to_string(),
            Column::Intensity => self.sums.intensity().map(|intensity| intensity.to_string()).unwrap_or_default(),
            Column::LatencyAgainstA | Column::MultAddsAgainstA | Column::MemoryAccessAgainstA => {
                self.difference(column).map(|more| more.to_string()).unwrap_or_default()
            }
        }
    }
}

/// `+3.1 µs`, `-12.3 M`, `±0`.
fn signed(column: Column, more: i128) -> String {
    let sign = match more {
        0 => return "±0".into(),
        more if more > 0 => "+",
        _ => "-",
    };
    let size = u64::try_from(more.unsigned_abs()).unwrap_or(u64::MAX);
    match column {
        Column::LatencyAgainstA => format!("{sign}{}", Nanos(size)),
        Column::MultAddsAgainstA => format!("{sign}{}", MultAdds(size)),
        _ => format!("{sign}{}", Elements(size)),
    }
}
