//! The event of each effect, in one place. No setting is read.

use sealist_lists::commands::Setting;
use sealist_lists::events::{Event, EventKind, HeldEntry};
use sealist_lists::model::{ListNo, PreferenceChange};
use sealist_mail::Address;
use sealist_store::queue::QueueEntry;

use super::{Effect, KeyStep, RequestDecided, RequestEnd};
use crate::decisions::{MessageDecision, RecordedDecision};

impl Effect {
    /// The event of the effect, if it changes anything. `None` for what changes nothing that lasts, as a
    /// notice, and for what says itself what happened: a question may come to nothing, and whom a held
    /// message stands for is read when it is decided.
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
                        KeyStep::Approved => EventKind::KeyApproved {},
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
            Self::Choose(address, setting) => of(address, chosen(setting)),
            Self::Prefer(address, _, change) => Some((address.clone(), preference(*change))),
            Self::Moderate(address, _, action) => {
                let value = action.map(|action| action.name().to_owned());
                of(address, EventKind::PreferenceChanged { name: "moderation_action".to_owned(), value })
            }
            Self::Certified { by: (address, fingerprint), .. } => {
                of(address, EventKind::ListKeySigned { fingerprint: fingerprint.clone() })
            }
            Self::RequestDecided(decided) => of(&decided.request.address, decided_request(decided)),
            Self::Shown { entry, to, .. } => of(to, EventKind::HoldShown(held(entry))),
            Self::Ask(_)
            | Self::Elsewhere(..)
            | Self::Notice(_)
            | Self::Reached(_)
            | Self::Decided(_)
            | Self::Tried { .. } => None,
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

fn preference(change: PreferenceChange) -> EventKind {
    let value = Some(change.value().to_string()).filter(|value| !value.is_empty());
    EventKind::PreferenceChanged { name: change.name().to_owned(), value }
}

/// A name that somebody chose is not in the event: events name people by their number alone.
fn chosen(setting: &Setting) -> EventKind {
    match (setting.of_member(), setting) {
        (Some(change), _) => preference(change),
        (None, Setting::Language(language)) => {
            preference(PreferenceChange::PreferredLanguage(Some(*language)))
        }
        (None, _) => EventKind::PreferenceChanged { name: "name".to_owned(), value: None },
    }
}

/// The event of a decision about a held message.
pub(super) fn decided(decided: &RecordedDecision) -> EventKind {
    let held = held(&decided.entry);
    match decided.decision {
        MessageDecision::Accept => EventKind::HoldAccepted(held),
        MessageDecision::Reject(_) => EventKind::HoldRejected(held),
        MessageDecision::Discard => EventKind::HoldDiscarded(held),
    }
}

/// A held message for an event.
pub(crate) fn held(entry: &QueueEntry) -> HeldEntry {
    HeldEntry { entry: entry.no, reasons: entry.reasons.clone() }
}
