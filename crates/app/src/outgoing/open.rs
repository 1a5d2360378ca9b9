//! Copies that travel in the clear: many recipients share one.

use bytes::Bytes;
use sealist_lists::model::{Channel, MailingList};
use sealist_lists::payload::Payload;
use sealist_mail::wire_form;
use sealist_store::deliveries::{Batch, Delivery, Kind};

use super::{Copy, Sending};

/// Who shares a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// Up to so many, those of a domain beside each other.
    Anybody(usize),
    /// Up to so many of one domain.
    SameDomain(usize),
}

impl Together {
    /// The most recipients of one message; at least one.
    pub(super) fn most(self) -> usize {
        let (Self::Anybody(most) | Self::SameDomain(most)) = self;
        most.max(1)
    }
}

/// What was made to travel open does so, unless the list has begun to encrypt since.
pub(super) fn goes_open(list: &MailingList, batch: &Batch) -> bool {
    let encrypts = list.settings.pgp.as_ref().is_some_and(|pgp| pgp.encrypt_outgoing);
    batch.channel == Channel::Open && (batch.kind == Kind::Notice || !encrypts)
}

/// The message is put into its wire form once, whoever gets it.
pub(super) fn copies(mut rows: Vec<Delivery>, sending: &Sending, clear: Payload) -> Vec<Copy> {
    let Payload { outer, entity } = clear;
    let message = [&outer[..], b"MIME-Version: 1.0\r\n", &entity].concat();
    drop((outer, entity));
    let pieces = vec![Bytes::from(wire_form(&message))];
    rows.sort_by_cached_key(|row| domain(row).to_lowercase());
    let most = if sending.verp { 1 } else { sending.together.most() };
    let shared = |rows: &[Delivery]| -> Vec<Copy> {
        rows.chunks(most).map(|rows| Copy::of(rows, sending, pieces.clone())).collect()
    };
    match sending.together {
        Together::Anybody(_) => shared(&rows),
        Together::SameDomain(_) => {
            rows.chunk_by(|a, b| domain(a).eq_ignore_ascii_case(domain(b))).flat_map(shared).collect()
        }
    }
}

fn domain(row: &Delivery) -> &str {
    row.email.rsplit('@').next().unwrap_or_default()
}
