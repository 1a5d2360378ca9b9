//! A message from the queue: gate, open, judge, and record what becomes of it.

mod gather;
mod outside;
mod post;

use std::sync::Arc;

use sealist_lists::budgets::may_tell_author;
use sealist_lists::chains::{self, Verdict};
use sealist_lists::events::{Actor, Event, EventKind, HeldEntry, ServerCause};
use sealist_lists::facts::{self, EncryptionFact, MessageFacts, Signature};
use sealist_lists::model::{Action, AddressNo, MailingList, Role, SubAddress};
use sealist_lists::replay::ReplayHistory;
use sealist_lists::routes::{Audience, Handling, Route};
use sealist_lists::rules::{GATE, Reason, RuleHit};
use sealist_lists::texts::Text;
use sealist_mail::{Address, Answerable, Mailbox, Timestamp, sole_author};
use sealist_store::bodies;
use sealist_store::events::{self, Occasion, Trier};
use sealist_store::holds::{self, Hold};
use sealist_store::queue::{self, QueueEntry};
use sealist_store::replay::ReplayOutcome as Fate;
use sealist_store::sendings::{self, Carries, NewSending};
use sealist_store::{Conn, StoreError, archive, bounce_proofs, lists, pending, people, posts, put_aside};

use crate::addresses::source_of;
use crate::bounces::{self, BounceHandling};
use crate::commands;
use crate::effects::sender_of;
use crate::error::AppError;
use crate::known_author::{KnownAuthor, look_up};
use crate::notice_kinds;
use crate::notices::PreparedNotice;
use crate::opening::{FORMS, open, open_stored};
use crate::outcome::EntryOutcome;
use crate::requests::ListContext;
use crate::signed_texts::SignedTexts;
use crate::site::App;
use crate::succession::published;
use crate::upkeep::make_room;
use gather::gather;
use outside::MessageOutside;
use post::{Post, make_post};

/// So long mail waits for notices to strangers to go out again.
const LONGEST_WAIT_MS: i64 = 5 * 24 * 3_600_000;
/// This often a message is judged anew because another one with the same signed text was recorded meanwhile.
const TRIES: usize = 20;

/// Judges one entry and records the outcome in one transaction. An error leaves the entry as it is. What asks for a notice to
/// a stranger when these are used up waits for the next hour: its outcome is [`Action::Defer`]. What waited for days is held.
pub async fn process(app: &App, entry: QueueEntry, now: Timestamp) -> Result<EntryOutcome, AppError> {
    match Box::pin(judge(app, entry.clone(), now)).await {
        Err(AppError::NextHour(_)) if now.0 - entry.received_at.0 > LONGEST_WAIT_MS => {
            let list = list_of(app, &entry).await?;
            let held = Verdict::of(RuleHit { reason: Reason::Command, action: Action::Hold });
            record(app, JudgedMessage::new(&list, &entry, held), now).await
        }
        Err(AppError::NextHour(begins_at)) => {
            let waits = app
                .store
                .write(move |db| Box::pin(async move { queue::give_back(db, &entry, begins_at).await }));
            waits.await.map_err(|error: StoreError| error)?;
            Ok(EntryOutcome { action: Action::Defer, reasons: Vec::new() })
        }
        judged => judged,
    }
}

