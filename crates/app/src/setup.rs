//! Lists and members: made by an admin.

use sealist_lists::model::{
    AddressNo, AddressReading, ListName, ListNo, MailingList, MemberNo, Preferences, Role, check_new_name,
};
use sealist_lists::styles;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, MergeError};
use sealist_store::key_changes::{self, Authority, KeyChange};
use sealist_store::keys::{self, CertificateRow};
use sealist_store::list_keys::{self, ListKeyState};
use sealist_store::{Conn, lists, people};

use crate::effects::carry_out;
use crate::error::AppError;
use crate::key_life::{row_of, updated_row};
use crate::key_work::key_work;
use crate::new_keys;
use crate::requests::{ListContext, on_arrival};
use crate::site::App;

/// Makes a list of that style, on an OpenPGP style with its keys. They are on disk before the rows that name them, or
/// wrapped in the same transaction.
pub async fn create_list(app: &App, name: ListName, style: &str, now: Timestamp) -> Result<ListNo, AppError> {
    let settings = styles::named(style).ok_or_else(|| AppError::NoSuchStyle(style.to_owned()))?.settings();
    if lists::by_name(&mut *app.store.reader().await?, &name).await?.is_some() {
        return Err(AppError::ListExists(name.to_string()));
    }
    let others = lists::all(&mut *app.store.reader().await?).await?;
    check_new_name(&name, others.iter().map(|list| &list.name))?;
    let mut made = Vec::new();
    if settings.pgp.is_some() {
        let list = MailingList { no: ListNo(0), name: name.clone(), settings: settings.clone() };
        made.push(new_keys::posting(app, &list, 1, ListKeyState::Used, now)?);
        made.push(new_keys::storage(app, &list, now)?);
    }
    let style = style.to_owned();
    app.store
        .write(move |db| {
            Box::pin(async move {
                let no = lists::create(&mut *db, &name, &style, &settings, now).await?;
                for key in made {
                    list_keys::insert(&mut *db, no, &key, now).await?;
                }
                Ok::<_, AppError>(no)
            })
        })
        .await
}

/// A list is no member of itself. Errs with [`AppError::OwnAddress`].
pub fn check_not_own(list: &ListName, address: &Address) -> Result<(), AppError> {
    match AddressReading::readings(address).iter().any(|reading| reading.list == *list) {
        true => Err(AppError::OwnAddress(address.to_string())),
        false => Ok(()),
    }
}

/// Somebody an admin adds.
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

/// Gives an address a role. A certificate must name the address and be usable now.
pub async fn add_member(
    app: &App,
    list: &MailingList,
    member: NewMember,
    now: Timestamp,
) -> Result<MemberNo, AppError> {
    let NewMember { address, name, role, key } = member;
    check_not_own(&list.name, &address)?;
    let given = match key {
        Some(key) => Some(key_to_set(app, &address, &key, now).await?),
        None => None,
    };
    let arrival = match given {
        Some(_) => Vec::new(),
        None => on_arrival(ListContext { app, list, now }, &address).await?,
    };
    let list = list.no;
    app.store
        .write(move |db| {
            Box::pin(async move {
                let address_no = people::ensure_address(&mut *db, &address, &name, now).await?;
                people::verify(&mut *db, address_no, now).await?;
                if let Some(given) = given {
                    give(&mut *db, address_no, &given, now).await?;
                }
                let preferences = Preferences::default();
                let member = people::add_member(&mut *db, list, address_no, role, preferences, now).await?;
                carry_out(db, list, arrival, now).await?;
                Ok(member)
            })
        })
        .await
}

/// Gives an address the certificate that an admin vouches for, or merges an update or a revocation into the one
/// it has: what is known of a key stays known. Copies that waited become due if it can be used.
pub async fn set_key(
    app: &App,
    address: &Address,
    key: &[u8],
    now: Timestamp,
) -> Result<Certificate, AppError> {
    let given = key_to_set(app, address, key, now).await?;
    let (certificate, address) = (given.certificate.clone(), address.clone());
    app.store
        .write(move |db| {
            Box::pin(async move {
                let address_no = people::ensure_address(&mut *db, &address, "", now).await?;
                give(db, address_no, &given, now).await
            })
        })
        .await?;
    Ok(certificate)
}

/// A key that an admin gives, and how it is recorded.
struct Given {
    certificate: Certificate,
    /// In which form the one stood that it takes the place of, or is merged into.
    seen: Option<i64>,
    row: CertificateRow,
    change: KeyChange,
}

async fn give(db: &mut Conn, address: AddressNo, given: &Given, now: Timestamp) -> Result<(), AppError> {
    if !keys::replace_certificate(&mut *db, address, given.seen, &given.row, now).await? {
        return Err(AppError::Overtaken);
    }
    Ok(key_changes::add(db, address, &given.change).await?)
}

async fn key_to_set(app: &App, address: &Address, key: &[u8], now: Timestamp) -> Result<Given, AppError> {
    let mut db = app.store.reader().await?;
    let (seen, known) = match people::find_address(&mut db, address).await? {
        Some(no) => (keys::generation_of(&mut db, no).await?, keys::certificate_of(&mut db, no).await?),
        None => (None, None),
    };
    drop(db);
    let (site, before, whose, octets) = (app.clone(), known.clone(), address.clone(), key.to_vec());
    let made = key_work(move || row_to_set(&site, before.as_ref(), &whose, &octets, now));
    let (certificate, row) = made.await??;
    let old = known.as_ref().map(|known| known.fingerprint.clone()).unwrap_or_default();
    let is_other = old != row.fingerprint;
    // An update of a key in doubt is no word for it.
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
    Ok(Given { certificate, seen, row, change })
}

fn row_to_set(
    app: &App,
    known: Option<&CertificateRow>,
    address: &Address,
    key: &[u8],
    now: Timestamp,
) -> Result<(Certificate, CertificateRow), AppError> {
    let Some(known) = known else { return certificate_row(app, address, key, now) };
    let before = Certificate::from_stored(&known.certificate)?;
    match before.merge(key) {
        Err(MergeError::OtherKey) => certificate_row(app, address, key, now),
        Err(error) => Err(error.into()),
        Ok(merged) => {
            let row = updated_row(app, address, known, &merged, now);
            Ok((merged, row))
        }
    }
}

fn certificate_row(
    app: &App,
    address: &Address,
    key: &[u8],
    now: Timestamp,
) -> Result<(Certificate, CertificateRow), AppError> {
    let certificate = Certificate::read_one(key)?;
    certificate.usable(now)?;
    if !certificate.addresses(now).contains(address) {
        return Err(AppError::OtherAddress(address.to_string()));
    }
    let row = row_of(app, address, &certificate, now);
    Ok((certificate, row))
}
