//! Which words hold which channels.

use std::collections::HashMap;

/// A word of the first image: a pixel of a row, or the first of its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Word {
    pub row: usize,
    /// Rows from one image's to the next one's.
    pub stride: usize,
    pub pixel: usize,
}

/// Where a channel is: one of the four bytes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lane {
    pub word: Word,
    pub lane: u8,
}

/// Where a channel is in a list of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub word: usize,
    pub lane: u8,
}

/// The words that hold a list of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reads {
    pub words: Vec<Word>,
    /// One for each channel.
    pub places: Vec<Place>,
}

impl Reads {
    /// Each word once, or as often as a channel of it is in the list.
    pub fn of(channels: &[Lane]) -> Self {
        let mut words = Vec::new();
        // For each word the places that it has in the list, with the lanes that are taken there.
        let mut known: HashMap<Word, Vec<(usize, [bool; 4])>> = HashMap::new();
        let mut places = Vec::with_capacity(channels.len());
        for channel in channels {
            let lane = usize::from(channel.lane);
            let entries = known.entry(channel.word).or_default();
            let word = match entries.iter_mut().find(|(_, taken)| !taken[lane]) {
                Some((word, taken)) => {
                    taken[lane] = true;
                    *word
                }
                None => {
                    let mut taken = [false; 4];
                    taken[lane] = true;
                    entries.push((words.len(), taken));
                    words.push(channel.word);
                    words.len() - 1
                }
            };
            places.push(Place { word, lane: channel.lane });
        }
        Self { words, places }
    }

    /// The channel in each lane of each word.
    pub fn channels(&self) -> Vec<Option<usize>> {
        by_lane(&self.places, self.words.len())
    }
}

/// The channel in each lane of `words` words.
pub(super) fn by_lane(places: &[Place], words: usize) -> Vec<Option<usize>> {
    let mut channels = vec![None; 4 * words];
    for (channel, place) in places.iter().enumerate() {
        channels[4 * place.word + usize::from(place.lane)] = Some(channel);
    }
    channels
}

/// Where the output channels of `groups` groups go: four to a word, and none to a word of another group unless groups are
/// smaller than words.
pub(super) fn fresh(channels: usize, groups: usize) -> Vec<Place> {
    let width = channels / groups.max(1);
    let pitch = if width < 4 { width } else { width.next_multiple_of(4) };
    let place = |channel: usize| channel / width.max(1) * pitch + channel % width.max(1);
    (0..channels).map(place).map(|at| Place { word: at / 4, lane: (at % 4) as u8 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(row: usize) -> Word {
        Word { row, stride: 9, pixel: 0 }
    }

    fn lanes(of: &[(usize, u8)]) -> Vec<Lane> {
        of.iter().map(|&(row, lane)| Lane { word: word(row), lane }).collect()
    }

    #[test]
    fn a_word_is_read_once_for_all_its_channels_and_once_more_for_a_channel_that_is_there_twice() {
        let reads = Reads::of(&lanes(&[(3, 0), (3, 2), (5, 1), (3, 1), (3, 2)]));
        assert_eq!(reads.words, [word(3), word(5), word(3)]);
        let places: Vec<(usize, u8)> = reads.places.iter().map(|place| (place.word, place.lane)).collect();
        assert_eq!(places, [(0, 0), (0, 2), (1, 1), (0, 1), (2, 2)]);
        let channels: Vec<Option<usize>> = reads.channels();
        assert_eq!(channels[..8], [Some(0), Some(3), Some(1), None, None, Some(2), None, None]);
        assert_eq!(channels[8..], [None, None, Some(4), None]);
    }

    #[test]
    fn groups_of_four_channels_and_more_have_words_of_their_own() {
        let at = |channels, groups| -> Vec<usize> {
            fresh(channels, groups).iter().map(|place| 4 * place.word + usize::from(place.lane)).collect()
        };
        assert_eq!(at(5, 1), [0, 1, 2, 3, 4]);
        assert_eq!(at(10, 2), [0, 1, 2, 3, 4, 8, 9, 10, 11, 12]);
        assert_eq!(at(6, 3), [0, 1, 2, 3, 4, 5]);
        assert_eq!(at(8, 2), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
