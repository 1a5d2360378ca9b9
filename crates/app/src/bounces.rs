//! Handles bounces: refusals by the next hop, and delivery reports.

use std::collections::BTreeMap;

use sealist_lists::events::{Actor, Event, EventKind, ServerCause};
use sealist_lists::model::{DeliveryNo, EntryNo, ListNo, MailingList, MemberNo, SubAddress};
use sealist_lists::rules::Reason;
use sealist_mail::dsn::{self, DeliveryReport};
use sealist_mail::{Address, DAY_MS, HopRefusal, Timestamp};
use sealist_store::bounce_proofs;
use sealist_store::bounce_scores::{self, BounceEffect, BouncePolicy, Returned};
use sealist_store::deliveries::{self, Kind};
use sealist_store::events::Occasion;
use sealist_store::notices::Probe;
use sealist_store::queue::{self, QueueEntry};
use sealist_store::traces::MessageFate;
use sealist_store::transaction;
use sealist_store::{Conn, StoreError, put_aside};

use crate::changes::{Change, ChangeOutcome, Happened, Unrecorded, make};
use crate::error::AppError;
use crate::notices::PreparedNotice;
use crate::site::App;
use crate::{bounce_address, notice_kinds};

/// What a message at `-bounces` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BounceHandling {
    /// It is automatic, and was counted against a member or as put aside.
    Done,
    /// A person wrote it, so it is for the owners.
    Person,
}

/// Handles a message at `-bounces`. It counts if its address was made here and it reports a failed recipient.
pub(crate) async fn handle_bounce(
    app: &App,
    list: &MailingList,
    entry: &QueueEntry,
    sender: Option<&Address>,
    message: &[u8],
    now: Timestamp,
) -> Result<BounceHandling, AppError> {
    let reading = dsn::read(sender, message);
    if !reading.automatic {
        return Ok(BounceHandling::Person);
    }
    let returned = bounce_address::read(app.vault.mac(), &entry.detail, now);
    let returned = returned.filter(|returned| returned.list == list.no);
    let returned =
        returned.filter(|_| list.settings.process_bounces && reading.report == DeliveryReport::Failed);
    let of_a_person = reading.status.is_empty() || HopRefusal::is_no_such_mailbox_status(&reading.status);
    let cause = (!of_a_person).then(|| format!("day {}: {}", now.0 / DAY_MS, reading.status));
    // At the address that all copies share, a report can name anybody. The next copy gets a handle, which
    // proves or disproves it.
    let unproved = entry.detail.is_empty()
        && list.settings.shares_envelope_sender()
        && list.settings.process_bounces
        && reading.report == DeliveryReport::Failed;
    let mark = |id: &String| app.vault.mac().message_mark(&list.name.list_id(), id);
    let marks: Vec<[u8; 32]> = reading.returned.iter().map(mark).collect();
    let reason = if reading.report == DeliveryReport::Other { Reason::AutoReply } else { Reason::Bounce };
    let (no, entry, of) = (entry.no, entry.clone(), list.clone());
    let follows = app.write_unrecorded(
        Unrecorded::Handled,
        transaction!(|db| {
            let mut is_used = returned.is_some();
            let failed = returned.map(|returned| MemberBounce { returned, cause }).into_iter().collect();
            let follows = score(&mut *db, &of, failed, now).await?;
            if unproved {
                is_used |=
                    bounce_proofs::request_proof(&mut *db, of.no, &reading.failed, &marks, now).await?;
            }
            if !is_used {
                put_aside::count(&mut *db, of.no, reason, now).await?;
            }
            queue::finish(db, &entry, MessageFate::Bounce, &[reason], now).await?;
            Ok::<_, StoreError>(follows)
        }),
    );
    send_probes(app, list, follows.await?, Some(no), now).await?;
    Ok(BounceHandling::Done)
}

/// Counts copies that the next hop refused for a reason that concerns their recipients, and returns the
/// effects.
pub(crate) async fn count(
    db: &mut Conn,
    list: &MailingList,
    kind: Kind,
    copies: &[(DeliveryNo, HopRefusal)],
    now: Timestamp,
) -> Result<Vec<BounceEffect>, StoreError> {
    let mut failures = Vec::new();
    if list.settings.process_bounces {
        for (copy, refusal) in copies {
            let Some((post, member)) = deliveries::whose(&mut *db, *copy).await? else { continue };
            let cause = (!refusal.is_no_such_mailbox()).then(|| format!("post {post}: {}", refusal.kind));
            failures.push(MemberBounce { returned: Returned { list: list.no, member, kind }, cause });
        }
    }
    score(db, list, failures, now).await
}

/// A failed delivery to a member.
struct MemberBounce {
    returned: Returned,
    /// What failures with a common cause have in common. `None`: the failure concerns this member only.
    cause: Option<String>,
}

