//! All texts: one row each, and a file `LANGUAGE/FILE.txt` for each language that the row names.

use super::Language;

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextForm {
    /// A subject, an empty line, a body.
    Notice,
    /// Lines that become part of a message.
    Block,
    /// One sentence per line, each after its name and a colon.
    Sentences,
}

/// A row of the table.
pub(super) struct TextRow {
    pub(super) name: &'static str,
    pub(super) purpose: &'static str,
    pub(super) form: TextForm,
    /// The file in the source tree, without `.txt`.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test names the files that are missing"))]
    pub(super) file: &'static str,
    pub(super) values: &'static [&'static str],
    pub(super) sources: &'static [(&'static str, &'static str)],
}

macro_rules! texts {
    ($(#[doc = $purpose:literal] $text:ident: $form:ident $name:literal, $file:literal [$($language:ident)*] ($($value:ident)*);)*) => {
        /// One of the texts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Text {
            $(#[doc = $purpose] $text,)*
        }

        impl Text {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$text),*];

            pub(super) fn row(self) -> &'static TextRow {
                match self {
                    $(Self::$text => &TextRow {
                        name: $name,
                        purpose: $purpose,
                        form: TextForm::$form,
                        file: $file,
                        values: &[$(stringify!($value)),*],
                        sources: &[$((
                            stringify!($language),
                            include_str!(concat!(stringify!($language), "/", $file, ".txt")),
                        )),*],
                    },)*
                }
            }
        }
    };
}

