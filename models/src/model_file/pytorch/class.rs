//! The body of a class: `__init__` makes the modules, `forward` runs them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use super::steps::{Call, Step, ValueId};
use crate::model_file::module_path::is_attribute;

/// `__init__` and `forward` over gathered steps; `argument` is the value that `forward` gets, `result` what it gives.
pub(super) fn class_body(steps: &[Step], argument: ValueId, result: ValueId) -> String {
    let modules = Modules::of(steps);
    let mut text = String::from("    def __init__(self):\n        super().__init__()\n");
    text += &modules.made(steps);
    text += "\n    def forward(self, x):\n";
    text += &forward(steps, argument, result, &modules);
    text
}

/// What stands at a path.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// A layer or another module, whose children are its attributes.
    Module,
    /// A container, all of whose children are named as no attribute can be: numbers, keywords.
    Dict,
}

/// The modules by path, and how Python reaches them.
struct Modules<'a> {
    places: HashMap<&'a [String], Place>,
}

impl<'a> Modules<'a> {
    fn of(steps: &'a [Step]) -> Self {
        let mut places: HashMap<&[String], Place> = HashMap::new();
        for path in modules(steps).map(|(path, _)| path) {
            for depth in 1..path.len() {
                let place = places.entry(&path[..depth]).or_insert(Place::Dict);
                if is_attribute(&path[depth]) {
                    *place = Place::Module;
                }
            }
        }
        places.extend(modules(steps).map(|(path, _)| (path, Place::Module)));
        Self { places }
    }

    /// The lines of `__init__`; what holds a module is made before it.
    fn made(&self, steps: &[Step]) -> String {
        let layers: HashMap<&[String], &str> = modules(steps).collect();
        let mut done = HashSet::new();
        let mut text = String::new();
        for path in modules(steps).map(|(path, _)| path) {
            for depth in 1..=path.len() {
                let path = &path[..depth];
                if !done.insert(path) {
                    continue;
                }
                let made = match (layers.get(path), self.places.get(path)) {
                    (Some(expression), _) => indented(expression, 8),
                    (None, Some(Place::Dict)) => "nn.ModuleDict()".into(),
                    (None, _) => "nn.Module()".into(),
                };
                let _ = match path.split_last() {
                    Some((name, parent)) if self.is_plain(parent) && !is_attribute(name) => {
                        writeln!(text, "        setattr({}, \"{name}\", {made})", self.reached(parent))
                    }
                    _ => writeln!(text, "        {} = {made}", self.reached(path)),
                };
            }
        }
        text
    }

    /// The expression that reaches the module: `self.stage2["0"].conv`.
    fn reached(&self, path: &[String]) -> String {
        let mut text = String::from("self");
        for (depth, name) in path.iter().enumerate() {
            match path.get(..depth) {
                Some(parent) if !self.is_plain(parent) => text += &format!("[\"{name}\"]"),
                _ if is_attribute(name) => text += &format!(".{name}"),
                _ => text = format!("getattr({text}, \"{name}\")"),
            }
        }
        text
    }

    /// Whether children are attributes: in the class itself and in every module but a `nn.ModuleDict`.
    fn is_plain(&self, path: &[String]) -> bool {
        self.places.get(path) != Some(&Place::Dict)
    }
}

fn modules(steps: &[Step]) -> impl Iterator<Item = (&[String], &str)> {
    steps.iter().filter_map(|step| match &step.call {
        Call::Module(expression) => Some((step.path.as_slice(), expression.as_str())),
        Call::Function(_) => None,
    })
}

/// The expression over several lines, indented by brackets from `margin` on.
fn indented(expression: &str, margin: usize) -> String {
    let mut text = String::new();
    let mut depth: usize = 0;
    for (index, line) in expression.lines().enumerate() {
        if line.starts_with(')') {
            depth = depth.saturating_sub(1);
        }
        if index > 0 {
            text += "\n";
            text += &" ".repeat(margin + 4 * depth);
        }
        text += line;
        if line.ends_with('(') {
            depth += 1;
        }
    }
    text
}

/// Straight-line code; a name is used again once the value it had is read for the last time.
fn forward(steps: &[Step], argument: ValueId, result: ValueId, modules: &Modules<'_>) -> String {
    const NAMES: [&str; 6] = ["x", "y", "z", "u", "v", "w"];
    let mut last_read: HashMap<ValueId, usize> = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        last_read.extend(step.inputs.iter().map(|&input| (input, index)));
    }
    last_read.insert(result, steps.len());
    let mut names: HashMap<ValueId, String> = HashMap::from([(argument, "x".to_owned())]);
    let mut used: BTreeSet<String> = names.values().cloned().collect();
    let mut text = String::new();
    for (index, step) in steps.iter().enumerate() {
        let inputs: Vec<String> =
            step.inputs.iter().map(|input| names.get(input).cloned().unwrap_or_default()).collect();
        for input in step.inputs.iter().filter(|input| last_read.get(input) == Some(&index)) {
            if let Some(name) = names.remove(input) {
                used.remove(&name);
            }
        }
        let expression = call(step, &inputs, modules);
        if index + 1 == steps.len() && step.output == result {
            let _ = writeln!(text, "        return {expression}");
            return text;
        }
        let preferred = inputs.iter().map(String::as_str).chain(NAMES).find(|name| !used.contains(*name));
        let name = preferred.map_or_else(|| format!("value_{index}"), str::to_owned);
        let _ = writeln!(text, "        {name} = {expression}");
        used.insert(name.clone());
        names.insert(step.output, name);
    }
    let _ = writeln!(text, "        return {}", names.get(&result).map_or("x", String::as_str));
    text
}

fn call(step: &Step, inputs: &[String], modules: &Modules<'_>) -> String {
    match &step.call {
        Call::Module(_) => format!("{}({})", modules.reached(&step.path), inputs.join(", ")),
        Call::Function(template) => {
            let mut text = template.replace("{all}", &inputs.join(", "));
            for (index, input) in inputs.iter().enumerate().take(2) {
                text = text.replace(&format!("{{{index}}}"), input);
            }
            text
        }
    }
}
