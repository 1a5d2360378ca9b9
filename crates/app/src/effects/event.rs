//! The event of each effect, in one place. No setting is read.

use sealist_lists::commands::Setting;
use sealist_lists::events::{Event, EventKind, HeldEntry};
use sealist_lists::model::ListNo;
use sealist_mail::Address;
use sealist_store::queue::QueueEntry;

use super::{Effect, KeyStep, RequestDecided, RequestEnd};
use crate::decisions::MessageDecision;

impl Effect {
    /// The event that the effect writes if it changes anything. `None` for what changes nothing that lasts: a notice, and
    /// what [`Effect::Ask`] records itself, because it may come to nothing.
    pub(super) fn event(&self, list: Option<ListNo>) -> Option<Event> {
        let (subject, kind) = self.subject_and_kind()?;
        Some(Event { list, subject, kind })
    }

    fn subject_and_kind(&self) -> Option<(Option<Address>, EventKind)> {
        let of = |address: &Address, kind| Some((Some(address.clone()), kind));
        match self {
            Self::End(request, why) => of(&request.address, ended(request.run.goal.action(), why)),
            Self::Join { address, role, .. } => of(address, EventKind::MemberJoined { role: *role }),
            Self::Leave(member) => of(&member.address, EventKind::MemberLeft { role: member.role }),
            Self::Verify(address) => of(address, EventKind::AddressVerified {}),
            Self::SetKey { address, change, step, .. } => {
                let fingerprint = change.new.clone();
                of(
                    address,
                    match step {
                        KeyStep::Changed => EventKind::KeyChanged {
                            old: change.old.clone(),
                            new: fingerprint,
                            authority: change.authority.name().to_owned(),
                        },
                        KeyStep::Revoked => EventKind::KeyRevoked { fingerprint },
                        KeyStep::Compromised => EventKind::KeyCompromised { fingerprint },
                        KeyStep::Suspended => EventKind::KeySuspended { fingerprint },
                    },
                )
            }
            Self::KeyWaits(address) => of(address, EventKind::KeyWaits {}),
            Self::KeyApproved(address) => of(address, EventKind::KeyApproved {}),
            Self::KeySetElsewhere { address, fingerprint } => {
                of(address, EventKind::KeySetElsewhere { fingerprint: fingerprint.clone() })
            }
            Self::Void { address, fingerprint, .. } => {
                of(address, EventKind::KeyCompromised { fingerprint: fingerprint.clone() })
            }
            Self::Choose(address, setting) => {
                of(address, EventKind::PreferenceChanged { name: choice(setting).to_owned() })
            }
            Self::Prefer(address, _, change) => {
                Some((address.clone(), EventKind::PreferenceChanged { name: change.name().to_owned() }))
            }
            Self::Moderate(address, ..) => {
                of(address, EventKind::PreferenceChanged { name: "moderation_action".to_owned() })
            }
            Self::Certified { by: (address, fingerprint), .. } => {
                of(address, EventKind::ListKeySigned { fingerprint: fingerprint.clone() })
            }
            Self::Decided(decided) => {
                let held = held(&decided.entry);
                let kind = match decided.decision {
                    MessageDecision::Accept => EventKind::HoldAccepted(held),
                    MessageDecision::Reject(_) => EventKind::HoldRejected(held),
                    MessageDecision::Discard => EventKind::HoldDiscarded(held),
                };
                Some((sender_of(&decided.entry), kind))
            }
            Self::RequestDecided(decided) => of(&decided.request.address, decided_request(decided)),
            Self::Shown { entry, to, .. } => of(to, EventKind::HoldShown(held(entry))),
            Self::Tried { address, kind, .. } => of(address, kind.clone()),
            Self::Ask(_) | Self::Elsewhere(..) | Self::Notice(_) | Self::Reached(_) => None,
        }
    }
}

fn ended(action: &str, why: &RequestEnd) -> EventKind {
    let action = action.to_owned();
    match why {
        RequestEnd::Done => EventKind::RequestDone { action },
        RequestEnd::Refused(problem) => {
            EventKind::RequestEnded { action, problem: problem.name().to_owned() }
        }
    }
}

fn decided_request(decided: &RequestDecided) -> EventKind {
    let action = decided.request.run.goal.action().to_owned();
    match decided.decision {
        MessageDecision::Accept => EventKind::RequestApproved { action },
        MessageDecision::Reject(_) => EventKind::RequestRefused { action },
        MessageDecision::Discard => EventKind::RequestDiscarded { action },
    }
}

/// What is chosen, without the value: it may be the name of a person.
fn choice(setting: &Setting) -> &'static str {
    match setting {
        Setting::Switch { name, .. } => name,
        Setting::Language(_) => "language",
        Setting::Name(_) => "name",
    }
}

/// A held message for an event.
pub(crate) fn held(entry: &QueueEntry) -> HeldEntry {
    HeldEntry { entry: entry.no, reasons: entry.reasons.clone() }
}

/// The envelope sender of a message, whom the events about it name.
pub(crate) fn sender_of(entry: &QueueEntry) -> Option<Address> {
    Address::from_stored(&entry.sender)
}