async fn judge(app: &App, entry: QueueEntry, now: Timestamp) -> Result<EntryOutcome, AppError> {
    let octets = bodies::octets(&mut *app.store.reader().await?, entry.body).await?;
    let _room = app.judging.wait(octets, FORMS).await?;
    let list = list_of(app, &entry).await?;
    let message = Arc::new(open_stored(app, &list, &entry).await?);
    fail_point_on_marker(&message);
    let outside = MessageOutside::of(app, &list, &message).await?;
    let MessageOutside { headers: outer, sender, origin, answerable } = &outside;
    let sender = sender.address();
    let author = sole_author(outer);

    let mut entry = entry;
    if let Some(token) = message.confirm_token().filter(|_| entry.detail.is_empty()) {
        entry.detail = token.trim().to_owned();
    }
    if entry.sub_address == SubAddress::Bounces {
        match bounces::take(app, &list, &entry, sender, &message, now).await? {
            BounceHandling::Done => {
                return Ok(EntryOutcome { action: Action::Discard, reasons: vec![Reason::Bounce] });
            }
            BounceHandling::Person => entry.sub_address = SubAddress::Owner,
        }
    }
    let arrival = facts::OuterFacts {
        sub_address: entry.sub_address,
        origin: *origin,
        answerable: *answerable,
        author,
    };
    let stopped = GATE
        .iter()
        .find_map(|rule| (rule.check)(&arrival))
        .or_else(|| Route::of(entry.sub_address).refuses(&list.settings, octets));
    let approved: &[Reason] = if entry.approved { &entry.reasons } else { &[] };
    let stopped = stopped.filter(|finding| !approved.contains(&finding.reason));
    let judged = |verdict| JudgedMessage::new(&list, &entry, verdict);
    let Some(mailbox) = arrival.author.ok().filter(|_| stopped.is_none()) else {
        let nobody = RuleHit { reason: Reason::NoSoleAuthor, action: Action::Hold };
        return record(app, judged(Verdict::of(stopped.unwrap_or(nobody))), now).await;
    };
    let audience = match Route::of(entry.sub_address).handling {
        Handling::SendKey => return answer_sendkey(app, &list, &entry, sender, now).await,
        Handling::Commands => {
            return commands::take(ListContext { app, list: &list, now }, &entry, &message, &mailbox).await;
        }
        Handling::Post(audience) => audience,
        Handling::Bounces { .. } => Audience::Owners,
    };
    let known = look_up(app, &list, &mailbox, sender).await?;
    let opened = open(app, &list, &message, known.key.signers(), now).await?;
    let brought = Arc::new(SignedTexts::by(app, &list, &entry, opened.as_ref()));
    let chain =
        chains::named(audience.chain(&list.settings)).ok_or(StoreError::Damaged { table: "lists" })?;
    let may_be_told = |facts: &MessageFacts| facts.author_role.is_some() && *answerable == Answerable::Yes;
    for _ in 0..TRIES {
        let past = brought.past(app).await?;
        let facts = gather(app, &list, &entry, &known, opened.as_ref(), &past, &mailbox, message.len());
        let mut judged = judged(chain.judge(&facts, approved));
        judged.whose = whose(&list, &entry, &facts, &known, &mailbox, sender, &judged.verdict);
        judged.whose.told.take_if(|_| *answerable != Answerable::Yes);
        let reason = judged.verdict.findings.first().map(|finding| finding.reason);
        match judged.verdict.action {
            Action::Accept => {
                let opened = opened.as_ref();
                let post = make_post(app, &list, &entry, &facts, &known, &mailbox, &message, opened, now);
                judged.post = Some(post.await?);
            }
            Action::Reject if may_be_told(&facts) => {
                judged.told = notice_kinds::not_posted(app, &list, &mailbox.address, now).await?;
            }
            Action::Discard if reason == Some(Reason::PostedHere) && may_be_told(&facts) => {
                judged.told = notice_kinds::posted_already(app, &list, &mailbox.address, now).await?;
            }
            _ => {}
        }
        judged.past = Some((brought.clone(), past, mailbox.address.clone()));
        match record(app, judged, now).await {
            Err(AppError::Overtaken) => {}
            other => return other,
        }
    }
    Err(AppError::Overtaken)
}

async fn list_of(app: &App, entry: &QueueEntry) -> Result<MailingList, AppError> {
    let list = lists::by_no(&mut *app.store.reader().await?, entry.list).await?;
    list.ok_or_else(|| AppError::NoSuchList(entry.list.to_string()))
}

/// In test builds: breaks the runner at a message with the text that the fail-point is given.
fn fail_point_on_marker(message: &[u8]) {
    fail::fail_point!("judging", |text| {
        let text = text.unwrap_or_default();
        assert!(!message.windows(text.len().max(1)).any(|window| window == text.as_bytes()), "poison");
    });
    let _ = message;
}

/// The list's certificate goes to the envelope sender, once a day ([RFC 3834, section 4]).
async fn answer_sendkey(
    app: &App,
    list: &MailingList,
    entry: &QueueEntry,
    sender: Option<&Address>,
    now: Timestamp,
) -> Result<EntryOutcome, AppError> {
    let mut answer = None;
    let published = published(app, list).await?;
    if let Some(sender) = sender
        && !people::is_banned(&mut *app.store.reader().await?, list.no, sender).await?
    {
        let from = (sender, Some(source_of(app, &entry.sender)));
        answer = notice_kinds::sendkey(app, list, from, &published, now).await?;
    }
    let entry = entry.clone();
    app.store
        .write(move |db| {
            Box::pin(async move {
                if let Some(answer) = answer {
                    answer.store_or_wait(&mut *db, now).await?;
                }
                Ok::<_, AppError>(queue::finish(db, &entry).await?)
            })
        })
        .await?;
    Ok(EntryOutcome { action: Action::Accept, reasons: Vec::new() })
}

