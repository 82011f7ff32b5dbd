//! A list of labels: whatever is taken can be shown beside a bar.

use shufflescope_engine::classify::Labels;
use shufflescope_engine::design::limits;

pub fn run(bytes: &[u8]) {
    let file = super::file(bytes, ".txt");
    let Ok(labels) = Labels::read(file.path()) else { return };
    let count = labels.count().expect("a file has names");
    assert!((1..=*limits::CLASSES.end() as usize).contains(&count));
    assert!(labels.check(count).is_ok() && labels.check(count + 1).is_err());
    for index in 0..count {
        let name = labels.name(index);
        assert!(!name.trim().is_empty() && name.chars().count() <= 200 && !name.contains(char::is_control), "{name:?}");
    }
    let names = (0..count).map(|index| labels.name(index).into_owned());
    assert_eq!(Labels::of_names(names.collect::<Vec<_>>()), labels);
}
