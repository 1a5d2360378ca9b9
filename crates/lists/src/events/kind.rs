//! What can happen. Each kind has a stable name and data of its own. The data is JSON: a consumer of events
//! must live with new fields, and a field never changes its meaning.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{EntryNo, Role};
use crate::rules::Reason;

/// What happened. The name of a kind is its variant in lower case with hyphens: `member-joined`.
///
/// No field has anything of a message, a reason that a moderator wrote, or the name or address of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the sentence of a variant says what its fields hold")]
#[serde(tag = "kind", content = "data", rename_all = "kebab-case")]
pub enum EventKind {
    /// A list was made, in that style.
    ListCreated { style: String },
    /// A list was deleted with all that it had.
    ListDeleted { list: String },
    /// Nothing of the list is judged or sent until it is released.
    ListHeld {},
    /// A list that was held goes on.
    ListReleased {},
    /// A setting of the list has another value. `weakens` has what the list gives up by it.
    SettingChanged { name: String, old: String, new: String, weakens: Vec<String> },
    /// The posts that the list had kept were deleted.
    ArchivePurged { posts: u64 },

    /// An address has a new role.
    MemberJoined { role: Role },
    /// An address has a role no longer.
    MemberLeft { role: Role },
    /// A member, an address, a user or the site has another preference. `value` is `None` if the choice is
    /// open again, and for the name of a person, which no event has.
    PreferenceChanged { name: String, value: Option<String> },
    /// Somebody answered from the address, or an admin vouched for it.
    AddressVerified {},
    /// An address belongs to a person who has other addresses.
    AddressLinked {},
    /// An address belongs to its person no longer.
    AddressUnlinked {},
    /// A person prefers this address: memberships of the person go to it.
    AddressPreferred {},
    /// The person to whom the address belongs is in charge of the whole site.
    ServerOwnerAdded {},
    /// The person to whom the address belongs is in charge of the whole site no longer.
    ServerOwnerRemoved {},
    /// A person was deleted with all addresses and their certificates. No event names the person any more.
    PersonDeleted {},
    /// Mail of an address, or of that domain, is not taken any more.
    BanAdded { domain: Option<String> },
    /// Mail of an address, or of that domain, is taken again.
    BanRemoved { domain: Option<String> },
    /// Posts to a member have stopped because mail came back on that many days.
    DeliveryStopped { days: u32 },
    /// Posts go to a member again: mail came back from many, so that it was no fault of the member.
    DeliveryResumed {},
    /// A copy for a member was given up.
    CopyDropped { why: String },

    /// An address has this certificate, or a newer form of it.
    KeyChanged { old: String, new: String, authority: String },
    /// The certificate of an address was revoked.
    KeyRevoked { fingerprint: String },
    /// A certificate was revoked because somebody else may have its secret half.
    KeyCompromised { fingerprint: String },
    /// The certificate of an address is in doubt: a certificate that is compromised had authorised it.
    KeySuspended { fingerprint: String },
    /// The certificate of an address cannot be used any more: posts wait, or go another way.
    KeyUnusable { fingerprint: String },
    /// The certificate of an address can be used again.
    KeyUsable { fingerprint: String },
    /// An address has another certificate by the word of another list.
    KeySetElsewhere { fingerprint: String },
    /// The certificate of an address does not count on this list before the list approves it.
    KeyWaits {},
    /// The certificate of an address counts on this list, or on all lists.
    KeyApproved {},
    /// The list has a new key of its own.
    ListKeyMade { purpose: String, fingerprint: String },
    /// The list uses this key from now on.
    ListKeyUsed { fingerprint: String },
    /// The list opens no mail with this key any more.
    ListKeyRetired { fingerprint: String },
    /// The list's certificate has no signatures of others any more.
    ListKeyStripped { fingerprint: String },
    /// The database keeps that number of secret keys of lists, wrapped.
    ListKeysWrapped { keys: u64 },
    /// Somebody's signature is on the list's certificate.
    ListKeySigned { fingerprint: String },

    /// The person was asked to confirm something.
    RequestAsked { action: String, question: String },
    /// Something waits for a moderator's decision.
    RequestWaits { action: String, question: String },
    /// Nobody was asked: the limit of notices or of waiting requests is reached.
    RequestUnasked { action: String },
    /// A request gave way to another one.
    RequestDisplaced {},
    /// What was asked for is done.
    RequestDone { action: String },
    /// What was asked for cannot be done any more.
    RequestEnded { action: String, problem: String },
    /// A moderator approved a request.
    RequestApproved { action: String },
    /// A moderator refused a request, and the person hears of it.
    RequestRefused { action: String },
    /// A moderator discarded a request.
    RequestDiscarded { action: String },
    /// Nobody answered in time.
    RequestExpired { action: String },
    /// A command by mail was refused.
    CommandRefused { problem: String },
    /// A message with commands is the repetition of one that was here.
    Replayed {},
    /// A message with commands was signed for another address.
    NotMeantForHere {},

