//! What Linux tells of the processor's heat and clock, on boards and elsewhere. Whatever cannot be read is unknown.

use std::path::{Path, PathBuf};

/// Thermal zones of other parts of a chip.
const OTHERS: [&str; 6] = ["gpu", "npu", "ddr", "modem", "pmic", "battery"];
/// What drivers of processors call their sensors, where there are no thermal zones.
const PROCESSORS: [&str; 5] = ["coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal"];

/// Where the processor's sensors lie; looked for once.
#[derive(Clone, Debug, Default)]
pub(super) struct Sensors {
    /// Files of thousandths of a degree.
    temperatures: Vec<PathBuf>,
    /// Each core's clock settings.
    clocks: Vec<PathBuf>,
}

impl Sensors {
    /// Looks for them.
    pub fn find() -> Self {
        if cfg!(any(target_os = "linux", target_os = "android")) {
            Self::below(Path::new("/sys"))
        } else {
            Self::default()
        }
    }

    fn below(root: &Path) -> Self {
        let zones = named(&root.join("class/thermal"), "thermal_zone", "type", is_processors_zone);
        let mut temperatures: Vec<PathBuf> = zones.into_iter().map(|zone| zone.join("temp")).collect();
        if temperatures.is_empty() {
            let chips = named(&root.join("class/hwmon"), "hwmon", "name", |name| PROCESSORS.contains(&name));
            let inputs = |chip: &PathBuf| {
                let is_input = |path: &PathBuf| {
                    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                    name.starts_with("temp") && name.ends_with("_input")
                };
                entries(chip).into_iter().filter(is_input).collect::<Vec<_>>()
            };
            temperatures = chips.iter().flat_map(inputs).collect();
        }
        let clocks = entries(&root.join("devices/system/cpu/cpufreq"));
        Self { temperatures, clocks }
    }

    /// The hottest of the processor's sensors, in degrees Celsius.
    pub fn celsius(&self) -> Option<f64> {
        let degrees = self.temperatures.iter().filter_map(|path| number(path)).map(|millis| millis as f64 / 1e3);
        // Sensors that are asleep or broken tell zero or what no chip survives.
        degrees.filter(|degrees| *degrees != 0.0 && (-40.0..150.0).contains(degrees)).max_by(f64::total_cmp)
    }

    /// The clock that the system allows the fastest cores now, and the one that they could reach, in MHz.
    pub fn clock_limit(&self) -> Option<(u64, u64)> {
        let megahertz =
            |path: &Path| number(path).and_then(|khz| u64::try_from(khz / 1_000).ok()).filter(|&mhz| mhz > 0);
        let clock = |policy: &PathBuf| {
            Some((megahertz(&policy.join("scaling_max_freq"))?, megahertz(&policy.join("cpuinfo_max_freq"))?))
        };
        self.clocks.iter().filter_map(clock).max_by_key(|&(limit, most)| (most, limit))
    }
}

/// Whether a thermal zone of this type is the processor's: `cpu-thermal`, `x86_pkg_temp`, `bigcore0-thermal`, `soc-thermal`.
fn is_processors_zone(zone: &str) -> bool {
    let zone = zone.to_ascii_lowercase();
    let is_meant = ["cpu", "core", "soc", "pkg"].iter().any(|word| zone.contains(word));
    is_meant && !OTHERS.iter().any(|other| zone.contains(other))
}

/// The folders whose names begin so and whose file `of` says what `fits`.
fn named(folder: &Path, start: &str, of: &str, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        let begins = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(start));
        begins && std::fs::read_to_string(path.join(of)).is_ok_and(|text| fits(text.trim()))
    };
    entries(folder).into_iter().filter(is_one).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

/// The whole number that a file of the kernel's holds.
pub(super) fn number(path: &Path) -> Option<i64> {
    text(path)?.trim().parse().ok()
}

/// What a file of the kernel's holds.
pub(super) fn text(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(files: &[(&str, &str)]) -> (tempfile::TempDir, Sensors) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let sensors = Sensors::below(folder.path());
        (folder, sensors)
    }

    #[test]
    fn the_hottest_zone_of_the_processor_counts_and_no_other_part() {
        let (_folder, sensors) = system(&[
            ("class/thermal/thermal_zone0/type", "cpu-thermal\n"),
            ("class/thermal/thermal_zone0/temp", "48312\n"),
            ("class/thermal/thermal_zone1/type", "bigcore0-thermal\n"),
            ("class/thermal/thermal_zone1/temp", "61000\n"),
            ("class/thermal/thermal_zone2/type", "GPU-thermal\n"),
            ("class/thermal/thermal_zone2/temp", "90000\n"),
            ("class/thermal/cooling_device0/type", "cpufreq-cpu0\n"),
            ("class/hwmon/hwmon0/name", "coretemp\n"),
            ("class/hwmon/hwmon0/temp1_input", "70000\n"),
        ]);
        assert_eq!(sensors.celsius(), Some(61.0));
    }

    #[test]
    fn without_zones_the_processors_own_chip_tells() {
        let (_folder, sensors) = system(&[
            ("class/thermal/thermal_zone0/type", "acpitz\n"),
            ("class/thermal/thermal_zone0/temp", "20000\n"),
            ("class/hwmon/hwmon0/name", "nvme\n"),
            ("class/hwmon/hwmon0/temp1_input", "99000\n"),
            ("class/hwmon/hwmon1/name", "k10temp\n"),
            ("class/hwmon/hwmon1/temp1_input", "55250\n"),
            ("class/hwmon/hwmon1/temp1_max", "95000\n"),
        ]);
        assert_eq!(sensors.celsius(), Some(55.25));
    }

    #[test]
    fn what_is_missing_asleep_or_broken_is_unknown() {
        let (_folder, none) = system(&[]);
        assert_eq!((none.celsius(), none.clock_limit()), (None, None));
        let zone = |temperature| {
            let (_folder, sensors) = system(&[
                ("class/thermal/thermal_zone0/type", "soc-thermal"),
                ("class/thermal/thermal_zone0/temp", temperature),
            ]);
            sensors.celsius()
        };
        for broken in ["0", "-274000", "4294967295", "", "warm"] {
            assert_eq!(zone(broken), None, "{broken}");
        }
        assert_eq!(zone("-5000"), Some(-5.0));
    }

    #[test]
    fn the_fastest_cores_clock_is_told_with_what_it_could_reach() {
        let policy = |number, limit, most| {
            let of = |name| format!("devices/system/cpu/cpufreq/policy{number}/{name}");
            [(of("scaling_max_freq"), limit), (of("cpuinfo_max_freq"), most)]
        };
        let files: Vec<(String, &str)> =
            [policy(0, "1800000\n", "1800000\n"), policy(4, "1500000\n", "2400000\n")].into_iter().flatten().collect();
        let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
        let (_folder, sensors) = system(&files);
        assert_eq!(sensors.clock_limit(), Some((1_500, 2_400)));
    }
}
