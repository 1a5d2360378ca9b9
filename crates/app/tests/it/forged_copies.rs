//! Containers that somebody puts around a part that Anne signed: what leaves is read by other programs, and
//! none of them shows a word that is neither hers nor the list's.

use std::borrow::Cow;
use std::process::Command;

use sealist_lists::content::MessageContent;
use sealist_lists::draft::{Author, ContentForm, PostDraft, Recipients};
use sealist_lists::facts::{
    Addressed, EncryptionFact, InnerAuthor, MessageFacts, PgpForm, Replay, Signature,
};
use sealist_lists::model::{ListNo, MailingList, Role, SubAddress};
use sealist_lists::payload;
use sealist_lists::registry::Registry;
use sealist_lists::texts::Texts;
use sealist_mail::{Headers, Part, Timestamp, sole_author};
use sealist_openpgp::testing::{Kind, Person};
use sealist_openpgp::{self as openpgp, Certificate, KeepSignature, Limits, ListKey, Opened};

use crate::containers::{FORGED, WORDS};

const NOW: Timestamp = Timestamp(1_790_000_000_000);

struct Stage {
    list: MailingList,
    key: ListKey,
    anne: Person,
}

impl Stage {
    fn new() -> Self {
        let address = |local: &str| format!("{local}@lists.example").parse().unwrap();
        let mut settings = Registry::built_in().styles.named("pgp-default").unwrap().settings();
        settings.footer = "The footer of the list.\n".to_owned();
        let list = MailingList { no: ListNo(1), name: "team@lists.example".parse().unwrap(), settings };
        let key = ListKey::generate("Team", &[address("team")], NOW.plus_ms(-1000)).unwrap();
        Self { list, key, anne: Person::new("anne@example.org", Kind::Curve25519, NOW) }
    }

    fn open(&self, message: &[u8]) -> Opened {
        let signers: [Certificate; 1] = [self.anne.certificate()];
        openpgp::open(message, &[&self.key], &signers, NOW, Limits::default())
    }

    /// What the list makes of a message, before it is encrypted.
    fn copy(&self, message: &[u8], opened: &Opened) -> Vec<u8> {
        let (outer, _) = Headers::parse(message);
        let mailbox = sole_author(&outer).unwrap();
        let said = MessageContent::new(message, Some(opened));
        let facts = MessageFacts {
            settings: Cow::Borrowed(&self.list.settings),
            content: &said,
            sub_address: SubAddress::Posting,
            is_answerable: true,
            envelope_names_author: true,
            banned: false,
            author_role: Some(Role::Member),
            moderation_action: None,
            octets: 1000,
            form: PgpForm::Mime,
            encryption: EncryptionFact::Whole,
            signature: Signature::Good,
            replay: Replay::Fresh,
            waiting: None,
            addressed: Addressed::NotSaid,
            signature_age_ms: Some(0),
            inner_author: InnerAuthor::NotSaid,
        };
        let signed = opened.signed_headers();
        let tamed = opened.tamed();
        let form = if tamed.is_some() { ContentForm::Tamed } else { ContentForm::Written };
        let content =
            tamed.unwrap_or_else(|| opened.content(KeepSignature::Keep, openpgp::random())).to_vec();
        let mut draft = PostDraft {
            list: &self.list,
            texts: &Texts::default(),
            facts: &facts,
            now: NOW,
            author: Author { mailbox: &mailbox, member: None },
            addressees: &[],
            signed: signed.as_ref(),
            message_id: "0123456789abcdef0123456789abcdef".to_owned(),
            headers: Headers::default(),
            outside: Headers::default(),
            list_certificate: None,
            author_block: None,
            content: Part::entity(content).unwrap(),
            form,
            author_end: None,
            footer: None,
            recipients: Recipients { roles: Vec::new(), except: Vec::new() },
            archive: None,
        };
        Registry::built_in()
            .pipelines
            .named("default-posting-pipeline")
            .unwrap()
            .run(&Registry::built_in().handlers, &mut draft);
        payload::build(draft, openpgp::random()).entity
    }
}

