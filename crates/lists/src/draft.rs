//! A post in the making: what the handlers change, one after another.

use sealist_mail::{Headers, Mailbox, Part, Timestamp};

use crate::facts::MessageFacts;
use crate::model::{MailingList, Member, MemberNo, Role};
use crate::texts::{Text, Texts, context};

/// A post between acceptance and its payload. Its content is cleartext: no Debug.
pub struct PostDraft<'a> {
    /// The list it goes out on.
    pub list: &'a MailingList,
    /// The words of the site.
    pub texts: &'a Texts,
    /// What was known when it was accepted.
    pub facts: &'a MessageFacts,
    /// The time of acceptance.
    pub now: Timestamp,
    /// Who wrote it.
    pub author: Author<'a>,
    /// The members who stand in To or Cc themselves.
    pub addressees: &'a [Member],
    /// The author's header: the protected one where it was signed or encrypted, else the outer one.
    pub original: &'a Headers,
    /// What of it the author's good signature covers: `None` if that is nothing.
    pub signed: Option<&'a Headers>,
    /// A random, unguessable part for the Message-ID on lists that make their own.
    pub message_id: String,
    /// The header of the copies. On an encrypting list it is the protected one; the outer one is drawn
    /// from it when the payload is built.
    pub headers: Headers,
    /// Fields that stand outside only, beside those of `headers`.
    pub outside: Headers,
    /// The list's certificate, binary, on lists with OpenPGP.
    pub list_certificate: Option<&'a [u8]>,
    /// What stands before the author's part, for people to read.
    pub author_block: Option<String>,
    /// The author's part: a MIME entity with its own Content-* header.
    pub content: Part,
    /// In which form that is.
    pub form: ContentForm,
    /// What stands right behind the author's part on lists with a block before it.
    pub author_end: Option<String>,
    /// What stands behind it.
    pub footer: Option<String>,
    /// Whom the copies go to.
    pub recipients: Recipients,
    /// Whether the payload stays in the archive.
    pub archived: bool,
}

impl PostDraft<'_> {
    /// Whether the author's signature covers the one Subject.
    pub fn subject_is_signed(&self) -> bool {
        self.signed.is_some_and(|signed| signed.count("subject") == 1)
    }

    /// What stands before a Subject and behind a name that nothing vouches for, in the language of the list.
    pub fn unsigned_mark(&self) -> String {
        let place = self.texts.place(self.list, None);
        self.texts.lines(Text::Unsigned, &place, context! {}).trim().to_owned()
    }
}

/// In which form a copy has what the author wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentForm {
    /// As it came, or as it was signed.
    Written,
    /// Without what could change how the list's own lines look. No signature of the author stands over it.
    Tamed,
}

/// Who wrote a post: the address, and what our database knows of it.
pub struct Author<'a> {
    /// The one mailbox of the From field.
    pub mailbox: &'a Mailbox,
    /// The membership by which the post was judged.
    pub member: Option<&'a Member>,
}

impl Author<'_> {
    /// The name shown to readers: ours where the author is known, else none. Never that of the From field
    /// on a list with OpenPGP, because nothing vouches for it.
    pub fn known_name(&self) -> Option<&str> {
        self.member.map(|member| member.display_name.as_str()).filter(|name| !name.is_empty())
    }
}

/// Whom the copies go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipients {
    /// The roles that receive.
    pub roles: Vec<Role>,
    /// Members left out: the author who wants no own postings, addressees who want no second copy.
    pub except: Vec<MemberNo>,
}
