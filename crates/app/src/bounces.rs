//! Bounces: what the next hop refused for good, and what came back later.

use sealist_lists::model::{DeliveryNo, Door, MailingList, MemberNo};
use sealist_mail::dsn::{self, Report};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::MacKey;
use sealist_store::deliveries::{self, Kind};
use sealist_store::notices::Probe;
use sealist_store::people::{self, Bounced, Patience, Returned};
use sealist_store::queue::{self, Entry};
use sealist_store::{Conn, StoreError};

use crate::notices::Prepared;
use crate::{App, AppError, letters};

/// Octets of a local part ([RFC 5321, section 4.5.3.1.1]).
const MAX_LOCAL: usize = 64;

/// What the handles of bounce addresses are for. They name the member: what went to them is long gone when it comes back.
fn purpose(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Posting => Some("bounce"),
        Kind::Probe => Some("probe"),
        Kind::Notice => None,
    }
}

/// The envelope sender of one copy: a bounce to it tells whom it is about, and nobody else can make one. The plain
/// address where the list's name leaves no room.
pub(crate) fn verp(bounces: &str, mac: &MacKey, kind: Kind, member: MemberNo) -> String {
    let Some(purpose) = purpose(kind) else { return bounces.to_owned() };
    match bounces.split_once('@') {
        Some((local, host)) => {
            let local = format!("{local}+{}", mac.handle(purpose, member.0));
            if local.len() > MAX_LOCAL { bounces.to_owned() } else { format!("{local}@{host}") }
        }
        None => bounces.to_owned(),
    }
}

/// What a message at `-bounces` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Automatic: it is counted if it counts, and gone.
    Done,
    /// A person wrote it: it is for the people in charge.
    Person,
}

/// Takes a message at `-bounces`. It counts if its address is one of ours and it says that a recipient failed.
pub(crate) async fn take(
    app: &App,
    list: &MailingList,
    entry: &Entry,
    sender: Option<&Address>,
    message: &[u8],
    now: Timestamp,
) -> Result<Taken, AppError> {
    let reading = dsn::read(sender, message);
    if !reading.automatic {
        return Ok(Taken::Person);
    }
    let returned = whom(app, list, &entry.detail);
    let returned = returned.filter(|_| list.settings.process_bounces && reading.report == Report::Failed);
    let (entry, patience) = (entry.clone(), patience(list));
    let follows = app.store.write(move |db| {
        Box::pin(async move {
            let follows = match returned {
                Some(returned) => people::bounced(&mut *db, returned, patience, now).await?,
                None => None,
            };
            queue::finish(db, &entry).await?;
            Ok::<_, StoreError>(follows)
        })
    });
    tell(app, list, follows.await?.into_iter().collect(), now).await?;
    Ok(Taken::Done)
}

fn whom(app: &App, list: &MailingList, handle: &str) -> Option<Returned> {
    [Kind::Posting, Kind::Probe].into_iter().find_map(|kind| {
        let member = MemberNo(app.vault.mac().read_handle(purpose(kind)?, handle)?);
        Some(Returned { list: list.no, member, kind })
    })
}

/// Counts copies that were refused for good; what follows from it.
pub(crate) async fn count(
    db: &mut Conn,
    list: &MailingList,
    kind: Kind,
    copies: &[DeliveryNo],
    now: Timestamp,
) -> Result<Vec<Bounced>, StoreError> {
    let mut follows = Vec::new();
    if list.settings.process_bounces {
        for copy in copies {
            let Some(member) = deliveries::member_of(&mut *db, *copy).await? else { continue };
            let returned = Returned { list: list.no, member, kind };
            follows.extend(people::bounced(&mut *db, returned, patience(list), now).await?);
        }
    }
    Ok(follows)
}

fn patience(list: &MailingList) -> Patience {
    Patience {
        threshold: list.settings.bounce_score_threshold.max(1),
        stale_after_days: list.settings.bounce_info_stale_after_days,
        probe: list.settings.verp_probes,
    }
}

/// Members in doubt are probed; those in charge hear to whom posts have stopped.
pub(crate) async fn tell(
    app: &App,
    list: &MailingList,
    follows: Vec<Bounced>,
    now: Timestamp,
) -> Result<(), AppError> {
    let (mut letters, mut stopped) = (Vec::new(), Vec::new());
    for one in follows {
        match one {
            Bounced::Doubted(member, email) => letters.extend(probe(app, list, member, &email, now).await?),
            Bounced::Stopped(email) => stopped.push(email),
        }
    }
    if !stopped.is_empty() {
        letters.extend(letters::stopped(app, list, &stopped, now).await?);
    }
    if letters.is_empty() {
        return Ok(());
    }
    let stored = app.store.write(move |db| {
        Box::pin(async move {
            for letter in letters {
                letter.store(&mut *db, now).await?;
            }
            Ok::<_, StoreError>(())
        })
    });
    Ok(stored.await?)
}

/// The letter that shows whether mail still arrives. What comes back of it is a bounce like that of a copy.
async fn probe(
    app: &App,
    list: &MailingList,
    member: MemberNo,
    email: &str,
    now: Timestamp,
) -> Result<Option<Prepared>, AppError> {
    let Some(address) = Address::from_stored(email) else { return Ok(None) };
    let bounces = list.name.address(Door::Bounces).to_string();
    let letter = letters::probe(app, list, &address, now).await?;
    Ok(letter.map(|letter| letter.probing(Probe { member, bounces })))
}
