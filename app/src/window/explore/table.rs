//! Found designs and published networks as rows, to be sorted, read and copied.

use std::cmp::Ordering;

use shufflescope_engine::design::{Design, Fingerprint};
use shufflescope_engine::measure::MedianRange;
use shufflescope_engine::model::Model;
use shufflescope_engine::search::Found;
use shufflescope_engine::training::Accuracy;
use shufflescope_engine::units::{MultAdds, Nanos, Params};
use shufflescope_engine::zoo;

use super::found::Exploration;
use super::landmarks::{Landmark, Own};

/// A design or a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is.
    pub model: Model,
    /// What it is called here: with its input, where a published network of that name reads another one.
    pub name: String,
    /// Its fingerprint.
    pub print: Fingerprint,
    /// Mult-adds of one image.
    pub mult_adds: MultAdds,
    /// Learned parameters.
    pub params: Params,
    /// What a run is predicted to take.
    pub predicted: Option<Nanos>,
    /// What a run took.
    pub measured: Option<MedianRange>,
    /// Published top-1 accuracy in percent; that of a found design is unknown.
    pub accuracy: Option<f64>,
    /// Accuracy on a person's own held-out pictures, where it was taught them.
    pub own: Option<Accuracy>,
    /// Whether it is within the budget and no other found design beats it.
    pub on_front: bool,
}

/// A column that can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// The name.
    Name,
    /// Mult-adds of one image.
    MultAdds,
    /// Parameters.
    Params,
    /// The predicted latency.
    Predicted,
    /// The measured latency.
    Measured,
    /// The published accuracy.
    Accuracy,
}

/// How rows are sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: Column,
    /// Whether the largest comes first.
    pub descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { by: Column::MultAdds, descending: true }
    }
}

impl Column {
    /// All of them, as the table shows them.
    pub const ALL: [Self; 6] =
        [Self::Name, Self::MultAdds, Self::Params, Self::Predicted, Self::Measured, Self::Accuracy];

    /// Its heading.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "design",
            Self::MultAdds => "mult-adds",
            Self::Params => "params",
            Self::Predicted => "predicted",
            Self::Measured => "measured (95 % interval)",
            Self::Accuracy => "top-1 accuracy",
        }
    }
}

impl From<&Landmark> for Row {
    fn from(landmark: &Landmark) -> Self {
        let Landmark { model, accuracy, mult_adds, params, predicted, measured, source: _ } = landmark;
        Self { accuracy: Some(*accuracy), ..Self::of(model, (*mult_adds, *params), (*predicted, *measured)) }
    }
}

impl From<&Own> for Row {
    fn from(own: &Own) -> Self {
        let Own { model, accuracy, mult_adds, params, predicted, measured } = own;
        Self { own: Some(accuracy.clone()), ..Self::of(model, (*mult_adds, *params), (*predicted, *measured)) }
    }
}

impl Row {
    /// A network by itself: what it costs, and what a run is predicted to take and took.
    fn of(
        model: &Model,
        (mult_adds, params): (MultAdds, Params),
        (predicted, measured): (Option<Nanos>, Option<MedianRange>),
    ) -> Self {
        Self {
            name: model.name().to_owned(),
            print: model.fingerprint(),
            model: model.clone(),
            mult_adds,
            params,
            predicted,
            measured,
            accuracy: None,
            own: None,
            on_front: false,
        }
    }

    /// A found design, of which the search counts the mult-adds of a whole batch.
    #[must_use]
    pub fn of_found(found: &Found, batch: u32, on_front: bool) -> Self {
        let Found { design, mult_adds, params, predicted, latency } = found;
        Self {
            name: name_of(design),
            print: design.fingerprint(),
            model: Model::from(design),
            mult_adds: MultAdds(mult_adds.0 / u64::from(batch.max(1))),
            params: *params,
            predicted: Some(*predicted),
            measured: Some(*latency),
            accuracy: None,
            own: None,
            on_front,
        }
    }

    /// The measured latency, or else the predicted one.
    #[must_use]
    pub fn latency(&self) -> Option<Nanos> {
        self.measured.map(|measured| measured.median).or(self.predicted)
    }

    /// Its cells, as the table shows them.
    #[must_use]
    pub fn cells(&self) -> [String; 6] {
        let dash = || "\u{2013}".to_owned();
        [
            self.name.clone(),
            self.mult_adds.to_string(),
            self.params.to_string(),
            self.predicted.map_or_else(dash, |time| time.to_string()),
            self.measured.map_or_else(dash, |MedianRange { median, low, high }| format!("{median} ({low} to {high})")),
            self.accuracy_in_words(),
        ]
    }

