//! Replaces a list's posting key for correspondents: the new key is announced in a notice signed with the old
//! one, and later the old one is revoked as superseded.
//!
//! `-sendkey` and WKD publish the key in use and, after it, the last retired key with its revocation, so that
//! people who still have it learn of the change. Older keys are not published; somebody who missed two
//! rotations asks for the list's key anyway.

use sealist_lists::draft::Recipients;
use sealist_lists::events::{Event, EventKind, ServerCause};
use sealist_lists::model::{Channel, ListNo, MailingList, Role, SubAddress};
use sealist_lists::notices::{self, Notice};
use sealist_lists::texts::{Language, Text, context};
use sealist_mail::Timestamp;
use sealist_openpgp::{Certificate, ListKey, random};
use sealist_store::events::Occasion;
use sealist_store::list_keys::{self, ListKeyPurpose, ListKeyRow};
use sealist_store::sendings::{self, Carries, NewSending};
use sealist_store::transaction;
use sealist_store::{Conn, StoreError, bodies, lists, rotation};

use crate::changes::{Change, ChangeOutcome, Happened, Unrecorded};
use crate::error::AppError;
use crate::keyring::ListKeys;
use crate::notice_kinds::somebody;
use crate::sealing;
use crate::site::App;

/// Announces each new key that is in use to the members and owners of its list, once, each in their language.
/// Lists whose keys this node lacks are left to other nodes.
pub(crate) async fn announce(app: &App, now: Timestamp) -> Result<(), AppError> {
    let pairs = rotation::to_announce(&mut *app.store.reader().await?).await?;
    for (new, old) in pairs {
        let list = lists::by_no(&mut *app.store.reader().await?, new.list).await?;
        let Some(list) = list else { continue };
        match announce_one(app, &list, &new, &old, now).await {
            Ok(()) | Err(AppError::NoKeys { .. }) => {}
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => {
                tracing::error!(
                    event = "new-key-announcement-failed", list = %list.name, %error,
                    "cannot announce a list's new key; it is retried with the next upkeep"
                )
            }
        }
    }
    Ok(())
}

async fn announce_one(
    app: &App,
    list: &MailingList,
    new: &ListKeyRow,
    old: &ListKeyRow,
    now: Timestamp,
) -> Result<(), AppError> {
    let keys = app.keys_of(list).await?;
    let Some(signer) = loaded_key(&keys, old) else { return Ok(()) };
    // This notice is signed whatever the list does with its posts.
    let mut signing = list.clone();
    let Some(pgp) = signing.settings.pgp.as_mut() else { return Ok(()) };
    pgp.sign_outgoing = true;
    let channel = if pgp.encrypt_outgoing { Channel::Sealed } else { Channel::Open };
    let certificate = signer.certify(&keys.posting.certificate(), now)?;
    let values = context! {
        list => list.display_name(),
        address => list.name.to_string(),
        fingerprint => certificate.fingerprint().spaced(),
        old_fingerprint => signer.fingerprint().spaced(),
        overlap_days => pgp.key_overlap_days,
    };
    let own = app.texts.place(list, None).language;
    let mut notices = Vec::new();
    for &language in Language::ALL {
        let notice =
            app.texts.notice(Text::NewListKey, &app.texts.place(list, Some(language)), values.clone());
        let file = (format!("{}.asc", list.name), "application/pgp-keys", certificate.armored());
        let to = somebody(&list.name.posting());
        let notice = Notice {
            list: &signing,
            to,
            notice,
            attachment: Some(file),
            messages: Vec::new(),
            reply_to: None,
        };
        let payload = notices::build(notice, channel, now, random());
        let body = sealing::signed_by(Some(signer), &keys, &signing, payload, channel, now)?;
        // People without a language of their own read the list's.
        let none = (language == own).then_some(None);
        notices.push((body, [Some(Some(language)), none].into_iter().flatten().collect::<Vec<_>>()));
    }
    let (no, key, bounces) = (list.no, new.no, list.name.address(SubAddress::Bounces).to_string());
    let announced = app.write_unrecorded(
        Unrecorded::Notices,
        transaction!(|db| {
            if !rotation::announced(&mut *db, key, now).await? {
                return Ok(());
            }
            let roles = vec![Role::Member, Role::Owner, Role::Moderator];
            let recipients = Recipients { roles, except: Vec::new() };
            for (body, readers) in &notices {
                let post = NewSending {
                    entry: None,
                    list: no,
                    carries: Carries::Notice(readers),
                    channel,
                    body: bodies::insert(&mut *db, body).await?,
                    envelope_from: &bounces,
                    recipients: &recipients,
                };
                sendings::insert(&mut *db, &post, now).await?;
            }
            Ok::<_, StoreError>(())
        }),
    );
    Ok(announced.await?)
}

