//! Unencrypted copies, which many recipients share.

use bytes::Bytes;
use sealist_lists::model::{Channel, MailingList};
use sealist_lists::payload::Payload;
use sealist_mail::fit::{Octets, fit};
use sealist_mail::{SmtpStage, wire_form};
use sealist_store::deliveries::{Batch, Delivery, DeliveryResult, DeliveryState, Kind};

use super::{BatchOptions, Copy, Ready};

/// Which recipients share a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientBatching {
    /// Up to this many; recipients of a domain are grouped.
    Anybody(usize),
    /// Up to this many, all of one domain.
    SameDomain(usize),
}

impl RecipientBatching {
    /// The most recipients of one message; at least one.
    pub(super) fn most(self) -> usize {
        let (Self::Anybody(most) | Self::SameDomain(most)) = self;
        most.max(1)
    }
}

/// Whether a sending that was made unencrypted is sent so: it is, unless the list has begun to encrypt since.
pub(super) fn goes_open(list: &MailingList, batch: &Batch) -> bool {
    let encrypts = list.settings.encrypts_copies();
    batch.channel == Channel::Open && (batch.kind != Kind::Posting || !encrypts)
}

/// The copies of an unencrypted message. If the message has no form that mail servers accept, all of them
/// fail, and the owners are told that the message is at fault.
pub(super) fn prepare(rows: Vec<Delivery>, sending: &BatchOptions, clear: Payload) -> Ready {
    let Payload { outer, entity } = clear;
    let message = [&outer[..], b"MIME-Version: 1.0\r\n", &entity].concat();
    drop((outer, entity));
    match fit(&message, Octets::EightBit) {
        Ok(message) => Ready { copies: copies(rows, sending, &message), ..Ready::default() },
        Err(unfit) => {
            let failed = |row: Delivery| DeliveryResult {
                no: row.no,
                email: row.email,
                state: DeliveryState::Failed,
                reply: format!("554 5.6.0 {unfit}"),
                refused_at: Some(SmtpStage::Content),
            };
            Ready { held: rows.into_iter().map(failed).collect(), ..Ready::default() }
        }
    }
}

/// The message is converted to wire form once for all recipients.
fn copies(rows: Vec<Delivery>, sending: &BatchOptions, message: &[u8]) -> Vec<Copy> {
    let (wire, dots) = wire_form(message);
    let pieces = vec![Bytes::from(wire)];
    let (proving, mut rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.proves);
    rows.sort_by_cached_key(|row| domain(row).to_lowercase());
    let most = if sending.verp.is_some() { 1 } else { sending.together.most() };
    let shared = |rows: &[Delivery]| -> Vec<Copy> {
        rows.chunks(most).map(|rows| Copy::of(rows, sending, (pieces.clone(), dots))).collect()
    };
    let mut copies = match sending.together {
        RecipientBatching::Anybody(_) => shared(&rows),
        RecipientBatching::SameDomain(_) => {
            rows.chunk_by(|a, b| domain(a).eq_ignore_ascii_case(domain(b))).flat_map(shared).collect()
        }
    };
    copies.extend(proving.into_iter().map(|row| Copy::of(&[row], sending, (pieces.clone(), dots))));
    copies
}

fn domain(row: &Delivery) -> &str {
    row.email.rsplit('@').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sealist_lists::model::{DeliveryNo, ListNo, MemberNo};
    use sealist_mail::Timestamp;
    use sealist_openpgp::{KeyName, MacKey};
    use zeroize::Zeroizing;

    use super::*;
    use crate::vault::{KeyVault, Unavailable};

    struct NoKeys(MacKey);

    impl KeyVault for NoKeys {
        fn secret(&self, _: &KeyName, _: Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, Unavailable> {
            Err(Unavailable::Missing)
        }

        fn keep(&self, _: &KeyName, _: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
            Err(std::io::ErrorKind::Unsupported.into())
        }

        fn wrap(&self, _: &KeyName, _: &[u8]) -> Option<Vec<u8>> {
            None
        }

        fn mac(&self) -> &MacKey {
            &self.0
        }
    }

    /// The local parts that share a message, with their tries.
    fn check(together: RecipientBatching, verp: bool, expected: &[&str]) {
        let rows = ["c@x.example", "a@y.example", "b@X.example", "d@z.example"].iter().zip(1_u32..);
        let row = |(email, number): (&&str, u32)| Delivery {
            no: DeliveryNo(i64::from(number)),
            email: (*email).to_owned(),
            address: None,
            member: Some(MemberNo(i64::from(number))),
            attempts: number,
            card: None,
            name: String::new(),
            allow_cleartext: false,
            proves: false,
        };
        let vault = Arc::new(NoKeys(MacKey::generate()));
        let sending = BatchOptions {
            vault,
            list: ListNo(1),
            now: Timestamp(0),
            bounces: "l-bounces@l.example".into(),
            verp: verp.then_some(Kind::Posting),
            together,
        };
        let clear = Payload { outer: b"A: b\n".to_vec(), entity: b"\n.x".to_vec() };
        let copies = prepare(rows.map(row).collect(), &sending, clear).copies;
        let said: Vec<String> = copies
            .iter()
            .map(|copy| {
                copy.recipients.iter().map(|one| format!("{}{}", &one.email[..1], one.attempts)).collect()
            })
            .collect();
        assert_eq!(said, expected);
        for copy in &copies {
            assert_eq!(copy.pieces.concat(), b"A: b\r\nMIME-Version: 1.0\r\n\r\n..x\r\n");
            assert_eq!(copy.sender.as_deref() == Some("l-bounces@l.example"), !verp);
        }
    }

    #[test]
    fn recipients_share_messages() {
        check(RecipientBatching::Anybody(50), false, &["c1b3a2d4"]);
        check(RecipientBatching::Anybody(3), false, &["c1b3a2", "d4"]);
        check(RecipientBatching::Anybody(0), false, &["c1", "b3", "a2", "d4"]);
        check(RecipientBatching::SameDomain(50), false, &["c1b3", "a2", "d4"]);
        check(RecipientBatching::Anybody(50), true, &["c1", "b3", "a2", "d4"]);
    }
}
