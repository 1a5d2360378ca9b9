//! `sealist keys`: the certificates of people, and the keys of the lists.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use sealist_app::{AddressKeyView, App, CertificateView, Deployment, KeyReport, Rotated};
use sealist_lists::model::{AddressNo, ListName, MailingList};
use sealist_mail::{Address, Timestamp};
use sealist_openpgp::{Certificate, Fingerprint};
use serde_json::{Value, json};

use super::{CommandOutput, read_file, refresh, wkd};
use crate::config::{Config, KeyStorage};
use crate::ending::Ending;
use crate::vault;

/// How many keys are read from the database at a time.
const PAGE: u32 = 500;

#[derive(Subcommand)]
pub(crate) enum KeyCommands {
    /// Prints the key of an address: fingerprint, whether it can be used, and until when.
    Show {
        /// The address of the person.
        address: Address,
    },
    /// Checks all keys of the site: whether they can be used now, and until when. With a file, checks its
    /// certificates: whether they could be used, and why not.
    Check {
        /// A file with certificates, armored or binary; `-` reads standard input.
        file: Option<PathBuf>,
    },
    /// Gives an address a certificate, or updates its certificate: new subkeys, a longer validity, a
    /// revocation. Copies that waited for a key are sent.
    Import {
        /// The address of the person.
        address: Address,
        /// A file with the certificate or the update, armored or binary; `-` reads standard input.
        file: PathBuf,
    },
    /// Looks for updates of all keys, or of the key of one address, at the servers that `[keys] refresh`
    /// names.
    Refresh {
        /// Only the key of this address.
        address: Option<Address>,
    },
    /// Writes the keys of the lists as a Web Key Directory for a web server.
    Wkd {
        /// The root folder of the web server.
        folder: PathBuf,
    },
    /// Prints the certificate of an address, armored.
    Export {
        /// The address of the person.
        address: Address,
    },
    /// Approves the key that an address has, after you compared the fingerprint with the person. Copies that
    /// waited for it are sent.
    Approve {
        /// The address of the person.
        address: Address,
        /// The fingerprint of the key, 40 or 64 hexadecimal digits.
        fingerprint: Fingerprint,
    },
    /// Makes a new key for a list. It is used when the server, or each of several nodes, has loaded it. The
    /// old key opens mail for `key_overlap_days` more.
    Rotate {
        /// The name of the list.
        list: ListName,
    },
    /// Copies the keys of the key directory into the database, wrapped under the master key. The files stay.
    Rewrap,
    /// Makes a master key and writes it into a new file.
    MasterKey {
        /// The new file. It must not exist yet.
        file: PathBuf,
    },
}

pub(super) async fn run(app: &App, config: &Config, command: KeyCommands) -> anyhow::Result<CommandOutput> {
    let keys = app.as_operator().keys();
    Ok(match command {
        KeyCommands::Rotate { list } => {
            let lists = app.as_operator().lists();
            rotated(config, &lists.find(&list).await?, &lists.rotate_key(&list).await?)
        }
        KeyCommands::Rewrap => {
            let keys = app.as_operator().lists().keep_keys_in_database().await?;
            let text = format!(
                "{keys} keys came into the database; set kept = \"database\" in [keydirs] on every node, then move the \
                 files of the key directory to the backup\n"
            );
            (text, json!({ "keys": keys }))
        }
        KeyCommands::MasterKey { file } => (make_master_key(&file)?, Value::Null),
        KeyCommands::Show { address } => described(&keys.show(&address).await?),
        KeyCommands::Check { file: None } => table_of_site(app).await?,
        KeyCommands::Check { file: Some(file) } => {
            let all = Certificate::read(&read_file(&file)?).with_context(|| file.display().to_string())?;
            let views: Vec<_> = all.iter().map(|key| CertificateView::of(key, app.now())).collect();
            (views.iter().map(describe).collect::<Vec<_>>().join("\n"), json!(views))
        }
        KeyCommands::Import { address, file } => {
            let key = keys.import(&address, &read_file(&file)?).await?;
            let (text, data) = described(&key);
            (format!("address      {address}\n{text}"), data)
        }
        KeyCommands::Refresh { address } => refresh::run(app, config, address).await?,
        KeyCommands::Wkd { folder } => wkd::run(app, &folder).await?,
        KeyCommands::Approve { address, fingerprint } => {
            let key = keys.approve(&address, &fingerprint).await?;
            (format!("address      {address}\n{}", describe(&key.certificate)), json!(key))
        }
        KeyCommands::Export { address } => {
            let certificate = keys.certificate(&address).await?;
            let armored = String::from_utf8_lossy(&certificate.armored()).into_owned();
            (armored.clone(), json!({ "address": address.to_string(), "certificate": armored }))
        }
    })
}

pub(super) fn make_master_key(file: &Path) -> anyhow::Result<String> {
    vault::make_master_key(file).map_err(|error| Ending::not_written(file, &error))?;
    Ok(format!(
        "{} is made: give it to every node, and keep a copy apart from the backup of the database\n",
        file.display()
    ))
}

