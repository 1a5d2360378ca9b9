//! The two families of packets that a message to a reader is made of.

/// Which packets a certificate's holder can read. A message is encrypted once for each family among its readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// PKESK version 3 and SEIPD version 1: all version 4 certificates, also those that advertise more, because
    /// what their holders read with may be older than their key.
    V4,
    /// PKESK version 6 and SEIPD version 2 ([RFC 9580, section 5.13.2]): version 6 certificates.
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
