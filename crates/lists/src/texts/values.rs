//! The values that texts may use. A name means the same in all texts.

use minijinja::Value;

/// A value with its name.
pub struct Described {
    /// The name in templates.
    pub name: &'static str,
    /// Its meaning.
    pub meaning: &'static str,
    /// Samples as JSON: a usual one and, if there is one, another that is worded differently.
    pub(super) samples: &'static [&'static str],
}

const TABLE: &[Described] = &[
    row("list", "the name of the list that people see", &[r#""Team""#]),
    row("address", "the address that it is about: as a rule that of the list", &[r#""team@lists.example""#]),
    row("owner", "the address that reaches the owners", &[r#""team-owner@lists.example""#]),
    row("request", "the address that takes commands", &[r#""team-request@lists.example""#]),
    row(
        "email",
        "the address of the person that it is about; of several, all of them",
        &[r#""bart@example.org""#],
    ),
    row("sendkey", "the address that answers with the list's key", &[r#""team-sendkey@lists.example""#]),
    row("pgp", "whether the list has OpenPGP", &["true", "false"]),
    row("name", "the name of the author, if the list knows it", &[r#""Anne""#, "null"]),
    row(
        "role",
        "what the author is on the list: member, owner, moderator or nonmember; nothing for a stranger",
        &[r#""member""#, "null"],
    ),
    row(
        "signature",
        "good, old: valid, made long before and for nobody it names, none, or passed: not valid, and let in by a setting or a moderator",
        &[r#""good""#, r#""old""#, r#""none""#, r#""passed""#],
    ),
    row("encrypted", "whether the message came encrypted as a whole", &["true", "false"]),
    row("subject_signed", "whether the author signed the Subject, if there is one", &["true", "false"]),
    row("to_signed", "whether the author signed whom the message is for", &["true", "false"]),
    row("tamed", "whether HTML of the author is attached as a file", &["true", "false"]),
    row(
        "mark",
        "letters that the author could not know: they stand at both ends of what the author wrote",
        &[r#""0123abcd""#],
    ),
    row("received_at", "when the message came (RFC 3339, UTC)", &[r#""2026-09-21T14:13:20Z""#]),
    row("entry", "the number of the message in the queue", &["17"]),
    row(
        "reasons",
        "sentences that say why; none in a notice that is not encrypted",
        &[r#"["It is not signed as a whole."]"#, "[]"],
    ),
    row(
        "fingerprint",
        "the fingerprint of the key that it is about; nothing on lists without OpenPGP",
        &[r#""0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567""#, "null"],
    ),
    row("days", "after how many days what waits is dropped; 0: it is not kept", &["7", "0", "1"]),
    row(
        "problem",
        "why the key cannot be used, in English; or why a moderator refused, if there is a word on it",
        &[r#""it has expired""#, "null"],
    ),
    row(
        "copies",
        "whom copies did not reach: each has email, and reply (why not, in English)",
        &[r#"[{"email": "bart@example.org", "reply": "550 5.1.1 nobody here"}]"#],
    ),
    row(
        "settings",
        "settings that have another value: each has name, old, new, and by (who changed it)",
        &[r#"[{"name": "hide_subject", "old": "true", "new": "false", "by": "root (command line)"}]"#],
    ),
    row("more", "how many there are beyond those that are named", &["3", "0"]),
    row("bounces", "on how many days mail came back", &["5"]),
    row(
        "goal",
        "what is asked for: subscribe, unsubscribe, key change, key reset, key approval, or a command",
        &[
            r#""subscribe""#,
            r#""unsubscribe""#,
            r#""key change""#,
            r#""key reset""#,
            r#""key approval""#,
            r#""set delivery off""#,
        ],
    ),
    row("token", "what answers the question; good once", &[r#""abcdefghijklmnopqrstuvwxyz234567""#, "null"]),
    row(
        "approve_link",
        "opens a message that lets it happen",
        &[
            r#""<mailto:team-request@lists.example?subject=decision&body=approve%20abcdefghijklmnopqrstuvwxyz234567>""#,
        ],
    ),
    row(
        "reject_link",
        "opens a message that refuses it",
        &[
            r#""<mailto:team-request@lists.example?subject=decision&body=reject%20abcdefghijklmnopqrstuvwxyz234567>""#,
        ],
    ),
    row("last", "whether no more answers to such messages go out today", &["false", "true"]),
    row("proven", "whether a signature or a token shows who asked", &["false", "true"]),
    row(
        "delivery",
        "whether posts come: on, off, or stopped (after bounces, or by an admin)",
        &[r#""on""#, r#""stopped""#],
    ),
    row("own_posts", "whether a member's own posts come: on or off", &[r#""on""#]),
    row("copies", "whether copies come to who is named in To or Cc: on or off", &[r#""on""#]),
    row("cleartext", "whether messages may come in the clear without a usable key: on or off", &[r#""off""#]),
    row("language", "the code of the language that a member chose, if so", &[r#""de""#, "null"]),
    row("twice", "whether the same notice goes out to the old key and to the new one", &["false", "true"]),
    row("hours", "how long the question can be answered", &["72", "1"]),
    row(
        "keys",
        "fingerprints of the keys that must sign",
        &[
            r#"["0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567"]"#,
            r#"["0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567", "0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4568"]"#,
        ],
    ),
    row(
        "statement",
        "the lines that are to be signed; they are not translated",
        &[r#""List: team@lists.example""#],
    ),
    row(
        "results",
        "what became of the commands: each has command, and lines",
        &[r#"[{"command": "who", "lines": ["bart@example.org"]}]"#],
    ),
    row(
        "old_fingerprint",
        "the fingerprint of the key that the address had before, if there was one",
        &[r#""0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4568""#, "null"],
    ),
    row("mixed_scripts", "whether the address has letters of different scripts", &["true", "false"]),
    row("names_address", "whether a user id of the key has the address", &["true", "false"]),
    row("what", "the words that came, why, or a fingerprint", &[r#""frobnicate""#, r#""""#]),
    row(
        "hex",
        "the fingerprint as programs take it, without spaces",
        &[r#""0123456789ABCDEF0123456789ABCDEF01234567""#],
    ),
    row(
        "prolong",
        "commands of GnuPG that prolong each part of the key by two years, if a later end helps",
        &[
            r#"["gpg --quick-set-expire 0123456789ABCDEF0123456789ABCDEF01234567 2y", "gpg --quick-set-expire 0123456789ABCDEF0123456789ABCDEF01234567 2y 89ABCDEF0123456789ABCDEF0123456701234567"]"#,
            "[]",
        ],
    ),
    row("left", "in how many days the key ends, at most; 0: it cannot be used", &["30", "0", "1"]),
    row("until", "the day (UTC) on which the key ends, if it does", &[r#""2026-11-21""#, "null"]),
    row(
        "cause",
        "a sentence that says why the key cannot be used, if it cannot",
        &[r#""It is revoked.""#, "null"],
    ),
    row("revoked", "whether its holder took the key back", &["false", "true"]),
    row("lists", "addresses of lists", &[r#"["team@lists.example"]"#]),
    row("count", "how many there are", &["3", "1"]),
    row(
        "members",
        "members with something new of their keys: each has email, until (the day, if it ends soon), and in English unusable (why, if so) and changes",
        &[r#"[{"email": "bart@example.org", "until": "2026-11-21", "unusable": null, "changes": ""},
                {"email": "cris@example.org", "until": null, "unusable": "the key is revoked", "changes": "the key is revoked"}]"#],
    ),
    row("overlap_days", "for how many more days mail to the old key of the list is read", &["30", "1"]),
    row(
        "who",
        "who sent an encrypted message: stranger; known (has a role on the list); token (wrote a token outside the encryption)",
        &[r#""stranger""#, r#""known""#, r#""token""#],
    ),
    row(
        "changed",
        "keys that addresses have now: each has email and fingerprint",
        &[
            r#"[{"email": "bart@example.org", "fingerprint": "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567"}]"#,
        ],
    ),
    row(
        "requests",
        "requests that wait: each has email, goal, fingerprint (of the key that is offered), token, approve and reject (links)",
        &[
            r#"[{"email": "bart@example.org", "goal": "subscribe", "fingerprint": "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567", "token": "abcdefghijklmnopqrstuvwxyz234567", "approve": "<mailto:t-request@x.example?subject=decision&body=approve%20abcdefghijklmnopqrstuvwxyz234567>", "reject": "<mailto:t-request@x.example?subject=decision&body=reject%20abcdefghijklmnopqrstuvwxyz234567>"}, {"email": "anne@example.org", "goal": "unsubscribe", "fingerprint": null, "token": null, "approve": null, "reject": null}]"#,
        ],
    ),
    row("addresses", "addresses of members", &[r#"["bart@example.org"]"#]),
    row(
        "messages",
        "messages that wait, as far as the notice tells of them: each has entry, address, received_at, author, sender (of the envelope), subject, size, reasons, shown (whole, beginning, later, captured or no: what is attached), until (when it is deleted), token, and links that answer (approve, discard)",
        &[
            r#"[{"entry": 17, "address": "team@lists.example", "received_at": "2026-09-21 14:13", "author": "Anne <anne@example.org>", "sender": "anne@example.org", "subject": "Plan", "size": "12 KiB", "reasons": ["It is larger than the list allows."], "shown": "whole", "until": "2026-10-21 14:13", "token": "abcdefghijklmnopqrstuvwxyz234567", "approve": "<mailto:t-request@x.example?subject=decision&body=approve%20TOKEN>", "discard": "<mailto:t-request@x.example?subject=decision&body=discard%20TOKEN>"}]"#,
            r#"[{"entry": 17, "address": "team@lists.example", "received_at": "2026-09-21 14:13", "author": "Anne <anne@example.org>", "sender": "", "subject": null, "size": "12 KiB", "reasons": [], "shown": "captured", "until": null, "token": null, "approve": null, "discard": null},
              {"entry": 18, "address": "team@lists.example", "received_at": "2026-09-21 14:13", "author": "Anne <anne@example.org>", "sender": "", "subject": null, "size": "12 KiB", "reasons": [], "shown": "no", "until": null, "token": null, "approve": null, "discard": null}]"#,
        ],
    ),
    row("may_answer", "whether the reader may decide by mail", &["true", "false"]),
    row("may_see", "whether the reader may see messages that wait", &["true", "false"]),
    row(
        "gone",
        "messages that waited and are deleted without a decision: each has received_at, sender, size, verdict, and too_long (else there were too many)",
        &[
            r#"[{"received_at": "2026-09-21 14:13", "sender": "eve@example.com", "size": "12 KiB", "verdict": "nonmember", "too_long": false}]"#,
            "[]",
        ],
    ),
    row("author", "the From field of the message, shortened", &[r#""Anne <anne@example.org>""#]),
    row("sender", "the envelope sender of the message", &[r#""anne@example.org""#]),
    row("size", "how large the message is", &[r#""12 KiB""#]),
    row("cut", "whether only the beginning of the message is attached", &["true", "false"]),
    row(
        "doubts",
        "keys that are in doubt: each has email, fingerprint, and old_fingerprint (of the key that signed for it)",
        &[
            r#"[{"email": "bart@example.org", "fingerprint": "0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567", "old_fingerprint": "0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4568"}]"#,
        ],
    ),
];

const fn row(name: &'static str, meaning: &'static str, samples: &'static [&'static str]) -> Described {
    Described { name, meaning, samples }
}

/// The value of that name.
pub fn described(name: &str) -> Option<&'static Described> {
    TABLE.iter().find(|row| row.name == name)
}

/// Samples of the values of those names in all combinations, the usual one first.
pub(super) fn samples(names: &[&str]) -> Vec<Value> {
    let mut all: Vec<Vec<(&str, Value)>> = vec![Vec::new()];
    for row in names.iter().filter_map(|name| described(name)) {
        let with = |pairs: &Vec<_>, json: &str| {
            let value: serde_json::Value =
                serde_json::from_str(json).expect("the samples are read in a test");
            [&pairs[..], &[(row.name, Value::from_serialize(value))]].concat()
        };
        all = all.iter().flat_map(|pairs| row.samples.iter().map(move |json| with(pairs, json))).collect();
    }
    all.into_iter().map(Value::from_iter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Text;

    #[test]
    fn every_value_is_described_and_used() {
        for text in Text::ALL {
            for name in text.values() {
                assert!(described(name).is_some(), "{name} of {text:?} has no row in values.rs");
            }
            assert!(!samples(text.values()).is_empty());
        }
        for row in TABLE {
            assert!(Text::ALL.iter().any(|text| text.values().contains(&row.name)), "{}", row.name);
        }
    }
}
