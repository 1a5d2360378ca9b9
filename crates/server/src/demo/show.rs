//! Posts to the list, and decrypts the copies with GnuPG in each member's own key ring.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sealist_app::PageRange;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Entity, Headers, compose};
use sealist_smtp::client::{Connection, Envelope, RecipientResult, WireBody};

use super::gpg::Gpg;
use super::mail::{Words, encrypted};
use super::sink::Received;
use super::{DemoSite, LIST, MEMBERS};
use crate::print_text;

const WAIT: Duration = Duration::from_secs(20);

/// Runs the posts. Returns whether every result was as expected.
pub(super) async fn show(site: &DemoSite, words: &Words) -> anyhow::Result<bool> {
    let anne = &site.members[0];
    let post = encrypted(MEMBERS[0].1, anne.sign_and_encrypt(LIST, &words.entity)?);
    let began = Instant::now();
    post_by_lmtp(site, MEMBERS[0].1, &post).await?;
    let accepted = began.elapsed();
    print_text(&format!(
        "Anne posts, signed and encrypted: accepted in {:.1} ms\n\n",
        accepted.as_secs_f64() * 1000.0
    ))?;
    let copies = site.sink.wait_for(MEMBERS.len(), WAIT).await;
    let mut good = copies.len() == MEMBERS.len();
    print_text("who               decrypted  list signature  Subject  only own key  after ms\n")?;
    for copy in &copies {
        good &= show_copy(site, words, copy, began)?;
    }

    print_text("\nWhat is refused:\n")?;
    let bart = encrypted(MEMBERS[1].1, site.members[1].encrypt(LIST, &words.entity)?);
    good &= refused(site, "an unsigned post", MEMBERS[1].1, bart, RefusedPost::Told).await?;
    good &= refused(site, "the same post again", MEMBERS[0].1, post, RefusedPost::Told).await?;
    let stranger = Gpg::new()?;
    stranger.make_key("Eve <eve@example.com>", "curve25519")?;
    stranger.import(&list_key(site).await?)?;
    let strange = encrypted("eve@example.com", stranger.sign_and_encrypt(LIST, &words.entity)?);
    good &= refused(site, "a stranger's post", "eve@example.com", strange, RefusedPost::Held).await?;
    Ok(good)
}

fn show_copy(stage: &DemoSite, words: &Words, copy: &Received, began: Instant) -> anyhow::Result<bool> {
    let at =
        MEMBERS.iter().position(|(_, address, _)| *address == copy.recipient).context("a copy for nobody")?;
    let Shape::Encrypted(armor) = classify(&copy.message) else {
        print_text(&format!("{:<17} NOT ENCRYPTED\n", copy.recipient))?;
        return Ok(false);
    };
    let reading = stage.members[at].decrypt(&armor)?;
    let payload = Entity::parse(&reading.text);
    let subject = compose::protected_headers(&payload).and_then(|headers| headers.text("subject"));
    let (outside, _) = Headers::parse(&copy.message);
    let restored =
        subject.as_deref() == Some(&words.subject) && outside.text("subject").as_deref() == Some("[...]");
    let told = words.are_in(&reading.text);
    let own = reading.readers == 1;
    let word = |good: bool| if good { "yes" } else { "NO" };
    let decrypted = reading.decrypted && told;
    print_text(&format!(
        "{:<17} {:<10} {:<15} {:<8} {:<13} {:.1}\n",
        copy.recipient,
        word(decrypted),
        word(reading.good_signature),
        word(restored),
        word(own),
        copy.at.duration_since(began).as_secs_f64() * 1000.0
    ))?;
    Ok(decrypted && reading.good_signature && restored && own)
}

/// The expected outcome of a post that is not delivered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RefusedPost {
    /// It is rejected, and its author, a member, gets a notice.
    Told,
    /// It is held for a moderator.
    Held,
}

impl RefusedPost {
    fn seen(held: usize, notices: &[Received], author: &str) -> Option<Self> {
        match (held, notices) {
            (1, []) => Some(Self::Held),
            (0, [notice]) if notice.recipient == author => Some(Self::Told),
            _ => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Told => "not posted, and its author gets a sealed notice",
            Self::Held => "held for a moderator",
        }
    }
}

/// Posts a message that must not be delivered, and examines the outcome.
async fn refused(
    stage: &DemoSite,
    what: &str,
    from: &str,
    message: Vec<u8>,
    fate: RefusedPost,
) -> anyhow::Result<bool> {
    let before = waiting(stage, "hold").await?;
    post_by_lmtp(stage, from, &message).await?;
    let end = Instant::now() + WAIT;
    while waiting(stage, "in").await? > 0 && Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let notices = stage.sink.wait_for(1, Duration::from_millis(300)).await;
    let seen = RefusedPost::seen(waiting(stage, "hold").await? - before, &notices, from);
    print_text(&format!("  {what}: {}\n", seen.map_or("CAME OUT or was LOST", RefusedPost::words)))?;
    Ok(seen == Some(fate))
}

/// How many messages wait at that place of the queue.
async fn waiting(stage: &DemoSite, place: &str) -> anyhow::Result<usize> {
    let all = stage.app.as_operator().messages().page(PageRange::ALL).await?;
    Ok(all.entries.iter().filter(|message| message.queue == place).count())
}

async fn list_key(stage: &DemoSite) -> anyhow::Result<Vec<u8>> {
    let key = stage.app.as_operator().lists().certificate(&LIST.parse()?).await?;
    Ok(key.context("it has a key")?.armored())
}

async fn post_by_lmtp(stage: &DemoSite, from: &str, message: &[u8]) -> anyhow::Result<()> {
    let mut connection = Connection::connect(&stage.lmtp).await?;
    let mut envelope = Some(Envelope {
        id: 0,
        sender: Some(from.to_owned()),
        recipients: vec![LIST.to_owned()],
        body: WireBody::from_message(message),
    });
    let mut results = Vec::new();
    connection.deliver(|| envelope.take(), |_, outcome| results = outcome).await?;
    connection.quit().await;
    ensure!(matches!(results[..], [RecipientResult::Sent(_)]), "LMTP did not take the message: {results:?}");
    Ok(())
}
