//! `sealist keys`: the certificates by which people are written to.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use sealist_app::{App, set_key};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::Certificate;
use sealist_store::keys::CertificateRow;
use sealist_store::people;
use serde_json::{Value, json};

use super::{Answer, read_file};

#[derive(Subcommand)]
pub(crate) enum Keys {
    /// The certificate of an address: fingerprint, whether it can be used, until when.
    Show { address: Address },
    /// Whether the certificates in a file could be used, and why not.
    Check { file: PathBuf },
    /// Gives an address a certificate, or updates the one it has: new parts, a longer validity, a revocation
    /// certificate. Copies that waited go out.
    Import { address: Address, file: PathBuf },
    /// The certificate of an address, armored.
    Export { address: Address },
}

pub(super) async fn run(app: &App, command: Keys) -> anyhow::Result<Answer> {
    let now = Timestamp::now();
    Ok(match command {
        Keys::Show { address } => {
            let row = stored(app, &address).await?;
            let (text, data) = describe(&Certificate::from_stored(&row.certificate)?, now);
            let confirmed = row.confirmed_at.map(Timestamp::rfc3339);
            let since = confirmed.as_deref().unwrap_or("no");
            (format!("{text}confirmed    {since}\n"), merged(data, json!({ "confirmed_at": confirmed })))
        }
        Keys::Check { file } => {
            let all = Certificate::read(&read_file(&file)?)?;
            let (texts, data): (Vec<_>, Vec<_>) = all.iter().map(|key| describe(key, now)).unzip();
            (texts.join("\n"), data.into())
        }
        Keys::Import { address, file } => {
            let certificate = set_key(app, &address, &read_file(&file)?, now).await?;
            let (text, data) = describe(&certificate, now);
            (
                format!("address      {address}\n{text}"),
                merged(data, json!({ "address": address.to_string() })),
            )
        }
        Keys::Export { address } => {
            let certificate = Certificate::from_stored(&stored(app, &address).await?.certificate)?;
            let armored = String::from_utf8_lossy(&certificate.armored()).into_owned();
            (armored.clone(), json!({ "address": address.to_string(), "certificate": armored }))
        }
    })
}

async fn stored(app: &App, address: &Address) -> anyhow::Result<CertificateRow> {
    let mut db = app.store.reader().await?;
    let Some(no) = people::find_address(&mut db, address).await? else {
        bail!("{address} is not known here");
    };
    let row = sealist_store::keys::certificate_of(&mut db, no).await?;
    row.with_context(|| format!("{address} has no key: run `sealist keys import {address} FILE`"))
}

fn describe(certificate: &Certificate, now: Timestamp) -> Answer {
    let fingerprint = certificate.fingerprint();
    let problem = certificate.usable(now).err().map(|problem| problem.to_string());
    let until = certificate.usable(now).ok().and_then(|card| card.valid_until()).map(Timestamp::rfc3339);
    let users = certificate.user_ids();
    let usable = match (&problem, &until) {
        (Some(problem), _) => format!("no: {problem}"),
        (None, Some(until)) => format!("until {until}"),
        (None, None) => "yes".to_owned(),
    };
    let text =
        format!("fingerprint  {fingerprint}\nuser ids     {}\nusable       {usable}\n", users.join(", "));
    let data = json!({
        "fingerprint": fingerprint.to_string(),
        "user_ids": users,
        "usable": problem.is_none(),
        "problem": problem,
        "usable_until": until,
    });
    (text, data)
}

fn merged(mut data: Value, more: Value) -> Value {
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    data
}
