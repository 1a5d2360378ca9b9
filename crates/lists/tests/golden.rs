//! Golden mails: the output of the pipelines for a post, outer and inner header. `UPDATE_EXPECT=1` writes
//! them anew.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::borrow::Cow;

use expect_test::expect_file;
use sealist_lists::content::MessageContent;
use sealist_lists::draft::{Author, ContentForm, PostDraft, Recipients};
use sealist_lists::facts::{
    Addressed, EncryptionFact, InnerAuthor, MessageFacts, PgpForm, Replay, Signature,
};
use sealist_lists::model::{
    AddressNo, EffectivePreferences, ListNo, ListSettings, MailingList, Member, MemberNo, Role, SubAddress,
    UniqueId,
};
use sealist_lists::payload::{self, Payload};
use sealist_lists::registry::Registry;
use sealist_lists::texts::Texts;
use sealist_mail::{Entity, Headers, Part, Timestamp, sole_author};

const PLAIN: &str = "Return-Path: <anne@example.org>\r\nReceived: from home by mx\r\nFrom: \"Anne (home)\" <anne@example.org>\r\nTo: team@lists.example, bart@example.org\r\nCc: Eve <eve@example.com>\r\nSubject: Re: the plan\r\nDate: Mon, 21 Sep 2026 10:00:00 +0200\r\nMessage-ID: <1@example.org>\r\nIn-Reply-To: <0@example.org>\r\nUser-Agent: Tell-tale 1.0\r\nX-Originating-IP: 192.0.2.1\r\nList-Id: <old.example>\r\nDKIM-Signature: v=1\r\nAutocrypt: addr=anne@example.org; keydata=AAAA\r\nReply-To: elsewhere@example.org\r\nPrecedence: bulk\r\n\r\nWe meet at seven.\r\n";

fn member(role: Role) -> Member {
    Member {
        no: MemberNo(1),
        id: UniqueId::from_octets([1; 16]),
        subscribed_user: None,
        subscribed_at: Timestamp(0),
        list: ListNo(1),
        address_no: AddressNo(1),
        address: "anne@example.org".parse().unwrap(),
        display_name: "Anne".to_owned(),
        role,
        preferences: EffectivePreferences::default(),
        moderation_action: None,
        key_pending_approval: false,
    }
}

fn facts<'m>(
    settings: &'m ListSettings,
    content: &'m MessageContent<'m>,
    role: Option<Role>,
) -> MessageFacts<'m> {
    let pgp = settings.has_openpgp();
    MessageFacts {
        settings: Cow::Borrowed(settings),
        content,
        sub_address: SubAddress::Posting,
        is_answerable: true,
        envelope_names_author: true,
        banned: false,
        author_role: role,
        moderation_action: None,
        octets: 1000,
        form: PgpForm::Mime,
        encryption: if pgp { EncryptionFact::Whole } else { EncryptionFact::None },
        signature: if pgp { Signature::Good } else { Signature::None },
        replay: Replay::Fresh,
        waiting: None,
        addressed: if pgp { Addressed::Here } else { Addressed::NotSaid },
        signature_age_ms: pgp.then_some(1000),
        inner_author: InnerAuthor::NotSaid,
    }
}

fn copy(
    style: &str,
    change: fn(&mut ListSettings),
    pipeline: Option<&str>,
    role: Option<Role>,
    mail: &str,
) -> Payload {
    copy_of(style, change, pipeline, role, mail, |_| Signed::All)
}

/// Which part of the header the author signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signed {
    All,
    Nothing,
}

