//! Figure 2 as a table: our shares beside the paper's, network by network.

use std::fmt::Write;

use serde::Serialize;

use super::figure_2::{Category, PIES, PaperPie, SOURCE, Shares, TimeByCategory};
use super::markdown::written;
use crate::measure::SPLIT_LABEL;

/// The whole figure. Its JSON form is a contract: unknown is `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FigureTable {
    /// Where the published shares are printed.
    pub source: &'static str,
    /// Each network once, in the figure's order.
    pub pies: Vec<Pie>,
}

/// One network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pie {
    /// The zoo's name.
    pub network: &'static str,
    /// Where its time goes here; `None` where it was not measured.
    pub ours: Option<TimeByCategory>,
    /// As published for the paper's GPU.
    pub paper_gpu: Option<Shares>,
    /// As published for the paper's ARM processor.
    pub paper_arm: Option<Shares>,
    /// Why there are no shares of ours, where that was tried.
    pub failure: Option<String>,
}

impl FigureTable {
    /// The figure, with what `ours` tells of a network of the zoo: its shares, nothing where it was not measured, or why
    /// it could not be.
    #[must_use]
    pub fn new(mut ours: impl FnMut(&'static str) -> Result<Option<TimeByCategory>, String>) -> Self {
        let mut pies: Vec<Pie> = Vec::new();
        for &PaperPie { network, .. } in &PIES {
            if pies.iter().any(|pie| pie.network == network) {
                continue;
            }
            let printed = |gpu| PIES.iter().find(|pie| pie.network == network && pie.gpu == gpu).map(|pie| pie.shares);
            let (ours, failure) = match ours(network) {
                Ok(ours) => (ours, None),
                Err(why) => (None, Some(why)),
            };
            pies.push(Pie { network, ours, paper_gpu: printed(true), paper_arm: printed(false), failure });
        }
        Self { source: SOURCE, pies }
    }

    /// Whether every network that was measured had its kernels taken apart.
    #[must_use]
    pub fn is_split(&self) -> bool {
        self.pies.iter().filter_map(|pie| pie.ours).all(|ours| ours.is_split)
    }

    /// What the shares of ours mean.
    #[must_use]
    pub fn rule(&self) -> String {
        if self.is_split() {
            format!(
                "Here depthwise convolutions count as Conv; a fused kernel's time is split among its layers, \
                 {SPLIT_LABEL}."
            )
        } else {
            "Here depthwise convolutions count as Conv; kernels were not taken apart, so that a fused one counts as its \
             heaviest layer and little element-wise work is seen."
                .into()
        }
    }

    /// The table as Markdown, without a heading.
    #[must_use]
    pub fn markdown(&self) -> String {
        written(|to| self.write_markdown(to))
    }

    fn write_markdown(&self, to: &mut String) -> std::fmt::Result {
        let names = Category::ALL.map(Category::name);
        writeln!(to, "| network | whose | {} | of it depthwise |", names.join(" | "))?;
        writeln!(to, "|---|---|{}", "---:|".repeat(names.len() + 1))?;
        for pie in &self.pies {
            for (whose, shares, depthwise) in pie.lines() {
                let Some(shares) = shares else { continue };
                let shares = Category::ALL.map(|category| percent(shares.get(category))).join(" | ");
                let depthwise = depthwise.map(percent).unwrap_or_default();
                writeln!(to, "| {} | {whose} | {shares} | {depthwise} |", pie.network)?;
            }
        }
        writeln!(to, "\nPaper: {}. {}", self.source, self.rule())?;
        for pie in &self.pies {
            if let Some(why) = &pie.failure {
                writeln!(to, "\n- {}: {why}", pie.network)?;
            }
        }
        Ok(())
    }
}

impl Pie {
    /// Ours and the published ones: whose, the shares, and the part of them that is depthwise where that is known.
    #[must_use]
    pub fn lines(&self) -> [(&'static str, Option<Shares>, Option<f64>); 3] {
        [
            ("here, measured", self.ours.map(|ours| ours.shares), self.ours.map(|ours| ours.depthwise)),
            ("paper, GPU", self.paper_gpu, None),
            ("paper, ARM", self.paper_arm, None),
        ]
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_shares_are_there_before_anything_was_measured_and_a_failure_says_why() {
        let figure = FigureTable::new(|_| Ok(None));
        assert_eq!(figure.pies.len(), 2);
        assert!(figure.pies.iter().all(|pie| pie.paper_gpu.is_some() && pie.paper_arm.is_some() && pie.ours.is_none()));
        let text = figure.markdown();
        assert!(text.contains("| shufflenet-v1-g3-x1.0 | paper, GPU | 50.0 % | 20.0 % | 15.0 % | 5.0 % | 10.0 % |"));
        assert!(!text.contains("here, measured"), "{text}");
        let failed = FigureTable::new(|_| Err("no device".into()));
        assert!(failed.markdown().contains("- mobilenet-v2-x1.0: no device"));
    }

    #[test]
    fn shares_of_ours_stand_beside_the_papers_and_say_whether_kernels_were_taken_apart() {
        let shares = Shares { conv: 0.75, elemwise: 0.25, ..Shares::default() };
        let ours = |is_split| TimeByCategory { shares, depthwise: 0.125, is_split };
        let fused = FigureTable::new(|_| Ok(Some(ours(false))));
        assert!(fused.markdown().contains("| here, measured | 75.0 % | 0.0 % | 25.0 % | 0.0 % | 0.0 % | 12.5 % |"));
        assert!(!fused.is_split() && fused.rule().contains("heaviest layer"));
        assert!(FigureTable::new(|_| Ok(Some(ours(true)))).is_split());
        let json = serde_json::to_value(&fused).unwrap();
        assert_eq!(json["pies"][0]["ours"]["conv"], 0.75);
        assert_eq!(json["pies"][1]["paper_arm"]["conv"], 0.89);
    }
}
