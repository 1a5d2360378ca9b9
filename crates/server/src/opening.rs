//! Opens a site: which command may create it, which may change its tables, and what it means that keys exist
//! without their lists. Settings: `[database] url`, `data_dir`, `[keydirs]`.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use sealist_app::{App, AppError, Migrated, OpenDatabase, SiteDatabase};
use sealist_lists::budgets::Budgets;

use crate::config::{Config, DatabaseAt};
use crate::ending::{Code, Ending};
use crate::owner;
use crate::templates;
use crate::vault::{self, Vault, VaultError};

/// How long a server waits for its database. It may be started just before the first list is made, or before
/// the disk is mounted.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
/// How long the copy of a database before a migration is kept.
const COPIES_STAY: Duration = Duration::from_secs(30 * 24 * 3600);

/// Why a site is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpeningPurpose {
    /// To make the first list: the database may not exist yet.
    Make,
    /// To read or change an existing site.
    Use,
}

/// Why there is no site: the same for every command, with the one fix.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {fix}")]
pub(crate) struct NoSite {
    /// What was found.
    pub(crate) what: String,
    /// How to fix it.
    pub(crate) fix: String,
}

impl NoSite {
    /// There is no database, or it is empty. If keys of a site exist, its database is lost or not mounted,
    /// and no new one may be made beside them.
    pub(crate) fn missing(config: &Config) -> Self {
        let database = config.database();
        let keys = config.keydirs.list.display();
        let (seen, right) = match database {
            DatabaseAt::File(_) => (format!("there is no database at {database}"), "is the disk mounted?"),
            DatabaseAt::Server(_) => (format!("the database is empty: {database}"), "is `url` right?"),
        };
        match vault::has_keys(&config.keydirs) {
            true => Self {
                what: format!("{seen}, and {keys} holds keys of a site"),
                fix: lost(config).to_owned(),
            },
            false => Self {
                what: seen,
                fix: format!("{right} `sealist quickstart ADMIN@DOMAIN` makes a new site"),
            },
        }
    }
}

/// The fix if keys exist without their database.
fn lost(config: &Config) -> &'static str {
    match config.database() {
        DatabaseAt::File(_) => {
            "mount the disk of the database, or restore it from the backup; for a new site move the keys away first"
        }
        DatabaseAt::Server(_) => {
            "set `url` below [database] to the right one, or restore it from the backup; for a new site move the keys away first"
        }
    }
}

/// This node has no keys at all, so it does not start and claims nothing.
#[derive(Debug, thiserror::Error)]
#[error("{why}: {}", .why.fix())]
pub(crate) struct NoKeysHere {
    /// The reason.
    pub(crate) why: VaultError,
}

/// Where the database of that configuration is.
pub(crate) fn place(config: &Config) -> Result<SiteDatabase, AppError> {
    match config.database() {
        DatabaseAt::File(path) => Ok(SiteDatabase::file(&path)),
        DatabaseAt::Server(url) => SiteDatabase::server(url),
    }
}

/// Opens database and keys for a command.
pub(crate) async fn open(config: &Config, purpose: OpeningPurpose) -> anyhow::Result<App> {
    let database = open_database(config, purpose).await?;
    let vault = Vault::open(&config.keydirs, &database).await.map_err(|why| NoKeysHere { why })?;
    let app = App::new(database, Arc::new(vault), config.contact());
    let budgets = Budgets { max_stranger_notices_per_hour: config.site.max_stranger_notices_per_hour };
    let app = app.with_operator(owner::operator()).with_sent_kept_days(config.queue.sent_kept_days);
    Ok(app.with_budgets(budgets).with_texts(templates::open(config)).with_registry(config.registry()?))
}

async fn open_database(config: &Config, purpose: OpeningPurpose) -> anyhow::Result<OpenDatabase> {
    let database = place(config)?;
    if purpose == OpeningPurpose::Make && database.is_missing().await? {
        if vault::has_keys(&config.keydirs) {
            return Err(NoSite::missing(config).into());
        }
        make_folder(config)?;
        return Ok(database.make().await?);
    }
    let database = database.open().await?.ok_or_else(|| NoSite::missing(config))?;
    if purpose == OpeningPurpose::Make
        && let Some(fault) = keys_without_lists(config, &database).await?
    {
        return Err(fault.into());
    }
    Ok(database)
}

