//! The daily check: each certificate is judged again, its sealing card made, kept or dropped, and the people
//! concerned get notices. One node does it. The progress is in the database, so that another node can
//! continue.

use sealist_lists::events::{Event, EventKind, ServerCause};
use sealist_lists::model::AddressNo;
use sealist_mail::Timestamp;
use sealist_openpgp::{POLICY_EPOCH, SealingCard};
use sealist_store::events::Occasion;
use sealist_store::key_checks::{self, KeyCheckResult, Pass, WatchedCertificate};
use sealist_store::transaction;
use sealist_store::{Conn, StoreError, key_news};

use super::judge::{JudgedCertificate, judge_stored};
use super::key_notices::{self, MAX_LINES};
use super::warn::{Stages, state};
use crate::changes::{Change, ChangeOutcome, Happened, Unrecorded};
use crate::error::AppError;
use crate::key_work::key_work;
use crate::notices::PreparedNotice;
use crate::site::App;

/// Certificates or owners per step.
const PAGE: u32 = 500;

/// What the daily check found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyCheckReport {
    /// Certificates that were judged.
    pub checked: u64,
    /// Certificates that became unusable.
    pub lost: u64,
    /// Certificates that became usable.
    pub regained: u64,
    /// Holders who were warned.
    pub warned: u64,
    /// Owners who were told.
    pub told: u64,
}

/// A running check.
pub struct KeyCheck {
    pass: Pass,
    stages: Stages,
    at: At,
    /// The results so far.
    pub found: KeyCheckReport,
}

#[derive(Clone, Copy)]
enum At {
    Certificates(AddressNo),
    Owners(AddressNo),
    Ended,
}

/// A judged certificate, with the notice to its holder.
struct CheckedCertificate {
    seen: WatchedCertificate,
    finding: KeyCheckResult,
    notice: Option<PreparedNotice>,
}

impl KeyCheck {
    /// Starts today's check, or continues one that has stalled. `None`: it is done, or another node does it.
    pub async fn begin(app: &App, stages: &Stages, now: Timestamp) -> Result<Option<Self>, AppError> {
        if !key_checks::is_due(&mut *app.store.reader().await?, POLICY_EPOCH, now).await? {
            return Ok(None);
        }
        let begun = app.write_unrecorded(
            Unrecorded::Schedules,
            transaction!(|db| key_checks::begin(db, POLICY_EPOCH, now).await),
        );
        let begun: Option<Pass> = begun.await?;
        let at = At::Certificates(AddressNo(0));
        Ok(begun.map(|pass| Self { pass, stages: stages.clone(), at, found: KeyCheckReport::default() }))
    }

    /// Processes the next page. Returns whether there is more.
    pub async fn step(&mut self, app: &App, now: Timestamp) -> Result<bool, AppError> {
        self.at = match self.at {
            At::Certificates(after) => match self.certificates(app, after, now).await? {
                Some(last) => At::Certificates(last),
                None => At::Owners(AddressNo(0)),
            },
            At::Owners(after) => match self.owners(app, after, now).await? {
                Some(last) => At::Owners(last),
                None => {
                    let pass = self.pass;
                    let ended = app.write_unrecorded(
                        Unrecorded::Schedules,
                        transaction!(|db| key_checks::end(db, pass, now).await),
                    );
                    ended.await?;
                    At::Ended
                }
            },
            At::Ended => At::Ended,
        };
        Ok(!matches!(self.at, At::Ended))
    }

    /// Judges a page of certificates and records the results in one transaction. Returns the last address of
    /// the page.
    async fn certificates(
        &mut self,
        app: &App,
        after: AddressNo,
        now: Timestamp,
    ) -> Result<Option<AddressNo>, AppError> {
        let pass = self.pass;
        let page = key_checks::due(&mut *app.store.reader().await?, pass, after, PAGE, now).await?;
        let Some(last) = page.last().copied() else { return Ok(None) };
        let mut results = Vec::new();
        for address in page {
            let seen = key_checks::watched(&mut *app.store.reader().await?, address).await?;
            if let Some(seen) = seen {
                results.push(self.judged(app, seen, now).await?);
            }
        }
        let found = app.make_by_itself(CheckedPage { pass, results }, ServerCause::Keys, now);
        self.found.add(found.await?);
        Ok(Some(last))
    }

