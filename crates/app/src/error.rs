//! The errors of use cases.

use sealist_lists::model::{DeliveryNo, EntryNo, NameRefused, RequestNo, Role, SendingNo, SettingError};
use sealist_mail::Timestamp;
use sealist_openpgp::{CertificateError, Damaged, KeyError, MergeError, SealError, Unusable};
use sealist_store::transfer::TransferError;
use sealist_store::{For, StoreError};

use crate::vault::Unavailable;

/// Why a use case failed. Bad mail is not an error; it gets a verdict.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A site was not moved into another database.
    #[error(transparent)]
    NotMoved(TransferError),
    /// This node lacks a key of the list.
    #[error("this node lacks the {key} of {list}, {why}: {}", .why.fix())]
    NoKeys {
        /// The list.
        list: String,
        /// Purpose and fingerprint.
        key: String,
        /// Why it is not available.
        why: Unavailable,
    },
    /// There is no master key to wrap keys with.
    #[error("this node has no master key: set kept and master_key in [keydirs]")]
    NoMasterKey,
    /// The list does not use OpenPGP.
    #[error("{0} has no key: its style is a plain one")]
    Plain(String),
    /// The key directory cannot be written.
    #[error("the key directory cannot be written: {0}")]
    Vault(std::io::Error),
    /// A key could not be made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Sealing failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A stored body is damaged.
    #[error(transparent)]
    Damaged(#[from] Damaged),
    /// No such list.
    #[error("there is no list {0}")]
    NoSuchList(String),
    /// A list of that name exists already.
    #[error("{0} exists already")]
    ListExists(String),
    /// A name that a new list cannot have.
    #[error(transparent)]
    Name(#[from] NameRefused),
    /// An address without the role that was named, or without any.
    #[error(
        "{address} has no role on {list}, or not that one: `sealist members show {list} {address}` says which it has"
    )]
    NoRole {
        /// The address.
        address: String,
        /// The list.
        list: String,
    },
    /// An address has the role that it is given.
    #[error("{address} is {role} of {list} already")]
    HasRole {
        /// The address.
        address: String,
        /// The role.
        role: Role,
        /// The list.
        list: String,
    },
    /// An address that the site does not know.
    #[error("{0} is not known here: no list has it as member, owner or moderator")]
    NotKnown(String),
    /// An address that belongs to no user.
    #[error("{0} belongs to no person: `sealist users link` says which addresses belong together")]
    NoUserOf(String),
    /// An address that belongs to another user.
    #[error("{0} belongs to another person: `sealist users unlink {0}` takes it from that person first")]
    LinkedElsewhere(String),
    /// A person who cannot be deleted, because an address still has something.
    #[error("{address} still has {kept}: end that first")]
    PersonStays {
        /// The address.
        address: String,
        /// What it has, in words.
        kept: String,
    },
    /// An address to which memberships of its user go.
    #[error("memberships of the person go to {0}: prefer another address with `sealist users prefer` first")]
    StillSubscribed(String),
    /// An address that is to be preferred has one of the roles by itself.
    #[error(
        "{0} has the same role by itself on a list: remove that role with `sealist members remove` first"
    )]
    HasRoleItself(String),
    /// An address that is to be subscribed for its user, who prefers another one.
    #[error(
        "a membership of this person goes to the address that the person prefers{}, and that is not {address}: add that one, or \
         make {address} the preferred one with `sealist users prefer`",
        preferred.as_ref().map(|one| format!(", {one}")).unwrap_or_default()
    )]
    NotPreferred {
        /// The address.
        address: String,
        /// The preferred address, if there is one.
        preferred: Option<String>,
    },
    /// Another preferred address would be another key on a list with OpenPGP.
    #[error(
        "on {list}, a list with OpenPGP, another address means another key, and nobody has proved the key of {new} there: let {new} \
         join {list} with its own key, remove {old}, and then prefer {new}"
    )]
    OtherKeyThere {
        /// The list.
        list: String,
        /// The preferred address until now.
        old: String,
        /// The address that is to be preferred.
        new: String,
    },
    /// A preference or setting that is not taken there.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A list would lose its last owner.
    #[error(
        "this is the last owner of {0}, and without an owner nobody gets its notices: add another owner first, with \
         `sealist members add {0} ADDRESS --role owner`, or give --last-owner"
    )]
    LastOwner(String),
    /// A list would send to itself.
    #[error("{0} is an address of the list itself: it cannot be a member")]
    OwnAddress(String),
    /// There is no such style.
    #[error("there is no style {style:?}; there are {known}")]
    NoSuchStyle {
        /// The name that was given.
        style: String,
        /// The names of the styles that there are.
        known: String,
    },
    /// The certificate given for a member is invalid.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The update given for a member's key is invalid.
    #[error(transparent)]
    Update(#[from] MergeError),
    /// The key given for a member cannot be used.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// The key belongs to another address.
    #[error("the key does not name {0}")]
    OtherAddress(String),
    /// The address has another key, which an import does not replace.
    #[error(
        "the address has another key, and an import replaces no key: `sealist keys import {0} FILE` changes it"
    )]
    HasOtherKey(String),
    /// Somebody else changed the same thing first. The caller may look again and decide anew.
    #[error("somebody else changed this first: look again and repeat the command if it still applies")]
    Overtaken,
    /// The hour's notices to strangers are used up, so the message waits until the next hour.
    #[error("notices to strangers are used up until {}", .0.rfc3339())]
    NextHour(Timestamp),
    /// No request of that number waits.
    #[error("there is no request {0}; `sealist requests list` names all that wait")]
    NoSuchRequest(RequestNo),
    /// Nothing of that address waits at that list.
    #[error("nothing of {address} waits at {list}; `sealist requests list` names all that do")]
    NoRequestOf {
        /// The address.
        address: String,
        /// The list.
        list: String,
    },
    /// The request cannot continue.
    #[error("it cannot be done: {0}")]
    Refused(sealist_lists::commands::Problem),
    /// The request does not wait for a moderator.
    #[error("it does not wait for a moderator, but for the person: {0}")]
    NotWaiting(String),
    /// The address has no key.
    #[error("{0} has no key: `sealist keys import {0} FILE` gives it one")]
    NoKeyOf(String),
    /// The address has another key than the one that was named.
    #[error("the key of this address is {0}")]
    OtherFingerprint(String),
    /// The message may be a captured one, and no owner has seen it yet.
    #[error(
        "entry {0} could be somebody else's message that was captured, and no owner has seen it: `sealist queue open {0} --to OWNER`, or `show TOKEN` by mail, sends it to an owner, and then it can be accepted"
    )]
    Unseen(EntryNo),
    /// The message does not have exactly one author, so the list could not say whose words it posts.
    #[error(
        "entry {0} does not name exactly one author, so that the list cannot post it: reject or discard it"
    )]
    NoAuthor(EntryNo),
    /// No message of that number waits.
    #[error("there is no entry {0}; `sealist queue list` names them")]
    NoSuchEntry(EntryNo),
    /// No trace of a message of that number is there.
    #[error("there is no trace of message {entry}: it never came, or it was done more than {days} days ago")]
    NoTrace {
        /// The number.
        entry: EntryNo,
        /// For how many days traces are kept.
        days: u32,
    },
    /// A message was not set aside.
    #[error("entry {entry} is in {place}, not in shunt")]
    NotSetAside {
        /// Its number.
        entry: EntryNo,
        /// Where it is.
        place: &'static str,
    },
    /// A message was judged, or is being judged.
    #[error("entry {0} does not wait to be judged")]
    NotWaitingToBeJudged(EntryNo),
    /// No copy of that number is there.
    #[error("there is no copy {0}; `sealist queue copies` names all that are not out")]
    NoSuchCopy(DeliveryNo),
    /// No post of that number has copies.
    #[error("there is no post {0}; `sealist queue posts` names all that are going out")]
    NoSuchPost(SendingNo),
    /// A list is not held.
    #[error("{0} is not held")]
    ListNotHeld(String),
    /// No consumer of events can have that name.
    #[error(
        "a program that follows the events has a name of 1 to 60 letters, digits, '-', '_' and '.', not {0:?}"
    )]
    NoConsumerName(String),
    /// A consumer of events of that name is there.
    #[error("there is a consumer {0:?} already")]
    ConsumerExists(String),
    /// No consumer of events has that name.
    #[error("there is no consumer {0:?}; `sealist events consumers` names them")]
    NoSuchConsumer(String),
    /// No event has that position.
    #[error(
        "no event has position {position}: positions go from 0, before the first event, to {last}, the last one"
    )]
    NoSuchPosition {
        /// The position that was named.
        position: i64,
        /// The last position that was given.
        last: i64,
    },
    /// The message does not wait for a decision.
    #[error("entry {entry} is in {place}, not in hold")]
    NotHeld {
        /// Its number.
        entry: EntryNo,
        /// Its state.
        place: &'static str,
    },
    /// The person may not see the held message.
    #[error(
        "{0} may not see it: only an owner may see what could be a captured message, and only owners and moderators of the list see others"
    )]
    MayNotSee(String),
    /// The person has no key to which the message could be sealed.
    #[error(
        "{0} has no usable key, and without one this message cannot be given away: `sealist keys import` gives an address its key"
    )]
    NothingToSealTo(String),
    /// The server is shutting down.
    #[error("the work was interrupted")]
    Interrupted,
}

