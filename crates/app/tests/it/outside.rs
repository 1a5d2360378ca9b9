//! What programs send: posts are posts, answers are put aside and counted, and nothing is written back.

use crate::moved_clock::{Mail, day, deliver, join, site_in};
use sealist_app::{App, Destination, EntryOutcome, IncomingClaims, Intake};
use sealist_lists::model::{Action, ListName, MailingList, Role};
use sealist_lists::rules::Reason;
use sealist_openpgp::random;
use sealist_store::deliveries::Kind;
use sealist_store::{lists, put_aside};
use tempfile::TempDir;

const ANNE: &str = "anne@example.org";

async fn plain_list(app: &App) -> MailingList {
    let name: ListName = "plain@lists.example".parse().unwrap();
    app.as_operator().at(day(-10)).lists().create(&name, "legacy-default").await.unwrap();
    let list = lists::by_name(&mut app.store().reader().await.unwrap(), &name).await.unwrap().unwrap();
    for address in [ANNE, "bart@example.org"] {
        join(app, &list, address, Role::Member, None).await;
    }
    list
}

/// What becomes of a message, and what goes out.
async fn fate(app: &App, to: &str, sender: &str, message: &str) -> (EntryOutcome, Vec<Mail>) {
    let arrival = Destination::at(app, &to.parse().unwrap()).await.unwrap().unwrap();
    let mut intake = Intake::begin(&arrival, Some(sender).filter(|sender| !sender.is_empty())).unwrap();
    intake.write(message.as_bytes()).unwrap();
    intake.commit(app, random(), day(0)).await.unwrap();
    let entry = IncomingClaims::default().claim(app, 1, 0, day(0)).await.unwrap().remove(0);
    let outcome = entry.process(app, day(0)).await.unwrap();
    (outcome, deliver(app, day(0)).await)
}

fn message(number: usize, header: &str) -> String {
    format!(
        "From: Anne <{ANNE}>\r\nSubject: [x] y\r\nMessage-ID: <{number}@example.org>\r\n{header}\r\nwords\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_posts_and_is_not_answered() {
    let folder = TempDir::new().unwrap();
    let app = site_in(folder.path()).await;
    let list = plain_list(&app).await;
    let (plain, request) = ("plain@lists.example", "plain-request@lists.example");
    let posts = [
        ("", ANNE),
        ("", ""),
        ("", "anne@[127.0.0.1]"),
        ("", "root"),
        ("Auto-Submitted: auto-generated\r\n", ANNE),
        ("Auto-Submitted: auto-generated\r\n", ""),
        ("Auto-Submitted: auto-notified; x=y\r\n", ANNE),
        ("Auto-Submitted:\r\n", ANNE),
        ("Precedence: bulk\r\n", ANNE),
        ("Precedence: junk\r\nIn-Reply-To: <bug-1@tracker.example>\r\n", ANNE),
        ("X-Autoreply: no\r\n", ANNE),
        ("Content-Type: multipart/report; boundary=b\r\n", ANNE),
    ];
    for (number, (header, sender)) in posts.into_iter().enumerate() {
        let (outcome, out) = fate(&app, plain, sender, &message(number, header)).await;
        assert_eq!(outcome.action, Action::Accept, "{header:?} from {sender:?}: {:?}", outcome.reasons);
        assert_eq!(out.len(), 2, "{header:?} from {sender:?}: a copy for each");
        // A program that wrote to an address for commands would hear nothing.
        let unheard = !header.is_empty() && header != "X-Autoreply: no\r\n" || sender.is_empty();
        let (outcome, out) = fate(&app, request, sender, &message(number, header)).await;
        let refused = outcome.reasons == [Reason::ByProgram] && outcome.action == Action::Discard;
        assert_eq!(refused, unheard, "{header:?} from {sender:?} as a command: {:?}", outcome.reasons);
        assert!(out.is_empty() || !unheard, "{header:?} from {sender:?} is not answered");
    }
    let mut db = app.store().reader().await.unwrap();
    let counted = put_aside::counts(&mut db, list.no, day(0)).await.unwrap();
    let programs = posts.iter().filter(|(header, sender)| {
        !header.is_empty() && *header != "X-Autoreply: no\r\n" || sender.is_empty()
    });
    assert_eq!(counted, [("by-program".to_owned(), i64::try_from(programs.count()).unwrap())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_put_aside_and_counted() {
    let folder = TempDir::new().unwrap();
    let app = site_in(folder.path()).await;
    let list = plain_list(&app).await;
    let plain = "plain@lists.example";
    let (outcome, _) = fate(&app, plain, ANNE, &message(1, "")).await;
    assert_eq!(outcome.action, Action::Accept);
    let answers = [
        ("Auto-Submitted: auto-replied\r\n", Reason::AutoReply),
        ("X-Autoreply: yes\r\n", Reason::AutoReply),
        ("Precedence: bulk\r\nIn-Reply-To: <1@example.org>\r\n", Reason::AutoReply),
        ("Precedence: junk\r\nReferences: <0@x> <1@example.org>\r\n", Reason::AutoReply),
        ("Precedence: auto_reply\r\nIn-Reply-To: <0123@lists.example>\r\n", Reason::AutoReply),
        (
            "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n",
            Reason::AutoReply,
        ),
        ("Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n", Reason::AutoReply),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n", Reason::Bounce),
        ("List-Id: <plain.lists.example>\r\n", Reason::OwnLoop),
    ];
    for (number, (header, reason)) in (10..).zip(answers) {
        let (outcome, out) = fate(&app, plain, ANNE, &message(number, header)).await;
        assert_eq!((outcome.action, outcome.reasons), (Action::Discard, vec![reason]), "{header}");
        assert!(out.is_empty(), "{header}");
    }
    let mut db = app.store().reader().await.unwrap();
    let counted = put_aside::counts(&mut db, list.no, day(0)).await.unwrap();
    let expected = [("auto-reply", 7), ("bounce", 1), ("own-loop", 1)];
    assert_eq!(counted, expected.map(|(reason, count)| (reason.to_owned(), count)));
    assert!(put_aside::counts(&mut db, list.no, day(1)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_line_that_begins_with_a_blank_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let app = site_in(folder.path()).await;
    plain_list(&app).await;
    for (number, first) in
        [" a blank\r\n", "\ta tab\r\n", " \r\n", "  folded\r\n again\r\n"].iter().enumerate()
    {
        let text = format!("{first}{}", message(number, ""));
        for sender in [ANNE, ""] {
            let (outcome, out) = fate(&app, "plain@lists.example", sender, &text).await;
            assert_eq!(outcome.action, Action::Accept, "{first:?}: {:?}", outcome.reasons);
            let posts: Vec<_> = out.iter().filter(|mail| mail.kind == Kind::Posting).collect();
            assert_eq!(posts.len(), 2, "{first:?}");
            let copy = String::from_utf8_lossy(&posts[0].message).into_owned();
            assert!(copy.contains("words\r\n") && copy.contains("Anne"), "{copy}");
        }
    }
}