    /// Whether the table lists it: of what was found only the front, and every published network.
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        self.on_front || self.accuracy.is_some() || self.own.is_some()
    }

    /// What is known of the accuracy, and on what.
    fn accuracy_in_words(&self) -> String {
        let published = self.accuracy.map(|accuracy| format!("{accuracy:.1} % published"));
        let own = self.own.as_ref().map(|own| format!("{own} on {}", own.data()));
        match (published, own) {
            (None, None) => "unknown".into(),
            (Some(one), None) | (None, Some(one)) => one,
            (Some(published), Some(own)) => format!("{published}; {own}"),
        }
    }

    /// Whether it is this design, however many classes either has.
    #[must_use]
    pub fn is_of(&self, design: &Design) -> bool {
        self.model.design().is_some_and(|of| of.is_but_for_classes(design))
    }

    /// In one line, for who cannot see the table or the point.
    #[must_use]
    pub fn about(&self) -> String {
        let [name, mult_adds, params, predicted, measured, accuracy] = self.cells();
        let latency = match (self.measured, self.predicted) {
            (Some(_), _) => format!("{measured} measured"),
            (None, Some(_)) => format!("{predicted} predicted, not measured"),
            (None, None) => "latency unknown".into(),
        };
        format!("{name}: {mult_adds} mult-adds, {params} parameters, {latency}, accuracy {accuracy}")
    }
}

/// A design's name, with its input where that tells it from the preset of that name.
fn name_of(design: &Design) -> String {
    let other = zoo::find(&design.name).is_some_and(|preset| preset.design.input != design.input);
    if other { format!("{} at {}", design.name, design.input) } else { design.name.clone() }
}

/// What was found, the front first, the published networks and what was taught, each network once: of one that was measured
/// on the way its published accuracy is known, and of one that was taught that on a person's own pictures.
#[must_use]
pub fn rows(
    exploration: Option<&Exploration>,
    batch: u32,
    published: &[Landmark],
    own: &[Own],
    order: Order,
) -> Vec<Row> {
    let front = exploration.map(Exploration::front).unwrap_or_default();
    let found = exploration.map_or(&[][..], |exploration| &exploration.found);
    let mut rows: Vec<Row> = Vec::with_capacity(found.len() + published.len());
    for (at, found) in found.iter().enumerate() {
        rows.push(Row::of_found(found, batch, front.contains(&at)));
    }
    for landmark in published {
        let row = Row::from(landmark);
        match rows.iter_mut().find(|other| other.print == row.print) {
            Some(same) => same.accuracy = row.accuracy,
            None => rows.push(row),
        }
    }
    for taught in own {
        let same = taught.model.design().and_then(|design| rows.iter_mut().find(|row| row.is_of(design)));
        match same {
            Some(same) => same.own = Some(taught.accuracy.clone()),
            None => rows.push(Row::from(taught)),
        }
    }
    order.sort(&mut rows);
    // However many networks are published, the front stands on top.
    rows.sort_by_key(|row| (!row.on_front, !row.is_listed()));
    rows
}

impl Order {
    /// Sorts; what has nothing in the column comes last.
    pub fn sort(self, rows: &mut [Row]) {
        let Self { by, descending } = self;
        let key = |row: &Row| match by {
            Column::Name => None,
            Column::MultAdds => Some(row.mult_adds.as_f64()),
            Column::Params => Some(row.params.as_f64()),
            Column::Predicted => row.predicted.map(Nanos::as_f64),
            Column::Measured => row.measured.map(|measured| measured.median.as_f64()),
            Column::Accuracy => row.accuracy.or(row.own.as_ref().map(|own| 100.0 * own.share())),
        };
        let turned = |order: Ordering| if descending { order.reverse() } else { order };
        rows.sort_by(|a, b| match (key(a), key(b)) {
            _ if by == Column::Name => turned(a.name.cmp(&b.name)),
            (Some(a), Some(b)) => turned(a.total_cmp(&b)),
            (a, b) => b.is_some().cmp(&a.is_some()),
        });
    }

    /// The order after a click on this column's heading.
    #[must_use]
    pub fn clicked(self, column: Column) -> Self {
        let descending = if self.by == column { !self.descending } else { column != Column::Name };
        Self { by: column, descending }
    }
}

/// Rows as a Markdown table; `about` says how they were found.
#[must_use]
pub fn markdown<'a>(rows: impl IntoIterator<Item = &'a Row>, about: &str) -> String {
    let line = |cells: [&str; 6]| format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    let mut text = line(Column::ALL.map(Column::name)) + "|---|---:|---:|---:|---:|---:|\n";
    for row in rows {
        text += &line(row.cells().each_ref().map(String::as_str));
    }
    format!("{text}\n{about}\n")
}

/// Rows as comma-separated values, in counts and nanoseconds.
#[must_use]
pub fn csv<'a>(rows: impl IntoIterator<Item = &'a Row>) -> String {
    let mut text = "design,mult_adds,params,predicted_ns,median_ns,low_ns,high_ns,published_top1_percent,\
                    own_percent,own_low_percent,own_high_percent,own_data\n"
        .to_owned();
    for row in rows {
        let nanos = |time: Option<Nanos>| time.map(|time| time.0.to_string()).unwrap_or_default();
        let measured = |of: fn(MedianRange) -> Nanos| nanos(row.measured.map(of));
        let own = |of: fn(&Accuracy) -> f64| {
            row.own.as_ref().map(|own| format!("{:.1}", 100.0 * of(own))).unwrap_or_default()
        };
        let cells = [
            quoted(&row.name),
            row.mult_adds.0.to_string(),
            row.params.0.to_string(),
            nanos(row.predicted),
            measured(|measured| measured.median),
            measured(|measured| measured.low),
            measured(|measured| measured.high),
            row.accuracy.map(|accuracy| format!("{accuracy:.1}")).unwrap_or_default(),
            own(Accuracy::share),
            own(Accuracy::low),
            own(Accuracy::high),
            row.own.as_ref().map(|own| quoted(&own.data().name)).unwrap_or_default(),
        ];
        text += &(cells.join(",") + "\n");
    }
    text
}

