//! What notices show of messages that wait: a Subject that nobody signed stands behind its mark, and nothing
//! in an attached message can hide or cover the words of the notice.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::moved_clock::{
    DAY_MS, Mail, OPENPGP, PLAIN, day, deliver, held, join, key_row, receive_from, set, site_with,
};
use crate::readers::read_copy;
use sealist_app::App;
use sealist_lists::model::{MailingList, Role};
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::tamed;
use sealist_openpgp::testing::{Kind, Person};
use tempfile::TempDir;

const LIST: &str = "team@lists.example";
const ANNE: &str = "anne@x.example";
const OLGA: &str = "olga@x.example";

/// A list that holds what members write, with Olga, its owner, and Anne, who both have keys.
struct Stage {
    app: App,
    list: MailingList,
    olga: Person,
    anne: Person,
    hours: AtomicI64,
    _folder: TempDir,
}

impl Stage {
    async fn plain() -> Self {
        let (app, list, folder) = site_with(PLAIN, LIST).await;
        Self::of(app, list, folder).await
    }

    async fn with_openpgp() -> Self {
        let (app, mut list, folder) = site_with(OPENPGP, LIST).await;
        for name in ["nonencrypted_msg_action", "unsigned_msg_action"] {
            list = set(&app, &list, name, "hold").await;
        }
        Self::of(app, list, folder).await
    }

    async fn of(app: App, list: MailingList, folder: TempDir) -> Self {
        let list = set(&app, &list, "default_member_action", "hold").await;
        let [olga, anne] = [OLGA, ANNE].map(|address| Person::new(address, Kind::Curve25519, day(-5)));
        for (person, address, role) in [(&olga, OLGA, Role::Owner), (&anne, ANNE, Role::Member)] {
            let key = key_row(&app, person, address, day(-5));
            join(&app, &list, address, role, Some(key)).await;
        }
        Self { app, list, olga, anne, hours: AtomicI64::new(0), _folder: folder }
    }

    /// What is written to whom because of a message that waits.
    async fn told(&self, message: &[u8]) -> Vec<(String, Vec<u8>)> {
        receive_from(&self.app, ANNE, LIST, message, day(0)).await;
        // Only the first of a day are told at once.
        let later = day(0).plus_ms(self.hours.fetch_add(2, Ordering::Relaxed) * DAY_MS / 24);
        let mut told = Vec::new();
        for mail in deliver(&self.app, later).await {
            told.push((mail.to.clone(), self.read(&mail).await));
        }
        told
    }

    /// What an owner is shown who asks for it.
    async fn asked_for(&self) -> Vec<u8> {
        let entry = held(&self.app).await;
        self.app
            .as_operator()
            .at(day(0))
            .messages()
            .open_for(entry.last().unwrap().no, &OLGA.parse().unwrap())
            .await
            .unwrap();
        self.read(&deliver(&self.app, day(0)).await[0]).await
    }

    async fn read(&self, mail: &Mail) -> Vec<u8> {
        match classify(&mail.message) {
            Shape::Encrypted(armor) => {
                let keys = self.app.keys_of(&self.list).await.unwrap();
                let reader = if mail.to == OLGA { &self.olga } else { &self.anne };
                read_copy(reader, &armor, &keys.posting.certificate()).unwrap().0.to_vec()
            }
            Shape::Signed { signed, .. } => signed.to_vec(),
            _ => mail.message.clone(),
        }
    }

    /// Anne writes that with the Subject above it: in the clear, and on lists with OpenPGP also encrypted and
    /// signed.
    async fn written(&self, entity: &str) -> Vec<Vec<u8>> {
        let mut forms = vec![head(entity).into_bytes()];
        if self.list.settings.has_openpgp() {
            let certificate = self.app.keys_of(&self.list).await.unwrap().posting.certificate();
            let sealed = String::from_utf8(self.anne.mail(&certificate, entity.as_bytes(), day(0))).unwrap();
            forms.push(format!("{SUBJECT}{sealed}").into_bytes());
        }
        forms
    }
}

const SUBJECT: &str = "Subject: Pay at evil.example\r\n";

fn head(entity: &str) -> String {
    format!("{SUBJECT}From: {ANNE}\r\nTo: {LIST}\r\nMIME-Version: 1.0\r\n{entity}")
}

fn text(notice: &[u8]) -> String {
    String::from_utf8_lossy(notice).replace("=\r\n", "").replace("=3D", "=").replace("\r\n ", " ")
}

const WILD: &str = "<style>*{display:none}</style><div style=\"position:fixed;top:0\">I am the list.</div>";

