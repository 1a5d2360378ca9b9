//! Errors of the database. They never contain data of a row.

use crate::causes::{self, For, Remedy};

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is locked or full, or the disk fails. The caller may retry.
    #[error("{}", causes::describe(code))]
    Transient {
        /// SQLite's result code.
        code: String,
    },
    /// The reply to a commit was lost, so its outcome is unknown.
    #[error("the database did not say whether it is done: {}", causes::describe(code))]
    Unsure {
        /// The database's result code.
        code: String,
    },
    /// A row that must be unique exists already.
    #[error("it exists already")]
    Duplicate,
    /// Another node has taken over what this node had claimed.
    #[error("another node has taken this over")]
    Lost,
    /// A row has a value that no version of this program wrote.
    #[error("a row of table {table} is damaged")]
    Damaged {
        /// Where.
        table: &'static str,
    },
    /// The file was written by a newer version.
    #[error("the database is of version {found}, this program knows up to {known}: install a newer one")]
    Newer {
        /// The version of the file.
        found: i64,
        /// The last migration of this program.
        known: i64,
    },
    /// The file was written by an older version.
    #[error("the database is older (version {found}, needed {known}): run `sealist db migrate`")]
    Older {
        /// The version of the file.
        found: i64,
        /// The last migration of this program.
        known: i64,
    },
    /// There is no database, or it is empty.
    #[error("there is no database at {at}; is the disk mounted?")]
    Missing {
        /// The file, or server and name.
        at: String,
    },
    /// Nodes serve the database that is to be migrated.
    #[error("a node serves this database: stop all nodes first")]
    Served,
    /// The copy before a migration could not be made.
    #[error("the database cannot be copied to {path}: {why}", path = path.display())]
    Copy {
        /// The copy.
        path: std::path::PathBuf,
        /// Why.
        why: std::io::Error,
    },
    /// The address is not one of a PostgreSQL database.
    #[error("[database] url is no address such as postgres://user@host/name")]
    Address,
    /// The database cannot be opened.
    #[error("the database {path} cannot be opened: {why}")]
    Open {
        /// The file, or server and name.
        path: String,
        /// Why.
        why: Box<StoreError>,
    },
    /// The writer has ended, because the process is stopping.
    #[error("the database writer has stopped")]
    Stopped,
    /// A statement is faulty.
    #[error("{}", causes::describe(code))]
    Statement {
        /// The database's result code, or a word.
        code: String,
    },
}

impl StoreError {
    /// How a person can fix it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Open { why, .. } => why.remedy(),
            Self::Transient { code } | Self::Unsure { code } => {
                causes::remedy(code).unwrap_or(Remedy::new(For::Later, "try again in a moment"))
            }
            Self::Statement { code } => causes::remedy(code)
                .unwrap_or(Remedy::new(For::Authors, "this is a fault of Sealist: report it with the code")),
            Self::Duplicate => Remedy::new(For::Caller, "choose another name, or change what is there"),
            Self::Lost | Self::Stopped => Remedy::new(For::Later, "try again in a moment"),
            Self::Served => Remedy::new(For::Later, "stop all nodes, then run `sealist db migrate`"),
            Self::Damaged { .. } => Remedy::new(For::Admin, causes::RESTORE),
            Self::Newer { .. } => Remedy::new(For::Admin, "install the newer version of Sealist"),
            Self::Older { .. } => Remedy::new(
                For::Admin,
                "run `sealist db migrate`: with PostgreSQL stop all nodes and make a backup first; with SQLite a copy is made, and a restart \
                 of the server does the same",
            ),
            Self::Missing { .. } => Remedy::new(
                For::Admin,
                "mount the disk or restore the backup; `sealist quickstart ADMIN@DOMAIN` makes a new site",
            ),
            Self::Copy { .. } => {
                Remedy::new(For::Admin, "make room on the disk of the database, and let its user write there")
            }
            Self::Address => Remedy::new(For::Admin, "correct [database] url"),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(db) if db.is_unique_violation() => Self::Duplicate,
            sqlx::Error::Database(db) => {
                let code = db.code().map(|code| code.into_owned()).unwrap_or_default();
                if is_transient(&code) { Self::Transient { code } } else { Self::Statement { code } }
            }
            sqlx::Error::Io(error) => Self::Transient { code: error.kind().to_string() },
            sqlx::Error::PoolTimedOut => Self::Transient { code: "busy".into() },
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Stopped,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged { table: "unknown" },
            sqlx::Error::Tls(_) => Self::Statement { code: "TLS".into() },
            _ => Self::Statement { code: "unexpected".into() },
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi::{
            SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE,
        };
        match error.sqlite_error().map(|error| error.extended_code) {
            Some(SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_ROWID | SQLITE_CONSTRAINT_UNIQUE) => {
                Self::Duplicate
            }
            Some(code) if is_transient(&code.to_string()) => Self::Transient { code: code.to_string() },
            Some(code) => Self::Statement { code: code.to_string() },
            None => Self::Statement { code: "unexpected".into() },
        }
    }
}

/// Whether the same statement may work later.
fn is_transient(code: &str) -> bool {
    // SQLSTATE has five characters: connection, transaction rollback, resources, operator, system, read-only.
    if code.len() == 5 {
        return ["08", "40", "53", "55", "57", "58"].contains(&&code[..2]) || code == "25006";
    }
    // BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN
    matches!(code.parse::<i64>().unwrap_or(0) & 0xff, 5 | 6 | 7 | 8 | 10 | 13 | 14)
}
