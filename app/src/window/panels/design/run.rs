//! What the design runs on: device, runtime, precision, threads, batch.

use eframe::egui;
use egui::{Role, Ui};
use shufflescope_engine::design::Field;
use shufflescope_engine::device::{DeviceId, DeviceInfo, Precision};
use shufflescope_engine::runtime::{RunOptions, Runtime, UnsupportedRun};

use crate::window::command::{Command, Commands};
use crate::window::scene::Scene;
use crate::window::theme::Palette;
use crate::window::widgets::{named, number, problem, row};

/// Paints the settings.
pub fn show(ui: &mut Ui, scene: Scene<'_>, commands: &mut Commands) {
    let options = scene.document.options();
    let mut run = |options: RunOptions| commands.push(Command::Run(options));
    let device = row(ui, "device", |ui| device(ui, scene, options));
    let (runtime, precision) = row(ui, "runtime", |ui| {
        // The precision stands at the right end of the same row.
        let width = ui.available_width() - PRECISION - ui.spacing().item_spacing.x;
        let info = scene.surroundings.device(options.device);
        (self::runtime(ui, options, width), self::precision(ui, options, info))
    });
    let chosen = [device.map(|device| options.on(device)), runtime.map(|runtime| options.with(runtime))];
    let precision = precision.map(|precision| RunOptions { precision, ..options.clone() });
    chosen.into_iter().chain([precision]).flatten().for_each(&mut run);
    let wrong = scene.document.error(Field::Batch);
    row(ui, "threads", |ui| {
        let combo = egui::ComboBox::from_id_salt("threads")
            .selected_text(options.threads.to_string())
            .width(54.0)
            .height(300.0);
        let response = combo.show_ui(ui, |ui| {
            for threads in 1..=scene.surroundings.most_threads().max(options.threads) {
                let on = threads == options.threads;
                if ui.selectable_label(on, threads.to_string()).clicked() && !on {
                    run(RunOptions { threads, ..options.clone() });
                }
            }
        });
        named(response.response, Role::ComboBox, "threads");
        ui.label(egui::RichText::new("batch").color(Palette::current(ui).muted));
        let width = ui.available_width().min(60.0);
        if let Some(batch) = number(ui, "batch", options.batch, width, 0.1, wrong.is_some()) {
            run(RunOptions { batch: batch.value, ..options.clone() });
        }
    });
    problem(ui, wrong);
}

/// Width of the choice of a precision.
const PRECISION: f32 = 54.0;

/// The list of devices; answers another one that was chosen.
fn device(ui: &mut Ui, scene: Scene<'_>, options: &RunOptions) -> Option<DeviceId> {
    let list = |ui: &mut Ui| {
        let mut chosen = None;
        for info in scene.surroundings.choices(options.device) {
            let on = info.id == options.device;
            let button = egui::Button::selectable(on, info.title()).truncate();
            let mut response = ui.add_enabled(info.is_available(), button).on_hover_text(hint(info));
            if let Some(reason) = &info.unavailable {
                response = response.on_disabled_hover_text(reason);
            }
            if response.clicked() && !on {
                chosen = Some(info.id);
            }
        }
        chosen
    };
    let width = ui.available_width();
    let combo = egui::ComboBox::from_id_salt("device").selected_text(options.device.to_string()).width(width);
    let shown = combo.show_ui(ui, list);
    let info = scene.surroundings.device(options.device);
    let response = shown.response.on_hover_text(info.map_or_else(|| about_device(options.device).into(), hint));
    named(response, Role::ComboBox, "device");
    shown.inner.flatten()
}

/// What is known of a device, and what it means to measure there.
fn hint(info: &DeviceInfo) -> String {
    let facts = info.facts();
    let end = if facts.is_empty() { "" } else { "\n" };
    format!("{facts}{end}{}", about_device(info.id))
}

/// The list of runtimes; answers another one that was chosen.
fn runtime(ui: &mut Ui, options: &RunOptions, width: f32) -> Option<Runtime> {
    let list = |ui: &mut Ui| {
        let mut chosen = None;
        for runtime in Runtime::ALL {
            let on = runtime == options.runtime;
            let response = ui
                .add_enabled(runtime.runs_on(options.device), egui::Button::selectable(on, runtime.name()))
                .on_hover_text(about(runtime))
                .on_disabled_hover_text(no_kernels(runtime, options.device));
            if response.clicked() && !on {
                chosen = Some(runtime);
            }
        }
        chosen
    };
    let shown =
        egui::ComboBox::from_id_salt("runtime").selected_text(options.runtime.name()).width(width).show_ui(ui, list);
    named(shown.response, Role::ComboBox, "runtime");
    shown.inner.flatten()
}

fn no_kernels(runtime: Runtime, device: DeviceId) -> String {
    UnsupportedRun::Runtime { runtime, device }.to_string()
}

/// The list of precisions; answers another one that was chosen.
fn precision(ui: &mut Ui, options: &RunOptions, device: Option<&DeviceInfo>) -> Option<Precision> {
    let list = |ui: &mut Ui| {
        let mut chosen = None;
        for precision in Precision::ALL {
            let on = precision == options.precision;
            let refusal = refusal(precision, options, device);
            let response = ui
                .add_enabled(refusal.is_none(), egui::Button::selectable(on, precision.name()))
                .on_hover_text(about_precision(precision))
                .on_disabled_hover_text(refusal.unwrap_or_default());
            if response.clicked() && !on {
                chosen = Some(precision);
            }
        }
        chosen
    };
    let combo = egui::ComboBox::from_id_salt("precision").selected_text(options.precision.name()).width(PRECISION);
    let shown = combo.show_ui(ui, list);
    named(shown.response, Role::ComboBox, "precision");
    shown.inner.flatten()
}