/// A verdict and what follows from it.
struct JudgedMessage<'a> {
    list: &'a MailingList,
    entry: &'a QueueEntry,
    verdict: Verdict,
    /// The notice to the author of a message that is rejected or was posted already, if the author may be told today.
    told: Option<PreparedNotice>,
    /// The post, if it is accepted.
    post: Option<Post>,
    /// The signed texts, what the verdict took the record to say of them, and whose they are.
    past: Option<(Arc<SignedTexts>, ReplayHistory, Address)>,
    /// Whose it is, if it is held.
    whose: HoldOwner,
}

/// Whose message waits.
#[derive(Default)]
struct HoldOwner {
    /// A member's, as far as the list can know.
    member: Option<AddressNo>,
    /// The author who hears that it waits.
    told: Option<Address>,
    /// Whether that author is a member.
    tells_member: bool,
}

/// The event of a message that the rules held or refused. A post is its own record.
async fn judged_event(
    db: &mut Conn,
    entry: &QueueEntry,
    (action, reasons): (Action, &[Reason]),
    trier: Trier,
    occasion: &Occasion,
) -> Result<(), StoreError> {
    let reasons = reasons.to_vec();
    let kind = match action {
        Action::Hold => EventKind::HoldBegun(HeldEntry { entry: entry.no, reasons }),
        Action::Reject => EventKind::MessageRejected { reasons },
        Action::Discard => EventKind::MessageDiscarded { reasons },
        Action::Accept | Action::Defer => return Ok(()),
    };
    let event = Event { list: Some(entry.list), subject: sender_of(entry), kind };
    match trier {
        Trier::Proven => events::record(db, occasion, &event).await,
        Trier::Anybody => events::attempt(db, occasion, trier, &event).await,
    }
}

/// Whether one more stranger may hear today from a list that a message waits, because of mail of that source.
async fn may_hear(db: &mut Conn, list: &MailingList, source: u16) -> Result<bool, StoreError> {
    let hearers = pending::hearers(db, list.no, Text::Waits.name(), source).await?;
    Ok(may_tell_author(hearers.of_all, hearers.of_source))
}

/// On a list with OpenPGP a signature shows whose a message is. There an author hears only what everybody on the way of the
/// message sees: nothing of it was decrypted. Elsewhere the From field has to do for hearing of it; a place among what members
/// wrote it has where the envelope names its author too, so that mail of others in a member's name pushes none of these out.
#[expect(clippy::too_many_arguments, reason = "all that is known of a message meets here")]
fn whose(
    list: &MailingList,
    entry: &QueueEntry,
    facts: &MessageFacts,
    known: &KnownAuthor,
    author: &Mailbox,
    sender: Option<&Address>,
    verdict: &Verdict,
) -> HoldOwner {
    let has_openpgp = list.settings.pgp.is_some();
    let is_member = facts.author_role.is_some_and(|role| role != Role::Nonmember);
    let is_shown = match has_openpgp {
        true => facts.signature == Signature::Good,
        false => sender == Some(&author.address),
    };
    let member = known.roles.first().filter(|_| is_member && is_shown).map(|member| member.address_no);
    let reasons = verdict.reasons();
    let is_public = match has_openpgp {
        true => facts.encryption == EncryptionFact::None && reasons.iter().any(|reason| reason.is_public()),
        // A stranger hears of it only where the envelope names the same address: no mail to people who wrote nothing.
        false => is_member || sender == Some(&author.address),
    };
    let may_hear = list.settings.respond_to_post_requests
        && entry.sub_address == SubAddress::Posting
        && !entry.author_told
        && is_public
        && (is_member || !has_openpgp)
        && !facts.banned;
    HoldOwner { member, told: may_hear.then(|| author.address.clone()), tells_member: is_member }
}

impl<'a> JudgedMessage<'a> {
    fn new(list: &'a MailingList, entry: &'a QueueEntry, verdict: Verdict) -> Self {
        Self { list, entry, verdict, told: None, post: None, past: None, whose: HoldOwner::default() }
    }
}

