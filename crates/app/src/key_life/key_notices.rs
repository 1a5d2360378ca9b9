//! Notices about keys: to their holders, and to owners.

use std::str::FromStr as _;

use sealist_lists::model::{Channel, ListNo, MailingList, SubAddress};
use sealist_lists::texts::{Text, Value, context};
use sealist_mail::Timestamp;
use sealist_openpgp::{Certificate, Fingerprint};
use sealist_store::key_checks::{self, Warned, WatchedCertificate};
use sealist_store::key_news::{self, News, OwnerOfList};
use sealist_store::lists;

use super::cause::cause;
use super::judge::JudgedCertificate;
use crate::error::AppError;
use crate::notice_kinds::{key_wait_days, somebody};
use crate::notices::{Message, PreparedNotice, channel_to, make, place_of};
use crate::site::App;

/// The most members in one notice to an owner.
pub(super) const MAX_LINES: u32 = 200;

/// To the holder of a key: one notice for all lists that use the key, sent by the first of them. `None`: no
/// list uses it.
pub(super) async fn to_holder(
    app: &App,
    seen: &WatchedCertificate,
    warned: &Warned,
    judged: &JudgedCertificate,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let numbers = key_checks::openpgp_lists_of(&mut *app.store.reader().await?, seen.address_no).await?;
    let lists = lists_by_number(app, &numbers).await?;
    let Some(list) = lists.first() else { return Ok(None) };
    let place = place_of(app, list, &seen.address).await?;
    let values = context! {
        list => list.display_name(),
        owner => list.name.address(SubAddress::Owner).to_string(),
        request => list.name.address(SubAddress::Request).to_string(),
        email => seen.address.to_string(),
        fingerprint => Fingerprint::from_str(&seen.fingerprint).map(|known| known.spaced()).ok(),
        hex => seen.fingerprint,
        left => warned.stage,
        until => warned.until.map(day),
        cause => judged.card.as_ref().err().map(|problem| cause(app, problem, &place)),
        revoked => judged.is_revoked(),
        prolong => prolong(seen, judged, now),
        days => lists.iter().map(key_wait_days).min(),
        lists => lists.iter().map(|list| list.name.to_string()).collect::<Vec<_>>(),
    };
    let notice = app.texts.notice(Text::KeyEnds, &place, values);
    // There is one notice per state of a key, whatever the time since the last one.
    let end = warned.until.map_or(0, |until| until.0);
    let kind = format!("{} {} {end} {}", Text::KeyEnds.name(), warned.fingerprint, warned.stage);
    let to = somebody(&seen.address);
    // The new result decides, because the stored card is yesterday's.
    let channel = match judged.card {
        Ok(_) if list.settings.encrypting() => Channel::Sealed,
        _ => Channel::Open,
    };
    make(app, list, Message::daily(to, kind, notice), channel, now).await.map(Some)
}

/// GnuPG commands that extend each part of the key. `*` would leave out subkeys that have already expired.
fn prolong(seen: &WatchedCertificate, judged: &JudgedCertificate, now: Timestamp) -> Vec<String> {
    let helps = match &judged.card {
        Ok(_) => true,
        Err(AppError::Unusable(why)) => why.is_mended_by_its_holder(),
        Err(_) => false,
    };
    let Some(key) = Certificate::from_stored(&seen.certificate).ok().filter(|_| helps) else {
        return Vec::new();
    };
    let command = format!("gpg --quick-set-expire {} 2y", key.fingerprint());
    let primary = key.expires_at(now).map(|_| command.clone());
    let subkeys = key.subkeys_to_prolong(now);
    primary.into_iter().chain(subkeys.iter().map(|subkey| format!("{command} {subkey}"))).collect()
}

/// To an owner: all news about the keys of members, over all lists.
pub(super) async fn to_owner(
    app: &App,
    owner: &OwnerOfList,
    news: &[News],
    count: i64,
    began_at: Timestamp,
    now: Timestamp,
) -> Result<Option<PreparedNotice>, AppError> {
    let numbers = key_news::lists_owned_by(&mut *app.store.reader().await?, owner.no).await?;
    let lists = lists_by_number(app, numbers.get(..1).unwrap_or_default()).await?;
    let Some(list) = lists.first() else { return Ok(None) };
    let line = |news: &News| -> Value {
        context! {
            email => news.email,
            until => news.until.map(day),
            unusable => news.unusable,
            changes => news.changes,
        }
    };
    let members: Vec<Value> = news.iter().map(line).collect();
    let more = count - i64::try_from(members.len()).unwrap_or(count);
    let channel = channel_to(app, &mut *app.store.reader().await?, list, &owner.address, now).await?;
    let place = place_of(app, list, &owner.address).await?;
    let notice = app.texts.notice(Text::KeyNews, &place, context! { count, members, more });
    // There is one notice per pass.
    let kind = format!("{} {}", Text::KeyNews.name(), began_at.0);
    let to = somebody(&owner.address);
    make(app, list, Message::daily(to, kind, notice), channel, now).await.map(Some)
}

pub(super) async fn lists_by_number(app: &App, numbers: &[ListNo]) -> Result<Vec<MailingList>, AppError> {
    let mut db = app.store.reader().await?;
    let mut found = Vec::new();
    for no in numbers {
        found.extend(lists::by_no(&mut db, *no).await?);
    }
    Ok(found)
}

/// People compare dates, not seconds.
pub(super) fn day(at: Timestamp) -> String {
    at.rfc3339()[..10].to_owned()
}
