//! Checks for insecure but working configurations: unencrypted passwords, files that others can read, an LMTP
//! port that strangers reach, encrypting lists with weak settings. Settings: `[outgoing]`, `[lmtp]`, those of
//! the lists.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sealist_app::{App, AppError};
use sealist_lists::model::MailingList;
use sealist_lists::rows::NamedRows;
use sealist_lists::weaknesses;
use sealist_lists::workflows::Step;

use super::Diagnosis;
use crate::admin::owners;
use crate::config::{Config, ConnectionSecurity, DatabaseAt};

/// Checks that need only the configuration. `sealist check` runs them, too.
pub(crate) fn examine(config: &Config) -> Vec<Diagnosis> {
    let mut findings = Vec::new();
    let outgoing = &config.outgoing;
    if !outgoing.user.is_empty() {
        if outgoing.security == ConnectionSecurity::None && !outgoing.is_here() {
            findings.push(Diagnosis::fault(
                "password",
                format!("it goes to {} in the clear", outgoing.host),
                "set security = \"starttls\" or \"tls\" in [outgoing], then change the password",
            ));
        }
        if outgoing.security != ConnectionSecurity::None && !outgoing.verify {
            findings.push(Diagnosis::warning(
                "password",
                format!("whoever takes the place of {} gets it", outgoing.host),
                "set verify = true in [outgoing]",
            ));
        }
        findings.extend(private("password", &outgoing.password_file));
    }
    if !config.lmtp.listen.ip().is_loopback() {
        findings.push(Diagnosis::warning(
            "lmtp address",
            format!(
                "{} can be reached from outside this machine, and whoever reaches it posts as anybody",
                config.lmtp.listen
            ),
            "listen on 127.0.0.1, or let a firewall admit your mail server alone: LMTP knows no password",
        ));
    }
    if let DatabaseAt::File(database) = config.database() {
        findings.extend(private("database file", &database));
        let name = database.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let copies = database.parent().and_then(|folder| std::fs::read_dir(folder).ok());
        for file in copies.into_iter().flatten().flatten() {
            if file.file_name().to_string_lossy().starts_with(&format!("{name}.")) {
                findings.extend(private("database file", &file.path()));
            }
        }
    }
    findings
}

fn private(check: &'static str, path: &Path) -> Option<Diagnosis> {
    let metadata = std::fs::metadata(path).ok()?;
    (metadata.permissions().mode() & 0o077 != 0).then(|| {
        let detail = format!("{} can be read by others", path.display());
        Diagnosis::fault(check, detail, format!("chmod 600 {}", path.display()))
    })
}

/// Finds lists that give up a promise of OpenPGP, and lists without an owner.
pub(super) async fn examine_lists(app: &App) -> Result<Vec<Diagnosis>, AppError> {
    let all = app.as_operator().lists().all().await?;
    let mut findings: Vec<Diagnosis> =
        all.iter().flat_map(|list| of_list(list, &app.registry.steps)).collect();
    for list in &all {
        if let Some(who) = owners::notice_recipient(app, &list.name).await? {
            findings.push(Diagnosis::warning(
                "owner",
                format!("{}: {who}", list.name),
                owners::fix(&list.name),
            ));
        }
    }
    Ok(findings)
}

fn of_list(list: &MailingList, steps: &NamedRows<Step>) -> Vec<Diagnosis> {
    weaknesses::of(&list.settings, steps)
        .map(|weakness| {
            let fix = format!("if nobody meant that: sealist lists set {} {}", list.name, weakness.mend);
            Diagnosis::warning(weakness.check, format!("{}: {}", list.name, weakness.what), fix)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_configurations_are_found() {
        fn check(change: impl Fn(&mut Config), found: &[&str]) {
            let mut config = Config { data_dir: "/nonexistent".into(), ..Config::default() };
            change(&mut config);
            let findings: Vec<&str> = examine(&config).iter().map(|finding| finding.check).collect();
            assert_eq!(findings, found);
        }
        let login = |config: &mut Config, host: &str, security| {
            config.outgoing.user = "lists".into();
            config.outgoing.host = host.into();
            config.outgoing.security = security;
        };
        check(|_| {}, &[]);
        check(|config| login(config, "mail.example.org", ConnectionSecurity::None), &["password"]);
        check(|config| login(config, "192.0.2.1", ConnectionSecurity::None), &["password"]);
        for here in ["127.0.0.1", "127.0.0.9", "::1", "localhost"] {
            check(|config| login(config, here, ConnectionSecurity::None), &[]);
        }
        check(|config| login(config, "mail.example.org", ConnectionSecurity::StartTls), &[]);
        check(|config| login(config, "mail.example.org", ConnectionSecurity::Tls), &[]);
        let unverified = |config: &mut Config| {
            login(config, "mail.example.org", ConnectionSecurity::Tls);
            config.outgoing.verify = false;
        };
        check(unverified, &["password"]);
        for listen in ["0.0.0.0:8024", "[::]:8024", "192.0.2.1:24"] {
            check(|config| config.lmtp.listen = listen.parse().unwrap(), &["lmtp address"]);
        }
        let folder = tempfile::TempDir::new().unwrap();
        for (name, mode, found) in
            [("sealist.db", 0o644, true), ("sealist.db.version-3", 0o640, true), ("sealist.db", 0o600, false)]
        {
            for file in std::fs::read_dir(folder.path()).unwrap() {
                std::fs::remove_file(file.unwrap().path()).unwrap();
            }
            let path = folder.path().join(name);
            std::fs::write(&path, "x").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let expected: &[&str] = if found { &["database file"] } else { &[] };
            check(|config| config.data_dir = folder.path().to_owned(), expected);
        }
        let password = folder.path().join("password");
        std::fs::write(&password, "x").unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o644)).unwrap();
        let readable = |config: &mut Config| {
            login(config, "127.0.0.1", ConnectionSecurity::None);
            config.outgoing.password_file = password.clone();
        };
        check(readable, &["password"]);
    }
}
