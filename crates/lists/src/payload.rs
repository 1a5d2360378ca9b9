//! Builds the payload of a draft: one MIME entity for all recipients, and the header outside it.
//!
//! The root is multipart/mixed: author block, the author's part, footer. Its header repeats the protected
//! fields in both dialects of header protection, so that every mail program restores the Subject ([RFC 9788]
//! and its predecessor).

use sealist_mail::compose::{ProtectedParts, Protection};
use sealist_mail::{Boundary, Entity, Field, Headers, Mailbox, Part, Timestamp, compose};

use crate::draft::PostDraft;
use crate::model::MailingList;
use crate::threading::{self, THREADING};

/// The Subject that a list shows outside the encryption ([RFC 9788, section 3.2.1]).
pub const HIDDEN_SUBJECT: &str = "[...]";

/// Fields that a list writes itself, in addition to the List-* fields.
const OWN: &[&str] = &[
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "In-Reply-To",
    "References",
    "X-Loop",
    "Precedence",
];

/// The finished post. It holds cleartext, so it has no Debug.
pub struct Payload {
    /// The outer header, without the fields that differ per recipient.
    pub outer: Vec<u8>,
    /// The MIME entity with its header. It is encrypted, signed, or (on plain lists) sent after `outer`.
    pub entity: Vec<u8>,
}

/// Builds the payload. `entropy` is 16 fresh random bytes for the boundary.
pub fn build(draft: PostDraft<'_>, entropy: [u8; 16]) -> Payload {
    let layer = match &draft.list.settings.pgp {
        Some(pgp) if pgp.encrypt_outgoing => OuterLayer::Encrypted,
        Some(pgp) if pgp.sign_outgoing => OuterLayer::Signed,
        _ => OuterLayer::Bare,
    };
    let hides = draft.list.settings.hides_subject();
    let mut outer = draft.headers.clone();
    if layer == OuterLayer::Encrypted {
        show_own(&mut outer, draft.list, draft.now);
    }
    if layer == OuterLayer::Encrypted && hides {
        outer.set(Field::text("Subject", HIDDEN_SUBJECT));
    }
    let mut parts = Vec::with_capacity(3);
    parts.extend(draft.author_block.as_deref().map(|block| Part::text(block).into_bytes()));
    parts.push(draft.content.into_bytes());
    let behind: Vec<String> = draft.author_end.into_iter().chain(draft.footer).collect();
    if !behind.is_empty() {
        parts.push(Part::text(&behind.join("\n")).into_bytes());
    }
    let mut payload = assemble(&draft.headers, &outer, parts, layer, entropy);
    draft.outside.write_to(&mut payload.outer);
    payload
}

/// Reduces a header to what may stand outside the encryption: the list's own fields. The date is that of the
/// post, and references name only posts of the list.
fn show_own(outer: &mut Headers, list: &MailingList, now: Timestamp) {
    outer.set(Field::raw("Date", &now.rfc5322()).expect("a date has no line end"));
    show_own_threads(outer, list);
}

fn show_own_threads(outer: &mut Headers, list: &MailingList) {
    for name in THREADING {
        let own = threading::field(outer, name, |id| threading::is_own(id, list.name.mail_host()));
        match own {
            Some(own) => outer.set(own),
            None => outer.remove(name),
        }
    }
}

/// A stored post by its parts: what a payload is rendered from.
struct PostParts {
    /// The header that stands outside.
    outer: Headers,
    /// The header of the root.
    root: ProtectedParts,
    /// What stands behind the header of the root.
    body: Vec<u8>,
}

impl PostParts {
    /// Takes a stored post apart.
    fn of(stored: &Payload) -> Self {
        let root = Entity::parse(&stored.entity);
        let (outer, _) = Headers::parse(&stored.outer);
        Self { outer, root: compose::unprotect(&root), body: root.body.to_vec() }
    }

