//! Checks keys: those of the lists by a round trip, and those of the members.

use sealist_app::{App, AppError, Deployment, ListKeys};
use sealist_lists::model::{AddressNo, MailingList};
use sealist_mail::{Address, Boundary, DAY_MS, Timestamp, compose};
use sealist_openpgp::{self as openpgp, Encryption, KeyIds, SealedPost, SignWith};

use super::Diagnosis;

/// A key that expires within this time causes a warning.
const SOON_MS: i64 = 30 * DAY_MS;
const PAGE: u32 = 500;

pub(super) async fn examine(app: &App) -> Vec<Diagnosis> {
    let mut findings = waiting(app).await.unwrap_or_default();
    for list in app.as_operator().lists().all().await.unwrap_or_default() {
        if !list.settings.has_openpgp() {
            continue;
        }
        let keys = match app.keys_of(&list).await {
            Ok(keys) => keys,
            Err(error) => {
                findings.push(no_keys(&list, error));
                continue;
            }
        };
        findings.push(match round_trip(app, &list, &keys).await {
            Ok(()) => Diagnosis::good("round trip", format!("{}: sealed, copied, opened", list.name)),
            Err(problem) => Diagnosis::fault(
                "round trip",
                format!("{}: {problem}", list.name),
                "restore key directory and database from the same backup",
            ),
        });
    }
    findings.extend(duplicate_persons(app).await.unwrap_or_default());
    findings.extend(members(app).await.unwrap_or_else(|error| {
        let fix = "restore the backup if the database is damaged";
        vec![Diagnosis::fault("member keys", format!("they cannot be looked at: {error}"), fix)]
    }));
    findings
}

/// Finds persons with two rows, which were made when addresses were compared differently.
async fn duplicate_persons(app: &App) -> Result<Vec<Diagnosis>, AppError> {
    let twice = app.as_operator().health().addresses_spelled_twice().await?;
    let finding = |(lost, found): &(Address, Address)| {
        Diagnosis::warning(
            "addresses",
            format!("{lost} and {found} are one address, and both have a key or a membership"),
            format!("see which of the two is used; `sealist members remove LIST {lost}` takes one away"),
        )
    };
    Ok(twice.iter().map(finding).collect())
}

/// This node leaves the list to other nodes, because it lacks the keys.
fn no_keys(list: &MailingList, error: AppError) -> Diagnosis {
    match error {
        AppError::NoKeys { key, why, .. } => Diagnosis::fault(
            "list key",
            format!("this node lacks the {key} of {}, and claims nothing of it: {why}", list.name),
            why.fix(),
        ),
        error => Diagnosis::fault("list key", format!("{}: {error}", list.name), "look at the database"),
    }
}

/// Finds new keys that are not used yet.
async fn waiting(app: &App) -> Result<Vec<Diagnosis>, AppError> {
    let mut findings = Vec::new();
    for key in app.as_operator().health().new_keys().await? {
        let nodes: Vec<String> = key.lacking.iter().map(|node| format!("node {node}")).collect();
        // With SQLite there is one node, so no other key directory is involved.
        let (who, fix) = match (app.deployment(), nodes.is_empty()) {
            (_, true) => ("a server".to_owned(), "start the server"),
            (Deployment::SingleProcess, false) => {
                ("the server".to_owned(), "see in its log why it does not load it")
            }
            (Deployment::Cluster, false) => (
                nodes.join(", "),
                "with key directories, copy the file with this fingerprint to each of them; see their logs",
            ),
        };
        findings.push(Diagnosis::warning(
            "new key",
            format!("{} of {} is not used yet; it waits for {who}", key.fingerprint, key.list),
            fix,
        ));
    }
    Ok(findings)
}

/// Processes a text as a post with the list's own keys: seals it, copies it to the list's certificate, and
/// opens it.
async fn round_trip(app: &App, list: &MailingList, keys: &ListKeys) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let named = app.as_operator().lists().certificate(&list.name).await.map_err(|e| words(&e))?;
    let certificate = keys.posting.certificate();
    if named.map(|key| key.fingerprint()) != Some(certificate.fingerprint()) {
        return Err("the key file is not that of the database".to_owned());
    }
    let now = Timestamp::now();
    let card = certificate.usable(now).map_err(|e| words(&e))?;
    let entity = b"Content-Type: text/plain\r\n\r\nA round trip.\r\n";
    let sealed = openpgp::seal(entity, b"", SignWith::Key(&keys.posting, now), &keys.storage.certificate())
        .map_err(|e| words(&e))?;
    let session_key = keys.storage.session_key(&sealed).map_err(|e| words(&e))?;
    let armor =
        SealedPost::new(sealed.clone(), session_key, KeyIds::Named).copy(&[&card]).map_err(|e| words(&e))?;
    let (head, tail) = compose::encrypted_wrapper(&Boundary::from_entropy(openpgp::random()));
    let message = [b"From: a@x.example\r\n", &head[..], &armor.joined(), &tail].concat();
    let opened = openpgp::open(&message, &keys.openers(), &[certificate], now, openpgp::Limits::default());
    let good = opened.encryption() == Encryption::Whole && opened.valid_signature().is_some();
    if good { Ok(()) } else { Err("what was sealed could not be opened".to_owned()) }
}

/// Counts the members' keys that cannot be used or expire soon. `sealist keys check` names them.
async fn members(app: &App) -> Result<Vec<Diagnosis>, AppError> {
    let now = Timestamp::now();
    let (mut good, mut unusable, mut soon) = (0, 0, 0);
    let mut after = AddressNo(0);
    let keys = app.as_operator().keys();
    while let Some((page, last)) = keys.report(after, PAGE).await? {
        for key in &page {
            match (&key.problem, key.usable_until) {
                (Some(_), _) => unusable += 1,
                (None, Some(until)) if until.0 - now.0 < SOON_MS => soon += 1,
                (None, _) => good += 1,
            }
        }
        after = last;
    }
    let mut findings = vec![Diagnosis::good("member keys", format!("{good} can be used for a while"))];
    let fix = "`sealist keys check` names them; `sealist keys import ADDRESS FILE` takes an updated key";
    for (count, what) in
        [(unusable, "cannot be used, or are missing"), (soon, "can be used, and end within 30 days")]
    {
        if count > 0 {
            findings.push(Diagnosis::warning("member keys", format!("{count} {what}"), fix));
        }
    }
    Ok(findings)
}