    /// A message waits for a moderator.
    HoldBegun(HeldEntry),
    /// A moderator lets a message pass; it is judged again.
    HoldAccepted(HeldEntry),
    /// A moderator rejected a message, and its author may hear of it.
    HoldRejected(HeldEntry),
    /// A moderator discarded a message.
    HoldDiscarded(HeldEntry),
    /// Somebody in charge was shown the content of a message.
    HoldShown(HeldEntry),
    /// Nobody decided about a message in time.
    HoldExpired(HeldEntry),
    /// A message gave way to others: too many waited.
    HoldDropped(HeldEntry),
    /// A message was set aside: it broke the runner several times.
    MessageShunted { entry: EntryNo },
    /// A message that was set aside is judged again.
    MessageRetried { entry: EntryNo },
    /// The rules refused a message.
    MessageRejected { reasons: Vec<Reason> },
    /// The rules discarded a message.
    MessageDiscarded { reasons: Vec<Reason> },
    /// A message was posted before.
    PostedAlready {},
    /// Copies wait until they are released.
    CopiesHeld { copies: u64 },
    /// Copies are sent again.
    CopiesRetried { copies: u64 },
    /// Copies are not sent any more.
    CopiesGivenUp { copies: u64 },
    /// Somebody follows the events from now on.
    ConsumerAdded { name: String },
    /// Somebody follows the events no longer.
    ConsumerRemoved { name: String },
    /// A notice was not sent: its limit is reached.
    NoticeUntold { limit: String },

    /// Something that this version does not know: its name and its data, as they are stored.
    #[serde(skip)]
    Other { name: String, data: Value },
}

/// A message that a moderator decides about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldEntry {
    /// The number by which it can be found as long as it is there.
    pub entry: EntryNo,
    /// Why it waits.
    pub reasons: Vec<Reason>,
}

impl EventKind {
    /// The stable name and the data, as they are stored.
    pub fn stored(&self) -> (String, Value) {
        if let Self::Other { name, data } = self {
            return (name.clone(), data.clone());
        }
        let mut parts = match serde_json::to_value(self) {
            Ok(Value::Object(parts)) => parts,
            _ => Map::new(),
        };
        let name = parts.remove("kind").and_then(|name| name.as_str().map(str::to_owned));
        (name.unwrap_or_default(), parts.remove("data").unwrap_or_else(|| Map::new().into()))
    }

    /// What was stored so. What this version does not know, or cannot read, is kept as it is.
    pub fn from_stored(name: &str, data: Value) -> Self {
        let whole = serde_json::json!({ "kind": name, "data": data });
        serde_json::from_value(whole).unwrap_or_else(|_| Self::Other { name: name.to_owned(), data })
    }

    /// The stable name.
    pub fn name(&self) -> String {
        self.stored().0
    }
}

/// The data of an event in one line for people: each field with its name, or the value alone of a single
/// field.
pub fn in_words(data: &Value) -> String {
    let words = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            let values = values.iter().map(|one| one.as_str().map_or(one.to_string(), str::to_owned));
            values.collect::<Vec<_>>().join(", ")
        }
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let Value::Object(fields) = data else { return words(data) };
    if let (1, Some(value)) = (fields.len(), fields.values().next()) {
        return words(value);
    }
    let fields = fields.iter().map(|(name, value)| (name, words(value)));
    let fields = fields.filter(|(_, words)| !words.is_empty());
    fields.map(|(name, words)| format!("{name} {words}")).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_has_a_stable_name_and_is_read_as_it_was_stored() {
        fn check(kind: EventKind, name: &str, data: Value) {
            assert_eq!(kind.stored(), (name.to_owned(), data.clone()));
            assert_eq!(EventKind::from_stored(name, data), kind);
        }
        let held = || HeldEntry { entry: EntryNo(7), reasons: vec![Reason::OwnLoop] };
        check(EventKind::AddressVerified {}, "address-verified", json!({}));
        check(EventKind::MemberJoined { role: Role::Owner }, "member-joined", json!({ "role": "owner" }));
        check(EventKind::HoldBegun(held()), "hold-begun", json!({ "entry": 7, "reasons": ["own-loop"] }));
        let fingerprint = "AB".to_owned();
        check(
            EventKind::KeySetElsewhere { fingerprint },
            "key-set-elsewhere",
            json!({ "fingerprint": "AB" }),
        );
    }

    #[test]
    fn what_a_newer_version_wrote_is_kept_and_shown() {
        fn check(name: &str, data: Value, words: &str) {
            let kind = EventKind::from_stored(name, data.clone());
            assert_eq!(kind.stored(), (name.to_owned(), data));
            assert_eq!(in_words(&kind.stored().1), words);
        }
        check("moon-rose", json!({ "phase": "new", "hours": 3 }), "hours 3; phase new");
        check("member-joined", json!({ "role": "prophet" }), "prophet");
        check("request-done", json!({ "detail": "subscribe" }), "subscribe");
        check("hold-begun", json!("odd"), "odd");
        check("moon-set", Value::Null, "");
    }

    #[test]
    fn what_is_known_is_shown_in_words() {
        fn check(kind: EventKind, words: &str) {
            assert_eq!(in_words(&kind.stored().1), words);
        }
        check(EventKind::AddressVerified {}, "");
        check(EventKind::CommandRefused { problem: "wrong-token".to_owned() }, "wrong-token");
        let reasons = vec![Reason::OwnLoop, Reason::Bounce];
        check(
            EventKind::HoldShown(HeldEntry { entry: EntryNo(7), reasons }),
            "entry 7; reasons own-loop, bounce",
        );
    }
}
