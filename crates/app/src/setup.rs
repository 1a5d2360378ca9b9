//! Lists and members: made by an admin.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::model::{
    AddressReading, ListKeyNo, ListName, ListNo, MailingList, Preferences, Role, check_new_name,
};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, MergeError};
use sealist_store::events::Occasion;
use sealist_store::key_changes::{Authority, KeyChange};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::list_keys::{self, ListKeyState, NewListKey};
use sealist_store::{Conn, StoreError, lists, people};

use crate::changes::{Change, ChangeOutcome, Happened};
use crate::effects::{Effect, JoinsAs, KeyStep};
use crate::error::AppError;
use crate::key_life::{row_of, updated_row};
use crate::key_work::key_work;
use crate::new_keys;
use crate::requests::{ListContext, on_arrival};
use crate::site::App;

/// Makes a list of that style, with its keys on a style with OpenPGP. The keys are on disk before the rows
/// that name them, or wrapped in the same transaction.
pub(crate) async fn create_list(
    app: &App,
    name: ListName,
    style: &str,
    occasion: &Occasion,
) -> Result<MailingList, AppError> {
    let now = occasion.now;
    let found = app.registry.styles.named(style);
    let no_style = || AppError::NoSuchStyle { style: style.to_owned(), known: app.registry.styles.names() };
    let settings = found.ok_or_else(no_style)?.settings();
    if lists::by_name(&mut *app.store.reader().await?, &name).await?.is_some() {
        return Err(AppError::ListExists(name.to_string()));
    }
    let others = lists::all(&mut *app.store.reader().await?).await?;
    check_new_name(&name, others.iter().map(|list| &list.name))?;
    let list = MailingList { no: ListNo(0), name, settings };
    let mut made = Vec::new();
    if list.settings.has_openpgp() {
        made.push(new_keys::posting(app, &list, 1, ListKeyState::Used, now)?);
        made.push(new_keys::storage(app, &list, now)?);
    }
    app.make(NewList { list, style: style.to_owned(), keys: made }, occasion).await
}

/// A list with its keys.
struct NewList {
    list: MailingList,
    style: String,
    keys: Vec<NewListKey>,
}

impl Change for NewList {
    type Answer = MailingList;
    type Error = AppError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<MailingList>, AppError> {
        let Self { list, style, keys } = self;
        let no = lists::create(&mut *db, &list.name, &style, &list.settings, occasion.now).await?;
        let mut happened = vec![Happened::Change(Event::of_list(no, EventKind::ListCreated { style }))];
        for key in keys {
            let made = NewKey { list: no, key }.apply(&mut *db, occasion).await?;
            happened.extend(made.happened);
        }
        Ok(ChangeOutcome::new(MailingList { no, ..list }, happened))
    }
}

/// A new key of a list.
pub(crate) struct NewKey {
    pub(crate) list: ListNo,
    pub(crate) key: NewListKey,
}

impl Change for NewKey {
    type Answer = ListKeyNo;
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<ListKeyNo>, StoreError> {
        let Self { list, key } = self;
        let no = list_keys::insert(db, list, &key, occasion.now).await?;
        let (purpose, fingerprint) = (key.purpose.name().to_owned(), key.fingerprint.clone());
        let made = Event::of_list(list, EventKind::ListKeyMade { purpose, fingerprint });
        Ok(ChangeOutcome::new(no, [Happened::Change(made)]))
    }
}

/// Checks that the address is not one of the list itself. Errs with [`AppError::OwnAddress`].
pub(crate) fn check_not_own(list: &ListName, address: &Address) -> Result<(), AppError> {
    match AddressReading::readings(address).iter().any(|reading| reading.list == *list) {
        true => Err(AppError::OwnAddress(address.to_string())),
        false => Ok(()),
    }
}

/// A member whom an admin adds.
pub struct NewMember {
    /// The address.
    pub address: Address,
    /// The name shown to others; may be empty.
    pub name: String,
    /// The role.
    pub role: Role,
    /// A certificate that the admin vouches for, armored or binary.
    pub key: Option<Vec<u8>>,
}