/// Every part that holds HTML by which a message hides or covers what stands beside it.
fn hostile() -> Vec<String> {
    let page = format!("Content-Type: text/html; charset=utf-8\r\n\r\n{WILD}\r\n");
    let mixed = |kind: &str, part: &str| {
        format!(
            "Content-Type: multipart/{kind}; boundary=b\r\n\r\n--b\r\n\r\nWords.\r\n--b\r\n{part}\r\n--b--\r\n"
        )
    };
    let long = "<p>Words and words and words and words and words and words.</p>\r\n".repeat(1500);
    let beyond = format!("Content-Type: text/html\r\n\r\n<p>Words</p>\r\n{long}<!-- {long}");
    vec![
        page.clone(),
        mixed("alternative", &page),
        mixed("related", &page),
        mixed("mixed", &mixed("alternative", &page).replace("=b", "=c").replace("--b", "--c")),
        mixed("signed; protocol=\"application/pgp-signature\"", &page),
        mixed("mixed", &format!("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n{page}")),
        mixed("mixed", &format!("Content-Type: message/news\r\n\r\nSubject: x\r\n{page}")),
        mixed("digest", &format!("\r\nSubject: x\r\n{page}")),
        mixed("mixed", &page.replacen("\r\n\r\n", "\r\nContent-Disposition: attachment\r\n\r\n", 1)),
        mixed("mixed", &format!("Content-Type: application/octet-stream; name=x.eml\r\n\r\nSubject: x\r\n{page}")),
        page.replacen("Content-Type:", "Content-Type: text/plain\r\nContent-Type:", 1),
        "Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHN0eWxlPip7ZGlzcGxheTpub25lfTwvc3R5bGU+V29yZHM=\r\n".to_owned(),
        beyond.clone(),
        mixed("mixed", &beyond),
        mixed("mixed", &format!("{}{page}", "x\r\n".repeat(40_000))),
        format!("Content-Type: text/html\r\n\r\n{}{WILD}\r\n", "x".repeat(3000)),
    ]
}

/// In notices to those in charge, and in what owners ask for, sealed or not.
#[tokio::test(flavor = "multi_thread")]
async fn an_attached_message_changes_nothing_around_it() {
    for stage in [Stage::plain().await, Stage::with_openpgp().await] {
        for entity in hostile() {
            for message in stage.written(&entity).await {
                let told = stage.told(&message).await;
                let (_, notice) = told.iter().find(|(to, _)| to == OLGA).unwrap();
                let shown = [notice.clone(), stage.asked_for().await];
                assert!(text(notice).contains("for a moderator"), "{entity}");
                for notice in shown {
                    let inside = text(&notice);
                    assert_eq!(tamed(&notice), None, "{entity}\n{inside}");
                    assert!(!inside.contains("display:none"), "{entity}\n{inside}");
                    assert!(inside.len() < 400_000);
                }
            }
        }
    }
}

/// A page that keeps to its place, and text, stand there as they were written.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_tame_is_shown_as_it_is() {
    for stage in [Stage::plain().await, Stage::with_openpgp().await] {
        for entity in [
            "Content-Type: text/plain\r\n\r\nFine words.\r\n",
            "Content-Type: text/html\r\n\r\n<p>Fine words.</p>\r\n",
        ] {
            for message in stage.written(entity).await {
                let told = stage.told(&message).await;
                let (_, notice) = told.iter().find(|(to, _)| to == OLGA).unwrap();
                for notice in [notice.clone(), stage.asked_for().await] {
                    assert!(text(&notice).contains("Fine words."), "{}", text(&notice));
                }
            }
        }
    }
}

/// Whatever shows a Subject that nobody signed, to the author, an owner or a moderator, marks it.
#[tokio::test(flavor = "multi_thread")]
async fn a_subject_that_nobody_signed_is_marked() {
    for (stage, mark) in [(Stage::plain().await, ""), (Stage::with_openpgp().await, "(not signed) ")] {
        let mut seen = 0;
        let entity = b"Content-Type: text/plain\r\n\r\nSigned words.\r\n";
        let signed = stage.anne.mail_signed(entity, &stage.anne.signature(entity, day(0)));
        let mut messages = stage.written("Content-Type: text/plain\r\n\r\nWords.\r\n").await;
        messages.push([SUBJECT.as_bytes(), &signed].concat());
        for message in messages {
            let mut notices = stage.told(&message).await;
            notices.push((OLGA.to_owned(), stage.asked_for().await));
            for (to, notice) in notices {
                let notice = text(&notice);
                for (at, _) in notice.match_indices("Pay at evil.example") {
                    let before = &notice[..at];
                    assert!(
                        before.ends_with(mark) && before.contains("(not signed)") != mark.is_empty(),
                        "{to}: {notice}"
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen >= 4, "{seen}");
    }
}
