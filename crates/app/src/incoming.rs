//! A message from the queue: gate, open, judge, and record what becomes of it.

use sealist_lists::chains::{self, Verdict};
use sealist_lists::draft::{Author, Draft, Recipients};
use sealist_lists::facts::{self, Addressed, Encryption, Facts, Replay, Signature};
use sealist_lists::model::{Action, Door, MailingList, Member, Role};
use sealist_lists::payload::{self, Payload};
use sealist_lists::pipelines;
use sealist_lists::rules::{Finding, GATE, Reason};
use sealist_mail::{Address, Entity, Headers, Mailbox, Timestamp, origin, sole_author};
use sealist_openpgp as openpgp;
use sealist_openpgp::{Certificate, Cleartext, KeepSignature, Opened, SignWith, SignatureVerdict};
use sealist_store::bodies::{self, Body};
use sealist_store::queue::{self, Entry, Place};
use sealist_store::{StoreError, keys, lists, people, posts};

use crate::{App, AppError};

/// What became of an entry, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Accept, hold or discard.
    pub action: Action,
    /// The reasons, the deciding one first.
    pub reasons: Vec<Reason>,
}

/// What the database knows of an author.
struct Known {
    roles: Vec<Member>,
    addressees: Vec<Member>,
    certificates: Vec<Certificate>,
    banned: bool,
}

/// Judges one entry and records the outcome in one transaction. An error leaves the entry as it is.
pub async fn process(app: &App, entry: Entry, now: Timestamp) -> Result<Outcome, AppError> {
    let (list, body) = {
        let mut db = app.store.reader().await?;
        let list = lists::by_no(&mut db, entry.list)
            .await?
            .ok_or_else(|| AppError::NoSuchList(entry.list.to_string()))?;
        (list, bodies::load(&mut db, entry.body).await?)
    };
    let message = reveal(app, &list, body)?;
    let (outer, _) = Headers::parse(&message);
    let sender = envelope_sender(&outer);
    let author = sole_author(&outer);
    let origin = origin::classify(sender.as_ref(), &outer, &list.name.posting(), &list.name.list_id());

    let arrival = facts::Arrival { door: entry.door, origin, author };
    let stopped = GATE.iter().find_map(|rule| (rule.check)(&arrival)).or_else(|| by_door(entry.door));
    let approved: &[Reason] = if entry.approved { &entry.reasons } else { &[] };
    let stopped = stopped.filter(|finding| !approved.contains(&finding.reason));
    let Some(mailbox) = arrival.author.ok().filter(|_| stopped.is_none()) else {
        let nobody = Finding { reason: Reason::NoSoleAuthor, action: Action::Hold };
        return record(app, &entry, Verdict::of(stopped.unwrap_or(nobody)), None, now).await;
    };

    let known = look_up(app, &list, &mailbox, sender.as_ref(), &outer).await?;
    let opened = open(app, &list, &message, &known.certificates, now).await?;
    let replay = replay(app, &entry, opened.as_ref(), now).await?;
    let facts = gather(&list, &entry, &known, opened.as_ref(), replay, message.len());
    let chain = chains::named(chain_name(&list, entry.door)).ok_or(StoreError::Damaged { table: "lists" })?;
    let verdict = chain.judge(&facts, approved);
    if verdict.action != Action::Accept {
        return record(app, &entry, verdict, None, now).await;
    }
    let post = make_post(app, &list, &entry, &facts, &known, &mailbox, &message, opened.as_ref(), now)?;
    record(app, &entry, verdict, Some(post), now).await
}

fn reveal(app: &App, list: &MailingList, body: Body) -> Result<Cleartext, AppError> {
    match body {
        Body::Plain { payload, .. } => Ok(Cleartext::new(payload)),
        Body::Sealed(sealed) => Ok(keys_of(app, list)?.storage.open(&sealed)?),
    }
}

fn keys_of(app: &App, list: &MailingList) -> Result<std::sync::Arc<crate::ListKeys>, AppError> {
    app.vault.keys(&list.name).ok_or_else(|| AppError::NoKeys { list: list.name.to_string() })
}

/// What LMTP told of the sender stands first, put there by the intake.
fn envelope_sender(outer: &Headers) -> Option<Address> {
    let path = outer.fields().next().filter(|field| field.is("return-path"))?.decoded();
    path.trim_start_matches('<').trim_end_matches('>').parse().ok()
}

fn by_door(door: Door) -> Option<Finding> {
    match door {
        Door::Posting | Door::Owner => None,
        Door::Bounces => Finding::new(Reason::Bounce, Action::Discard),
        Door::Request | Door::Join | Door::Leave | Door::Confirm | Door::Sendkey => {
            Finding::new(Reason::Command, Action::Hold)
        }
    }
}

