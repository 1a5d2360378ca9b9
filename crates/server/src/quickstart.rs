//! `sealist quickstart`: makes a configuration, a database and a first list with its key, and prints the next
//! steps. A second run keeps everything that exists.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sealist_app::{AppError, NewMember};
use sealist_lists::model::{ListName, Role, SubAddress};
use sealist_mail::Address;
use serde_json::json;

use crate::admin::CommandOutput;
use crate::config::{self, Config};
use crate::ending::Ending;
use crate::mta;
use crate::opening::{self, OpeningPurpose};

/// The options of the command.
pub(crate) struct QuickstartOptions {
    pub(crate) admin: Address,
    pub(crate) list: Option<ListName>,
    /// The admin's certificate.
    pub(crate) key: Option<PathBuf>,
}

/// Makes what is missing, and returns what to print.
pub(crate) async fn run(path: &Path, options: QuickstartOptions) -> anyhow::Result<CommandOutput> {
    let name = match options.list {
        Some(name) => name,
        None => format!("team@lists.{}", options.admin.domain()).parse()?,
    };
    let wrote = if path.exists() { "is kept" } else { "is written" };
    if !path.exists() {
        write_config(path, &options.admin)?;
    }
    let config = Config::read(path)?;
    let app = opening::open(&config, OpeningPurpose::Make).await?;

    let lists = app.as_operator().lists();
    let there = match lists.create(&name, "pgp-default").await {
        Ok(_) => false,
        Err(AppError::ListExists(_)) => true,
        Err(error) => return Err(error.into()),
    };
    let key = options
        .key
        .map(|file| std::fs::read(&file).with_context(|| format!("cannot read {}", file.display())))
        .transpose()?;
    if let Some(key) = &key {
        app.as_operator().keys().import(&options.admin, key).await?;
    }
    for role in [Role::Owner, Role::Member] {
        let admin = NewMember { address: options.admin.clone(), name: String::new(), role, key: key.clone() };
        match app.as_operator().members(&name).add(admin).await {
            Ok(()) | Err(AppError::HasRole { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let certificate = lists.certificate(&name).await?;
    let fingerprint = certificate.map(|key| key.fingerprint().spaced()).unwrap_or_default();
    let key_file = format!("{}.asc", name.local());
    let all = lists.all().await?;
    let data = json!({
        "configuration": path,
        "database": config.database().to_string(),
        "list": name.to_string(),
        "made": !there,
        "fingerprint": fingerprint,
    });
    let text = format!(
        "configuration  {} {wrote}\n\
         database       {}\n\
         secret keys    {}\n\
         list           {name} {}\n\
         fingerprint    {fingerprint}\n\n\
         == Postfix (for others: sealist mta print exim, opensmtpd, stalwart, mox)\n\n{}\n\
         == DNS records of {}\n\n{}\n\
         == What to do next\n\n{}",
        path.display(),
        config.database(),
        config.keydirs,
        if there { "is kept" } else { "is made" },
        mta::lines(&config, all.iter().map(|list| &list.name), mta::Server::Postfix)?,
        name.mail_host(),
        dns_records(&config, &name),
        next_steps(path, &name, &options.admin, &key_file),
    );
    Ok((text, data))
}

/// For a configuration in another place the data is put beside it. The system's configuration uses the
/// system's folders.
fn write_config(path: &Path, admin: &Address) -> anyhow::Result<()> {
    let mut config = Config::default();
    config.site.contact = admin.to_string();
    if path != Path::new(config::DEFAULT_PATH) {
        config.data_dir = "data".into();
        config.keydirs.list = "keys".into();
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| Ending::not_written(folder, &error))?;
    }
    Ok(std::fs::write(path, config::commented(&config)).map_err(|error| Ending::not_written(path, &error))?)
}

/// A domain with mailboxes has DNS records already, for its own mail.
fn dns_records(config: &Config, name: &ListName) -> String {
    let host = name.mail_host();
    if config.site.has_mailboxes(host) {
        return format!(
            "{host} has mailboxes, and so its records: keep them. Let its SPF record name the server that sends the \
             copies, and sign mail from {host} with DKIM there.\n"
        );
    }
    let reports = match config.site.contact.as_str() {
        "" => name.address(SubAddress::Owner).to_string(),
        contact => contact.to_owned(),
    };
    format!(
        "{host}.         MX   10 MAIL.EXAMPLE.   ; the name of your mail server\n\
         {host}.         TXT  \"v=spf1 mx -all\"\n\
         _dmarc.{host}.  TXT  \"v=DMARC1; p=none; rua=mailto:{reports}\"\n\
         A DKIM record comes from your DKIM signer; sign mail from {host} there.\n"
    )
}

/// Lines for a shell, with explanations after a `#`.
fn next_steps(path: &Path, name: &ListName, admin: &Address, key_file: &str) -> String {
    let is_systems = path == Path::new(config::DEFAULT_PATH);
    let sealist = match is_systems {
        true => "sealist".to_owned(),
        false => format!("sealist --config {}", path.display()),
    };
    let serve = match is_systems {
        true => "systemctl enable --now sealist".to_owned(),
        false => format!("{sealist} serve"),
    };
    format!(
        "{sealist} keys import {admin} YOUR-KEY.asc      # so that the list can encrypt to you\n\
         {sealist} members add {name} bart@example.org --key bart.asc\n\
         {sealist} lists key {name} > {key_file}      # the key that members encrypt to: give it to them\n\
         {serve}      # the server\n\
         {sealist} doctor      # says what is wrong and how to mend it\n"
    )
}
