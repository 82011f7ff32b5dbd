//! What is searched for, and the fields that a person types it into.

use std::fmt;

use serde::{Deserialize, Serialize};
use shufflescope_engine::design::{Design, Family, InputSize, limits};
use shufflescope_engine::search::{Capacity, Goal, starts};
use shufflescope_engine::units::{MultAdds, Nanos, Params};

/// Families that can be searched, with their names.
pub const FAMILIES: [(Family, &str); 3] = [
    (Family::ShufflenetV2, "ShuffleNet V2"),
    (Family::ShufflenetV1, "ShuffleNet V1"),
    (Family::MobilenetV2, "MobileNet V2"),
];

/// Seconds that a search may take.
pub const SECONDS: std::ops::RangeInclusive<u32> = 1..=3600;

/// Where a search begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A family's published networks, which read images of this size.
    Family(Family, InputSize),
    /// A design.
    Design(Box<Design>),
}

impl Origin {
    /// The designs that a search starts from.
    #[must_use]
    pub fn starts(&self) -> Vec<Design> {
        match self {
            Self::Family(family, input) => starts(*family, Some(*input)),
            Self::Design(design) => vec![(**design).clone()],
        }
    }
}

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// The most of what within what latency and bounds.
    pub goal: Goal,
    /// Where it begins.
    pub origin: Origin,
    /// How long it may take.
    pub seconds: u32,
    /// The same seed and the same measurements lead to the same proposals.
    pub seed: u32,
}

impl Wish {
    /// Whether a search for `next` goes on with what this one has found; another seed begins anew.
    #[must_use]
    pub fn is_continued_by(&self, next: &Self) -> bool {
        (&self.goal, &self.origin, self.seed) == (&next.goal, &next.origin, next.seed)
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { goal: Goal { budget, at_least_mult_adds, at_most_params, most }, origin, .. } = self;
        match origin {
            Origin::Family(family, input) => write!(f, "{} at {input}", name_of(*family))?,
            Origin::Design(design) => write!(f, "from {}", design.name)?,
        }
        write!(f, ", the most {} in {budget}", words(*most))?;
        at_least_mult_adds.map_or(Ok(()), |least| write!(f, ", at least {least} mult-adds"))?;
        at_most_params.map_or(Ok(()), |most| write!(f, ", at most {most} parameters"))
    }
}

/// A count as it is written out.
#[must_use]
pub const fn words(count: Capacity) -> &'static str {
    match count {
        Capacity::MultAdds => "mult-adds",
        Capacity::Params => "parameters",
    }
}

fn name_of(family: Family) -> &'static str {
    FAMILIES.iter().find(|(known, _)| *known == family).map_or("another family", |(_, name)| name)
}

/// Where a search is to begin, as chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// A family.
    Family(Family),
    /// The design in hand.
    InHand,
}

/// The fields of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Fields {
    /// Milliseconds that a run may take.
    pub budget: f64,
    /// Where it begins.
    pub begin: Begin,
    /// Side of the images that a family's networks read.
    pub side: u32,
    /// Million mult-adds at least; empty where any number will do.
    pub at_least: String,
    /// Million parameters at most; empty where any number will do.
    pub at_most: String,
    /// What there should be as much of as possible.
    pub most: Capacity,
    /// How long it may take.
    pub seconds: u32,
    /// Where its dice begin.
    pub seed: u32,
}

/// Budgets that can be asked for, in milliseconds.
pub const BUDGETS: std::ops::RangeInclusive<f64> = 0.001..=60_000.0;

impl Default for Fields {
    fn default() -> Self {
        Self {
            budget: 2.0,
            begin: Begin::Family(Family::ShufflenetV2),
            side: 224,
            at_least: String::new(),
            at_most: String::new(),
            most: Capacity::MultAdds,
            seconds: 60,
            seed: 1,
        }
    }
}

/// What is wrong with the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wrong {
    /// With the least number of mult-adds.
    pub at_least: Option<String>,
    /// With the greatest number of parameters.
    pub at_most: Option<String>,
    /// With where it begins.
    pub begin: Option<String>,
    /// With the size of images.
    pub side: Option<String>,
    /// With how long it may take.
    pub seconds: Option<String>,
}