/// Raises scores, unless many members of the list failed by the same cause. Then nobody is scored for it, and
/// earlier scores by that cause are undone.
async fn score(
    db: &mut Conn,
    list: &MailingList,
    failures: Vec<MemberBounce>,
    now: Timestamp,
) -> Result<Vec<BounceEffect>, StoreError> {
    let occasion = Occasion { actor: Actor::Server(ServerCause::Bounces), now };
    let mut common = BTreeMap::new();
    for MemberBounce { returned, cause } in &failures {
        if let Some(cause) = cause {
            bounce_scores::note_cause(&mut *db, list.no, returned.member, cause, now).await?;
            common.insert(cause.clone(), false);
        }
    }
    for (cause, common) in &mut common {
        *common = bounce_scores::is_common(&mut *db, list.no, cause).await?;
        if *common {
            make(&mut *db, Pardon { list: list.no, cause: cause.clone() }, &occasion).await?;
        }
    }
    let mut follows = Vec::new();
    for MemberBounce { returned, cause } in failures {
        if cause.as_ref().is_some_and(|cause| common[cause]) {
            continue;
        }
        let follow = make(&mut *db, Bounce { list: list.clone(), returned }, &occasion).await?;
        if let Some(cause) = cause.filter(|_| !matches!(follow, BounceEffect::Nothing)) {
            bounce_scores::has_scored(&mut *db, list.no, returned.member, &cause, now).await?;
        }
        follows.push(follow);
    }
    Ok(follows)
}

/// Mail to a member came back. If it did so too often, delivery to the member is disabled, and the owners are
/// told.
struct Bounce {
    list: MailingList,
    returned: Returned,
}

impl Change for Bounce {
    type Answer = BounceEffect;
    type Error = StoreError;

    async fn apply(
        self,
        db: &mut Conn,
        occasion: &Occasion,
    ) -> Result<ChangeOutcome<BounceEffect>, StoreError> {
        let (Self { list, returned }, now) = (self, occasion.now);
        let follow = bounce_scores::bounced(&mut *db, returned, patience(&list), now).await?;
        let BounceEffect::Stopped(email) = &follow else { return Ok(ChangeOutcome::nothing(follow)) };
        notice_kinds::stopped(&list, email).store(db, now).await?;
        let days = list.settings.bounce_score_threshold.max(1);
        let kind = EventKind::DeliveryStopped { days };
        let stopped = Event { list: Some(list.no), subject: Address::from_stored(email), kind };
        Ok(ChangeOutcome::new(follow, [Happened::Change(stopped)]))
    }
}

/// A cause proves to be nobody's fault: what it did to scores is undone, and delivery that it disabled goes
/// on.
struct Pardon {
    list: ListNo,
    cause: String,
}

impl Change for Pardon {
    type Answer = ();
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<()>, StoreError> {
        let resumed = bounce_scores::pardon(db, self.list, &self.cause).await?;
        let event = |email: &String| {
            let (subject, kind) = (Address::from_stored(email), EventKind::DeliveryResumed {});
            Happened::Change(Event { list: Some(self.list), subject, kind })
        };
        Ok(ChangeOutcome::new((), resumed.iter().map(event).collect::<Vec<_>>()))
    }
}

fn patience(list: &MailingList) -> BouncePolicy {
    BouncePolicy {
        threshold: list.settings.bounce_score_threshold.max(1),
        stale_after_days: list.settings.bounce_info_stale_after_days,
        probe: list.settings.verp_probes,
    }
}

/// Sends probes to members whose score reached the limit. `entry` is the message that caused that.
pub(crate) async fn send_probes(
    app: &App,
    list: &MailingList,
    follows: Vec<BounceEffect>,
    entry: Option<EntryNo>,
    now: Timestamp,
) -> Result<(), AppError> {
    let mut notices = Vec::new();
    for one in follows {
        if let BounceEffect::Doubted(member, email) = one {
            notices.extend(probe(app, list, member, &email, now).await?);
        }
    }
    if notices.is_empty() {
        return Ok(());
    }
    let stored = app.write_unrecorded(
        Unrecorded::Notices,
        transaction!(|db| {
            for notice in notices {
                notice.caused_by(entry).store(&mut *db, now).await?;
            }
            Ok::<_, StoreError>(())
        }),
    );
    Ok(stored.await?)
}

/// Tells members some days later that delivery to them is disabled, because mail may reach them again by
/// then.
pub(crate) async fn remind(app: &App, list: &MailingList, now: Timestamp) -> Result<(), AppError> {
    let no = list.no;
    let members = app.write_unrecorded(
        Unrecorded::Notices,
        transaction!(|db| bounce_scores::to_be_told(db, no, now).await),
    );
    for email in members.await? {
        let Some(address) = Address::from_stored(&email) else { continue };
        let Some(notice) = notice_kinds::delivery_stopped(app, list, &address, now).await? else { continue };
        let stored =
            app.write_unrecorded(Unrecorded::Notices, transaction!(|db| notice.store(db, now).await));
        stored.await?;
    }
    Ok(())
}

/// The notice that tests whether mail arrives. A bounce of it counts like that of a copy.
async fn probe(
    app: &App,
    list: &MailingList,
    member: MemberNo,
    email: &str,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let Some(address) = Address::from_stored(email) else { return Ok(None) };
    let bounces = list.name.address(SubAddress::Bounces).to_string();
    let notice = notice_kinds::probe(app, list, &address, now).await?;
    Ok(notice.map(|notice| notice.probing(Probe { member, bounces })))
}
