//! Records the outcome of a message in one transaction: the post and its fan-out cursor, or the hold with its
//! notices, and the entry in the replay record.

use std::sync::Arc;

use sealist_lists::budgets::may_tell_author;
use sealist_lists::chains::Verdict;
use sealist_lists::events::{Event, EventKind, HeldEntry, ServerCause};
use sealist_lists::model::{Action, AddressNo, MailingList};
use sealist_lists::replay::ReplayHistory;
use sealist_lists::routes::{Audience, Handling, Route};
use sealist_lists::rules::Reason;
use sealist_lists::texts::Text;
use sealist_mail::{Address, Timestamp};
use sealist_store::bodies::StoredBody;
use sealist_store::events::{Occasion, Trier};
use sealist_store::holds::{self, Hold};
use sealist_store::queue::{self, QueueEntry};
use sealist_store::replay::ReplayOutcome;
use sealist_store::sendings::{self, Carries, NewSending};
use sealist_store::traces::MessageFate;
use sealist_store::{Conn, StoreError, archive, bodies, bounce_proofs, pending, people, posts, put_aside};

use super::post::Post;
use crate::addresses::source_of;
use crate::changes::{Change, ChangeOutcome, Happened};
use crate::error::AppError;
use crate::notice_kinds;
use crate::notices::PreparedNotice;
use crate::opening::ReceivedMessage;
use crate::outcome::EntryOutcome;
use crate::signed_texts::SignedTexts;
use crate::site::App;
use crate::summaries::summary_to_keep;
use crate::upkeep::{above_limits, give_way};

/// A verdict and what follows from it.
pub(super) struct JudgedMessage<'a> {
    list: &'a MailingList,
    entry: &'a QueueEntry,
    pub(super) verdict: Verdict,
    /// The message as it came; `None` if nobody read it.
    pub(super) received: Option<&'a ReceivedMessage>,
    /// The notice to the author of a message that is rejected or was posted already, if the author may be
    /// told today.
    pub(super) told: Option<PreparedNotice>,
    /// The post, if the message is accepted.
    pub(super) post: Option<Post>,
    /// The signed texts, and what the verdict assumed about their history.
    pub(super) past: Option<(Arc<SignedTexts>, ReplayHistory, Address)>,
    /// The member who sent the message, as far as the list can know.
    pub(super) member: Option<AddressNo>,
    /// The author who is told that the message is held.
    pub(super) hears: Option<Address>,
    /// Whether that author is a member.
    pub(super) hears_as_member: bool,
}

impl<'a> JudgedMessage<'a> {
    /// A verdict without further consequences.
    pub(super) fn new(list: &'a MailingList, entry: &'a QueueEntry, verdict: Verdict) -> Self {
        Self {
            list,
            entry,
            verdict,
            received: None,
            told: None,
            post: None,
            past: None,
            member: None,
            hears: None,
            hears_as_member: false,
        }
    }
}

/// Everything that the transaction needs, by value.
struct Recording {
    list: MailingList,
    entry: QueueEntry,
    verdict: Verdict,
    reasons: Vec<Reason>,
    told: Option<PreparedNotice>,
    post: Option<Post>,
    past: Option<(Arc<SignedTexts>, ReplayHistory, Address)>,
    member: Option<AddressNo>,
    hears: Option<Hearer>,
    /// What is kept beside the message, if it is held.
    summary: Option<StoredBody>,
    /// The fact for the owners, if the message is held.
    held: PreparedNotice,
    source: u16,
    now: Timestamp,
}

/// An author who is told that the message is held.
struct Hearer {
    author: Address,
    is_member: bool,
    notice: PreparedNotice,
}