fn copy_of(
    style: &str,
    change: fn(&mut ListSettings),
    pipeline: Option<&str>,
    role: Option<Role>,
    mail: &str,
    known: fn(&mut MessageFacts<'_>) -> Signed,
) -> Payload {
    let mut settings = Registry::built_in().styles.named(style).unwrap().settings();
    change(&mut settings);
    let list = MailingList {
        no: ListNo(1),
        name: "team@lists.example".parse().unwrap(),
        settings: settings.clone(),
    };
    let (outer, _) = Headers::parse(mail.as_bytes());
    let entity = Entity::parse(mail.as_bytes());
    let mut content = Vec::new();
    entity.content_headers().write_to(&mut content);
    content.extend_from_slice(b"\r\n");
    content.extend_from_slice(entity.body);
    let (mailbox, author) = (sole_author(&outer).unwrap(), role.map(member));
    let said = MessageContent::new(mail.as_bytes(), None);
    let mut facts = facts(&settings, &said, role);
    let signed = known(&mut facts) == Signed::All && settings.has_openpgp();
    let mut draft = PostDraft {
        list: &list,
        texts: &Texts::default(),
        facts: &facts,
        now: Timestamp(1_790_000_000_000),
        author: Author { mailbox: &mailbox, member: author.as_ref() },
        addressees: &[],
        signed: signed.then_some(&entity.headers),
        message_id: "0123456789abcdef".to_owned(),
        headers: Headers::default(),
        outside: Headers::default(),
        list_certificate: settings.pgp.as_ref().map(|_| &b"the certificate"[..]),
        author_block: None,
        content: Part::entity(content).unwrap(),
        form: ContentForm::Written,
        author_end: None,
        footer: None,
        recipients: Recipients { roles: Vec::new(), except: Vec::new() },
        archive: None,
    };
    Registry::built_in()
        .pipelines
        .named(pipeline.unwrap_or(&settings.posting_pipeline))
        .unwrap()
        .run(&Registry::built_in().handlers, &mut draft);
    payload::build(draft, [7; 16])
}

fn check(name: &str, made: &Payload) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "");
    let whole = format!("{}==== outside above, inside below\n{}", text(&made.outer), text(&made.entity));
    expect_file![format!("golden/{name}.txt")].assert_eq(&whole);
}

#[test]
fn plain_lists() {
    check("plain", &copy("legacy-default", |_| (), None, Some(Role::Member), PLAIN));
    let decorated = |settings: &mut ListSettings| {
        settings.subject_prefix = "[team] ".to_owned();
        settings.footer = "-- \n{list} at {address}\n".to_owned();
        settings.description = "Où l'on parle".to_owned();
        settings.reply_goes_to = sealist_lists::model::ReplyTo::List;
    };
    check("plain_decorated", &copy("legacy-default", decorated, None, Some(Role::Member), PLAIN));
    check("plain_announce", &copy("legacy-announce", |_| (), None, Some(Role::Owner), PLAIN));
    check("plain_owner", &copy("legacy-default", |_| (), Some("owner-pipeline"), None, PLAIN));
}

#[test]
fn lists_with_openpgp() {
    check("pgp", &copy("pgp-default", |_| (), None, Some(Role::Member), PLAIN));
    check("pgp_owner", &copy("pgp-default", |_| (), Some("owner-pipeline"), None, PLAIN));
    let open = |settings: &mut ListSettings| {
        settings.pgp.as_mut().unwrap().hide_subject = false;
        settings.subject_prefix = "[team] ".to_owned();
        settings.footer = "{address}\n".to_owned();
    };
    let signing = |settings: &mut ListSettings| settings.pgp.as_mut().unwrap().encrypt_outgoing = false;
    check("pgp_sign_only", &copy("pgp-default", signing, None, Some(Role::Member), PLAIN));
    check("pgp_open_subject", &copy("pgp-default", open, None, Some(Role::Member), PLAIN));
}

/// A stored post as it goes to one reader by name, and to one who accepts it unencrypted; and a post that was
/// stored in the clear, sealed.
#[test]
fn stored_posts() {
    let list = |settings: ListSettings| MailingList {
        no: ListNo(1),
        name: "team@lists.example".parse().unwrap(),
        settings,
    };
    let pgp = list(Registry::built_in().styles.named("pgp-default").unwrap().settings());
    let mut unsigned = pgp.clone();
    unsigned.settings.pgp.as_mut().unwrap().sign_outgoing = false;
    let stored = copy("pgp-default", |_| (), None, Some(Role::Member), PLAIN);
    let reader = sole_author(&Headers::parse("From: Zoë <zoe@example.org>\r\n".as_bytes()).0).unwrap();
    check("stored_for_reader", &payload::for_reader(&stored, &reader));
    let now = Timestamp(1_790_000_600_000);
    check("stored_in_the_clear_signed", &payload::in_the_clear(&stored, &pgp, now));
    check("stored_in_the_clear", &payload::in_the_clear(&stored, &unsigned, now));
    let plain = copy("legacy-default", |_| (), None, Some(Role::Member), PLAIN);
    check("stored_to_be_sealed", &payload::to_be_sealed(&plain, &pgp));
}

