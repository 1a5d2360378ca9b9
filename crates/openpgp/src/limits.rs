//! Limits that several readers of OpenPGP data share.

/// The largest certificate in octets, without third-party signatures.
pub(crate) const MAX_CERTIFICATE_OCTETS: usize = 256 * 1024;
