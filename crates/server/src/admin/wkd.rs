//! `sealist keys wkd`: writes the keys of lists as files for a web server
//! (draft-koch-openpgp-webkey-service).

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sealist_app::App;
use sealist_lists::model::SubAddress;
use sealist_openpgp::{Certificate, wkd};
use serde_json::json;

use super::CommandOutput;
use crate::ending::Ending;

/// The sub-addresses that people write to.
const PUBLISHED: [SubAddress; 3] = [SubAddress::Posting, SubAddress::Request, SubAddress::Owner];
/// The path below the root of the web server.
const PLACE: &str = ".well-known/openpgpkey";

/// Writes one file per address, in the layout of the advanced method, and an empty `policy` per mail host.
pub(super) async fn run(app: &App, folder: &Path) -> anyhow::Result<CommandOutput> {
    let lists = app.as_operator().lists();
    let (all, now) = (lists.all().await?, app.now());
    let mut files = Vec::new();
    let mut hosts = Vec::new();
    for list in all.into_iter().filter(|list| list.settings.has_openpgp()) {
        let keys = lists.published_keys(&list.name).await?;
        let host = list.name.mail_host();
        let of_host = folder.join(PLACE).join(host);
        for address in PUBLISHED.map(|sub_address| list.name.address(sub_address)) {
            // A client accepts only keys that have the requested address as a user id.
            let Some(current) = keys.first().filter(|key| key.addresses(now).contains(&address)) else {
                continue;
            };
            let before = keys.iter().skip(1).filter(|key| key.mentions(&address));
            let octets: Vec<u8> =
                [current].into_iter().chain(before).flat_map(Certificate::to_bytes).collect();
            let file = of_host.join("hu").join(wkd::file_name(address.local()));
            put(&file, &octets)?;
            files.push(json!({ "address": address.to_string(), "file": file.display().to_string() }));
        }
        if !hosts.contains(&host.to_owned()) {
            put(&of_host.join("policy"), b"")?;
            hosts.push(host.to_owned());
        }
    }
    let text = format!("{} files for {} mail hosts\n{}", files.len(), hosts.len(), advice(folder, &hosts));
    Ok((text, json!({ "files": files, "hosts": hosts })))
}

/// What the web server must be configured to do.
fn advice(folder: &Path, hosts: &[String]) -> String {
    let folder = folder.display();
    let each = hosts.iter().map(|host| {
        format!(
            "https://openpgpkey.{host}/{PLACE}/ must serve the files below {folder}/{PLACE}/: as application/octet-stream, \
             with Access-Control-Allow-Origin: *, without a list of them\n"
        )
    });
    each.collect()
}

/// Writes a file that everybody may read. The file is replaced atomically, so that a concurrent reader gets
/// the old one.
fn put(path: &Path, octets: &[u8]) -> Result<(), Ending> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        open_folder(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(octets)?;
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(drop).map_err(|error| Ending::not_written(path, &error))
}

/// Makes a folder and its parents readable for everybody. Existing folders stay as they are.
fn open_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    folder.parent().map_or(Ok(()), open_folder)?;
    std::fs::create_dir(folder)?;
    std::fs::set_permissions(folder, Permissions::from_mode(0o755))
}