/// One transaction: the post and its fan-out cursor, or the hold with its notices, or nothing left; and what the replay
/// record keeps of it. Errs with [`AppError::Overtaken`] if the record has changed since the verdict.
async fn record(app: &App, judged: JudgedMessage<'_>, now: Timestamp) -> Result<EntryOutcome, AppError> {
    let JudgedMessage { list, entry, verdict, told, post, past, whose } = judged;
    let mut reasons = verdict.reasons();
    if entry.approved {
        // What a moderator accepted stays accepted when a new reason is shown.
        reasons.extend(entry.reasons.iter().filter(|reason| !verdict.reasons().contains(reason)));
    }
    // What nobody is told of waits where the owner sees it.
    let action = match verdict.action {
        Action::Reject if told.is_none() => Action::Hold,
        action => action,
    };
    let held = notice_kinds::held(list, entry);
    let waits = whose.told.as_ref().map(|author| notice_kinds::waits(list, author, entry));
    let source = source_of(app, &entry.sender);
    let (entry, why, list) = (entry.clone(), reasons.clone(), list.clone());
    let occasion = Occasion { actor: Actor::Server(ServerCause::Rules), now };
    // Anybody can send mail that is refused, and anybody can send mail to a plain list in the name of a member.
    let trier = match whose.member {
        Some(_) if list.settings.pgp.is_some() => Trier::Proven,
        _ => Trier::Anybody,
    };
    let action = app
        .store
        .write(move |db| {
            Box::pin(async move {
                if let Some((brought, past, _)) = &past {
                    brought.still(&mut *db, past).await?;
                }
                let mut action = action;
                if action == Action::Reject
                    && let Some(notice) = &told
                    && !notice.store(&mut *db, now).await?
                {
                    // One that was judged at the same moment has got the notice of the day.
                    action = Action::Hold;
                }
                if let Some((brought, _, author)) = &past {
                    match action {
                        Action::Accept => brought.record(&mut *db, Fate::Accepted, now).await?,
                        Action::Hold => brought.record(&mut *db, Fate::Waits, now).await?,
                        Action::Discard if why.first() == Some(&Reason::PostedHere) => {
                            // A second signature over the same text is spent with it.
                            brought.record(&mut *db, Fate::Accepted, now).await?;
                            let is_news = match &told {
                                Some(notice) if brought.tell_once(&mut *db).await? => {
                                    notice.store(&mut *db, now).await?;
                                    true
                                }
                                Some(_) => false,
                                // Not today, or never: those in charge see it.
                                None => true,
                            };
                            if is_news {
                                let again = Event::about(entry.list, author, EventKind::PostedAlready {});
                                events::attempt(&mut *db, &occasion, Trier::Anybody, &again).await?;
                            }
                        }
                        _ => {}
                    }
                }
                if action == Action::Hold {
                    held.store(&mut *db, now).await?;
                    let mut told = None;
                    if let (Some(waits), Some(author)) = (&waits, &whose.told)
                        && (whose.tells_member || may_hear(&mut *db, &list, source).await?)
                        && waits.store(&mut *db, now).await?
                    {
                        told = Some(author);
                        if !whose.tells_member {
                            let heap = (author, Text::Waits.name());
                            pending::count_hearer(&mut *db, list.no, heap, source).await?;
                        }
                    }
                    let hold = Hold { reasons: &why, member: whose.member, told };
                    holds::hold(&mut *db, &entry, hold, now).await?;
                    judged_event(&mut *db, &entry, (action, &why), trier, &occasion).await?;
                    make_room(db, &list, now).await?;
                    return Ok::<_, AppError>(action);
                }
                if action != Action::Accept && why.first() != Some(&Reason::PostedHere) {
                    judged_event(&mut *db, &entry, (action, &why), trier, &occasion).await?;
                }
                // First: what is deleted is overwritten, and the post takes its pages before they are written.
                queue::finish(&mut *db, &entry).await?;
                if let Some(post) = post {
                    let body = bodies::insert(&mut *db, &post.body).await?;
                    let carries = match entry.sub_address {
                        SubAddress::Owner => Carries::OwnerMail,
                        _ => {
                            let no = posts::insert(&mut *db, entry.list, body, now).await?;
                            if let Some(kept) = &post.archive {
                                archive::add(&mut *db, entry.list, no, kept).await?;
                            }
                            Carries::Post(no)
                        }
                    };
                    let row = NewSending {
                        list: entry.list,
                        carries,
                        channel: post.channel,
                        body,
                        envelope_from: &post.envelope_from,
                        recipients: &post.recipients,
                    };
                    sendings::insert(&mut *db, &row, now).await?;
                    if let Some(mark) = post.sent_mark {
                        bounce_proofs::note_sent(&mut *db, entry.list, &mark, now).await?;
                    }
                }
                if action == Action::Discard
                    && let Some(reason) = why.first()
                {
                    put_aside::count(db, entry.list, *reason, now).await?;
                }
                Ok(action)
            })
        })
        .await?;
    Ok(EntryOutcome { action, reasons })
}
