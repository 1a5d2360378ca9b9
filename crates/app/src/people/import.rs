//! Many people at once: who is added, who is there already, and whose key cannot be used.

use std::collections::{HashMap, HashSet};

use sealist_lists::model::{MailingList, Role};
use sealist_lists::roster_file::ListedPerson;
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Certificate;
use sealist_store::{keys, people as stored_people};

use super::MemberActions;
use super::imported_keys::ImportedKeys;
use crate::acting::PageRange;
use crate::effects::{Effect, JoinsAs};
use crate::error::AppError;
use crate::setup::{KnownKey, NewMember, check_not_own, effects_of_new};
use crate::site::App;

/// Members of one transaction.
const CHUNK: usize = 500;

/// What became of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct ImportReport {
    /// The addresses that have the role now and had it not before.
    pub added: Vec<String>,
    /// How many had the role already.
    pub already: usize,
    /// How many of those who were added got a key.
    pub keys: usize,
    /// The addresses that were added without the key that was meant for them, and why.
    pub refused_keys: Vec<(String, String)>,
}

/// Who is added and who is removed, so that a list has the members of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncPlan {
    /// The people of the file who are no members.
    pub add: Vec<ListedPerson>,
    /// The members who are not in the file.
    pub remove: Vec<Address>,
}

impl MemberActions<'_> {
    /// Gives the people a role, some hundred in one transaction; who has it stays as they are. A key that
    /// cannot be used keeps nobody from the list, and no key replaces another one. `progress` hears how many
    /// are done. An import that was interrupted is completed by the same import.
    pub async fn import(
        &self,
        people: &[ListedPerson],
        role: Role,
        keys: &ImportedKeys,
        mut progress: impl FnMut(usize) + Send,
    ) -> Result<ImportReport, AppError> {
        let list = self.list().await?;
        let (app, now) = (self.acting.app, self.acting.now);
        for person in people {
            check_not_own(&list.name, &person.address)?;
        }
        let listed: HashSet<String> = people.iter().map(|person| person.address.key()).collect();
        let new = self.without_role(people, role).await?;
        let mut report = ImportReport { already: people.len() - new.len(), ..ImportReport::default() };
        for chunk in new.chunks(CHUNK) {
            let mut effects = Vec::new();
            for person in chunk {
                let meant = match keys.is_empty() {
                    true => Ok(None),
                    false => {
                        let known = known_fingerprint(app, &person.address).await?;
                        let meant = keys.meant_for(&person.address, known.as_deref(), &listed);
                        unless_held_by_others(app, &person.address, known.as_deref(), meant).await?
                    }
                };
                let member =
                    NewMember { address: person.address.clone(), name: person.name.clone(), role, key: None };
                effects.extend(with_key(app, &list, member, meant, &mut report, now).await?);
            }
            self.acting.carry_out(Some(list.no), effects).await?;
            report.added.extend(chunk.iter().map(|person| person.address.to_string()));
            progress(report.added.len());
        }
        Ok(report)
    }

    /// Those of the people who do not have the role: an import would add them.
    pub async fn without_role<'p>(
        &self,
        people: &'p [ListedPerson],
        role: Role,
    ) -> Result<Vec<&'p ListedPerson>, AppError> {
        let there = self.page(Some(role), PageRange::ALL).await?.entries;
        let there: HashSet<String> = there.iter().map(|view| Address::key_of(&view.address)).collect();
        Ok(people.iter().filter(|person| !there.contains(&person.address.key())).collect())
    }

    /// Says who is added and removed, so that the list has exactly those members.
    pub async fn plan_sync(&self, people: &[ListedPerson]) -> Result<SyncPlan, AppError> {
        let members = self.page(Some(Role::Member), PageRange::ALL).await?.entries;
        let members = members.iter().filter_map(|view| view.address.parse::<Address>().ok());
        let members: HashMap<String, Address> = members.map(|address| (address.key(), address)).collect();
        let wanted: HashSet<String> = people.iter().map(|person| person.address.key()).collect();
        let mut remove: Vec<Address> = members
            .iter()
            .filter(|(key, _)| !wanted.contains(*key))
            .map(|(_, address)| address.clone())
            .collect();
        remove.sort_by_key(Address::key);
        let add = people.iter().filter(|person| !members.contains_key(&person.address.key()));
        Ok(SyncPlan { add: add.cloned().collect(), remove })
    }
}

/// Adds a member with the key that is meant for the address, or without it if the key cannot be used.
async fn with_key(
    app: &App,
    list: &MailingList,
    member: NewMember,
    meant: Result<Option<&Certificate>, String>,
    report: &mut ImportReport,
    now: Timestamp,
) -> Result<Vec<Effect>, AppError> {
    let (address, name, role) = (member.address.clone(), member.name.clone(), member.role);
    let refused = match meant {
        Ok(None) => return effects_of_new(app, list, member, KnownKey::Stays, JoinsAs::Address, now).await,
        Ok(Some(certificate)) => {
            let member = NewMember { key: Some(certificate.to_bytes()), ..member };
            match effects_of_new(app, list, member, KnownKey::Stays, JoinsAs::Address, now).await {
                Ok(effects) => {
                    report.keys += 1;
                    return Ok(effects);
                }
                Err(
                    error @ (AppError::Certificate(_)
                    | AppError::Unusable(_)
                    | AppError::OtherAddress(_)
                    | AppError::HasOtherKey(_)
                    | AppError::Update(_)),
                ) => error.to_string(),
                Err(error) => return Err(error),
            }
        }
        Err(why) => why,
    };
    report.refused_keys.push((address.to_string(), refused));
    effects_of_new(
        app,
        list,
        NewMember { address, name, role, key: None },
        KnownKey::Stays,
        JoinsAs::Address,
        now,
    )
    .await
}

/// Refuses a certificate that another address has already, unless it is an update: anybody can add the
/// address of somebody else to a certificate of their own.
async fn unless_held_by_others<'k>(
    app: &App,
    address: &Address,
    known: Option<&str>,
    meant: Result<Option<&'k Certificate>, String>,
) -> Result<Result<Option<&'k Certificate>, String>, AppError> {
    let (Ok(Some(certificate)), None) = (&meant, known) else { return Ok(meant) };
    let fingerprint = certificate.fingerprint().to_string();
    let holder = keys::other_holder(&mut *app.store.reader().await?, &fingerprint, address).await?;
    Ok(match holder {
        None => meant,
        Some(holder) => Err(format!(
            "the key is that of {holder}, and it is not known whose key it is: \
             `sealist keys import {address} FILE` gives it to this address, too"
        )),
    })
}

/// The fingerprint of the certificate that an address has, even if it waits for an approval.
async fn known_fingerprint(app: &App, address: &Address) -> Result<Option<String>, AppError> {
    let mut db = app.store.reader().await?;
    let Some(no) = stored_people::find_address(&mut db, address).await? else { return Ok(None) };
    Ok(keys::certificate_of(&mut db, no).await?.map(|row| row.fingerprint))
}