/// Whether a certificate replaces one of another fingerprint that the address has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownKey {
    /// The admin names the address and the key together, and vouches for just this key.
    MayBeReplaced,
    /// The certificate is found by the address that it names, which anybody can write into it. Only an update
    /// of the known key counts.
    Stays,
}

/// What is done to add a member. Errs if the key cannot be used, or if the address is one of the list's own.
pub(crate) async fn effects_of_new(
    app: &App,
    list: &MailingList,
    member: NewMember,
    known: KnownKey,
    joins_as: JoinsAs,
    now: Timestamp,
) -> Result<Vec<Effect>, AppError> {
    let NewMember { address, name, role, key } = member;
    check_not_own(&list.name, &address)?;
    let mut effects = vec![Effect::Verify(address.clone())];
    let arrival = match key {
        Some(key) => {
            effects.push(set_key(app, &address, &key, known, now).await?);
            Vec::new()
        }
        None => on_arrival(ListContext { app, list, now }, &address).await?,
    };
    effects.push(Effect::Join { address, name, role, preferences: Preferences::default(), joins_as });
    effects.extend(arrival);
    Ok(effects)
}

/// What is done to give an address a certificate that an admin vouches for, or to merge an update or a
/// revocation into its certificate. Errs if the certificate cannot be used, and with
/// [`AppError::HasOtherKey`] if it may not replace another one.
pub(crate) async fn set_key(
    app: &App,
    address: &Address,
    key: &[u8],
    rule: KnownKey,
    now: Timestamp,
) -> Result<Effect, AppError> {
    let mut db = app.store.reader().await?;
    let (seen, known) = match people::find_address(&mut db, address).await? {
        Some(no) => (keys::generation_of(&mut db, no).await?, keys::certificate_of(&mut db, no).await?),
        None => (None, None),
    };
    drop(db);
    let (site, before, whose, octets) = (app.clone(), known.clone(), address.clone(), key.to_vec());
    let row = key_work(move || row_to_set(&site, before.as_ref(), &whose, &octets, now)).await??;
    let old = known.as_ref().map(|known| known.fingerprint.clone()).unwrap_or_default();
    let is_other = old != row.fingerprint;
    if known.is_some() && is_other && rule == KnownKey::Stays {
        return Err(AppError::HasOtherKey(address.to_string()));
    }
    // An update of a key in doubt does not approve it.
    let in_doubt = row.confirmed_at.is_none();
    let change = KeyChange {
        old,
        old_certificate: known.filter(|_| is_other).map(|known| known.certificate),
        new: row.fingerprint.clone(),
        authority: if in_doubt { Authority::Update } else { Authority::Admin },
        list: None,
        changed_at: now,
        suspended_at: None,
    };
    let (address, row) = (address.clone(), Box::new(row));
    Ok(Effect::SetKey { address, seen, row, change, step: KeyStep::Changed })
}

fn row_to_set(
    app: &App,
    known: Option<&CertificateRow>,
    address: &Address,
    key: &[u8],
    now: Timestamp,
) -> Result<CertificateRow, AppError> {
    let Some(known) = known else { return certificate_row(app, address, key, now) };
    let before = Certificate::from_stored(&known.certificate)?;
    match before.merge(key) {
        Err(MergeError::OtherKey) => certificate_row(app, address, key, now),
        Err(error) => Err(error.into()),
        Ok(merged) => Ok(updated_row(app, address, known, &merged, now)),
    }
}

fn certificate_row(
    app: &App,
    address: &Address,
    key: &[u8],
    now: Timestamp,
) -> Result<CertificateRow, AppError> {
    let certificate = Certificate::read_one(key)?;
    certificate.usable(now)?;
    if !certificate.addresses(now).contains(address) {
        return Err(AppError::OtherAddress(address.to_string()));
    }
    Ok(row_of(app, address, &certificate, now))
}