    /// Renders the post for a layer of OpenPGP.
    fn render(&self, layer: OuterLayer) -> Payload {
        let ProtectedParts { content, protected, outer } = &self.root;
        let head = match layer {
            OuterLayer::Encrypted => compose::protect(content, protected, Protection::Cipher { outer }),
            OuterLayer::Signed => compose::protect(content, protected, Protection::Clear),
            OuterLayer::Bare => content.clone(),
        };
        let mut outer = Vec::with_capacity(1024);
        self.outer.write_to(&mut outer);
        Payload { outer, entity: join(&head, &self.body) }
    }
}

/// A stored post of an encrypting list, addressed to one recipient: To names the recipient, inside and
/// outside.
pub fn for_reader(stored: &Payload, reader: &Mailbox) -> Payload {
    let to = Field::mailboxes("To", std::slice::from_ref(reader));
    let mut post = PostParts::of(stored);
    for headers in [&mut post.outer, &mut post.root.protected, &mut post.root.outer] {
        if headers.count("to") > 0 {
            headers.set(to.clone());
        }
    }
    post.render(OuterLayer::Encrypted)
}

/// A stored post of an encrypting list for a recipient who accepts it unencrypted. The real header stands
/// outside and, if the list signs, inside, too. `now` is the time of the new signature, because mail programs
/// compare it with Date.
pub fn in_the_clear(stored: &Payload, list: &MailingList, now: Timestamp) -> Payload {
    let mut post = PostParts::of(stored);
    post.root.protected.set(Field::raw("Date", &now.rfc5322()).expect("a date has no line end"));
    post.outer = post.root.protected.clone();
    let signs = list.settings.pgp.as_ref().is_some_and(|pgp| pgp.sign_outgoing);
    post.render(if signs { OuterLayer::Signed } else { OuterLayer::Bare })
}

/// A post that was built to be sent unencrypted, for a list that encrypts now: its header is protected, and
/// hidden outside as configured.
pub fn to_be_sealed(stored: &Payload, list: &MailingList) -> Payload {
    let mut post = PostParts::of(stored);
    post.root.protected = post.outer.clone();
    post.outer
        .remove_where(|field| !OWN.iter().any(|own| field.is(own)) && !field.name().starts_with("List-"));
    show_own_threads(&mut post.outer, list);
    if list.settings.pgp.as_ref().is_some_and(|pgp| pgp.hide_subject) {
        post.outer.set(Field::text("Subject", HIDDEN_SUBJECT));
    }
    post.root.outer = post.outer.clone();
    post.render(OuterLayer::Encrypted)
}

/// The layer of OpenPGP around an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OuterLayer {
    Encrypted,
    Signed,
    Bare,
}

/// Builds one entity from `parts`. Inside a layer its header protects `headers`, and `outer` is shown
/// outside.
pub(crate) fn assemble(
    headers: &Headers,
    outer: &Headers,
    mut parts: Vec<Vec<u8>>,
    layer: OuterLayer,
    entropy: [u8; 16],
) -> Payload {
    let mut head = Vec::new();
    outer.write_to(&mut head);
    if parts.len() == 1 && layer == OuterLayer::Bare {
        return Payload { outer: head, entity: parts.remove(0) };
    }
    let (content, body) = compose::multipart("mixed", &parts, &Boundary::from_entropy(entropy));
    // A large post must not be in memory more often than necessary.
    drop(parts);
    let root = match layer {
        OuterLayer::Encrypted => compose::protect(&content, headers, Protection::Cipher { outer }),
        OuterLayer::Signed => compose::protect(&content, headers, Protection::Clear),
        OuterLayer::Bare => content,
    };
    Payload { outer: head, entity: join(&root, &body) }
}

fn join(headers: &Headers, body: &[u8]) -> Vec<u8> {
    let mut entity = Vec::with_capacity(body.len() + 2048);
    headers.write_to(&mut entity);
    entity.extend_from_slice(b"\r\n");
    entity.extend_from_slice(body);
    entity
}
