//! The graphics cards that wgpu finds: each once, in an order that stays.
//!
//! A card shows up as often as it has drivers: through Vulkan and Direct3D 12, or through two Vulkan drivers. People
//! have one card, so there is one device for it, through the driver that serves our kernels best.

use std::sync::{Arc, Mutex, PoisonError};

use wgpu::{AdapterInfo, Backend, Backends, DeviceType, Features};

use super::{DeviceApi, DeviceId, DeviceInfo, DeviceKind, NoGpu, Precision};

/// What our kernels run through.
const BACKENDS: Backends = Backends::VULKAN.union(Backends::METAL).union(Backends::DX12);

/// What wgpu found.
#[derive(Debug)]
pub(super) struct Gpus {
    /// The cards: `gpu:0`, `gpu:1` and so on.
    hardware: Vec<wgpu::Adapter>,
    /// What plays one.
    software: Option<wgpu::Adapter>,
    /// Whether any driver could be loaded at all.
    has_driver: bool,
}

/// What was found, once something was: a driver takes a tenth of a second to load, and every job opens its device anew.
static FOUND: Mutex<Option<Arc<Gpus>>> = Mutex::new(None);

impl Gpus {
    /// Asks the drivers, or says what they told before.
    pub fn find() -> Arc<Self> {
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gpus) = &*found {
            return Arc::clone(gpus);
        }
        let gpus = Arc::new(Self::look());
        if !gpus.is_empty() {
            *found = Some(Arc::clone(&gpus));
        }
        gpus
    }

    fn look() -> Self {
        let mut how = wgpu::InstanceDescriptor::new_without_display_handle();
        // Neither checks nor labels in what is timed, and no environment variable that changes what is found.
        (how.backends, how.flags) = (BACKENDS, wgpu::InstanceFlags::DISCARD_HAL_LABELS);
        let instance = wgpu::Instance::new(how);
        let all = pollster::block_on(instance.enumerate_adapters(BACKENDS));
        let infos: Vec<AdapterInfo> = all.iter().map(wgpu::Adapter::get_info).collect();
        let Cards { hardware, software } = Cards::of(&infos);
        let has_driver = !all.is_empty() || has_driver(&instance);
        let adapter = |index: usize| all.get(index).cloned();
        Self {
            hardware: hardware.into_iter().filter_map(adapter).collect(),
            software: software.and_then(adapter),
            has_driver,
        }
    }

    fn is_empty(&self) -> bool {
        self.hardware.is_empty() && self.software.is_none()
    }

    /// How many cards there are.
    pub fn count(&self) -> usize {
        self.hardware.len()
    }

    /// The adapter of a card, or of what plays one; `None` where there is none of this name.
    pub fn adapter(&self, id: DeviceId) -> Option<&wgpu::Adapter> {
        match id {
            DeviceId::Gpu(ordinal) => self.hardware.get(ordinal),
            DeviceId::SoftwareGpu => self.software.as_ref(),
            DeviceId::Cpu | DeviceId::Cuda(_) | DeviceId::Metal(_) => None,
        }
    }

    /// Why there is no device of the kind of `id` at all.
    pub fn missing(&self, id: DeviceId) -> NoGpu {
        match (id, self.has_driver) {
            (_, false) => NoGpu::NoDriver,
            (DeviceId::SoftwareGpu, true) => NoGpu::NoSoftware,
            (_, true) => NoGpu::NoHardware { has_software: self.software.is_some() },
        }
    }

    /// Everything found, the cards first.
    pub fn infos(&self) -> impl Iterator<Item = DeviceInfo> {
        let cards = self.hardware.iter().enumerate().map(|(ordinal, adapter)| (DeviceId::Gpu(ordinal), adapter));
        let software = self.software.iter().map(|adapter| (DeviceId::SoftwareGpu, adapter));
        cards.chain(software).map(|(id, adapter)| info(id, &adapter.get_info(), adapter.features()))
    }
}

/// Whether any of the libraries could be loaded. Only the refusal of an adapter tells that.
fn has_driver(instance: &wgpu::Instance) -> bool {
    match pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())) {
        Err(wgpu::RequestAdapterError::NotFound { active_backends, .. }) => active_backends.intersects(BACKENDS),
        Ok(_) | Err(_) => true,
    }
}

/// The precisions that an adapter's shaders can store.
pub(super) fn precisions(features: Features) -> &'static [Precision] {
    if features.contains(Features::SHADER_F16) { &Precision::PORTABLE } else { &[Precision::F32] }
}

fn info(id: DeviceId, adapter: &AdapterInfo, features: Features) -> DeviceInfo {
    DeviceInfo {
        name: Some(adapter.name.trim().to_owned()).filter(|name| is_told(name)),
        kind: Some(kind(adapter)),
        backend: api(adapter.backend),
        driver: driver(adapter),
        precisions: precisions(features).to_vec(),
        timestamps: Some(features.contains(Features::TIMESTAMP_QUERY)),
        ..DeviceInfo::unknown(id)
    }
}

/// Whether a text of a driver says anything.
fn is_told(text: &str) -> bool {
    !text.is_empty() && text != "?"
}

