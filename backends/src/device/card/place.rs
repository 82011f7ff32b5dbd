//! Which of the cards that NVIDIA's library lists is the one that networks run on.

use crate::device::Device;

/// NVIDIA's number among the makers of PCI cards.
#[cfg(feature = "gpu")]
const NVIDIA: u32 = 0x10DE;

/// Where a card is, as far as its driver tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Its slot on the PCI bus.
    pub slot: Option<Slot>,
    /// Its name.
    pub name: Option<String>,
}

/// Domain, bus and device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot([u32; 3]);

impl Slot {
    /// Reads `00000000:01:00.0`; the domain may be shorter or missing, and so may the function.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.split_once('.').map_or(text, |(slot, _)| slot);
        let mut parts = text.rsplit(':').map(|part| u32::from_str_radix(part, 16).ok());
        let (device, bus) = (parts.next()??, parts.next()??);
        let domain = parts.next().unwrap_or(Some(0))?;
        parts.next().is_none().then_some(Self([domain, bus, device]))
    }
}

impl Place {
    /// Where a device is; `None` where it is no card of NVIDIA's.
    pub fn of(device: &Device) -> Option<Self> {
        #[cfg(feature = "gpu")]
        if let Some(adapter) = device.adapter() {
            let info = adapter.get_info();
            let slot = Slot::parse(&info.device_pci_bus_id);
            return (info.vendor == NVIDIA).then_some(Self { slot, name: Some(info.name) });
        }
        device.cuda().map(|cuda| Self { slot: Some(Slot(cuda.slot)), name: Some(cuda.name.clone()) })
    }

    /// The position of this card among those listed: by its slot; else by its name, or as the only one there is. `None`
    /// where that leaves a doubt: cards are numbered differently by different lists.
    pub fn among(&self, listed: &[Self]) -> Option<usize> {
        if self.slot.is_some() && listed.iter().any(|card| card.slot.is_some()) {
            return listed.iter().position(|card| card.slot == self.slot);
        }
        let is_like = |card: &&Self| self.name.is_none() || card.name.is_none() || card.name == self.name;
        let mut like = listed.iter().enumerate().filter(|(_, card)| is_like(card));
        let (only, _) = like.next()?;
        like.next().is_none().then_some(only)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(slot: &str, name: &str) -> Place {
        Place { slot: Slot::parse(slot), name: Some(name.into()) }
    }

    #[test]
    fn a_slot_is_the_same_however_a_driver_writes_it() {
        let slot = Slot::parse("00000000:C1:00.0");
        assert_eq!(slot, Some(Slot([0, 0xC1, 0])));
        for text in ["0000:c1:00.0", "c1:00.0", "c1:00"] {
            assert_eq!(Slot::parse(text), slot, "{text}");
        }
        assert_ne!(Slot::parse("0001:c1:00.0"), slot);
        for text in ["", "c1", "x:00.0", "1:2:3:4"] {
            assert_eq!(Slot::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_card_is_found_by_its_slot_among_equal_ones() {
        let cards = [listed("0000:01:00.0", "NVIDIA H100"), listed("0000:C1:00.0", "NVIDIA H100")];
        assert_eq!(listed("c1:00.0", "NVIDIA H100").among(&cards), Some(1));
        assert_eq!(listed("c2:00.0", "NVIDIA H100").among(&cards), None, "another slot is another card");
    }

    #[test]
    fn without_a_slot_only_what_leaves_no_doubt_is_found() {
        let mixed = [listed("0000:01:00.0", "NVIDIA T400"), listed("0000:C1:00.0", "NVIDIA H100")];
        let named = |name: &str| Place { name: Some(name.into()), ..Place::default() };
        assert_eq!(named("NVIDIA H100").among(&mixed), Some(1));
        assert_eq!(named("NVIDIA A100").among(&mixed), None);
        assert_eq!(Place::default().among(&mixed), None);
        assert_eq!(Place::default().among(&mixed[..1]), Some(0));
        assert_eq!(Place::default().among(&[]), None);
    }
}