impl AppError {
    /// Whether the database was unavailable, so that a retry may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::Transient { .. } | StoreError::Unsure { .. } | StoreError::Stopped)
        )
    }

    /// How a person can fix a failure of the database; `None` for other errors, whose texts say it.
    pub fn fix(&self) -> Option<&'static str> {
        match self {
            Self::Store(error) => Some(error.remedy().fix),
            _ => None,
        }
    }

    /// What kind of failure it is, for callers that do not know each error.
    pub fn kind(&self) -> ErrorKind {
        use AppError as E;
        match self {
            E::Store(error) => ErrorKind::from(error),
            E::NoSuchList(_)
            | E::NoRole { .. }
            | E::NotKnown(_)
            | E::NoUserOf(_)
            | E::NoKeyOf(_)
            | E::NoSuchRequest(_)
            | E::NoRequestOf { .. }
            | E::NoSuchEntry(_)
            | E::NoTrace { .. }
            | E::NoSuchCopy(_)
            | E::NoSuchPost(_)
            | E::NoSuchConsumer(_) => ErrorKind::NotFound,
            E::Name(NameRefused::Meets(..)) | E::ListExists(_) | E::HasRole { .. } | E::ConsumerExists(_) => {
                ErrorKind::Exists
            }
            E::Plain(_)
            | E::LinkedElsewhere(_)
            | E::StillSubscribed(_)
            | E::PersonStays { .. }
            | E::HasRoleItself(_)
            | E::NotPreferred { .. }
            | E::OtherKeyThere { .. }
            | E::HasOtherKey(_)
            | E::LastOwner(_)
            | E::Refused(_)
            | E::NotWaiting(_)
            | E::Unseen(_)
            | E::NoAuthor(_)
            | E::NotHeld { .. }
            | E::NotSetAside { .. }
            | E::NotWaitingToBeJudged(_)
            | E::ListNotHeld(_)
            | E::NothingToSealTo(_) => ErrorKind::Conflict,
            E::Overtaken => ErrorKind::Overtaken,
            E::Name(_) => ErrorKind::Invalid { field: "name" },
            E::Setting(_) => ErrorKind::Invalid { field: "value" },
            E::OwnAddress(_) => ErrorKind::Invalid { field: "address" },
            E::NoSuchStyle { .. } => ErrorKind::Invalid { field: "style" },
            E::NoConsumerName(_) => ErrorKind::Invalid { field: "name" },
            E::NoSuchPosition { .. } => ErrorKind::Invalid { field: "position" },
            E::Certificate(_) | E::Update(_) | E::Unusable(_) | E::OtherAddress(_) => {
                ErrorKind::Invalid { field: "key" }
            }
            E::OtherFingerprint(_) => ErrorKind::Invalid { field: "fingerprint" },
            E::MayNotSee(_) => ErrorKind::Forbidden,
            E::NextHour(_) => ErrorKind::Busy,
            E::NoKeys { .. } | E::NoMasterKey => ErrorKind::NeedsAdmin,
            E::Vault(_) => ErrorKind::NotWritten,
            E::Interrupted => ErrorKind::Unavailable,
            E::NotMoved(error) => ErrorKind::from(error),
            E::Key(_) | E::Seal(_) | E::Damaged(_) => ErrorKind::Internal,
        }
    }
}