/// Unsigned fields are marked or left out, and the author block says so.
#[test]
fn what_nobody_signed() {
    let threaded = PLAIN.replace(
        "<0@example.org>",
        "<0@example.org> <0123456789abcdef0123456789abcdef@lists.example> <secret@lists.example>",
    );
    let carried = |facts: &mut MessageFacts<'_>| {
        facts.addressed = Addressed::NotSaid;
        Signed::Nothing
    };
    let unsigned = |facts: &mut MessageFacts<'_>| {
        (facts.addressed, facts.signature, facts.encryption) =
            (Addressed::NotSaid, Signature::None, EncryptionFact::None);
        Signed::Nothing
    };
    let member = Some(Role::Member);
    let prefix = |settings: &mut ListSettings| settings.subject_prefix = "[team] ".to_owned();
    check("pgp_carried", &copy_of("pgp-default", prefix, None, member, &threaded, carried));
    check("pgp_unsigned", &copy_of("pgp-default", |_| (), None, member, &threaded, unsigned));
    let stale = |facts: &mut MessageFacts<'_>| {
        (facts.addressed, facts.signature_age_ms) = (Addressed::NotSaid, Some(6 * 24 * 3_600_000));
        Signed::Nothing
    };
    check("pgp_owner_stale", &copy_of("pgp-default", |_| (), Some("owner-pipeline"), member, PLAIN, stale));
    let subject = |change: fn(&mut ListSettings), subject: &str, known| {
        let mail = PLAIN.replace("Re: the plan", subject);
        let made = copy_of("pgp-default", change, None, member, &mail, known);
        Entity::parse(&made.entity).headers.text("subject").unwrap()
    };
    assert_eq!(subject(prefix, "Re: [team] (not signed) hello", carried), "(not signed) Re: [team] hello");
    assert_eq!(subject(|_| (), "(not signed) hello", carried), "(not signed) hello");
    let turned = "\u{202e}a\u{2028}\u{61c}b\u{180e}\u{e0041} c\u{2066}";
    assert_eq!(subject(|_| (), turned, carried), "(not signed) a b c");
    assert_eq!(subject(|_| (), "hello", |_| Signed::All), "hello");
    assert_eq!(subject(|_| (), "", carried), "(no subject)");
    let german = |settings: &mut ListSettings| settings.set("preferred_language", "de").unwrap();
    assert_eq!(subject(german, "hello", carried), "(nicht signiert) hello");
    let drop = |settings: &mut ListSettings| settings.set("unsigned_subject", "drop").unwrap();
    assert_eq!(subject(drop, "Pay Eve", carried), "(no subject)");
    let open = |settings: &mut ListSettings| settings.set("hide_subject", "false").unwrap();
    let made = copy_of("pgp-default", open, None, member, PLAIN, unsigned);
    assert!(String::from_utf8(made.outer).unwrap().contains("Subject: (not signed) Re: the plan"));
}

#[test]
fn nothing_outside_names_anybody() {
    for pipeline in [None, Some("owner-pipeline")] {
        let made = copy("pgp-default", |_| (), pipeline, Some(Role::Member), PLAIN);
        let outside = String::from_utf8(made.outer).unwrap();
        for word in ["anne@", "bart@", "eve@", "192.0.2.1", "Tell-tale", "the plan", "1@example.org"] {
            assert!(!outside.contains(word), "{word} in {outside}");
        }
    }
}

#[test]
fn a_name_cannot_add_a_line() {
    for name in ["=?utf-8?q?x=0D=0ABcc:_evil=40x.example?=", "\"a\\\r\n b\"", "=?utf-8?b?eA0KWDogeQ==?="] {
        let mail = format!("From: {name} <eve@example.com>\r\nSubject: {name}\r\n\r\nx\r\n");
        let made = copy("legacy-default", |_| (), None, None, &mail);
        let (headers, _) = Headers::parse(&made.outer);
        assert_eq!((headers.count("bcc"), headers.count("x")), (0, 0), "{name}");
    }
}