fn shown(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn other_readers_show_what_was_signed_and_nothing_else() {
    let stage = Stage::new();
    let folder = tempfile::TempDir::new().unwrap();
    let certificate = stage.key.certificate();
    let (mut made, mut copies) = (0, 0);
    // To see that the readers show what is there: a container as it came.
    let control =
        format!("Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n{WORDS} Zebra.\r\n--c--\r\n");
    std::fs::write(folder.path().join("control.eml"), control).unwrap();
    for (at, message) in crate::containers::all(&stage.anne, &certificate, NOW).iter().enumerate() {
        made += 1;
        let opened = stage.open(message);
        if opened.valid_signature().is_some() {
            copies += 1;
            std::fs::write(folder.path().join(format!("{at:04}.eml")), stage.copy(message, &opened)).unwrap();
        }
    }
    assert!(made >= 200 && copies >= 100, "{made} containers, {copies} copies");
    let (folder, here) =
        (folder.path().to_str().unwrap(), concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/"));
    let python = shown("/usr/bin/python3", &[&format!("{here}read.py"), folder]);
    let perl = shown("perl", &[&format!("{here}read.pl"), folder]);
    let mut readings = 0;
    let mut controls = 0;
    for reading in [&python, &perl].iter().flat_map(|all| all.split("== ").skip(1)) {
        readings += 1;
        assert!(reading.contains(WORDS), "the words are not there: {reading}");
        if reading.starts_with("control.eml") {
            controls += usize::from(reading.contains("Zebra."));
            continue;
        }
        for line in reading.lines().filter(|line| line.to_lowercase().contains(FORGED)) {
            let marked = line.starts_with("| Subject: (not signed) ");
            assert!(marked, "{line}\nin {reading}");
        }
    }
    assert_eq!((readings, controls), (copies * 4 + 4, 4), "four readings of each copy");
}

/// Whatever form it comes in, HTML that could hide the list's lines, cover them or move over them is a file
/// in the copy. HTML that keeps to its place stays as it was signed.
#[test]
fn no_html_changes_the_lines_of_the_list() {
    let stage = Stage::new();
    let list = stage.key.certificate();
    let line = "HTML: as a file, because it could hide these lines\r\n";
    let page = |html: &str| format!("Content-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n");
    let wild = [
        "<style>.moz-text-plain { display: none }</style><p>We meet at seven.</p>",
        "<body text=white bgcolor=white>We meet at seven.",
        "<div style='position: absolute; top: 0'>From: bart@example.org<br>We meet at seven.</div>",
    ];
    let tame = "<p style='color: red'>We meet at seven.</p>";
    let cases = wild.iter().map(|html| (*html, true)).chain([(tame, false)]);
    for (html, is_wild) in cases {
        let alternative = format!(
            "Content-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\n\r\nWe meet at seven.\r\n--a\r\n{}\r\n--a--\r\n",
            page(html)
        );
        let forwarded = format!("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n{}", page(html));
        for entity in [page(html), alternative, forwarded] {
            let detached = Person::signed(entity.as_bytes(), &stage.anne.signature(entity.as_bytes(), NOW));
            for message in [
                stage.anne.mail(&list, entity.as_bytes(), NOW),
                stage.anne.mail_of(&Person::unsigned_packets(&list, &detached)),
            ] {
                let opened = stage.open(&message);
                assert!(opened.valid_signature().is_some());
                let copy = stage.copy(&message, &opened);
                crate::readers::assert_one_reading(&copy);
                let copy = String::from_utf8(copy).unwrap();
                assert_eq!(copy.contains(line), is_wild, "{copy}");
                assert_eq!(copy.contains("multipart/signed"), !is_wild, "{copy}");
                assert_eq!(copy.contains("text/html"), !is_wild, "{copy}");
            }
        }
    }
}
