//! The stages of a network, their units, and what these take and cost.

use std::collections::HashMap;

use shufflescope_engine::cost::ModelCost;
use shufflescope_engine::design::Design;
use shufflescope_engine::graph::{Graph, Node};
use shufflescope_engine::report::{layer_group, layer_part};
use shufflescope_engine::units::Nanos;

use crate::window::format;
use crate::window::layer_times::LayerTimes;
use crate::window::quantity::{Amounts, Quantity};

/// A unit, or a module outside the stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// `stage2.0`, `conv1`.
    pub name: String,
    /// Indices of its layers, in execution order; there is at least one.
    pub layers: Vec<usize>,
    /// Path of the layer with the most mult-adds, or the most memory access where there are none: what a click selects.
    pub main: String,
    /// What its layers take and cost.
    pub amounts: Amounts,
}

/// A stage, or what stands before or behind all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// `stem`, `stage2`, `head`.
    pub name: String,
    /// Its units.
    pub bars: Vec<Bar>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Strip {
    /// In execution order.
    pub sections: Vec<Section>,
    /// What shares are of.
    pub whole: Amounts,
    /// How times are known; `None` where they are not.
    pub how: Option<String>,
    /// Whether they are only predicted.
    pub is_predicted: bool,
}

impl Strip {
    /// The strip of a network. Where it has no units, its parts by the layers' paths stand for stages.
    #[must_use]
    pub fn of(graph: &Graph, cost: &ModelCost, times: Option<&LayerTimes>) -> Self {
        let mut strip = Self {
            sections: Vec::new(),
            whole: Amounts {
                time: times.map(|times| times.whole),
                mult_adds: cost.total.mult_adds,
                memory_access: cost.total.memory_access,
            },
            how: times.map(LayerTimes::how),
            is_predicted: times.is_some_and(LayerTimes::is_predicted),
        };
        let has_units = graph.nodes().iter().any(|node| node.unit.is_some());
        // Branches may take turns in the order of execution; a bar is one all the same.
        let mut places: HashMap<String, (usize, usize)> = HashMap::new();
        let mut weights: HashMap<String, (u64, u64)> = HashMap::new();
        let mut is_behind = false;
        for (index, ((_, node), layer)) in graph.layers().zip(&cost.layers).enumerate() {
            is_behind |= node.unit.is_some();
            let (section, name) = if has_units { of_unit(node, is_behind) } else { of_path(&node.path) };
            let (at, bar) = *places.entry(name.clone()).or_insert_with(|| {
                let known = strip.sections.iter().position(|known| known.name == section);
                let at = known.unwrap_or(strip.sections.len());
                if known.is_none() {
                    strip.sections.push(Section { name: section, bars: Vec::new() });
                }
                let bars = strip.sections.get_mut(at).map(|section| &mut section.bars);
                let bar = bars.map_or(0, |bars| {
                    let main = layer.path.clone();
                    bars.push(Bar { name: name.clone(), layers: Vec::new(), main, amounts: Amounts::default() });
                    bars.len() - 1
                });
                (at, bar)
            });
            let Some(bar) = strip.sections.get_mut(at).and_then(|section| section.bars.get_mut(bar)) else { continue };
            bar.layers.push(index);
            bar.amounts.add(layer, times);
            let weight = (layer.mult_adds.0, layer.memory_access.0);
            let heaviest = weights.entry(name).or_insert(weight);
            if weight > *heaviest {
                *heaviest = weight;
                bar.main.clone_from(&layer.path);
            }
        }
        strip
    }

    /// All bars.
    pub fn bars(&self) -> impl Iterator<Item = &Bar> {
        self.sections.iter().flat_map(|section| &section.bars)
    }

    /// The largest bar.
    #[must_use]
    pub fn most(&self, quantity: Quantity) -> f64 {
        self.bars().map(|bar| bar.amounts.get(quantity)).fold(0.0, f64::max)
    }

    /// A bar in full: all its quantities, and how each is known.
    #[must_use]
    pub fn about(&self, bar: &Bar) -> String {
        let mut lines = vec![bar.name.clone(), self.about_time(&bar.amounts)];
        for quantity in [Quantity::MultAdds, Quantity::MemoryAccess] {
            lines.extend(self.line(&bar.amounts, quantity, "of the network's, on paper"));
        }
        lines.push(match bar.layers.len() {
            1 => format!("1 layer, {}", bar.main),
            many => format!("{many} layers, the main one {}", bar.main),
        });
        lines.join("\n")
    }

    /// A stage in full.
    #[must_use]
    pub fn about_section(&self, section: &Section) -> String {
        let mut sum = Amounts { time: self.whole.time.map(|_| Nanos::ZERO), ..Amounts::default() };
        for Bar { amounts, .. } in &section.bars {
            sum.mult_adds += amounts.mult_adds;
            sum.memory_access += amounts.memory_access;
            sum.time = sum.time.zip(amounts.time).map(|(sum, time)| sum + time);
        }
        let count = section.bars.len();
        let units = if count == 1 { "1 unit" } else { &format!("{count} units") };
        let mut lines = vec![format!("{}: {units}", section.name), self.about_time(&sum)];
        for quantity in [Quantity::MultAdds, Quantity::MemoryAccess] {
            lines.extend(self.line(&sum, quantity, "of the network's, on paper"));
        }
        lines.join("\n")
    }

