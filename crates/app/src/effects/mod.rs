//! Decisions as data: all effects of a decision are carried out in one transaction. Each effect that changes
//! something leaves one event (`event.rs`).

mod apply;
mod asking;
mod event;

use sealist_lists::commands::{Problem, Setting};
use sealist_lists::events::{Actor, EventKind};
use sealist_lists::model::{
    Action, AddressNo, EntryNo, ListNo, Member, MemberNo, PreferenceChange, PreferenceLevel, Preferences,
    RequestNo, Role,
};
use sealist_lists::workflows::Goal;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Fingerprint;
use sealist_store::Conn;
use sealist_store::events::{Occasion, Trier};
use sealist_store::key_changes::KeyChange;
use sealist_store::keys::CertificateRow;
use sealist_store::queue::QueueEntry;
use sealist_store::requests::Request;

use crate::changes::{Change, ChangeOutcome, make};
use crate::decisions::{MessageDecision, RecordedDecision};
use crate::error::AppError;
use crate::notices::PreparedNotice;
use crate::site::App;
pub(crate) use asking::{Asked, EarlierTokens};
pub(crate) use event::held;

/// A request that a moderator decided about.
pub(crate) struct RequestDecided {
    pub(crate) request: Request,
    pub(crate) decision: MessageDecision,
    pub(crate) by: Actor,
}

/// Why a request ends without a moderator's decision.
pub(crate) enum RequestEnd {
    /// The requested change was made.
    Done,
    /// The change is no longer possible.
    Refused(Problem),
}

/// Who takes a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinsAs {
    /// The address.
    Address,
    /// The user who prefers the address: the membership goes to whichever address the user prefers.
    User,
}

/// What a new version of an address's certificate means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyStep {
    /// Another certificate, or a newer form of the same.
    Changed,
    /// The certificate is revoked.
    Revoked,
    /// The certificate is revoked because somebody else may have its secret half.
    Compromised,
    /// The certificate is suspended until a person approves it.
    Suspended,
    /// A person approved the certificate: on all lists, or on this one. An approval that was waited for ends
    /// with it.
    Approved,
}

/// One change.
pub(crate) enum Effect {
    /// Asks a question.
    Ask(Box<Asked>),
    /// Ends a request.
    End(Box<Request>, RequestEnd),
    /// Gives an address a role.
    Join { address: Address, name: String, role: Role, preferences: Preferences, joins_as: JoinsAs },
    /// Ends a role.
    Leave(Box<Member>),
    /// Marks an address as verified: somebody answered from it, or an admin vouches for it.
    Verify(Address),
    /// Replaces the certificate of an address if it still has the generation that was read.
    SetKey { address: Address, seen: Option<i64>, row: Box<CertificateRow>, change: KeyChange, step: KeyStep },
    /// The key of the address must be approved before it is used.
    KeyWaits(Address),
    /// Approves the key of the address: on this list, or on all lists if the effect is for the site.
    KeyApproved(Address),
    /// The address got another key on another list. Here only an event is recorded.
    KeySetElsewhere { address: Address, fingerprint: String },
    /// Effects on another list.
    Elsewhere(ListNo, Vec<Effect>),
    /// Suspends what a compromised key of a person authorised.
    Void { address: Address, person: AddressNo, fingerprint: String },
    /// Changes a preference.
    Choose(Address, Setting),
    /// A preference on one level: of that person, or of everybody on the site.
    Prefer(Option<Address>, PreferenceLevel, PreferenceChange),
    /// Sets what happens to posts of a member. `None` is the default of the list.
    Moderate(Address, MemberNo, Option<Action>),
    /// Adds certifications to the list's certificate, which that address made with the key of that
    /// fingerprint.
    Certified { before: Vec<u8>, fingerprint: String, certificate: Vec<u8>, by: (Address, String) },
    /// Sends a notice. It is dropped and counted if the recipient's daily limit is reached.
    Notice(PreparedNotice),
    /// Carries out a decision about a held message.
    Decided(Box<RecordedDecision>),
    /// Records a moderator's decision about a request. It comes before the effects that follow from it.
    RequestDecided(Box<RequestDecided>),
    /// Records that a person sees the content of a held message. After an owner saw it, it can be accepted.
    Shown { entry: Box<QueueEntry>, to: Address, role: Role },
    /// Resets the limits of a stranger, because somebody answered from the address.
    Reached(Address),
    /// Records an attempt that changes nothing. If there are many attempts, most are only counted.
    Tried { address: Address, trier: Trier, kind: EventKind },
}

/// The request or message whose state a change advances.
#[derive(PartialEq, Eq)]
pub(crate) enum StepOf<'a> {
    Request(RequestNo),
    New(&'a Goal, Option<&'a Fingerprint>),
    Entry(EntryNo),
}

impl Effect {
    /// The same effect, whose notices that message caused.
    pub(crate) fn caused_by(self, entry: EntryNo) -> Self {
        match self {
            Self::Notice(notice) => Self::Notice(notice.caused_by(entry)),
            Self::Ask(mut asked) => {
                let notices = std::mem::take(&mut asked.notices);
                asked.notices = notices.into_iter().map(|notice| notice.caused_by(entry)).collect();
                Self::Ask(asked)
            }
            Self::Elsewhere(list, effects) => {
                Self::Elsewhere(list, effects.into_iter().map(|effect| effect.caused_by(entry)).collect())
            }
            other => other,
        }
    }

    /// What the effect advances.
    pub(crate) fn step(&self) -> Option<StepOf<'_>> {
        match self {
            Self::Ask(asked) => Some(match &asked.before {
                Some(before) => StepOf::Request(before.no),
                None => StepOf::New(&asked.run.goal, asked.run.key.as_ref()),
            }),
            Self::End(request, _) => Some(StepOf::Request(request.no)),
            Self::RequestDecided(decided) if decided.decision != MessageDecision::Accept => {
                Some(StepOf::Request(decided.request.no))
            }
            Self::Decided(decided) => Some(StepOf::Entry(decided.entry.no)),
            _ => None,
        }
    }
}

/// All effects of a decision about a list, or about the whole site.
struct Effects {
    list: Option<ListNo>,
    effects: Vec<Effect>,
}

impl Change for Effects {
    type Answer = ();
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<()>, AppError> {
        let mut happened = Vec::new();
        for effect in self.effects {
            happened.extend(effect.apply(&mut *db, self.list, occasion).await?);
        }
        Ok(ChangeOutcome::new((), happened))
    }
}

impl App {
    /// Carries all effects out in a transaction of their own. Errs as [`carry_out`].
    pub(crate) async fn carry_out(
        &self,
        list: Option<ListNo>,
        effects: Vec<Effect>,
        actor: Actor,
        now: Timestamp,
    ) -> Result<(), AppError> {
        self.make(Effects { list, effects }, &Occasion { actor, now }).await
    }
}

/// Carries out all effects on a list, or on the whole site if `list` is `None`. Errs with
/// [`AppError::Overtaken`] if something has changed since the decision: then nothing may be committed, and
/// everything is decided again.
pub(crate) async fn carry_out(
    db: &mut Conn,
    list: Option<ListNo>,
    effects: Vec<Effect>,
    occasion: &Occasion,
) -> Result<(), AppError> {
    make(db, Effects { list, effects }, occasion).await
}
