//! Made-up machines.

use super::*;

const NVIDIA: u32 = 0x10de;
const AMD: u32 = 0x1002;
const INTEL: u32 = 0x8086;

fn adapter(backend: Backend, name: &str, numbers: (u32, u32), place: &str, driver: &str) -> AdapterInfo {
    AdapterInfo {
        name: name.into(),
        vendor: numbers.0,
        device: numbers.1,
        device_pci_bus_id: place.into(),
        driver: driver.into(),
        ..AdapterInfo::new(DeviceType::DiscreteGpu, backend)
    }
}

fn vulkan(name: &str, numbers: (u32, u32), place: &str, driver: &str) -> AdapterInfo {
    adapter(Backend::Vulkan, name, numbers, place, driver)
}

fn dx12(name: &str, numbers: (u32, u32), place: &str) -> AdapterInfo {
    adapter(Backend::Dx12, name, numbers, place, "31.0.15.3623")
}

fn of_kind(kind: DeviceType, adapter: AdapterInfo) -> AdapterInfo {
    AdapterInfo { device_type: kind, ..adapter }
}

fn lavapipe() -> AdapterInfo {
    of_kind(DeviceType::Cpu, vulkan("llvmpipe (LLVM 19.1.7, 256 bits)", (0x10005, 0), "", "llvmpipe"))
}

fn hardware(all: &[AdapterInfo]) -> Vec<usize> {
    Cards::of(all).hardware
}

#[test]
fn a_card_under_two_backends_is_there_once_through_vulkan() {
    let both = [
        dx12("NVIDIA GeForce RTX 4070", (NVIDIA, 0x2786), "01:00.0"),
        vulkan("NVIDIA GeForce RTX 4070", (NVIDIA, 0x2786), "0000:01:00.0", "NVIDIA"),
    ];
    assert_eq!(hardware(&both), [1]);
    let without_place = both.clone().map(|adapter| AdapterInfo { device_pci_bus_id: String::new(), ..adapter });
    assert_eq!(hardware(&without_place), [1]);
    assert_eq!(hardware(&both[..1]), [0], "Direct3D 12 does where there is nothing else");
}

#[test]
fn a_card_under_two_vulkan_drivers_is_there_once_through_the_first() {
    let card = (AMD, 0x73bf);
    let both = [
        vulkan("AMD Radeon RX 6800 (RADV NAVI21)", card, "0000:03:00.0", "radv"),
        vulkan("AMD Radeon RX 6800", card, "0000:03:00.0", "AMD open-source driver"),
    ];
    assert_eq!(hardware(&both), [0]);
    let without_place = both.map(|adapter| AdapterInfo { device_pci_bus_id: String::new(), ..adapter });
    assert_eq!(hardware(&without_place), [0]);
}

#[test]
fn two_equal_cards_are_two_whatever_the_drivers_tell_of_their_places() {
    let h100 = |place| vulkan("NVIDIA H100", (NVIDIA, 0x2330), place, "NVIDIA");
    assert_eq!(hardware(&[h100("0000:01:00.0"), h100("0000:02:00.0")]), [0, 1]);
    assert_eq!(hardware(&[h100(""), h100("")]), [0, 1]);
    // Direct3D 12 tells the place of the first for both.
    let of_windows = || dx12("NVIDIA H100", (NVIDIA, 0x2330), "01:00.0");
    let all = [h100("0000:01:00.0"), h100("0000:02:00.0"), of_windows(), of_windows()];
    assert_eq!(hardware(&all), [0, 1]);
    // Two drivers for each of the two.
    let other = |place| AdapterInfo { driver: "NVK".into(), ..h100(place) };
    let all = [h100("0000:01:00.0"), h100("0000:02:00.0"), other("0000:01:00.0"), other("0000:02:00.0")];
    assert_eq!(hardware(&all), [0, 1]);
}

