//! A design file: read, edited, built, costed, judged and written back.

use shufflescope_engine::cost::total_cost;
use shufflescope_engine::design::{Batch, Design, Edit, limits};
use shufflescope_engine::graph::lower;

use super::sound;

pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(design) = Design::from_toml(text) else { return };
    // What the panel does with a design that breaks rules.
    let _ = (design.fingerprint(), design.has_width(), design.follows_table(), design.apply(&Edit::Fit).check());
    for width in [0.1, 0.5, 1.0, 2.5] {
        let _ = design.apply(&Edit::Width(width)).check();
    }
    if design.check().is_err() {
        assert!(lower(&design, Batch(1)).is_err(), "a network was built against the rules");
        return;
    }
    let text = design.to_toml().expect("a sound design has a TOML form");
    assert_eq!(Design::from_toml(&text).expect("it reads back"), design);
    let json = serde_json::to_string(&design).expect("a sound design has a JSON form");
    assert_eq!(serde_json::from_str::<Design>(&json).expect("it reads back"), design);
    let graph = lower(&design, Batch(1)).expect("a sound design can be built");
    let one = sound::costed(Some(&design), &graph).total;
    let many = total_cost(&lower(&design, Batch(*limits::BATCH.end())).expect("with every batch"));
    assert_eq!(many.mult_adds.0, one.mult_adds.0 * u64::from(*limits::BATCH.end()));
    assert_eq!(many.params, one.params);
}
