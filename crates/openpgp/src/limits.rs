//! Limits that several readers of OpenPGP data share.

/// Octets of one certificate, foreign signatures removed.
pub(crate) const MAX_CERTIFICATE_OCTETS: usize = 256 * 1024;