fn rotated(config: &Config, list: &MailingList, rotated: &Rotated) -> CommandOutput {
    let Rotated { fingerprint, waits_for, alone } = rotated;
    let nodes: Vec<String> = waits_for.iter().map(ToString::to_string).collect();
    let state = match (alone, config.keydirs.kept, nodes.as_slice()) {
        (_, _, []) => "it is used from now on".to_owned(),
        (Deployment::SingleProcess, ..) | (Deployment::Cluster, KeyStorage::Database, [_]) => {
            "the server uses it within a few seconds: `sealist doctor` says so if not".to_owned()
        }
        (Deployment::Cluster, KeyStorage::Directory, [_]) => {
            "the server uses it within a few seconds; if it has another key \
             directory than this one, copy the file of the key there: `sealist doctor` says so if it lacks it"
                .to_owned()
        }
        (Deployment::Cluster, kept, nodes) => {
            let way = match kept {
                KeyStorage::Database => "They load it from the database within a few seconds",
                KeyStorage::Directory => {
                    "Copy its file to the key directory of each node that has one of its own"
                }
            };
            let nodes = nodes.join(", ");
            format!(
                "it is used when each node has it; these lack it: {nodes}. {way}; `sealist doctor` names those that still lack it"
            )
        }
    };
    let days = list.settings.pgp.as_ref().map_or(0, |pgp| pgp.key_overlap_days);
    let text = format!(
        "new key      {fingerprint}\n{state}\nthe old key opens mail for {days} days more (key_overlap_days)\n"
    );
    (text, json!({ "fingerprint": fingerprint, "used": nodes.is_empty(), "waits_for": nodes }))
}

/// Describes the key of an address, and when it was confirmed.
fn described(key: &AddressKeyView) -> CommandOutput {
    let since = key.confirmed_at.as_deref().unwrap_or("no: `sealist keys approve` does it");
    (format!("{}confirmed    {since}\n", describe(&key.certificate)), json!(key))
}

/// A table of all keys of the site.
async fn table_of_site(app: &App) -> anyhow::Result<CommandOutput> {
    let mut text = format!("{:<32} {:<40} {:<10} {}\n", "address", "fingerprint", "until", "state");
    let mut all = Vec::new();
    let mut after = AddressNo(0);
    let keys = app.as_operator().keys();
    while let Some((page, last)) = keys.report(after, PAGE).await? {
        text.extend(page.iter().map(line));
        all.extend(page);
        after = last;
    }
    Ok((text, json!(all)))
}

fn line(key: &KeyReport) -> String {
    let KeyReport { address, fingerprint, problem, usable_until, .. } = key;
    let until = usable_until.map(Timestamp::rfc3339);
    let day = until.as_deref().map_or("-", |until| &until[..10]);
    let state = problem.as_deref().unwrap_or("usable");
    let fingerprint = fingerprint.as_deref().unwrap_or("-");
    format!("{address:<32} {fingerprint:<40} {day:<10} {state}\n")
}

fn describe(key: &CertificateView) -> String {
    let CertificateView { fingerprint, user_ids, problem, usable_until, .. } = key;
    let usable = match (problem, usable_until) {
        (Some(problem), _) => format!("no: {problem}"),
        (None, Some(until)) => format!("until {until}"),
        (None, None) => "yes".to_owned(),
    };
    format!("fingerprint  {fingerprint}\nuser ids     {}\nusable       {usable}\n", user_ids.join(", "))
}

#[cfg(test)]
mod tests {
    use sealist_lists::model::{ListNo, NodeNo};
    use sealist_lists::registry::Registry;

    use super::*;

    #[test]
    fn a_site_with_one_node_hears_of_no_others() {
        fn check(alone: Deployment, kept: KeyStorage, waits_for: &[i64], words: &str) {
            let mut config = Config::default();
            config.keydirs.kept = kept;
            let settings = Registry::built_in().styles.named("pgp-default").unwrap().settings();
            let list = MailingList { no: ListNo(1), name: "team@lists.example".parse().unwrap(), settings };
            let waits_for = waits_for.iter().map(|no| NodeNo(*no)).collect();
            let done = Rotated { fingerprint: "ABCD".to_owned(), waits_for, alone };
            let (text, _) = rotated(&config, &list, &done);
            assert!(text.contains(words) && text.contains("opens mail for 90 days more"), "{text}");
            assert_eq!(text.contains("node"), done.waits_for.len() > 1, "{text}");
        }
        for alone in [Deployment::SingleProcess, Deployment::Cluster] {
            check(alone, KeyStorage::Directory, &[], "it is used from now on");
        }
        for kept in [KeyStorage::Directory, KeyStorage::Database] {
            check(Deployment::SingleProcess, kept, &[4], "the server uses it within a few seconds");
        }
        check(Deployment::Cluster, KeyStorage::Database, &[4], "the server uses it within a few seconds:");
        check(Deployment::Cluster, KeyStorage::Directory, &[4], "another key directory than this one");
        check(Deployment::Cluster, KeyStorage::Directory, &[4, 7], "these lack it: 4, 7. Copy its file");
        check(
            Deployment::Cluster,
            KeyStorage::Database,
            &[4, 7],
            "these lack it: 4, 7. They load it from the database",
        );
    }
}