/// What kind of failure an error is. Each caller has its own answer for each kind: an exit code, a status of
/// HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was named is not there.
    NotFound,
    /// What is to be made is there already.
    Exists,
    /// What was asked for does not go together with how things stand.
    Conflict,
    /// Somebody else changed the same thing first. The caller may look again and try again.
    Overtaken,
    /// A value cannot be used.
    Invalid {
        /// The name of the value.
        field: &'static str,
    },
    /// The actor may not do this.
    Forbidden,
    /// A limit is reached: the same works later.
    Busy,
    /// Something that Sealist needs is out of reach for now: the same works later.
    Unavailable,
    /// The admin of the site must act first: the database is missing, damaged or of another version, or a key
    /// is missing.
    NeedsAdmin,
    /// A file cannot be written.
    NotWritten,
    /// A fault of Sealist, or damaged mail.
    Internal,
}

impl From<&StoreError> for ErrorKind {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Open { why, .. } => Self::from(&**why),
            StoreError::Duplicate => Self::Exists,
            StoreError::Lost => Self::Overtaken,
            StoreError::Copy { .. } => Self::NotWritten,
            error => match error.remedy().who {
                For::Later => Self::Unavailable,
                For::Admin => Self::NeedsAdmin,
                // What a row refers to was deleted at this moment.
                For::Caller => Self::NotFound,
                For::Authors => Self::Internal,
            },
        }
    }
}