impl Fields {
    /// What is searched for with `in_hand` in hand, which is `None` where that is no design.
    ///
    /// # Errors
    /// What is wrong with each field.
    pub fn wish(&self, in_hand: Option<&Design>) -> Result<Wish, Wrong> {
        let (at_least, wrong_least) = millions(&self.at_least);
        let (at_most, wrong_most) = millions(&self.at_most);
        let mut wrong = Wrong { at_least: wrong_least, at_most: wrong_most, ..Wrong::default() };
        let origin = match (self.begin, in_hand) {
            (Begin::Family(family), _) => {
                if !limits::INPUT.contains(&self.side) {
                    wrong.side = Some(format!("from {} to {} pixels", limits::INPUT.start(), limits::INPUT.end()));
                }
                Some(Origin::Family(family, InputSize::square(self.side)))
            }
            (Begin::InHand, Some(design)) => Some(Origin::Design(Box::new(design.clone()))),
            (Begin::InHand, None) => {
                wrong.begin = Some("the network in hand is a graph and not a design: choose a family".into());
                None
            }
        };
        if !SECONDS.contains(&self.seconds) {
            wrong.seconds = Some(format!("from {} to {} seconds", SECONDS.start(), SECONDS.end()));
        }
        match origin {
            Some(origin) if wrong == Wrong::default() => {
                let budget = Nanos((self.budget.clamp(*BUDGETS.start(), *BUDGETS.end()) * 1e6).round() as u64);
                let (at_least_mult_adds, at_most_params) = (at_least.map(MultAdds), at_most.map(Params));
                let goal = Goal { budget, at_least_mult_adds, at_most_params, most: self.most };
                Ok(Wish { goal, origin, seconds: self.seconds, seed: self.seed })
            }
            _ => Err(wrong),
        }
    }
}

/// A number of millions; nothing where nothing is typed.
fn millions(text: &str) -> (Option<u64>, Option<String>) {
    let text = text.trim();
    if text.is_empty() {
        return (None, None);
    }
    match text.parse::<f64>().ok().filter(|value| (1e-6..=1e9).contains(value)) {
        Some(value) => (Some((value * 1e6).round() as u64), None),
        None => (None, Some("a number of millions, such as 140 or 2.5".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shufflescope_engine::zoo;

    #[test]
    fn fields_become_a_wish_and_empty_ones_ask_for_nothing() {
        let fields = Fields { at_least: " 140 ".into(), at_most: "2.5".into(), ..Fields::default() };
        let wish = fields.wish(None).unwrap();
        let Goal { budget, at_least_mult_adds, at_most_params, .. } = wish.goal;
        assert_eq!(budget, Nanos::from_millis(2));
        assert_eq!((at_least_mult_adds, at_most_params), (Some(MultAdds(140_000_000)), Some(Params(2_500_000))));
        let said = wish.to_string();
        assert!(
            said.contains("ShuffleNet V2 at 224x224, the most mult-adds in 2.00 ms, at least 140 M mult-adds"),
            "{said}"
        );
        for (family, _) in FAMILIES {
            let starts = Origin::Family(family, InputSize::square(32)).starts();
            assert!(starts.len() > 1 && starts.iter().all(|design| design.input.width == 32), "{family:?}");
        }
        let Goal { at_least_mult_adds, at_most_params, .. } = Fields::default().wish(None).unwrap().goal;
        assert_eq!((at_least_mult_adds, at_most_params), (None, None));
    }

    #[test]
    fn every_wrong_field_is_told_and_a_graph_is_no_place_to_begin() {
        let begin = Begin::InHand;
        let fields = Fields { at_least: "-3".into(), at_most: "many".into(), seconds: 0, begin, ..Fields::default() };
        let wrong = fields.wish(None).unwrap_err();
        assert!([wrong.at_least, wrong.at_most, wrong.begin, wrong.seconds].iter().all(Option::is_some));
        let wrong = Fields { side: 0, ..Fields::default() }.wish(None).unwrap_err();
        assert!(wrong.side.is_some_and(|rule| rule.contains("pixels")));
        let design = zoo::preset("shufflenet-v2-x0.5").unwrap();
        let wish = Fields { begin, ..Fields::default() }.wish(Some(&design)).unwrap();
        assert_eq!(wish.origin, Origin::Design(Box::new(design)));
    }
}