    async fn judged(
        &self,
        app: &App,
        seen: WatchedCertificate,
        now: Timestamp,
    ) -> Result<CheckedCertificate, AppError> {
        let (octets, address) = (seen.certificate.clone(), seen.address.clone());
        let judged = key_work(move || judge_stored(&octets, &address, now)).await?;
        let mut warned = state(&self.stages, &seen.fingerprint, &judged, seen.warned.as_ref(), now);
        let mut notice = None;
        if let Some(due) = warned.as_ref().filter(|due| seen.warned.as_ref() != Some(*due)) {
            match key_notices::to_holder(app, &seen, due, &judged, now).await {
                Ok(Some(made)) => notice = Some(made),
                // No list uses the key. If a list uses it later, its holder must still be warned.
                Ok(None) => warned = seen.warned.clone(),
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    // The check continues, and the notice is due again tomorrow.
                    tracing::error!(
                        event = "key-warning-failed", %error,
                        "cannot make a warning about a key; the next pass tries again"
                    );
                    warned = seen.warned.clone();
                }
            }
        }
        let card = card_to_be(app, &seen, &judged, now);
        Ok(CheckedCertificate { seen, finding: KeyCheckResult { card, warned }, notice })
    }

    /// Writes to a page of owners. Returns the last owner of the page.
    async fn owners(
        &mut self,
        app: &App,
        after: AddressNo,
        now: Timestamp,
    ) -> Result<Option<AddressNo>, AppError> {
        let began_at = self.pass.began_at;
        let page = key_news::owners(&mut *app.store.reader().await?, began_at, after, PAGE).await?;
        let Some(last) = page.last().map(|owner| owner.no) else { return Ok(None) };
        for owner in page {
            let (news, count) =
                key_news::for_owner(&mut *app.store.reader().await?, &owner, MAX_LINES).await?;
            if news.is_empty() {
                continue;
            }
            let notice = match key_notices::to_owner(app, &owner, &news, count, began_at, now).await {
                Ok(Some(notice)) => notice,
                Ok(None) => continue,
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    tracing::error!(
                        event = "key-news-failed", %error,
                        "cannot make the notice about keys for an owner; the next pass tries again"
                    );
                    continue;
                }
            };
            // The clock of another node may be a little ahead.
            let until = news.iter().map(|news| news.at).max().unwrap_or(now).max(now);
            let told = app.write_unrecorded(
                Unrecorded::Schedules,
                transaction!(|db| {
                    let told = key_news::mark_told(&mut *db, &owner, until).await?;
                    Ok::<_, StoreError>(told && notice.store(db, now).await?)
                }),
            );
            self.found.told += u64::from(told.await?);
        }
        let pass = self.pass;
        let progress = app.write_unrecorded(
            Unrecorded::Schedules,
            transaction!(|db| key_checks::progress(db, pass, now).await),
        );
        progress.await?;
        Ok(Some(last))
    }
}

/// A page of certificates that were judged. Answers what was found.
struct CheckedPage {
    pass: Pass,
    results: Vec<CheckedCertificate>,
}

impl Change for CheckedPage {
    type Answer = KeyCheckReport;
    type Error = StoreError;

    async fn apply(
        self,
        db: &mut Conn,
        occasion: &Occasion,
    ) -> Result<ChangeOutcome<KeyCheckReport>, StoreError> {
        let now = occasion.now;
        let (mut found, mut happened) = (KeyCheckReport::default(), Vec::new());
        for CheckedCertificate { seen, finding, notice } in self.results {
            if !key_checks::record(&mut *db, &seen, &finding, now).await? {
                continue;
            }
            found.checked += 1;
            let fingerprint = seen.fingerprint.clone();
            let kind = match (&seen.card, &finding.card) {
                (Some(_), Err(_)) => {
                    found.lost += 1;
                    Some(EventKind::KeyUnusable { fingerprint })
                }
                (None, Ok(_)) => {
                    found.regained += 1;
                    Some(EventKind::KeyUsable { fingerprint })
                }
                _ => None,
            };
            let of_address = |kind| Event { list: None, subject: Some(seen.address.clone()), kind };
            happened.extend(kind.map(of_address).map(Happened::Change));
            if let Some(notice) = notice {
                found.warned += u64::from(notice.store(&mut *db, now).await?);
            }
        }
        key_checks::progress(db, self.pass, now).await?;
        Ok(ChangeOutcome::new(found, happened))
    }
}

/// A valid card is kept, because a new one would be equivalent.
fn card_to_be(
    app: &App,
    seen: &WatchedCertificate,
    judged: &JudgedCertificate,
    now: Timestamp,
) -> Result<Vec<u8>, String> {
    let mac = app.vault.mac();
    let same = |stored: &&Vec<u8>| {
        let card = SealingCard::from_bytes(stored, mac, &seen.address.key(), now);
        card.is_ok_and(|card| judged.card.as_ref().is_ok_and(|judged| *judged == card))
    };
    match seen.card.as_ref().filter(same) {
        Some(card) => Ok(card.clone()),
        None => judged.stored(mac, &seen.address),
    }
}

impl KeyCheckReport {
    fn add(&mut self, other: Self) {
        self.checked += other.checked;
        self.lost += other.lost;
        self.regained += other.regained;
        self.warned += other.warned;
        self.told += other.told;
    }
}