#[test]
fn equal_cards_in_two_places_that_two_drivers_share_out_are_two() {
    let card = (NVIDIA, 0x2330);
    let all = [vulkan("H100", card, "0000:01:00.0", "NVIDIA"), vulkan("H100", card, "0000:02:00.0", "NVK")];
    assert_eq!(hardware(&all), [0, 1]);
}

#[test]
fn discrete_cards_come_first_then_those_that_share_memory_then_the_rest_each_as_enumerated() {
    let named = |kind, name: &str, device| of_kind(kind, vulkan(name, (INTEL, device), "", "some driver"));
    let all = [
        named(DeviceType::Other, "something", 1),
        named(DeviceType::VirtualGpu, "a share", 2),
        named(DeviceType::IntegratedGpu, "Intel Iris Xe", 3),
        lavapipe(),
        named(DeviceType::DiscreteGpu, "a card", 4),
        named(DeviceType::DiscreteGpu, "another card", 5),
    ];
    assert_eq!(Cards::of(&all), Cards { hardware: vec![4, 5, 2, 1, 0], software: Some(3) });
}

#[test]
fn what_the_processor_plays_is_no_card_and_vulkans_is_taken_before_windows_own() {
    let warp = of_kind(DeviceType::Cpu, dx12("Microsoft Basic Render Driver", (0x1414, 0x8c), ""));
    assert_eq!(Cards::of(&[warp.clone(), lavapipe()]), Cards { hardware: vec![], software: Some(1) });
    assert_eq!(Cards::of(&[warp]), Cards { hardware: vec![], software: Some(0) });
    assert_eq!(Cards::of(&[]), Cards::default());
}

#[test]
fn vulkan_on_top_of_direct3d_gives_way_to_direct3d_itself() {
    let card = (INTEL, 0x9a49);
    let all = [
        vulkan("Microsoft Direct3D12 (Intel(R) Iris(R) Xe Graphics)", card, "", "Dozen"),
        dx12("Intel(R) Iris(R) Xe Graphics", card, "00:02.0"),
    ];
    assert_eq!(hardware(&all), [1]);
}

#[test]
fn apples_gpus_have_no_numbers_and_are_told_apart_by_name() {
    let metal = |name| adapter(Backend::Metal, name, (0, 0), "", "");
    let all = [
        of_kind(DeviceType::IntegratedGpu, metal("Intel UHD Graphics 630")),
        metal("AMD Radeon Pro 5300M"),
        adapter(Backend::Vulkan, "AMD Radeon Pro 5300M", (0, 0), "", "MoltenVK"),
    ];
    assert_eq!(hardware(&all), [1, 0]);
}

#[test]
fn what_a_driver_leaves_out_is_unknown_and_never_empty_or_zero() {
    let apple = adapter(Backend::Metal, "Apple M3", (0, 0), "", "");
    let told = info(DeviceId::Gpu(0), &apple, Features::SHADER_F16);
    assert_eq!((told.driver, told.memory, told.timestamps), (None, None, Some(false)));
    assert_eq!(told.precisions, [Precision::F32, Precision::F16]);
    let nvidia = AdapterInfo { driver_info: "580.95.05".into(), ..vulkan("?", (NVIDIA, 1), "", "NVIDIA") };
    let told = info(DeviceId::Gpu(1), &nvidia, Features::TIMESTAMP_QUERY);
    assert_eq!((told.name, told.driver.as_deref()), (None, Some("NVIDIA 580.95.05")));
    assert_eq!((told.backend, told.timestamps), (Some(DeviceApi::Vulkan), Some(true)));
    assert_eq!(told.precisions, [Precision::F32]);
}

#[test]
fn a_machine_without_a_card_is_told_what_to_install_and_what_is_there_instead() {
    let with = |software: bool| NoGpu::NoHardware { has_software: software }.to_string();
    assert!(with(true).contains("`--device gpu:software` is there"), "{}", with(true));
    assert!(!with(false).contains("gpu:software") && with(false).contains("--device cpu"), "{}", with(false));
    for reason in [NoGpu::NoDriver, NoGpu::NoSoftware] {
        assert!(reason.to_string().contains("--device cpu"), "{reason}");
    }
}
