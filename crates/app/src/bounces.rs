//! Bounces: what the next hop refused for good, and what came back later.

use sealist_lists::model::{DeliveryNo, Door, MailingList, MemberNo};
use sealist_mail::dsn::{self, Report};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::MacKey;
use sealist_store::notices::Probe;
use sealist_store::people::{self, Bounced, Patience};
use sealist_store::queue::{self, Entry};
use sealist_store::{Conn, StoreError};

use crate::notices::Prepared;
use crate::{App, AppError, letters};

/// What the handles of bounce addresses are for.
const PURPOSE: &str = "bounce";
/// Octets of a local part ([RFC 5321, section 4.5.3.1.1]).
const MAX_LOCAL: usize = 64;

/// The envelope sender of one copy: a bounce to it tells whom it is about, and nobody else can make one. The plain
/// address where the list's name leaves no room.
pub(crate) fn verp(bounces: &str, mac: &MacKey, copy: DeliveryNo) -> String {
    match bounces.split_once('@') {
        Some((local, host)) => {
            let local = format!("{local}+{}", mac.handle(PURPOSE, copy.0));
            if local.len() > MAX_LOCAL { bounces.to_owned() } else { format!("{local}@{host}") }
        }
        None => bounces.to_owned(),
    }
}

/// Takes a message at `-bounces`: counted if its address is one of ours and it says that a recipient failed, and gone.
pub(crate) async fn take(
    app: &App,
    list: &MailingList,
    entry: &Entry,
    message: &[u8],
    now: Timestamp,
) -> Result<(), AppError> {
    let copy = app.vault.mac().read_handle(PURPOSE, &entry.detail).map(DeliveryNo);
    let copy = copy.filter(|_| list.settings.process_bounces && dsn::report(message) == Report::Failed);
    let (entry, patience) = (entry.clone(), patience(list));
    let follows = app.store.write(move |db| {
        Box::pin(async move {
            let follows = match copy {
                Some(copy) => people::bounced(&mut *db, copy, patience, now).await?,
                None => None,
            };
            queue::finish(db, &entry).await?;
            Ok::<_, StoreError>(follows)
        })
    });
    tell(app, list, follows.await?.into_iter().collect(), now).await
}

/// Counts copies that were refused for good; what follows from it.
pub(crate) async fn count(
    db: &mut Conn,
    list: &MailingList,
    copies: &[DeliveryNo],
    now: Timestamp,
) -> Result<Vec<Bounced>, StoreError> {
    let mut follows = Vec::new();
    if list.settings.process_bounces {
        for copy in copies {
            follows.extend(people::bounced(&mut *db, *copy, patience(list), now).await?);
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
    let Ok(address) = email.parse::<Address>() else { return Ok(None) };
    let bounces = list.name.address(Door::Bounces).to_string();
    let letter = letters::probe(app, list, &address, now).await?;
    Ok(letter.map(|letter| letter.probing(Probe { member, bounces })))
}
