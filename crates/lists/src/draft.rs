//! The draft of a post, which the handlers change one after another.

use sealist_mail::{Headers, Mailbox, Part, Timestamp};

use crate::facts::MessageFacts;
use crate::model::{MailingList, Member, MemberNo, Role};
use crate::post_summary::PostSummary;
use crate::texts::{Text, Texts, context};

/// A post between its acceptance and its payload. Its content is cleartext, so it has no Debug.
pub struct PostDraft<'a> {
    /// The list of the post.
    pub list: &'a MailingList,
    /// The texts of the site.
    pub texts: &'a Texts,
    /// The facts by which the post was accepted.
    pub facts: &'a MessageFacts<'a>,
    /// The time of acceptance.
    pub now: Timestamp,
    /// Who wrote it.
    pub author: Author<'a>,
    /// The members who are named in To or Cc.
    pub addressees: &'a [Member],
    /// The part of the author's header that the author's good signature covers. `None` if it covers no
    /// header.
    pub signed: Option<&'a Headers>,
    /// A random part for the Message-ID, on lists that make their own.
    pub message_id: String,
    /// The header of the copies. On an encrypting list it is the protected header; the outer one is derived
    /// from it when the payload is built.
    pub headers: Headers,
    /// Fields that are added to the outer header only.
    pub outside: Headers,
    /// The list's certificate, binary, on lists with OpenPGP.
    pub list_certificate: Option<&'a [u8]>,
    /// The lines before the author's part.
    pub author_block: Option<String>,
    /// The author's part: a MIME entity with its own Content-* header.
    pub content: Part,
    /// How the author's part was changed.
    pub form: ContentForm,
    /// The line after the author's part, on lists with an author block.
    pub author_end: Option<String>,
    /// The footer.
    pub footer: Option<String>,
    /// The recipients of the copies.
    pub recipients: Recipients,
    /// What the archive keeps beside the post; `None` if the post goes after its last copy.
    pub archive: Option<PostSummary>,
}

impl<'a> PostDraft<'a> {
    /// The author's header, by which the post was judged.
    pub fn original(&self) -> &'a Headers {
        self.facts.content.headers()
    }

    /// Whether the author's signature covers the only Subject field.
    pub fn subject_is_signed(&self) -> bool {
        self.signed.is_some_and(|signed| signed.count("subject") == 1)
    }

    /// The mark that stands before an unsigned Subject and after a name that nobody vouches for, in the
    /// language of the list.
    pub fn unsigned_mark(&self) -> String {
        let place = self.texts.place(self.list, None);
        self.texts.lines(Text::Unsigned, &place, context! {}).trim().to_owned()
    }
}

/// How a copy contains the author's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentForm {
    /// Unchanged: as it arrived, or as it was signed.
    Written,
    /// Without parts that could change how the list's own lines look. The author's signature no longer
    /// verifies and is removed.
    Tamed,
}

/// The author of a post: the address, and the database's data about it.
pub struct Author<'a> {
    /// The only mailbox of the From field.
    pub mailbox: &'a Mailbox,
    /// The membership under which the post was judged.
    pub member: Option<&'a Member>,
}

impl Author<'_> {
    /// The name that recipients see: from our database if the author is known. On a list with OpenPGP the
    /// name of the From field is never used, because nothing vouches for it.
    pub fn known_name(&self) -> Option<&str> {
        self.member.map(|member| member.display_name.as_str()).filter(|name| !name.is_empty())
    }
}

/// The recipients of the copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipients {
    /// The roles that receive copies.
    pub roles: Vec<Role>,
    /// Members who get no copy: an author who wants no own postings, and addressees who want no second copy.
    pub except: Vec<MemberNo>,
}
