//! Checks the machine: folders and their modes, clock, disk, the speed of fsync, swap.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use sealist_app::{App, AppError, Capacity};

use super::{Diagnosis, NO_SITE};
use crate::config::{Config, DatabaseAt, KeyStorage, MasterKeyAt};
use crate::{opening, vault};

const MIB: u64 = 1 << 20;
/// With less free room the disk counts as full.
const LEAST_FREE_MIB: u64 = 200;
const LITTLE_FREE_MIB: u64 = 2048;
const SLOW_FSYNC: Duration = Duration::from_millis(30);
const FSYNCS: u32 = 15;

/// `no_site` is the fix for a missing site, and so for missing folders.
pub(super) fn examine(config: &Config, no_site: Option<&str>) -> Vec<Diagnosis> {
    let missing = no_site.unwrap_or("mount the disk, restore the backup, or correct the configuration");
    let data = &config.data_dir;
    let is_file = matches!(config.database(), DatabaseAt::File(_));
    let mut findings = Vec::new();
    if is_file || data.exists() {
        findings.push(mode("data folder", data, missing));
    }
    if config.keydirs.kept == KeyStorage::Directory || config.keydirs.list.exists() {
        findings.push(mode("key folder", &config.keydirs.list, missing));
        findings.extend(key_files(&config.keydirs.list));
    }
    if let MasterKeyAt::File(path) = &config.keydirs.master_key {
        findings.extend(key_file("master key", path));
    }
    // With PostgreSQL nothing is stored here.
    if is_file && data.exists() {
        findings.push(disk(data));
        findings.extend(writing(data).unwrap_or_else(|error| {
            vec![Diagnosis::fault("disk", error.to_string(), format!("make {} writable", data.display()))]
        }));
    }
    findings.push(swap());
    findings
}

fn mode(check: &'static str, path: &Path, missing: &str) -> Diagnosis {
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Diagnosis::fault(check, format!("there is no {}", path.display()), missing)
        }
        Err(error) => Diagnosis::fault(check, error.to_string(), "run this as the server's user"),
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => Diagnosis::fault(
            check,
            format!("{} can be entered by others", path.display()),
            format!("chmod 700 {}", path.display()),
        ),
        Ok(_) => Diagnosis::good(check, path.display().to_string()),
    }
}

/// Finds keys of lists that the database does not know. They belong to another database, or to deleted lists.
pub(super) async fn examine_keys_alone(config: &Config, app: &App) -> Vec<Diagnosis> {
    match opening::keys_without_lists(config, &app.database()).await {
        Ok(Some(fault)) => return vec![Diagnosis::fault(NO_SITE, fault.what, fault.fix)],
        Ok(None) => {}
        Err(error) => return vec![super::of_failure(&error)],
    }
    let Ok(lists) = app.as_operator().lists().all().await else { return Vec::new() };
    let known: BTreeSet<String> = lists.iter().map(|list| list.name.list_id()).collect();
    let strangers = vault::lists_with_keys(&config.keydirs).into_iter().filter(|list| !known.contains(list));
    strangers
        .map(|list| {
            let detail =
                format!("{} has keys of {list}, and there is no such list", config.keydirs.list.display());
            let fix = "if it was deleted, move its files to the backup; if not, restore the database";
            Diagnosis::warning("key without list", detail, fix)
        })
        .collect()
}

fn key_files(folder: &Path) -> Vec<Diagnosis> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| key_file("key file", &file.path())).collect()
}

fn key_file(check: &'static str, path: &Path) -> Option<Diagnosis> {
    let open = fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o077 != 0);
    open.then(|| {
        Diagnosis::fault(
            check,
            format!("{} can be read by others", path.display()),
            format!("chmod 600 {}; think of its key as known to them", path.display()),
        )
    })
}

fn disk(path: &Path) -> Diagnosis {
    let fix = "make room: full disks make the server put mail off";
    match rustix::fs::statvfs(path) {
        Err(error) => Diagnosis::fault("disk", error.to_string(), fix),
        Ok(space) => {
            let free_mib = space.f_bavail.saturating_mul(space.f_frsize) / MIB;
            let detail = format!("{free_mib} MiB free");
            if free_mib < LEAST_FREE_MIB || (space.f_files > 0 && space.f_favail < 1000) {
                Diagnosis::fault("disk", detail, fix)
            } else if free_mib < LITTLE_FREE_MIB {
                Diagnosis::warning("disk", detail, fix)
            } else {
                Diagnosis::good("disk", detail)
            }
        }
    }
}

/// Measures how long a commit takes, and compares the clock of the file system with ours.
fn writing(folder: &Path) -> std::io::Result<Vec<Diagnosis>> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = Vec::new();
    for _ in 0..FSYNCS {
        let began = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    times.sort();
    let mut findings = vec![fsync_speed(times[times.len() / 2])];
    let (modified, now) = (file.metadata()?.modified()?, SystemTime::now());
    let apart = now.duration_since(modified).or_else(|_| modified.duration_since(now)).unwrap_or_default();
    if apart > Duration::from_secs(10) {
        let detail = format!("the disk's clock is {} s away from this machine's", apart.as_secs());
        findings.push(Diagnosis::fault("clock", detail, "synchronise both with NTP"));
    }
    Ok(findings)
}

/// Measures how long a commit takes on PostgreSQL, and checks whether the server allows the connections of
/// all nodes.
pub(super) async fn examine_server(app: &App) -> Result<Vec<Diagnosis>, AppError> {
    let Some(server) = app.as_operator().health().capacity().await? else { return Ok(Vec::new()) };
    let detail =
        format!("a commit takes {:.1} ms on the database server", server.commit.as_secs_f64() * 1000.0);
    let fix = "give the database a faster disk or a nearer place: each message waits for one commit";
    let commit = match server.commit > SLOW_FSYNC {
        true => Diagnosis::warning("commit", detail, fix),
        false => Diagnosis::good("commit", detail),
    };
    let Capacity { nodes, needed, allowed, .. } = server;
    let detail = format!(
        "nodes that live: {nodes}; with commands they need {needed} connections, allowed are {allowed}"
    );
    let fix = "raise max_connections of the server, or CONNECTION LIMIT of role and database";
    let connections = match allowed < needed {
        true => Diagnosis::warning("connections", detail, fix),
        false => Diagnosis::good("connections", detail),
    };
    Ok(vec![commit, connections])
}

fn fsync_speed(median: Duration) -> Diagnosis {
    let detail = format!("a commit takes {:.1} ms", median.as_secs_f64() * 1000.0);
    if median > SLOW_FSYNC {
        Diagnosis::warning(
            "fsync",
            detail,
            "put data_dir on a faster disk: each message waits for one commit",
        )
    } else {
        Diagnosis::good("fsync", detail)
    }
}

fn swap() -> Diagnosis {
    let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
    let plain: Vec<&str> = swaps
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .filter(|device| !device.contains("zram") && !device.starts_with("/dev/dm-"))
        .collect();
    if plain.is_empty() {
        return Diagnosis::good("swap", "none, or encrypted, or in memory");
    }
    Diagnosis::warning(
        "swap",
        format!("{} may keep what was in memory", plain.join(", ")),
        "encrypt the swap space, or switch it off",
    )
}
