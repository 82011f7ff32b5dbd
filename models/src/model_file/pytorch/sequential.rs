//! How runs of numbered layers are gathered into `nn.Sequential`.

use std::collections::{BTreeMap, HashMap};

use super::steps::{Call, Step, ValueId};

/// Makes an `nn.Sequential` of every container whose children are modules numbered from 0 that feed one another.
pub(super) fn gather(mut steps: Vec<Step>, result: ValueId) -> Vec<Step> {
    let deepest = steps.iter().map(|step| step.path.len()).max().unwrap_or(0);
    for depth in (1..deepest).rev() {
        let lengths = sequences(&steps, depth, result);
        let mut gathered = Vec::with_capacity(steps.len());
        let mut rest = steps.into_iter().enumerate();
        while let Some((index, step)) = rest.next() {
            let Some(&length) = lengths.get(&index) else {
                gathered.push(step);
                continue;
            };
            let run: Vec<Step> =
                std::iter::once(step).chain(rest.by_ref().take(length - 1).map(|(_, step)| step)).collect();
            match joined(&run, depth) {
                Some(step) => gathered.push(step),
                None => gathered.extend(run),
            }
        }
        steps = gathered;
    }
    steps
}

/// By its first step, how many steps make up a container at `depth` that can be an `nn.Sequential`.
fn sequences(steps: &[Step], depth: usize, result: ValueId) -> BTreeMap<usize, usize> {
    let container = |step: &Step| (step.path.len() > depth).then(|| step.path[..depth].to_vec());
    let mut sizes: HashMap<Vec<String>, usize> = HashMap::new();
    for name in steps.iter().filter_map(container) {
        *sizes.entry(name).or_default() += 1;
    }
    // A layer that has other layers inside it is no container.
    for step in steps.iter().filter(|step| step.path.len() == depth && matches!(step.call, Call::Module(_))) {
        sizes.remove(&step.path);
    }
    let mut readers: HashMap<ValueId, usize> = HashMap::from([(result, 1)]);
    for &input in steps.iter().flat_map(|step| &step.inputs) {
        *readers.entry(input).or_default() += 1;
    }
    let mut found = BTreeMap::new();
    let mut start = 0;
    while let Some(rest) = steps.get(start..).filter(|rest| !rest.is_empty()) {
        let name = rest.first().and_then(container);
        let run = rest.iter().take_while(|step| container(step) == name).count();
        let whole = name.is_some_and(|name| sizes.get(&name) == Some(&run)) && run > 1;
        if whole && rest.get(..run).is_some_and(|run| is_chain(run, depth, &readers)) {
            found.insert(start, run);
        }
        start += run;
    }
    found
}

/// Whether the steps are modules numbered from 0, each of which alone reads the one before it.
fn is_chain(run: &[Step], depth: usize, readers: &HashMap<ValueId, usize>) -> bool {
    let numbered = run.iter().enumerate().all(|(index, step)| {
        let is_module = matches!(step.call, Call::Module(_)) && step.inputs.len() == 1;
        is_module && step.path.get(depth..) == Some(&[index.to_string()])
    });
    let chained = run.windows(2).all(|pair| match pair {
        [one, next] => next.inputs == [one.output] && readers.get(&one.output) == Some(&1),
        _ => false,
    });
    numbered && chained
}

fn joined(run: &[Step], depth: usize) -> Option<Step> {
    let (first, last) = (run.first()?, run.last()?);
    let mut parts: Vec<(&str, usize)> = Vec::new();
    for step in run {
        let Call::Module(expression) = &step.call else { return None };
        match parts.last_mut() {
            Some((same, times)) if same == expression => *times += 1,
            _ => parts.push((expression, 1)),
        }
    }
    let part = |&(expression, times): &(&str, usize)| match times {
        1 => expression.to_owned(),
        times => format!("*[{expression} for _ in range({times})]"),
    };
    let parts: Vec<String> = parts.iter().map(part).collect();
    Some(Step {
        path: first.path.get(..depth)?.to_vec(),
        call: Call::Module(format!("nn.Sequential(\n{},\n)", parts.join(",\n"))),
        inputs: first.inputs.clone(),
        output: last.output,
    })
}