fn chain_name(list: &MailingList, door: Door) -> &str {
    if door == Door::Owner { "owner-chain" } else { &list.settings.posting_chain }
}

async fn look_up(
    app: &App,
    list: &MailingList,
    author: &Mailbox,
    sender: Option<&Address>,
    outer: &Headers,
) -> Result<Known, AppError> {
    let mut db = app.store.reader().await?;
    let roles = people::roles_of(&mut db, list.no, &author.address).await?;
    let mut certificates = Vec::new();
    if let Some(member) = roles.first()
        && let Some(row) = keys::certificate_of(&mut db, member.address_no).await?
        && row.confirmed_at.is_some()
    {
        certificates.push(Certificate::read_one(&row.certificate)?);
    }
    let mut banned = people::is_banned(&mut db, list.no, &author.address).await?;
    if let Some(sender) = sender {
        banned |= people::is_banned(&mut db, list.no, sender).await?;
    }
    let mut addressees = Vec::new();
    for mailbox in outer.mailboxes("to").into_iter().chain(outer.mailboxes("cc")).take(50) {
        let found = people::roles_of(&mut db, list.no, &mailbox.address).await?;
        addressees.extend(found.into_iter().filter(|member| member.role == Role::Member));
    }
    Ok(Known { roles, addressees, certificates, banned })
}

/// Decrypts and verifies in the pool for such work; plain lists open nothing.
async fn open(
    app: &App,
    list: &MailingList,
    message: &Cleartext,
    certificates: &[Certificate],
    now: Timestamp,
) -> Result<Option<Opened>, AppError> {
    if list.settings.pgp.is_none() {
        return Ok(None);
    }
    let keys = keys_of(app, list)?;
    let (message, certificates) = (message.clone(), certificates.to_vec());
    let opened = tokio::task::spawn_blocking(move || {
        openpgp::open(&message, &[&keys.posting], &certificates, now, openpgp::Limits::default())
    });
    opened.await.map(Some).map_err(|_| AppError::Interrupted)
}

/// Enters every valid signature into the replay record, whatever the verdict will be.
async fn replay(
    app: &App,
    entry: &Entry,
    opened: Option<&Opened>,
    now: Timestamp,
) -> Result<Replay, AppError> {
    let mut worst = Replay::Fresh;
    for valid in opened.into_iter().flat_map(Opened::verified) {
        let digest = app.vault.mac().replay_key(valid.certificate(), valid.digest());
        let at = entry.clone();
        let seen = app
            .store
            .write(move |db| Box::pin(async move { queue::record_digest(db, &digest, &at, now).await }))
            .await?;
        worst = match seen {
            None => worst,
            Some(seen) if seen.arrival == entry.arrival => Replay::SameArrival,
            Some(seen) if seen.list == entry.list && seen.door == entry.door.name() => {
                return Ok(Replay::SeenHere);
            }
            Some(_) => Replay::SeenElsewhere,
        };
    }
    Ok(worst)
}

fn gather(
    list: &MailingList,
    entry: &Entry,
    known: &Known,
    opened: Option<&Opened>,
    replay: Replay,
    octets: usize,
) -> Facts {
    // Owners and moderators may do what members may.
    let strongest = [Role::Owner, Role::Moderator, Role::Member, Role::Nonmember];
    let author = strongest.iter().find_map(|role| known.roles.iter().find(|member| member.role == *role));
    Facts {
        settings: list.settings.clone(),
        banned: known.banned,
        author_role: author.map(|member| member.role),
        moderation_action: author.and_then(|member| member.moderation_action),
        octets: octets as u64,
        encryption: opened.map_or(Encryption::None, |opened| match opened.encryption() {
            openpgp::Encryption::None => Encryption::None,
            openpgp::Encryption::Whole => Encryption::Whole,
            openpgp::Encryption::Inline => Encryption::Inline,
            openpgp::Encryption::Ambiguous => Encryption::Ambiguous,
            openpgp::Encryption::Unreadable(_) => Encryption::Unreadable,
        }),
        signature: opened.map_or(Signature::None, signature),
        replay,
        addressed: opened.map_or(Addressed::NotSaid, |opened| addressed(opened, list, entry.door)),
    }
}

/// All signatures must be good for a message to be signed; else the first that is not decides.
fn signature(opened: &Opened) -> Signature {
    if opened.is_inline_signed() {
        return Signature::Inline;
    }
    let bad = opened.signatures().iter().find(|verdict| !matches!(verdict, SignatureVerdict::Good(_)));
    match (bad, opened.valid_signature()) {
        (None, Some(_)) => Signature::Good,
        (None, None) => Signature::None,
        (Some(SignatureVerdict::UnknownKey), _) => Signature::UnknownSigner,
        (Some(SignatureVerdict::Expired), _) => Signature::Expired,
        (Some(SignatureVerdict::Revoked), _) => Signature::Revoked,
        (Some(SignatureVerdict::WrongDate(_)), _) => Signature::WrongDate,
        (Some(_), _) => Signature::Invalid,
    }
}