/// Why a precision cannot be chosen: the runtime has no kernels for it, or the device has no such numbers. Of a device of
/// which nothing is known only the run itself can tell.
fn refusal(precision: Precision, options: &RunOptions, device: Option<&DeviceInfo>) -> Option<String> {
    let wanted = RunOptions { precision, ..options.clone() };
    let refused = match (wanted.check(), device) {
        (Err(refused), _) => refused,
        (Ok(()), Some(info)) if info.is_available() && !info.precisions.contains(&precision) => {
            UnsupportedRun::Driver { precision, device: info.id }
        }
        (Ok(()), _) => return None,
    };
    Some(refused.to_string())
}

const fn about(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Tuned => "Our own kernels: batch norm folded, layers fused",
        Runtime::Candle => "Stock Candle operations, one kernel per layer",
    }
}

const fn about_precision(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "32-bit floats",
        Precision::Tf32 => "32-bit floats, multiplied on NVIDIA's tensor cores from 10 bits of their fractions",
        Precision::Int8 => "Feature maps and weights in 8-bit integers, sums in 32: a quarter of the traffic",
        Precision::Bf16 => {
            "Matrix products of bfloat16 (8 bits of exponent, 8 of fraction), sums and feature maps in 32-bit floats"
        }
        Precision::F16 => {
            "Feature maps and weights in 16-bit floats, sums in 32: half the memory and half the traffic; on processors products only"
        }
    }
}

/// What it means to measure on a device, and what tells it from others that may be the same card.
#[must_use]
pub const fn about_device(device: DeviceId) -> &'static str {
    match device {
        DeviceId::Cpu => "The processor, with our own kernels or stock Candle",
        DeviceId::Gpu(_) => {
            "gpu:N: the graphics card, of any maker, with our own kernels through Vulkan, Metal or Direct3D 12. \
             cuda:N and metal:N may be the same card through CUDA and Candle's Metal."
        }
        DeviceId::SoftwareGpu => {
            "gpu:software: the processor plays a graphics card. Good for tests; its times say nothing of any GPU."
        }
        DeviceId::Cuda(_) => {
            "cuda:N: an NVIDIA card through CUDA, with our own kernels, or with stock Candle in a program of its own \
             (shufflescope-candle-cuda). gpu:N may be the same card, but there our kernels go through Vulkan or Direct3D 12."
        }
        DeviceId::Metal(_) => {
            "metal:N: an Apple GPU as stock Candle uses it, in builds with the feature metal. gpu:N may be the same GPU, \
             but there our own kernels run."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(precisions: &[Precision]) -> DeviceInfo {
        DeviceInfo { precisions: precisions.to_vec(), ..DeviceInfo::unknown(DeviceId::Gpu(0)) }
    }

    /// Whether 16 bits can be chosen.
    fn half(options: &RunOptions, device: Option<&DeviceInfo>) -> Option<String> {
        refusal(Precision::F16, options, device)
    }

    #[test]
    fn sixteen_bits_can_be_chosen_where_runtime_and_card_have_them_and_elsewhere_it_is_said_why_not() {
        let on_card = RunOptions::new(DeviceId::Gpu(0), 2, 1);
        assert_eq!(half(&on_card, Some(&card(&Precision::PORTABLE))), None);
        assert_eq!(half(&on_card, None), None, "nothing is known of it yet");
        let without = half(&on_card, Some(&card(&[Precision::F32]))).unwrap();
        assert!(without.contains("gpu:0 has no f16"), "{without}");
        let cpu = DeviceInfo { precisions: vec![Precision::F32], ..DeviceInfo::unknown(DeviceId::Cpu) };
        let on_cpu = half(&RunOptions::new(DeviceId::Cpu, 2, 1), Some(&cpu)).unwrap();
        assert!(on_cpu.contains("cpu has no f16"), "{on_cpu}");
        let stock = RunOptions { runtime: Runtime::Candle, ..RunOptions::new(DeviceId::Cuda(0), 2, 1) };
        let stock = half(&stock, None).unwrap();
        assert!(stock.contains("candle") && stock.contains("f16 on cuda:0"), "{stock}");
    }

    #[test]
    fn thirty_two_bits_can_always_be_chosen() {
        for device in [DeviceId::Cpu, DeviceId::Gpu(0), DeviceId::SoftwareGpu, DeviceId::Cuda(0), DeviceId::Metal(0)] {
            let options = RunOptions::new(device, 2, 1);
            assert_eq!(refusal(Precision::F32, &options, Some(&card(&[Precision::F32]))), None, "{device}");
        }
    }

    #[test]
    fn a_card_and_candles_devices_are_told_apart() {
        let (ours, stock) = (about_device(DeviceId::Gpu(0)), about_device(DeviceId::Cuda(0)));
        assert!(ours.contains("our own kernels through Vulkan") && ours.contains("cuda:N"), "{ours}");
        assert!(stock.contains("stock Candle") && stock.contains("gpu:N"), "{stock}");
        let known = DeviceInfo { driver: Some("NVIDIA 580".into()), ..card(&Precision::PORTABLE) };
        assert!(hint(&known).starts_with("NVIDIA 580, f32 and f16\ngpu:N: the graphics card"), "{}", hint(&known));
    }
}
