//! `shufflescope profile` with several targets: one network on all of them at the same time, each with a worker of its own,
//! and where each guideline holds: where what it proposes makes the design faster.

use indicatif::MultiProgress;
use serde::Serialize;
use shufflescope_engine::guideline::{Finding, Guideline, Remedy};
use shufflescope_engine::measure::Difference;
use shufflescope_engine::report::Profile;
use shufflescope_engine::runtime::RunOptions;

use super::in_turns::{Effect, effect_of, word};
use super::measuring::Measuring;
use super::output::{complain, print};
use super::profile::{Arguments, Wanted};
use super::resolve::UsageError;
use super::site::{ProgramThere, Site};
use super::table::{Align, Table};
use super::words::where_it_ran;
use crate::explain;
use crate::target::Target;

/// What became of each target, in the order asked for.
#[derive(Serialize)]
struct Report {
    targets: Vec<OnTarget>,
}

#[derive(Serialize)]
struct OnTarget {
    target: Target,
    /// What was measured there.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
    /// What the guidelines' remedies do there.
    guidelines: Vec<Judged>,
    /// Why nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A guideline that the design goes against, and what its remedy does on a target.
#[derive(Serialize)]
struct Judged {
    guideline: Guideline,
    remedy: String,
    /// Whether it holds there: the remedy makes the design faster.
    holds: Answer,
    #[serde(flatten)]
    effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Holds,
    DoesNotHold,
    Undecided,
}

impl Answer {
    const fn of(verdict: Difference) -> Self {
        match verdict {
            Difference::Faster => Self::Holds,
            Difference::Slower | Difference::Same => Self::DoesNotHold,
            Difference::Undecided => Self::Undecided,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::DoesNotHold => "does not hold",
            Self::Undecided => "undecided",
        }
    }
}

pub(super) fn run(wanted: &Wanted<'_>, arguments: &Arguments) -> anyhow::Result<()> {
    let is_json = arguments.of_several()?;
    let (targets, program) = arguments.targets();
    if let Some(twice) =
        targets.iter().enumerate().find(|(at, target)| targets.iter().take(*at).any(|of| of == *target))
    {
        return Err(UsageError(format!("--target {} is named twice", twice.1)).into());
    }
    // One after the other: a person may be asked something.
    let sites: Vec<anyhow::Result<(Site, RunOptions)>> =
        targets.iter().map(|target| at(wanted, target, program)).collect();
    let bars = MultiProgress::new();
    let found = std::thread::scope(|scope| {
        let measured: Vec<_> = sites
            .into_iter()
            .zip(targets)
            .map(|(site, target)| {
                let bars = bars.clone();
                scope.spawn(move || site.and_then(|(site, options)| measure(wanted, target, &site, options, bars)))
            })
            .collect();
        measured
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("it panicked"))))
            .collect::<Vec<_>>()
    });
    let on_target = |(target, found): (&Target, anyhow::Result<(Profile, Vec<Judged>)>)| match found {
        Ok((profile, guidelines)) => {
            OnTarget { target: target.clone(), profile: Some(profile), guidelines, error: None }
        }
        Err(error) => {
            let error = explain(&error);
            complain(&format!("{target}: {error}"));
            OnTarget { target: target.clone(), profile: None, guidelines: Vec::new(), error: Some(error) }
        }
    };
    let report = Report { targets: targets.iter().zip(found).map(on_target).collect() };
    print(&if is_json { serde_json::to_string_pretty(&report)? + "\n" } else { text(&report) })?;
    match report.targets.iter().filter(|target| target.error.is_some()).count() {
        0 => Ok(()),
        failed => anyhow::bail!("{failed} of {} targets could not be measured on", targets.len()),
    }
}

fn at(wanted: &Wanted<'_>, target: &Target, program: &ProgramThere) -> anyhow::Result<(Site, RunOptions)> {
    let site = Site::at(target, program)?;
    let (options, _) = wanted.options(&site)?;
    Ok((site, options))
}

fn measure(
    wanted: &Wanted<'_>,
    target: &Target,
    site: &Site,
    options: RunOptions,
    bars: MultiProgress,
) -> anyhow::Result<(Profile, Vec<Judged>)> {
    let mut measuring = Measuring::beside_others("shufflescope profile", site, bars);
    let profile = wanted.profile(site, &mut measuring, options.clone(), &target.to_string())?;
    let Some(design) = wanted.model.design() else { return Ok((profile, Vec::new())) };
    let judged = profile.findings.iter().filter_map(remedy_of).map(|(guideline, remedy)| {
        let what = format!("{target}, {guideline}");
        let effect = effect_of(&mut measuring, &what, design, &remedy.edit, &options)?;
        Ok(Judged { guideline, remedy: remedy.label.clone(), holds: Answer::of(effect.verdict), effect })
    });
    let judged = judged.collect::<anyhow::Result<Vec<_>>>()?;
    Ok((profile, judged))
}

fn remedy_of(finding: &Finding) -> Option<(Guideline, &Remedy)> {
    Some((finding.guideline, finding.remedy.as_ref()?))
}

fn text(report: &Report) -> String {
    let mut table = Table::new(&[
        ("target", Align::Left),
        ("processor", Align::Left),
        ("ran", Align::Left),
        ("latency", Align::Right),
        ("interval", Align::Left),
        ("images/s", Align::Right),
    ]);
    let measured = || {
        report
            .targets
            .iter()
            .filter_map(|on| Some((on, on.profile.as_ref()?, on.profile.as_ref()?.measurement.as_ref()?)))
    };
    for (on, profile, measurement) in measured() {
        let whole = &measurement.whole;
        table.row([
            on.target.to_string(),
            profile.machine.cpu_model.clone().unwrap_or_else(|| profile.machine.arch.clone()),
            where_it_ran(measurement),
            whole.median.to_string(),
            format!("{} to {}", whole.low, whole.high),
            format!("{:.1}", f64::from(measurement.batch) / whole.median.as_secs_f64().max(1e-12)),
        ]);
    }
    let Some((_, first, _)) = measured().next() else { return "no target could be measured on\n".into() };
    let mut text = format!("{}\n{table}", super::cost::headline(&first.design, &first.cost));
    let mut guidelines = Table::new(&[
        ("guideline", Align::Left),
        ("proposes", Align::Left),
        ("target", Align::Left),
        ("", Align::Left),
        ("latency", Align::Left),
    ]);
    let mut is_any = false;
    for guideline in Guideline::ALL {
        for (on, judged) in report.targets.iter().flat_map(|on| on.guidelines.iter().map(move |judged| (on, judged))) {
            if judged.guideline != guideline {
                continue;
            }
            is_any = true;
            let Effect { ratio, low, high, verdict } = judged.effect;
            guidelines.row([
                guideline.to_string(),
                judged.remedy.clone(),
                on.target.to_string(),
                judged.holds.name().into(),
                format!("{ratio:.3} times as long ({low:.3} to {high:.3}), {}", word(verdict)),
            ]);
        }
    }
    text += &match is_any {
        true => format!(
            "\n{guidelines}a guideline holds where what it proposes makes this design faster, measured in turns\n"
        ),
        false => "\nno guideline proposes anything for this design\n".into(),
    };
    for (on, _, measurement) in measured() {
        for warning in &measurement.warnings {
            text += &format!("\nwarning: {}: {warning}\n", on.target);
        }
    }
    text
}