    /// A share in a few words, for those who do not see the bar.
    #[must_use]
    pub fn said(&self, bar: &Bar, quantity: Quantity) -> String {
        match bar.amounts.share(quantity, &self.whole) {
            Some(share) => {
                let predicted = if quantity == Quantity::Time && self.is_predicted { "predicted " } else { "" };
                format!("{} of the {predicted}{}", format::share(share), quantity.name())
            }
            None => "time not known".into(),
        }
    }

    fn about_time(&self, amounts: &Amounts) -> String {
        let Some(how) = &self.how else { return "time not known: nothing is measured or predicted yet".into() };
        let about = if self.is_predicted { "\u{2248} " } else { "" };
        let line = self.line(amounts, Quantity::Time, &format!("of the run; {how}")).unwrap_or_default();
        format!("{about}{line}")
    }

    fn line(&self, amounts: &Amounts, quantity: Quantity, of: &str) -> Option<String> {
        let (text, share) = (amounts.text(quantity)?, amounts.share(quantity, &self.whole)?);
        Some(format!("{text}, {} {of}", format::share(share)))
    }
}

/// Section and bar of a layer of a design.
fn of_unit(node: &Node, is_behind: bool) -> (String, String) {
    match node.unit {
        Some(unit) => {
            let stage = Design::stage_name(unit.stage);
            let name = format!("{stage}.{}", unit.repeat);
            (stage, name)
        }
        None => (if is_behind { "head" } else { "stem" }.to_owned(), layer_group(&node.path).to_owned()),
    }
}

/// Section and bar of a layer of any other network: `layer1` and `layer1.0` of `layer1.0.conv1`.
fn of_path(path: &str) -> (String, String) {
    let part = layer_part(path);
    let rest = path.get(part.len()..).unwrap_or_default();
    let next = rest.trim_start_matches('.').split('.').next().unwrap_or_default();
    let is_numbered = next.contains(|character: char| character.is_ascii_digit());
    let name = if is_numbered { format!("{part}.{next}") } else { part.to_owned() };
    (part.to_owned(), name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::document::Analysis;
    use shufflescope_engine::units::{Elements, MultAdds};
    use shufflescope_engine::zoo;

    fn strip(name: &str) -> (Analysis, Strip) {
        let analysis = Analysis::of(zoo::preset(name).unwrap(), 1).unwrap();
        let strip = Strip::of(&analysis.graph, &analysis.cost, None);
        (analysis, strip)
    }

    #[test]
    fn every_layer_is_in_one_bar_and_the_bars_add_up_to_the_network() {
        for preset in zoo::presets() {
            let (analysis, strip) = strip(&preset.design.name);
            let mut layers: Vec<usize> = strip.bars().flat_map(|bar| bar.layers.clone()).collect();
            layers.sort_unstable();
            assert!(layers.into_iter().eq(0..analysis.cost.layers.len()), "{}", preset.design.name);
            let sum: MultAdds = strip.bars().map(|bar| bar.amounts.mult_adds).sum();
            let moved: Elements = strip.bars().map(|bar| bar.amounts.memory_access).sum();
            assert_eq!((sum, moved), (analysis.cost.total.mult_adds, analysis.cost.total.memory_access));
        }
    }

    #[test]
    fn a_design_has_a_stem_its_stages_with_a_bar_per_unit_and_a_head() {
        let (_, strip) = strip("shufflenet-v2-x1.0");
        let found: Vec<_> = strip.sections.iter().map(|section| (section.name.as_str(), section.bars.len())).collect();
        assert_eq!(found[..4], [("stem", 2), ("stage2", 4), ("stage3", 8), ("stage4", 4)]);
        assert_eq!((found.len(), found[4].0), (5, "head"));
        let unit = strip.bars().find(|bar| bar.name == "stage3.1").unwrap();
        assert_eq!(unit.main, "stage3.1.branch2.0", "the first of the pointwise layers, which cost the same");
    }

    #[test]
    fn a_network_without_units_is_divided_by_its_paths() {
        let cut = |path| {
            let (section, bar) = of_path(path);
            format!("{section} {bar}")
        };
        assert_eq!(cut("layer1.0.conv1"), "layer1 layer1.0");
        assert_eq!(cut("features.3.conv.0.0"), "features.3 features.3");
        assert_eq!(cut("features.0"), "features features.0");
        assert_eq!(cut("fc"), "fc fc");
    }

    #[test]
    fn a_bar_tells_what_it_costs_and_that_its_time_is_not_known() {
        let (_, strip) = strip("shufflenet-v2-x1.0");
        let bar = strip.bars().find(|bar| bar.name == "stage2.1").unwrap();
        let about = strip.about(bar);
        assert!(about.contains("mult-adds, ") && about.contains("elements read and written"), "{about}");
        assert!(about.contains("nothing is measured or predicted yet"), "{about}");
        assert_eq!(strip.said(bar, Quantity::Time), "time not known");
        assert!(strip.said(bar, Quantity::MultAdds).ends_with(" % of the mult-adds"));
    }
}