/// Retires the keys of a list that were replaced before that time: each is revoked as superseded. Lists whose
/// keys this node lacks are left to other nodes. Returns how many.
pub(crate) async fn retire(
    app: &App,
    list: &MailingList,
    before: Timestamp,
    now: Timestamp,
) -> Result<u64, AppError> {
    let over = rotation::replaced_before(&mut *app.store.reader().await?, list.no, before).await?;
    if over.is_empty() {
        return Ok(0);
    }
    let keys = match app.keys_of(list).await {
        Err(AppError::NoKeys { .. }) => return Ok(0),
        keys => keys?,
    };
    let mut retired = 0;
    for row in over {
        let Some(key) = loaded_key(&keys, &row) else { continue };
        let revoked = key.superseded(now)?.to_bytes();
        let over = KeyRetires { list: list.no, row, revoked };
        let done = app.make_by_itself(over, ServerCause::Expiry, now);
        retired += u64::from(done.await?);
    }
    Ok(retired)
}

/// A list's key is retired, if no other node retired it.
struct KeyRetires {
    list: ListNo,
    row: ListKeyRow,
    revoked: Vec<u8>,
}

impl Change for KeyRetires {
    type Answer = bool;
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<bool>, StoreError> {
        let retired = rotation::retire(db, self.row.no, &self.revoked, occasion.now).await?;
        let event = EventKind::ListKeyRetired { fingerprint: self.row.fingerprint };
        let event = retired.then(|| Happened::Change(Event::of_list(self.list, event)));
        Ok(ChangeOutcome::new(retired, event))
    }
}

/// The published keys of a list: the one in use, and the one before it if that is revoked.
pub(crate) async fn published(app: &App, list: &MailingList) -> Result<Vec<Certificate>, AppError> {
    let mut all: Vec<Certificate> = list_certificate(app, list.no).await?.into_iter().collect();
    let superseded = rotation::superseded(&mut *app.store.reader().await?, list.no).await?;
    all.extend(superseded.map(|stored| Certificate::from_stored(&stored)).transpose()?);
    Ok(all)
}

/// Removes certifications by others from the posting key. Errs with [`StoreError::Lost`] if somebody
/// certifies it at that moment.
pub(crate) async fn strip_certifications(
    app: &App,
    list: &MailingList,
    occasion: &Occasion,
) -> Result<(), AppError> {
    let stored =
        list_keys::certificate(&mut *app.store.reader().await?, list.no, ListKeyPurpose::Posting).await?;
    let before = stored.ok_or_else(|| AppError::Plain(list.name.to_string()))?;
    let key = Certificate::from_stored(&before)?;
    let stripped = key.without_certifications()?.to_bytes();
    let fingerprint = key.fingerprint().to_string();
    let strip = StripKey { list: list.no, fingerprint, before, stripped };
    Ok(app.make(strip, occasion).await?)
}

/// The certificate of a list loses the signatures of others.
struct StripKey {
    list: ListNo,
    fingerprint: String,
    before: Vec<u8>,
    stripped: Vec<u8>,
}

impl Change for StripKey {
    type Answer = ();
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, _: &Occasion) -> Result<ChangeOutcome<()>, StoreError> {
        let Self { list, fingerprint, before, stripped } = self;
        if before == stripped {
            return Ok(ChangeOutcome::nothing(()));
        }
        if !list_keys::certified(db, list, &fingerprint, &before, &stripped).await? {
            return Err(StoreError::Lost);
        }
        let event = Event::of_list(list, EventKind::ListKeyStripped { fingerprint });
        Ok(ChangeOutcome::new((), [Happened::Change(event)]))
    }
}

fn loaded_key<'a>(keys: &'a ListKeys, row: &ListKeyRow) -> Option<&'a ListKey> {
    keys.openers().into_iter().find(|key| key.fingerprint().to_string() == row.fingerprint)
}

/// The certificate that correspondents of a list use.
pub(crate) async fn list_certificate(app: &App, list: ListNo) -> Result<Option<Certificate>, AppError> {
    let stored =
        list_keys::certificate(&mut *app.store.reader().await?, list, ListKeyPurpose::Posting).await?;
    Ok(stored.map(|stored| Certificate::from_stored(&stored)).transpose()?)
}