fn addressed(opened: &Opened, list: &MailingList, door: Door) -> Addressed {
    let Some(headers) = opened.protected_headers().filter(|_| opened.valid_signature().is_some()) else {
        return Addressed::NotSaid;
    };
    let named: Vec<Mailbox> = headers.mailboxes("to").into_iter().chain(headers.mailboxes("cc")).collect();
    match named.iter().any(|mailbox| mailbox.address == list.name.address(door)) {
        true => Addressed::Here,
        false if named.is_empty() => Addressed::NotSaid,
        false => Addressed::Elsewhere,
    }
}

/// A finished post, ready to be stored.
struct Post {
    body: Body,
    envelope_from: String,
    recipients: Recipients,
    archived: bool,
}

#[expect(clippy::too_many_arguments, reason = "all that is known of a message meets here")]
fn make_post(
    app: &App,
    list: &MailingList,
    entry: &Entry,
    facts: &Facts,
    known: &Known,
    mailbox: &Mailbox,
    message: &Cleartext,
    opened: Option<&Opened>,
    now: Timestamp,
) -> Result<Post, AppError> {
    let entity = Entity::parse(message);
    let protected = opened.and_then(Opened::protected_headers);
    let strip = list.settings.pgp.as_ref().is_some_and(|pgp| pgp.strip_original_sig);
    let content = match opened {
        Some(opened) => {
            let keep = if strip { KeepSignature::Strip } else { KeepSignature::Keep };
            opened.content(keep, openpgp::random()).to_vec()
        }
        None => {
            let mut content = Vec::with_capacity(message.len());
            entity.content_headers().write_to(&mut content);
            content.extend_from_slice(b"\r\n");
            content.extend_from_slice(entity.body);
            content
        }
    };
    let author = known.roles.iter().find(|member| Some(member.role) == facts.author_role);
    let mut draft = Draft {
        list,
        facts,
        now,
        author: Author { mailbox, member: author },
        addressees: &known.addressees,
        original: protected.as_ref().unwrap_or(&entity.headers),
        message_id: openpgp::random::<16>().iter().map(|b| format!("{b:02x}")).collect(),
        headers: Headers::default(),
        author_block: None,
        content,
        footer: None,
        recipients: Recipients { roles: Vec::new(), except: Vec::new() },
        archived: false,
    };
    let pipeline = if entry.door == Door::Owner { "owner-pipeline" } else { &list.settings.posting_pipeline };
    pipelines::named(pipeline).ok_or(StoreError::Damaged { table: "lists" })?.run(&mut draft);
    let (recipients, archived) = (draft.recipients.clone(), draft.archived);
    let Payload { outer, entity } = payload::build(draft, openpgp::random());
    let body = match &list.settings.pgp {
        Some(pgp) if list.settings.encrypting() => {
            let keys = keys_of(app, list)?;
            let sign = if pgp.sign_outgoing { SignWith::Key(&keys.posting, now) } else { SignWith::Nobody };
            Body::Sealed(openpgp::seal(&entity, &outer, sign, &keys.storage.certificate())?)
        }
        _ => Body::Plain { outer, payload: entity },
    };
    Ok(Post { body, envelope_from: list.name.address(Door::Bounces).to_string(), recipients, archived })
}

/// One transaction: the post and its fan-out cursor, or the hold, or nothing left.
async fn record(
    app: &App,
    entry: &Entry,
    verdict: Verdict,
    post: Option<Post>,
    now: Timestamp,
) -> Result<Outcome, AppError> {
    // A reject needs somebody proven to be told; until notices go out it waits where the owner sees it.
    let action = if verdict.action == Action::Reject { Action::Hold } else { verdict.action };
    let outcome = Outcome { action, reasons: verdict.reasons() };
    let (entry, reasons) = (entry.clone(), outcome.reasons.clone());
    app.store
        .write(move |db| {
            Box::pin(async move {
                if action == Action::Hold {
                    return queue::set_aside(db, entry.no, Place::Hold, &reasons).await;
                }
                if let Some(post) = post {
                    let body = bodies::insert(&mut *db, &post.body).await?;
                    let row = posts::NewPost {
                        list: entry.list,
                        body,
                        envelope_from: &post.envelope_from,
                        recipients: &post.recipients,
                        archived: post.archived,
                    };
                    posts::insert(&mut *db, &row, now).await?;
                }
                queue::finish(db, &entry).await
            })
        })
        .await?;
    Ok(outcome)
}