impl From<&TransferError> for ErrorKind {
    fn from(error: &TransferError) -> Self {
        match error {
            TransferError::Store(error) => Self::from(error),
            TransferError::Source => Self::Conflict,
            TransferError::Target => Self::Invalid { field: "url" },
            TransferError::NotEmpty => Self::Exists,
            TransferError::Count { .. } => Self::Internal,
        }
    }
}

#[cfg(test)]
mod tests {
    use sealist_lists::commands::Problem;

    use super::*;

    #[test]
    fn each_error_has_its_kind() {
        fn check(error: AppError, kind: ErrorKind) {
            assert_eq!(error.kind(), kind, "{error:?}");
        }
        let (name, entry) = (|| "x".to_owned(), EntryNo(1));
        check(AppError::Store(StoreError::Duplicate), ErrorKind::Exists);
        check(AppError::Store(StoreError::Lost), ErrorKind::Overtaken);
        check(AppError::Store(StoreError::Stopped), ErrorKind::Unavailable);
        check(AppError::Store(StoreError::Transient { code: name() }), ErrorKind::Unavailable);
        check(AppError::Store(StoreError::Damaged { table: "x" }), ErrorKind::NeedsAdmin);
        check(AppError::Store(StoreError::Older { found: 1, known: 2 }), ErrorKind::NeedsAdmin);
        check(AppError::Store(StoreError::Served), ErrorKind::Unavailable);
        check(AppError::Store(StoreError::Statement { code: "787".to_owned() }), ErrorKind::NotFound);
        check(AppError::Store(StoreError::Statement { code: "42601".to_owned() }), ErrorKind::Internal);
        let why = Box::new(StoreError::Stopped);
        check(AppError::Store(StoreError::Open { path: name(), why }), ErrorKind::Unavailable);
        let why = std::io::Error::other("x");
        check(AppError::Store(StoreError::Copy { path: "x".into(), why }), ErrorKind::NotWritten);
        check(TransferError::NotEmpty.into(), ErrorKind::Exists);
        check(TransferError::Store(StoreError::Stopped).into(), ErrorKind::Unavailable);
        check(AppError::NoSuchList(name()), ErrorKind::NotFound);
        check(AppError::NotKnown(name()), ErrorKind::NotFound);
        check(AppError::NoSuchEntry(entry), ErrorKind::NotFound);
        check(AppError::NoSuchRequest(RequestNo(1)), ErrorKind::NotFound);
        check(AppError::NoRequestOf { address: name(), list: name() }, ErrorKind::NotFound);
        check(AppError::HasRole { address: name(), role: Role::Owner, list: name() }, ErrorKind::Exists);
        check(AppError::NoSuchCopy(DeliveryNo(1)), ErrorKind::NotFound);
        check(AppError::NoSuchPost(SendingNo(1)), ErrorKind::NotFound);
        check(AppError::NoSuchConsumer(name()), ErrorKind::NotFound);
        check(AppError::ListExists(name()), ErrorKind::Exists);
        check(AppError::LastOwner(name()), ErrorKind::Conflict);
        check(AppError::Overtaken, ErrorKind::Overtaken);
        check(AppError::Refused(Problem::NotMember), ErrorKind::Conflict);
        check(AppError::NotHeld { entry, place: "in" }, ErrorKind::Conflict);
        check(AppError::Unseen(entry), ErrorKind::Conflict);
        check(AppError::ConsumerExists(name()), ErrorKind::Exists);
        check(AppError::OwnAddress(name()), ErrorKind::Invalid { field: "address" });
        check(AppError::NoSuchStyle { style: name(), known: name() }, ErrorKind::Invalid { field: "style" });
        check(AppError::NoConsumerName(name()), ErrorKind::Invalid { field: "name" });
        check(AppError::NoSuchPosition { position: 2, last: 1 }, ErrorKind::Invalid { field: "position" });
        check(AppError::OtherAddress(name()), ErrorKind::Invalid { field: "key" });
        let of_one = AppError::Setting(SettingError::OfOneAddress(name()));
        check(of_one, ErrorKind::Invalid { field: "value" });
        check(AppError::MayNotSee(name()), ErrorKind::Forbidden);
        check(AppError::NextHour(Timestamp(0)), ErrorKind::Busy);
        check(AppError::NoMasterKey, ErrorKind::NeedsAdmin);
        check(AppError::Interrupted, ErrorKind::Unavailable);
    }
}