/// Records the outcome of a message. Errs with [`AppError::Overtaken`] if the replay record has changed since
/// the verdict.
pub(super) async fn record(
    app: &App,
    judged: JudgedMessage<'_>,
    now: Timestamp,
) -> Result<EntryOutcome, AppError> {
    let JudgedMessage { list, entry, verdict, received, told, post, past, member, hears, hears_as_member } =
        judged;
    let summary = match (verdict.action, received) {
        (Action::Hold | Action::Reject, Some(received)) => Some(summary_to_keep(app, list, received).await?),
        _ => None,
    };
    let mut reasons = verdict.reasons();
    if entry.approved {
        // Accepted reasons stay accepted if the message is held again for a new reason.
        reasons.extend(entry.reasons.iter().filter(|reason| !verdict.reasons().contains(reason)));
    }
    let hears = hears.map(|author| {
        let notice = notice_kinds::post_is_held(list, &author, entry);
        Hearer { author, is_member: hears_as_member, notice }
    });
    let recording = Recording {
        list: list.clone(),
        entry: entry.clone(),
        verdict,
        reasons: reasons.clone(),
        told: told.map(|notice| notice.caused_by(entry.no)),
        post,
        past,
        member,
        hears,
        summary,
        held: notice_kinds::held(list, entry),
        source: source_of(app, &entry.sender),
        now,
    };
    let action = app.make_by_itself(recording, ServerCause::Rules, now).await?;
    Ok(EntryOutcome { action, reasons })
}

impl Change for Recording {
    type Answer = Action;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<Action>, AppError> {
        if let Some((signed_texts, past, _)) = &self.past {
            signed_texts.still(&mut *db, past).await?;
        }
        let action = self.final_action(&mut *db).await?;
        let again = self.record_replay(&mut *db, action).await?;
        let verdict = match action {
            Action::Hold => Some(self.hold(db).await?),
            _ => {
                let refused = self.refusal(&mut *db, action).await?;
                self.finish(db, action).await?;
                refused
            }
        };
        Ok(ChangeOutcome::new(action, again.into_iter().chain(verdict)))
    }
}

impl Recording {
    /// A reject without a notice to the author becomes a hold. Another message that was judged at the same
    /// time may have used up the notice of the day.
    async fn final_action(&self, db: &mut Conn) -> Result<Action, AppError> {
        let is_told = match (&self.told, self.verdict.action) {
            (Some(notice), Action::Reject) => notice.store(db, self.now).await?,
            _ => false,
        };
        Ok(if is_told { self.verdict.action } else { self.verdict.action_if_untold() })
    }

    /// Records what became of the signed texts. Returns that they were posted already, if that is news.
    async fn record_replay(&self, db: &mut Conn, action: Action) -> Result<Option<Happened>, AppError> {
        let Some((signed_texts, _, author)) = &self.past else { return Ok(None) };
        match action {
            Action::Accept => signed_texts.record(db, ReplayOutcome::Accepted, self.now).await?,
            Action::Hold => signed_texts.record(db, ReplayOutcome::Waits, self.now).await?,
            Action::Discard if self.reasons.first() == Some(&Reason::PostedHere) => {
                // A second signature over the same text is used up, too.
                signed_texts.record(&mut *db, ReplayOutcome::Accepted, self.now).await?;
                let is_news = match &self.told {
                    Some(notice) if signed_texts.tell_once(&mut *db).await? => {
                        notice.store(&mut *db, self.now).await?;
                        true
                    }
                    Some(_) => false,
                    // The author is not told today, or never, so the owners see the message.
                    None => true,
                };
                let again = Event::about(self.entry.list, author, EventKind::PostedAlready {});
                return Ok(is_news.then_some(Happened::Attempt(Trier::Anybody, again)));
            }
            _ => {}
        }
        Ok(None)
    }

    /// Holds the message. The limits of held messages bound these events, until one message pushes out
    /// another.
    async fn hold(&self, db: &mut Conn) -> Result<Happened, AppError> {
        self.held.store(&mut *db, self.now).await?;
        let told = match &self.hears {
            Some(hearer) if self.tell(&mut *db, hearer).await? => Some(&hearer.author),
            _ => None,
        };
        let summary = self.summary.as_ref();
        let hold = Hold { reasons: &self.reasons, member: self.member, told, summary };
        holds::hold(&mut *db, &self.entry, hold, self.now).await?;
        let leaving = above_limits(&mut *db, &self.list).await?;
        let held = HeldEntry { entry: self.entry.no, reasons: self.reasons.clone() };
        let event = self.event(&mut *db, EventKind::HoldBegun(held)).await?;
        give_way(db, &self.list, &leaving, self.now).await?;
        Ok(match self.member {
            _ if !leaving.is_empty() => Happened::Attempt(self.trier(), event),
            Some(_) => Happened::Change(event),
            None => Happened::Unproven(event),
        })
    }