fn make_folder(config: &Config) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let DatabaseAt::File(path) = config.database() else { return Ok(()) };
    let Some(folder) = path.parent() else { return Ok(()) };
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make {}", folder.display()))
        .map_err(|error| Ending::new(Code::CannotCreate, format!("{error:#}")).into())
}

/// A site that this process serves.
pub(crate) struct Served {
    /// The site.
    pub(crate) app: App,
    /// With SQLite: a lock that is held as long as the site is served.
    pub(crate) _alone: Option<File>,
}

/// Opens a site to serve it. A SQLite database is migrated, after it was copied. If neither database nor keys
/// exist, waits a little for the database.
pub(crate) async fn to_serve(config: &Config) -> anyhow::Result<Served> {
    let end = Instant::now() + PATIENCE;
    let mut is_new = !vault::has_keys(&config.keydirs);
    let mut told = false;
    loop {
        match try_to_serve(config).await {
            Err(error) if is_new && error.is::<NoSite>() && Instant::now() < end => {
                if !told {
                    tracing::warn!(
                        event = "database-awaited",
                        "{error}; waiting for it up to {} s",
                        PATIENCE.as_secs()
                    );
                    told = true;
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
            Ok(served) => {
                is_new &= told;
                if is_new {
                    tracing::info!(event = "database-found", "the database of the site is there");
                }
                return Ok(served);
            }
        }
    }
}

async fn try_to_serve(config: &Config) -> anyhow::Result<Served> {
    let database = place(config)?;
    if database.is_missing().await? {
        return Err(NoSite::missing(config).into());
    }
    let alone = lock_database(config)?;
    if let DatabaseAt::File(_) = config.database() {
        if let Some(migrated) = database.migrate().await? {
            tracing::warn!(event = "database-migrated", "{}", describe_migration(&migrated));
        }
        for copy in remove_old_copies(&database) {
            tracing::info!(
                event = "migration-copy-removed", copy = %copy.display(),
                "removed the old copy of the database from before a migration"
            );
        }
    }
    let app = open(config, OpeningPurpose::Use).await?;
    if let Some(fault) = keys_without_lists(config, &app.database()).await? {
        return Err(fault.into());
    }
    Ok(Served { app, _alone: alone })
}

/// Removes copies that are too old to go back to.
pub(crate) fn remove_old_copies(database: &SiteDatabase) -> Vec<PathBuf> {
    database.remove_copies(SystemTime::now() - COPIES_STAY)
}

/// Describes a migration in one line.
pub(crate) fn describe_migration(migrated: &Migrated) -> String {
    let Migrated { from, to, copy } = migrated;
    let copy = copy.as_ref().map_or(String::new(), |copy| {
        format!(
            "; a copy of it as it was stays for {} days: {}",
            COPIES_STAY.as_secs() / 86_400,
            copy.display()
        )
    });
    format!("the database was of version {from} and is of version {to} now{copy}")
}

/// Whether keys of lists exist here, but no list was ever made in the database. Then the keys belong to
/// another database.
pub(crate) async fn keys_without_lists(
    config: &Config,
    database: &OpenDatabase,
) -> Result<Option<NoSite>, AppError> {
    let lists = vault::lists_with_keys(&config.keydirs);
    if lists.is_empty() || !database.is_new().await? {
        return Ok(None);
    }
    let what = format!(
        "the database {} never held a list, and {} holds keys of {}",
        config.database(),
        config.keydirs.list.display(),
        lists.into_iter().collect::<Vec<_>>().join(", ")
    );
    Ok(Some(NoSite { what, fix: lost(config).to_owned() }))
}

/// With SQLite only one process may serve a site, because two would send the same copies. The lock is held
/// until it is dropped.
pub(crate) fn lock_database(config: &Config) -> anyhow::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    let DatabaseAt::File(database) = config.database() else { return Ok(None) };
    let path = database.with_extension("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("cannot make {}", path.display()))?;
    let taken = flock(&file, FlockOperation::NonBlockingLockExclusive);
    taken.map_err(|_| {
        Ending::new(
            Code::TryAgain,
            "another `sealist serve` or `sealist db migrate` runs with this database: stop it first",
        )
    })?;
    Ok(Some(file))
}
