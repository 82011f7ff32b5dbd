//! A saved profile: read, written back, and exported in every format.

use shufflescope_engine::report::{Format, Profile, headline, layer_rows, stage_rows};

pub fn run(bytes: &[u8]) {
    let Ok(profile) = Profile::from_json(bytes, "profile.json") else { return };
    let json = profile.to_json().expect("a profile that was read can be written");
    let again = Profile::from_json(json.as_bytes(), "again.json").expect("and read");
    assert_eq!(again, profile);
    let _ = (headline(&profile), layer_rows(&profile), stage_rows(&profile));
    for format in Format::ALL {
        // Some formats need a measurement.
        let Ok(written) = profile.to_bytes(format) else { continue };
        let text = std::str::from_utf8(&written).expect("every format is text");
        if format.endings()[0].ends_with("json") {
            serde_json::from_str::<serde_json::Value>(text).expect("and this one is JSON");
        }
    }
}
