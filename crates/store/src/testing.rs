//! A PostgreSQL server for the tests of a process. It ends with the process.

mod state;

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sealist_lists::model::{ListNo, RequestNo};

use crate::sql::query;
use crate::{Conn, Store, StoreError};
pub use state::{columns_that_say, copy, dump, restore};

/// The server of this process.
pub struct Postgres {
    folder: PathBuf,
    made: AtomicU32,
    /// The server ends when this value closes its standard input.
    _keeper: Child,
}

impl Postgres {
    /// Starts it, or finds it started.
    ///
    /// Panics if PostgreSQL is not installed: `scripts/install-deps` installs it.
    pub fn started() -> &'static Self {
        static SERVER: OnceLock<Postgres> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    /// The address of a new, empty database.
    pub fn database(&self) -> String {
        let name = format!("test{}", self.made.fetch_add(1, Ordering::Relaxed));
        let made = self.psql(&format!("CREATE DATABASE {name}"));
        assert!(made, "CREATE DATABASE {name}");
        format!("postgres://sealist@localhost/{name}?host={}", self.folder.display())
    }

    /// The address of a new, empty database that allows that many connections, of a user without privileges.
    pub fn narrow_database(&self, connections: u32) -> String {
        let url = self.database();
        let name = url.split(['/', '?']).nth(3).unwrap_or_default();
        // Another test may have made the role.
        self.psql("CREATE ROLE plain LOGIN");
        assert!(self.psql(&format!("ALTER DATABASE {name} OWNER TO plain")), "{name}");
        assert!(self.psql(&format!("ALTER DATABASE {name} CONNECTION LIMIT {connections}")), "{name}");
        url.replace("postgres://sealist@", "postgres://plain@")
    }

    /// Stops the server as in a crash, and starts it again.
    pub fn crash(&self) {
        let control = |arguments: &str| {
            let script = format!("{}/pg_ctl -D {}/data {arguments}", bin().display(), self.folder.display());
            assert!(as_owner(&script).status().is_ok_and(|status| status.success()), "{script}");
        };
        // Without its options the server would listen on the usual port, where another one may be.
        control("-m immediate -w restart -o '-k .. -c listen_addresses= -c max_connections=200' >/dev/null");
    }

    fn start() -> Self {
        let folder = PathBuf::from(format!("/tmp/sl-pg-{}", std::process::id()));
        let script = format!(
            "set -e; umask 077; rm -rf {folder}; mkdir {folder}; cd {folder}
             {bin}/initdb -D data -U sealist --auth=trust --no-sync -E UTF8 --locale=C >log
             {bin}/pg_ctl -D data -w start -o \"-k {folder} -c listen_addresses= -c max_connections=200\" >>log
             cat >/dev/null; {bin}/pg_ctl -D data -m immediate stop >>log; rm -rf {folder}",
            folder = folder.display(),
            bin = bin().display(),
        );
        let mut keeper = as_owner(&script);
        let keeper = keeper.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("a shell");
        let server = Self { folder, made: AtomicU32::new(0), _keeper: keeper };
        let end = Instant::now() + Duration::from_secs(60);
        while !server.psql("SELECT 1") {
            assert!(Instant::now() < end, "PostgreSQL does not come up in {}", server.folder.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn psql(&self, statement: &str) -> bool {
        let mut psql = Command::new("psql");
        psql.args(["-q", "-U", "sealist", "-d", "postgres", "-h"]).arg(&self.folder).args(["-c", statement]);
        psql.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }
}

/// The newest version that is installed.
fn bin() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL: run scripts/install-deps");
    let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    versions.retain(|bin| bin.join("initdb").exists());
    versions.sort();
    versions.pop().expect("PostgreSQL: run scripts/install-deps")
}

/// PostgreSQL refuses to run as root: then it runs as the user that its package made.
fn as_owner(script: &str) -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    let mut command = if root { Command::new("runuser") } else { Command::new("sh") };
    if root {
        command.args(["-u", "postgres", "--", "sh"]);
    }
    command.args(["-c", script]);
    command
}

/// Makes an empty database at a path, or at the address of a PostgreSQL database, for a server that is
/// started before its first list is made. One that is there stays as it is.
///
/// Panics if it cannot be made.
pub fn make_database(at: &str) {
    let at = at.to_owned();
    // A thread of its own: the caller may be inside a runtime.
    let made = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            if at.starts_with("postgres") {
                return Store::open_url(&at).await.map(drop);
            }
            let path = std::path::Path::new(&at);
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path.parent().unwrap_or(path))
                .expect("a folder");
            Store::open(path).await.map(drop)
        })
    });
    made.join().expect("the thread ends").unwrap_or_else(|error| panic!("no database: {error}"));
}

/// Marks the last migration as not made, and returns its number. The tables stay.
pub async fn forget_last_migration(db: &mut Conn) -> Result<i64, StoreError> {
    let sql = "DELETE FROM migrations WHERE number = (SELECT MAX(number) FROM migrations) RETURNING number";
    query(sql).fetch_one(db).await?.value()
}

/// Writes a setting as a newer version may: under any name, with any text.
pub async fn write_setting(db: &mut Conn, list: ListNo, name: &str, value: &str) -> Result<(), StoreError> {
    let insert = query("INSERT INTO list_settings (list_no, name, value) VALUES ($1, $2, $3)");
    insert.bind(list.0).bind(name).bind(value).execute(db).await.map(|_| ())
}

/// Makes of a request what a newer version may: any JSON stands for what it is about.
pub async fn write_run(db: &mut Conn, request: RequestNo, run: &str) -> Result<(), StoreError> {
    query("UPDATE requests SET run = $2 WHERE no = $1")
        .bind(request.0)
        .bind(run)
        .execute(db)
        .await
        .map(|_| ())
}

/// Writes what a newer version may, by any statement.
pub async fn write_as_newer(db: &mut Conn, statement: &str) -> Result<(), StoreError> {
    query(statement.to_owned()).execute(db).await.map(|_| ())
}

/// Gives a list a style that only a newer version knows.
pub async fn write_style(db: &mut Conn, list: ListNo, style: &str) -> Result<(), StoreError> {
    query("UPDATE lists SET style = $2 WHERE no = $1").bind(list.0).bind(style).execute(db).await.map(|_| ())
}

/// Holds the lock of migrations as long as the connection lasts, like a frozen process.
pub async fn hold_lock_of_migrations(db: &mut Conn) -> Result<(), StoreError> {
    db.lock_out_others(crate::migrate::ALONE).await
}
