//! The two families of packets in which a message can be encrypted.

/// Which packets the holder of a certificate can read. A message is encrypted once for each family among its
/// recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// PKESK version 3 and SEIPD version 1, for all version 4 certificates. Certificates that advertise more
    /// are included, because the holder's program may be older than the key.
    V4,
    /// PKESK version 6 and SEIPD version 2 ([RFC 9580, section 5.13.2]), for version 6 certificates.
    V6,
}

impl Family {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::V4 => 4,
            Self::V6 => 6,
        }
    }

    pub(crate) fn from_number(number: u8) -> Option<Self> {
        [Self::V4, Self::V6].into_iter().find(|family| family.number() == number)
    }
}
