//! What the archive keeps beside posts: threads, and summaries that nobody reads without the keys of the
//! list.

use sealist_app::testing::archived_summary;
use sealist_app::{App, upkeep};
use sealist_lists::model::{MailingList, PostNo, Role};
use sealist_lists::post_summary::PostSummary;
use sealist_mail::Headers;
use sealist_openpgp::testing::{Kind, Person};
use sealist_store::archive::{self, ArchivedPost};
use tempfile::TempDir;

use crate::moved_clock::{OPENPGP, PLAIN, day, deliver, join, key_row, receive_from, set, site_with};

const LIST: &str = "team@lists.example";
const ANNE: &str = "anne@x.example";
const BART: &str = "bart@x.example";

/// A list that keeps its posts, with Anne and Bart.
struct Archive {
    app: App,
    list: MailingList,
    people: [(&'static str, Person); 2],
    folder: TempDir,
}

impl Archive {
    async fn new(style: &str) -> Self {
        let (app, list, folder) = site_with(style, LIST).await;
        let list = set(&app, &list, "archive", "true").await;
        let people = [ANNE, BART].map(|address| (address, Person::new(address, Kind::Curve25519, day(-5))));
        for (address, person) in &people {
            join(&app, &list, address, Role::Member, Some(key_row(&app, person, address, day(-5)))).await;
        }
        Self { app, list, people, folder }
    }

    /// Posts, and returns the Message-ID that copies show.
    async fn post(&self, author: &str, fields: &str) -> String {
        let header = format!("From: {author}\r\nTo: {LIST}\r\n{fields}");
        let text = "Zebra words\r\n";
        let message = match &self.list.settings.pgp {
            None => format!("{header}MIME-Version: 1.0\r\n\r\n{text}").into_bytes(),
            Some(_) => {
                let (_, person) = self.people.iter().find(|(address, _)| *address == author).unwrap();
                let keys = self.app.keys_of(&self.list).await.unwrap();
                let entity =
                    format!("Content-Type: text/plain; protected-headers=\"v1\"\r\n{header}\r\n{text}");
                person.mail(&keys.posting.certificate(), entity.as_bytes(), day(0))
            }
        };
        receive_from(&self.app, author, LIST, &message, day(0)).await;
        let copies = deliver(&self.app, day(0)).await;
        assert_eq!(copies.len(), 2, "{author} {fields}");
        upkeep(&self.app, day(0)).await.unwrap();
        Headers::parse(&copies[0].message).0.text("message-id").unwrap()
    }

    async fn kept(&self) -> Vec<(ArchivedPost, PostSummary)> {
        let mut db = self.app.store().reader().await.unwrap();
        let page = archive::page(&mut db, self.list.no, PostNo(0), 100).await.unwrap();
        drop(db);
        let mut kept = Vec::new();
        for post in page {
            let summary = archived_summary(&self.app, &self.list, &post).await.unwrap().unwrap();
            kept.push((post, summary));
        }
        kept
    }

    /// Whether the text stands in the files of the database.
    fn stands_in_the_database(&self, text: &str) -> bool {
        ["test.db", "test.db-wal"].iter().any(|name| {
            let octets = std::fs::read(self.folder.path().join(name)).unwrap_or_default();
            octets.windows(text.len()).any(|window| window == text.as_bytes())
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_join_the_thread_and_summaries_open_only_with_the_keys() {
    async fn check(style: &str) {
        let archive = Archive::new(style).await;
        let first = archive.post(ANNE, "Subject: Salaries\r\nMessage-ID: <own1@x.example>\r\n").await;
        let answer =
            format!("Subject: Re: Salaries\r\nMessage-ID: <b@x.example>\r\nIn-Reply-To: {first}\r\n");
        archive.post(BART, &answer).await;
        // Her own program knows the post by the id that it gave.
        let own = "Subject: More\r\nMessage-ID: <own2@x.example>\r\nReferences: <own1@x.example>\r\n";
        archive.post(ANNE, own).await;
        archive.post(BART, "Subject: Other\r\nMessage-ID: <o@x.example>\r\nReferences: <lost@x>\r\n").await;
        let kept = archive.kept().await;
        let numbers: Vec<i64> = kept.iter().map(|(post, _)| post.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4], "{style}");
        let [one, two, three, four] = [0, 1, 2, 3].map(|at: usize| kept[at].0);
        assert_eq!([two.parent, three.parent, four.parent], [Some(one.no), Some(one.no), None], "{style}");
        let threads = [one, two, three, four].map(|post| post.thread);
        assert_eq!(threads, [one.no, one.no, one.no, four.no], "{style}");
        let summary = &kept[0].1;
        assert_eq!((&summary.author[..], &summary.message_id), (ANNE, &first), "{style}");
        assert!(summary.subject.contains("Salaries") && summary.accepted_at_ms == day(0).0, "{style}");
        assert_eq!(summary.is_signed, style == OPENPGP);
        for text in ["Salaries", "own1@x", "Zebra"] {
            assert_eq!(archive.stands_in_the_database(text), style == PLAIN, "{style} {text}");
        }
        assert_eq!(archive.app.as_operator().lists().purge_archive(&archive.list.name).await.unwrap(), 4);
        assert!(archive.kept().await.is_empty());
    }
    check(OPENPGP).await;
    check(PLAIN).await;
}
