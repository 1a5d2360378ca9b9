//! Handler `autocrypt`: reads whether the list has OpenPGP.
//!
//! Adds the list's own Autocrypt field (Autocrypt Level 1, section 2.1), which matches the From address. The
//! author's Autocrypt field was removed before, because it would teach mail programs a key that is not the
//! list's.

use sealist_mail::{Field, transfer};

use crate::draft::PostDraft;

pub(super) fn apply(draft: &mut PostDraft<'_>) {
    let Some(certificate) = draft.list_certificate else { return };
    let address = draft.list.name.posting();
    let data = String::from_utf8_lossy(&transfer::base64_lines(certificate)).replace("\r\n", " ");
    let value = format!("addr={address}; prefer-encrypt=mutual; keydata= {}", data.trim_end());
    draft.outside.push(Field::raw("Autocrypt", &value).expect("an address and base64 have no line end"));
}