fn driver(adapter: &AdapterInfo) -> Option<String> {
    let words = [adapter.driver.trim(), adapter.driver_info.trim()];
    let told: Vec<&str> = words.into_iter().filter(|text| is_told(text)).collect();
    (!told.is_empty()).then(|| told.join(" "))
}

fn kind(adapter: &AdapterInfo) -> DeviceKind {
    match adapter.device_type {
        DeviceType::DiscreteGpu => DeviceKind::DiscreteGpu,
        DeviceType::IntegratedGpu => DeviceKind::IntegratedGpu,
        DeviceType::VirtualGpu => DeviceKind::VirtualGpu,
        DeviceType::Cpu => DeviceKind::Software,
        DeviceType::Other => DeviceKind::OtherGpu,
    }
}

const fn api(backend: Backend) -> Option<DeviceApi> {
    match backend {
        Backend::Vulkan => Some(DeviceApi::Vulkan),
        Backend::Metal => Some(DeviceApi::Metal),
        Backend::Dx12 => Some(DeviceApi::Dx12),
        _ => None,
    }
}

/// How well a driver serves our kernels, the best first. Vulkan drivers come before Direct3D 12, whose shaders go through
/// one more compiler; those that do not conform are not even told by wgpu. Dozen is Vulkan on top of Direct3D 12.
fn preference(adapter: &AdapterInfo) -> u8 {
    match adapter.backend {
        Backend::Metal => 0,
        Backend::Vulkan if !adapter.driver.eq_ignore_ascii_case("dozen") => 1,
        Backend::Dx12 => 2,
        _ => 3,
    }
}

/// Which of many adapters stand for the cards of a machine, as positions in the list.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cards {
    /// One adapter a card: discrete ones first, then those that share the processor's memory, then as enumerated.
    hardware: Vec<usize>,
    /// What plays a GPU.
    software: Option<usize>,
}

impl Cards {
    fn of(all: &[AdapterInfo]) -> Self {
        let best = |card: &Vec<usize>| card.iter().copied().min_by_key(|&index| all.get(index).map(preference));
        let is_software = |index: usize| all.get(index).is_some_and(|adapter| kind(adapter) == DeviceKind::Software);
        let (software, mut hardware): (Vec<usize>, Vec<usize>) =
            grouped(all).iter().filter_map(best).partition(|&index| is_software(index));
        // The sort is stable: as enumerated within a kind.
        hardware.sort_by_key(|&index| all.get(index).map(kind));
        Self { hardware, software: best(&software) }
    }
}

/// The adapters of each card, cards and adapters as enumerated.
fn grouped(all: &[AdapterInfo]) -> Vec<Vec<usize>> {
    let mut cards: Vec<Vec<usize>> = Vec::new();
    for (index, adapter) in all.iter().enumerate() {
        let of = |card: &&mut Vec<usize>, is_same: fn(&AdapterInfo, &AdapterInfo) -> bool| {
            let mut others = card.iter().filter_map(|&other| all.get(other));
            // A driver tells each of its cards once.
            others.clone().all(|other| driver_of(other) != driver_of(adapter))
                && others.any(|other| is_same(other, adapter))
        };
        // Direct3D 12 tells the place of the first of two equal cards twice.
        let earlier = all.iter().take(index).filter(|other| driver_of(other) == driver_of(adapter));
        let place_is_taken = earlier.into_iter().any(|other| is_same_place(other, adapter));
        let is_same: fn(&AdapterInfo, &AdapterInfo) -> bool = match place_is_taken {
            true => is_same_model,
            false => is_same_card,
        };
        match cards.iter_mut().find(|card| of(card, is_same)) {
            Some(card) => card.push(index),
            None => cards.push(vec![index]),
        }
    }
    cards
}

fn driver_of(adapter: &AdapterInfo) -> (Backend, &str) {
    (adapter.backend, &adapter.driver)
}

fn is_same_card(one: &AdapterInfo, other: &AdapterInfo) -> bool {
    match (place(one), place(other)) {
        (Some(_), Some(_)) => is_same_place(one, other),
        // A driver that does not tell the place.
        _ => is_same_model(one, other),
    }
}

fn is_same_place(one: &AdapterInfo, other: &AdapterInfo) -> bool {
    place(one).is_some_and(|place_of_one| place(other) == Some(place_of_one))
}

/// The place on the PCI bus, where it is told; not all drivers write the domain.
fn place(adapter: &AdapterInfo) -> Option<&str> {
    let text = adapter.device_pci_bus_id.as_str();
    let text = text.strip_prefix("0000:").unwrap_or(text);
    (!text.is_empty()).then_some(text)
}

/// The same model by the PCI numbers: drivers call a card by different names. Where there are no numbers, by name.
fn is_same_model(one: &AdapterInfo, other: &AdapterInfo) -> bool {
    let numbers = |adapter: &AdapterInfo| (adapter.vendor, adapter.device);
    numbers(one) == numbers(other) && (one.vendor != 0 || one.name == other.name)
}

#[cfg(test)]
mod tests;
