use std::path::PathBuf;

use super::*;
use shufflescope_engine::files::write_atomically;

fn write(changes: &Changes) -> Option<String> {
    let result =
        changes.merge().and_then(|bytes| write_atomically(changes.file(), &bytes).map_err(|error| error.to_string()));
    changes.end(result)
}

fn text(folder: &Path) -> String {
    std::fs::read_to_string(folder.join(FILE)).unwrap()
}

#[test]
fn what_is_set_is_there_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let found = find(Some(folder.path()));
    assert!(found.said.is_empty() && found.values == Values::default());
    let changes = found.changes.unwrap();
    for change in [
        Change::Theme(ThemeChoice::Light),
        Change::TextSize(1.0),
        Change::TextSize(1.1),
        Change::AddRecent("/a.toml".into()),
        Change::AddRecent("/b.onnx".into()),
        Change::ExportFolder("/out".into()),
        Change::GpuOffered,
        Change::TourShown,
        Change::AddTarget("ssh://a".into()),
        Change::AddTarget("ssh://b".into()),
        Change::AddTarget("ssh://a bin/x".into()),
        Change::ForgetTarget("ssh://b".into()),
        Change::Views("strip = \"time\"".parse().unwrap()),
    ] {
        changes.add(change);
    }
    assert_eq!(write(&changes), None);
    let next = find(Some(folder.path()));
    assert!(next.said.is_empty(), "{:?}", next.said);
    let expected = Values {
        theme: Some(ThemeChoice::Light),
        text_size: Some(1.1),
        recent: vec!["/b.onnx".into(), "/a.toml".into()],
        export_folder: Some("/out".into()),
        gpu_offered: true,
        tour_shown: true,
        targets: vec!["ssh://a bin/x".into()],
        views: Some("strip = \"time\"".parse().unwrap()),
    };
    assert_eq!(next.values, expected);
    assert!(text(folder.path()).contains("text_size = 1.1\n"), "{}", text(folder.path()));
}

#[test]
fn unknown_keys_and_what_another_window_has_set_stay() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "of_the_future = [1, 2]\n[table]\nkey = true\n").unwrap();
    let [one, other] = [(); 2].map(|()| find(Some(folder.path())).changes.unwrap());
    one.add(Change::AddRecent("/a".into()));
    other.add(Change::AddRecent("/b".into()));
    other.add(Change::TextSize(2.0));
    assert_eq!((write(&one), write(&other)), (None, None));
    one.add(Change::Theme(ThemeChoice::Dark));
    assert_eq!(write(&one), None);
    let values = find(Some(folder.path())).values;
    assert_eq!(values.recent, [PathBuf::from("/b"), "/a".into()]);
    assert_eq!((values.text_size, values.theme), (Some(2.0), Some(ThemeChoice::Dark)));
    let table: toml::Table = text(folder.path()).parse().unwrap();
    assert_eq!(table["of_the_future"].as_array().unwrap().len(), 2);
    assert_eq!(table["table"]["key"].as_bool(), Some(true));
    one.add(Change::ForgetRecent("/b".into()));
    assert_eq!(write(&one), None);
    assert_eq!(find(Some(folder.path())).values.recent, [PathBuf::from("/a")]);
}

#[test]
fn a_damaged_file_is_kept_aside_and_told_and_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    for (number, damage) in [(1, &b"theme = \"da"[..]), (2, &[0xff, 0xfe, 0][..])] {
        std::fs::write(folder.path().join(FILE), damage).unwrap();
        let found = find(Some(folder.path()));
        assert!(found.said[0].contains("cannot be understood"), "{:?}", found.said);
        let kept = folder.path().join(format!("unreadable-settings-{number}.toml"));
        assert_eq!(std::fs::read(kept).unwrap(), damage);
    }
    // Damaged while the window runs.
    let changes = find(Some(folder.path())).changes.unwrap();
    std::fs::write(folder.path().join(FILE), "half of").unwrap();
    changes.add(Change::TextSize(1.5));
    assert!(write(&changes).unwrap().contains("unreadable-settings-3.toml"));
    assert_eq!(find(Some(folder.path())).values.text_size, Some(1.5));
    assert_eq!(std::fs::read_to_string(folder.path().join("unreadable-settings-3.toml")).unwrap(), "half of");
}

#[test]
fn a_value_that_makes_no_sense_is_told_and_left_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = "theme = 3\ntext_size = 9.5\nrecent_files = [\"/a\", 4]\ntour_shown = \"yes\"\n";
    std::fs::write(folder.path().join(FILE), damaged).unwrap();
    let found = find(Some(folder.path()));
    for part in
        ["`theme` is 3 and not `dark` or `light`", "`text_size` is 9.5 and not a number from 0.8 to 2", "`tour_shown`"]
    {
        assert!(found.said.iter().any(|said| said.contains(part)), "{part}: {:?}", found.said);
    }
    assert_eq!(found.values, Values { recent: vec!["/a".into()], ..Values::default() });
    let changes = found.changes.unwrap();
    changes.add(Change::GpuOffered);
    assert_eq!(write(&changes), None);
    assert!(text(folder.path()).contains("text_size = 9.5"), "{}", text(folder.path()));
}

#[test]
fn changes_that_could_not_be_written_wait_for_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let changes = find(Some(folder.path())).changes.unwrap();
    changes.add(Change::TextSize(1.5));
    changes.merge().unwrap();
    let said = changes.end(Err("The disk is full.".into())).unwrap();
    assert!(said.contains("Settings are not kept. The disk is full."), "{said}");
    changes.add(Change::GpuOffered);
    assert_eq!(write(&changes), None);
    let values = find(Some(folder.path())).values;
    assert_eq!((values.text_size, values.gpu_offered), (Some(1.5), true));
}

#[test]
fn a_change_made_while_an_earlier_one_is_written_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let changes = find(Some(folder.path())).changes.unwrap();
    changes.add(Change::TextSize(1.5));
    let bytes = changes.merge().unwrap();
    changes.add(Change::TextSize(1.6));
    write_atomically(changes.file(), &bytes).unwrap();
    assert_eq!(changes.end(Ok(())), None);
    assert_eq!(find(Some(folder.path())).values.text_size, Some(1.5));
    assert_eq!(write(&changes), None);
    assert_eq!(find(Some(folder.path())).values.text_size, Some(1.6));
}

#[test]
fn what_the_version_before_kept_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("export-folder.txt"), "/out").unwrap();
    std::fs::write(folder.path().join("gpu-offered.txt"), "").unwrap();
    let values = find(Some(folder.path())).values;
    assert_eq!((values.export_folder, values.gpu_offered), (Some("/out".into()), true));
}