// The name is Mailman's if Mailman has such a text. The values that a file may use are in parentheses
// (`values.rs`).
texts! {
    /// Lines before the author's part of a copy.
    AuthorBlock: Block "list:member:regular:author", "author_block" [en de fr]
        (name address role signature encrypted subject_signed to_signed tamed mark);
    /// The line after the author's part of a copy.
    AuthorEnd: Block "list:member:regular:end", "author_end" [en de fr]
        (mark);
    /// The mark before an unsigned Subject and after a name that nobody vouches for.
    Unsigned: Block "list:member:regular:unsigned", "unsigned" [en de fr]
        ();
    /// After the author block of mail to the owners of an encrypting list: where an answer goes.
    OwnerMail: Block "list:owner:regular:author", "owner_mail" [en de fr]
        (owner email);
    /// To a member whose post was refused; the same words for every reason.
    NotPosted: Notice "list:user:notice:rejected", "not_posted" [en de fr]
        (list address owner pgp sendkey);
    /// To a member whose message came again after it was posted.
    PostedAlready: Notice "list:user:notice:posted-already", "posted_already" [en de fr]
        (list address owner);
    /// To the owners: something waits for a moderator.
    Held: Notice "list:admin:action:post", "held" [en de fr]
        (list address pgp count messages may_answer may_see days gone more);
    /// To an owner or moderator: a held message that they asked for. It is attached.
    HeldShown: Notice "list:admin:notice:post", "held_shown" [en de fr]
        (list address entry received_at author sender size reasons cut pgp token approve_link);
    /// To an author: posts wait for a moderator, or too many waited and the oldest are deleted.
    Waits: Notice "list:user:notice:hold", "waits" [en de fr]
        (list address owner days count messages gone more);
    /// To an author: a moderator did not let a post pass, or nobody decided in time.
    NotLetThrough: Notice "list:user:notice:refused-post", "not_let_through" [en de fr]
        (list address owner received_at problem days);
    /// To the owners: messages broke a runner three times.
    Shunted: Notice "list:admin:notice:shunted", "shunted" [en de fr]
        (list address messages more);
    /// The list's certificate, asked for at `-sendkey`.
    Sendkey: Notice "list:user:notice:sendkey", "sendkey" [en de fr]
        (list address fingerprint);
    /// To a member: a post waits because there is no usable key.
    KeyNeeded: Notice "list:user:notice:key-needed", "key_needed" [en de fr]
        (list address owner request days problem);
    /// To the owners: posts wait because a member has no usable key.
    MemberKeyNeeded: Notice "list:admin:notice:key-needed", "member_key_needed" [en de fr]
        (list address days copies more);
    /// To the owners: copies waited for the keys of members, and none came in time.
    CopiesDropped: Notice "list:admin:notice:copies-dropped", "copies_dropped" [en de fr]
        (list address days copies more);
    /// To a member: a copy waited for a usable key, and none came in time.
    CopyDropped: Notice "list:user:notice:copy-dropped", "copy_dropped" [en de fr]
        (list address owner request days);
    /// To the owners: a recipient's mail server refused a copy for good, or for too long.
    Undelivered: Notice "list:admin:notice:undelivered", "undelivered" [en de fr]
        (list address days copies more);
    /// To the owners: delivery to members is disabled after too many bounces.
    Stopped: Notice "list:admin:notice:disable", "stopped" [en de fr]
        (list address request bounces addresses more);
    /// To a member: the key expires soon, or can no longer be used.
    KeyEnds: Notice "list:user:notice:key-ends", "key_ends" [en de fr]
        (list owner request email fingerprint hex left until cause revoked prolong days lists);
    /// To an owner: keys of members that expire, cannot be used, or have changed; of all lists together.
    KeyNews: Notice "list:admin:notice:keys", "key_news" [en de fr]
        (count members more);
    /// To the members: the list has a new key, which is attached. It is signed with the old one.
    NewListKey: Notice "list:member:notice:new-key", "new_list_key" [en de fr]
        (list address fingerprint old_fingerprint overlap_days);
    /// To a new member. On lists with OpenPGP the list's key is attached.
    Welcome: Notice "list:user:notice:welcome", "welcome" [en de fr]
        (list address owner request email fingerprint);
    /// To somebody who is no longer a member.
    Goodbye: Notice "list:user:notice:goodbye", "goodbye" [en de fr]
        (list address owner email);
    /// To a member whose mail came back: asks whether it still does.
    Probe: Notice "list:user:notice:probe", "probe" [en de fr]
        (list address owner email);
    /// To a member: delivery is disabled after bounces. Sent some days later, then each week for three weeks.
    DeliveryStopped: Notice "list:user:notice:warning", "delivery_stopped" [en de fr]
        (list address owner request email);
    /// To the owners: people have become members.
    AdminSubscribed: Notice "list:admin:notice:subscribe", "admin_subscribed" [en de fr]
        (list address email addresses mixed_scripts more);
    /// To the owners: members have other keys, which were set on another list.
    AdminKeyChanged: Notice "list:admin:notice:key-changed", "admin_key_changed" [en de fr]
        (list address email fingerprint changed more);
    /// To the owners: people are no longer members.
    AdminUnsubscribed: Notice "list:admin:notice:unsubscribe", "admin_unsubscribed" [en de fr]
        (list address email addresses more);
    /// Asks a person to confirm a request that was made in their name.
    Confirm: Notice "list:user:action:confirm", "confirm" [en de fr]
        (list address owner request email goal token hours last);
    /// Asks a person for a key.
    KeyRequest: Notice "list:user:action:key-set", "key_request" [en de fr]
        (list address owner request email goal token hours old_fingerprint);
    /// Asks for a signed statement; only the holder of the key can read it.
    KeyConfirm: Notice "list:user:action:key-confirm", "key_confirm" [en de fr]
        (list address owner request email goal token hours last keys statement);
    /// To the sender of encrypted or ambiguous commands without proof; the same words for all.
    NotActedOn: Notice "list:user:notice:not-acted-on", "not_acted_on" [en de fr]
        (list address owner request who);
    /// The answer to commands.
    Results: Notice "list:user:notice:results", "results" [en de fr]
        (list owner request results last proven);
    /// Which commands there are.
    Commands: Block "list:user:notice:commands", "commands" [en de fr]
        (pgp);
    /// The preferences of a member; the answer to `set` alone.
    Settings: Block "list:user:notice:settings", "settings" [en de fr]
        (email name delivery own_posts copies cleartext language pgp fingerprint);
    /// To the owners: a request waits for their decision. An offered key is attached.
    Request: Notice "list:admin:action:request", "request" [en de fr]
        (list address email goal pgp token approve_link reject_link fingerprint old_fingerprint names_address mixed_scripts);
    /// To the owners: many requests wait for their decision; one notice for all.
    Requests: Notice "list:admin:action:requests", "requests" [en de fr]
        (list address pgp requests mixed_scripts more);
    /// To a person: a moderator refused the request.
    Refused: Notice "list:user:notice:refuse", "refused" [en de fr]
        (list address owner goal problem);
    /// To a person: messages are encrypted to another key from now on.
    KeyChanged: Notice "list:user:notice:key-changed", "key_changed" [en de fr]
        (list address owner email fingerprint old_fingerprint twice);
    /// To the owners: the key that authorised the one a member has is compromised.
    KeyVoid: Notice "list:admin:action:key-void", "key_void" [en de fr]
        (list doubts more);
    /// To the owners: settings were changed so that the list gives up protection.
    Weakened: Notice "list:admin:notice:weakened", "weakened" [en de fr]
        (list address settings more);
    /// The sentence for each way in which a command is refused.
    Problems: Sentences "list:problems", "problems" [en de fr]
        (what pgp);
    /// The sentence for each way in which a command is carried out.
    Answers: Sentences "list:answers", "answers" [en de fr]
        (what);
    /// The sentence for each way in which a key cannot be used.
    KeyProblems: Sentences "list:key-problems", "key_problems" [en de fr]
        (what);
    /// The sentence for each reason why a message was not posted at once.
    Reasons: Sentences "list:reasons", "reasons" [en de fr]
        (what);
    /// The sentence that says what each setting of a list does.
    Attributes: Sentences "list:attributes", "attributes" [en de fr]
        ();
}

impl Text {
    /// The stable name. Files are named after it, and notices are counted under it.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The text of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|text| text.name() == name)
    }

    /// What the text is for, in one line.
    pub fn purpose(self) -> &'static str {
        self.row().purpose.trim()
    }

    /// The built-in text in that language, if the table has it.
    pub(super) fn built_in(self, language: Language) -> Option<&'static str> {
        self.row().sources.iter().find(|(name, _)| *name == language.name()).map(|(_, source)| *source)
    }

    /// The built-in text in English.
    pub(super) fn english(self) -> &'static str {
        self.built_in(Language::En).expect("every text has an English file: tested")
    }

    /// The form of its files.
    pub fn form(self) -> TextForm {
        self.row().form
    }

    /// The names of the values that its files may use.
    pub fn values(self) -> &'static [&'static str] {
        self.row().values
    }
}