/// A cell that may hold anything.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use shufflescope_engine::design::Edit;

    use super::*;

    fn row(name: &str, mult_adds: u64, measured: Option<u64>) -> Row {
        let mut design = zoo::preset("shufflenet-v2-x0.5").unwrap();
        design.name = name.into();
        let measured =
            measured.map(|time| MedianRange { median: Nanos(time), low: Nanos(time - 1), high: Nanos(time + 1) });
        let (print, mult_adds, params) = (design.fingerprint(), MultAdds(mult_adds), Params(7));
        let predicted = Some(Nanos(90));
        let name = name.to_owned();
        Row {
            model: design.into(),
            name,
            print,
            mult_adds,
            params,
            predicted,
            measured,
            accuracy: None,
            own: None,
            on_front: true,
        }
    }

    fn names(rows: &[Row]) -> Vec<&str> {
        rows.iter().map(|row| row.name.as_str()).collect()
    }

    #[test]
    fn rows_are_sorted_by_any_column_and_what_is_missing_comes_last_both_ways() {
        let mut rows = vec![row("b", 10, None), row("a", 30, Some(50)), row("c", 20, Some(40))];
        Order::default().sort(&mut rows);
        assert_eq!(names(&rows), ["a", "c", "b"]);
        for (descending, expected) in [(false, ["c", "a", "b"]), (true, ["a", "c", "b"])] {
            Order { by: Column::Measured, descending }.sort(&mut rows);
            assert_eq!(names(&rows), expected, "descending: {descending}");
        }
        let order = Order::default().clicked(Column::Name);
        order.sort(&mut rows);
        assert_eq!(names(&rows), ["a", "b", "c"]);
        order.clicked(Column::Name).sort(&mut rows);
        assert_eq!(names(&rows), ["c", "b", "a"]);
    }

    #[test]
    fn copies_have_every_figure_and_names_cannot_break_them() {
        let rows = [row("a|b, \"c\"", 1_500_000, Some(2_000_000)), row("d", 2, None)];
        let text = markdown(&rows, "ShuffleNet V2");
        assert!(text.contains("| a\\|b, \"c\" | 1.50 M | 7 |"), "{text}");
        assert!(text.contains("| \u{2013} | unknown |") && text.ends_with("\nShuffleNet V2\n"), "{text}");
        let lines = csv(&rows);
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines[1], "\"a|b, \"\"c\"\"\",1500000,7,90,2000000,1999999,2000001,,,,,");
        assert_eq!(lines[2], "d,2,7,90,,,,,,,,");
    }

    #[test]
    fn what_was_taught_stands_beside_what_was_found_with_its_data_and_whatever_its_classes() {
        use shufflescope_engine::training::DataName;
        let accuracy = Accuracy::new(93, 100, DataName { name: "desk".into(), pictures: 412 }).unwrap();
        let own = |design: &str, classes: u32| {
            let model = zoo::preset(design).unwrap().apply(&Edit::Classes(classes)).into();
            let (mult_adds, params) = (MultAdds(5), Params(6));
            Own { model, accuracy: accuracy.clone(), mult_adds, params, predicted: None, measured: None }
        };
        let landmark = |design: &str| Landmark {
            model: zoo::preset(design).unwrap().into(),
            accuracy: 60.3,
            source: "a paper",
            mult_adds: MultAdds(5),
            params: Params(6),
            predicted: None,
            measured: None,
        };
        let (published, own) =
            ([landmark("shufflenet-v2-x0.5")], [own("shufflenet-v2-x0.5", 3), own("shufflenet-v2-x1.0", 3)]);
        let rows = rows(None, 1, &published, &own, Order::default());
        let said: Vec<String> = rows.iter().map(|row| row.cells()[5].clone()).collect();
        let of_desk = "93 % [86, 97] on `desk` (412 pictures)";
        assert_eq!(said, [format!("60.3 % published; {of_desk}"), of_desk.to_owned()]);
        assert!(rows.iter().all(Row::is_listed));
        let text = csv(&rows);
        assert!(text.lines().skip(1).all(|line| line.ends_with(",93.0,86.3,96.6,desk")), "{text}");
    }

    #[test]
    fn what_is_only_predicted_says_so_and_an_unknown_accuracy_is_no_number() {
        let about = row("d", 2, None).about();
        assert!(about.contains("90 ns predicted, not measured") && about.contains("accuracy unknown"), "{about}");
        assert!(row("d", 2, Some(50)).about().contains("50 ns (49 ns to 51 ns) measured"));
    }
}
