//! What a file's bytes must be, as far as that is known before it is there.

use shufflescope_engine::units::Bytes;

use super::error::FetchError;

/// No published weights of the kind are larger.
const LARGEST: Bytes = Bytes(1 << 30);
/// Hexadecimal digits of a whole SHA-256, and the fewest that are taken for one: so many that chance does not make
/// another file pass.
const DIGITS: usize = 64;
const FEWEST_DIGITS: usize = 8;

/// What a file's bytes must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// The file's name.
    pub file: &'a str,
    /// The SHA-256 in hexadecimal digits, or its start: then the whole one is recorded beside the file on first use.
    pub sha256: &'a str,
    /// Which sizes it may have.
    pub sizes: Sizes,
}

/// Sizes from one to another, both of them among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The smallest.
    pub from: Bytes,
    /// The largest.
    pub to: Bytes,
}

impl<'a> Expected<'a> {
    /// What a file's name alone says: its end is the start of the SHA-256.
    ///
    /// # Errors
    /// [`FetchError::NoHash`] where it is not, or where it is no mere name.
    pub fn of_name(file: &'a str) -> Result<Self, FetchError> {
        let (sha256, sizes) = (digits_of(file), Sizes { from: Bytes(1), to: LARGEST });
        let is_hash = (FEWEST_DIGITS..=DIGITS).contains(&sha256.len()) && sha256.bytes().all(is_digit);
        let is_name = !file.contains(['/', '\\', ':']);
        if is_hash && is_name {
            Ok(Self { file, sha256, sizes })
        } else {
            Err(FetchError::NoHash { file: file.into() })
        }
    }

    /// Whether the whole SHA-256 is known beforehand.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.sha256.len() == DIGITS
    }
}

impl Sizes {
    /// Whether a file may have this size.
    #[must_use]
    pub fn contain(&self, size: Bytes) -> bool {
        (self.from..=self.to).contains(&size)
    }
}

/// What stands between the last dash of a file's name and its ending.
pub(super) fn digits_of(file: &str) -> &str {
    let stem = file.rsplit_once('.').map_or("", |(stem, _)| stem);
    stem.rsplit_once('-').map_or("", |(_, digits)| digits)
}

/// Whether this is a hexadecimal digit as hashes are written here.
pub(super) const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_what_stands_between_the_last_dash_and_the_ending() {
        assert_eq!(Expected::of_name("shufflenetv2_x0.5-f707e7126e.pth").unwrap().sha256, "f707e7126e");
        assert_eq!(Expected::of_name("a-b-12345678.pth").unwrap().sha256, "12345678");
        for name in [
            "a-1234567.pth",
            "a-1234567G.pth",
            "a-ABCDEF12.pth",
            "12345678.pth",
            "a-12345678",
            "",
            "../a-12345678.pth",
            r"..\a-12345678.pth",
            "C:a-12345678.pth",
        ] {
            assert!(matches!(Expected::of_name(name), Err(FetchError::NoHash { .. })), "{name}");
        }
    }
}
