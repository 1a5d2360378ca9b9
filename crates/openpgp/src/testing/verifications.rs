//! Counts the verifications that strangers' keys cause. Tests count them, because measured times are not
//! reliable.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::Fingerprint;

/// The counts are per fingerprint, so that parallel tests do not disturb each other.
static COUNTS: Mutex<Option<HashMap<Fingerprint, u64>>> = Mutex::new(None);

pub(crate) fn add(fingerprint: &[u8], verifications: u64) {
    let mut counts = COUNTS.lock().expect("no test fails here");
    *counts.get_or_insert_default().entry(Fingerprint::of_octets(fingerprint)).or_default() += verifications;
}

/// How many verifications of signatures on that key were requested in this process by reading it.
pub fn of(fingerprint: &Fingerprint) -> u64 {
    let counts = COUNTS.lock().expect("no test fails here");
    counts.as_ref().and_then(|counts| counts.get(fingerprint)).copied().unwrap_or_default()
}