    /// That the rules refused the message. A message that waits or was posted already is no news.
    async fn refusal(&self, db: &mut Conn, action: Action) -> Result<Option<Happened>, StoreError> {
        let reasons = self.reasons.clone();
        let kind = match (action, reasons.first()) {
            (_, Some(Reason::PostedHere | Reason::StillWaits)) => return Ok(None),
            (Action::Reject, _) => EventKind::MessageRejected { reasons },
            (Action::Discard, _) => EventKind::MessageDiscarded { reasons },
            (Action::Accept | Action::Hold | Action::Defer, _) => return Ok(None),
        };
        Ok(Some(Happened::Attempt(self.trier(), self.event(db, kind).await?)))
    }

    /// An event about the member who sent the message, as far as the list can know. Nobody proved another
    /// address, so that an event about the message of a stranger names nobody.
    async fn event(&self, db: &mut Conn, kind: EventKind) -> Result<Event, StoreError> {
        let subject = match self.member {
            Some(member) => people::address_of(db, member).await?,
            None => None,
        };
        Ok(Event { list: Some(self.entry.list), subject, kind })
    }

    /// A signature shows who sent a member's message. On a plain list anybody can send mail in the name of a
    /// member.
    fn trier(&self) -> Trier {
        match self.member {
            Some(_) if self.list.settings.has_openpgp() => Trier::Proven,
            _ => Trier::Anybody,
        }
    }

    /// Tells the author that the message is held. Only a limited number of strangers is told per list, day
    /// and source of mail.
    async fn tell(&self, db: &mut Conn, hearer: &Hearer) -> Result<bool, StoreError> {
        let kind = Text::Waits.name();
        if !hearer.is_member {
            let hearers = pending::hearers(&mut *db, self.list.no, kind, self.source).await?;
            if !may_tell_author(hearers.of_all, hearers.of_source) {
                return Ok(false);
            }
        }
        let is_told = hearer.notice.store(&mut *db, self.now).await?;
        if is_told && !hearer.is_member {
            pending::count_hearer(db, self.list.no, &hearer.author, kind, self.source).await?;
        }
        Ok(is_told)
    }

    /// What an admin reads later about a message that does not wait.
    fn fate(&self, action: Action) -> MessageFate {
        match action {
            Action::Accept if self.entry.approved => MessageFate::AcceptedByModerator,
            Action::Accept => MessageFate::Accepted,
            Action::Reject => MessageFate::Rejected,
            Action::Discard | Action::Hold | Action::Defer => MessageFate::Discarded,
        }
    }

    /// Ends the entry and stores the post, if there is one.
    async fn finish(&self, db: &mut Conn, action: Action) -> Result<(), AppError> {
        // The entry is deleted first: deleted data is overwritten, and the post can reuse its pages before
        // they are written.
        queue::finish(&mut *db, &self.entry, self.fate(action), &self.reasons, self.now).await?;
        if let Some(post) = &self.post {
            let body = bodies::insert(&mut *db, &post.body).await?;
            let carries = match Route::of(self.entry.sub_address).handling {
                Handling::Post(Audience::Owners) => Carries::OwnerMail,
                _ => {
                    let no = posts::insert(&mut *db, self.entry.list, body, self.now).await?;
                    if let Some(kept) = &post.archive {
                        archive::add(&mut *db, self.entry.list, no, kept).await?;
                    }
                    Carries::Post(no)
                }
            };
            let row = NewSending {
                list: self.entry.list,
                carries,
                channel: post.channel,
                body,
                envelope_from: &post.envelope_from,
                recipients: &post.recipients,
                entry: Some(self.entry.no),
            };
            sendings::insert(&mut *db, &row, self.now).await?;
            if let Some(mark) = post.sent_mark {
                bounce_proofs::note_sent(&mut *db, self.entry.list, &mark, self.now).await?;
            }
        }
        if action == Action::Discard
            && let Some(reason) = self.reasons.first()
        {
            put_aside::count(db, self.entry.list, *reason, self.now).await?;
        }
        Ok(())
    }
}
