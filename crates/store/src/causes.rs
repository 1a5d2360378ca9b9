//! Explains the result codes of SQLite and PostgreSQL, and says what a person can do about each.

/// The fix for a damaged database.
pub(crate) const RESTORE: &str = "stop the server and restore the database from the backup";
const CONFIGURE: &str = "correct [database] url";
const START: &str = "start PostgreSQL, or correct host and port in [database] url";
const OWNER: &str =
    "run this as the user that the server runs as, and see that the file system can be written";

/// Who can fix an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// Nobody needs to: the same works later.
    Later,
    /// The admin of the site.
    Admin,
    /// The caller: an argument does not fit.
    Caller,
    /// The authors of this program.
    Authors,
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Who can fix it.
    pub who: For,
    /// What to do, as an imperative sentence without a full stop.
    pub fix: &'static str,
}

impl Remedy {
    pub(crate) const fn new(who: For, fix: &'static str) -> Self {
        Self { who, fix }
    }
}

struct Cause {
    codes: &'static [&'static str],
    words: &'static str,
    remedy: Remedy,
}

const fn cause(codes: &'static [&'static str], words: &'static str, who: For, fix: &'static str) -> Cause {
    Cause { codes, words, remedy: Remedy::new(who, fix) }
}

/// Codes of PostgreSQL by the beginning of the SQLSTATE. The first row that matches counts.
const STATES: &[Cause] = &[
    cause(
        &["28P01"],
        "the database does not accept the password",
        For::Admin,
        "correct the password in [database] url, or in the file that PGPASSFILE names",
    ),
    cause(
        &["28"],
        "the database does not accept this user",
        For::Admin,
        "correct the user in [database] url, or pg_hba.conf of the server",
    ),
    cause(
        &["3D000"],
        "the server has no database of that name",
        For::Admin,
        "make it with `createdb`, or correct [database] url",
    ),
    cause(
        &["53300"],
        "the database has no connection left",
        For::Later,
        "allow 5 connections a node and one for each command: max_connections of the server, CONNECTION LIMIT of role and database",
    ),
    cause(
        &["53100"],
        "the disk of the database is full",
        For::Later,
        "make room on the disk of the database server",
    ),
    cause(
        &["53"],
        "the database server is short of memory or disk",
        For::Later,
        "look at the log of the database server",
    ),
    cause(
        &["25006"],
        "the database can only be read",
        For::Later,
        "connect to the primary server, or wait until this one is it",
    ),
    cause(
        &["55P03"],
        "another process holds a lock",
        For::Later,
        "try again in a moment; look for a process that has frozen",
    ),
    cause(
        &["57P", "58"],
        "the database server is starting, stopping or broken",
        For::Later,
        "try again in a moment; look at the log of the database server",
    ),
    cause(
        &["57"],
        "the database gave the statement up",
        For::Later,
        "try again in a moment; raise statement_timeout of the server",
    ),
    cause(&["08"], "the connection to the database broke", For::Later, START),
    cause(&["40"], "another change came in between", For::Later, "try again in a moment"),
    cause(
        &["42501"],
        "the user may not use the tables",
        For::Admin,
        "let the user of [database] url own the database",
    ),
    cause(&["42P01"], "the database lacks a table", For::Admin, RESTORE),
    cause(&["XX"], "the database is damaged", For::Admin, RESTORE),
    cause(
        &["23503"],
        "what it belongs to has been deleted at this moment",
        For::Caller,
        "look at what is there, and try again",
    ),
];

/// Codes of SQLite by the extended result code, or the primary code that it ends in. The first row that
/// matches counts.
const RESULTS: &[Cause] = &[
    cause(
        &["787"],
        "what it belongs to has been deleted at this moment",
        For::Caller,
        "look at what is there, and try again",
    ),
    cause(
        &["5", "6"],
        "another process holds the database",
        For::Later,
        "try again in a moment; look for a process that has frozen",
    ),
    cause(&["7"], "memory is exhausted", For::Later, "give this machine more memory"),
    cause(&["8"], "the database can only be read", For::Later, OWNER),
    cause(
        &["10"],
        "the disk does not work",
        For::Later,
        "look for room on the disk, and for disk errors in the kernel's log",
    ),
    cause(&["13"], "the disk is full", For::Later, "make room on the disk of data_dir"),
    cause(&["14"], "the file of the database cannot be opened", For::Later, OWNER),
    cause(&["23"], "the file of the database may not be used", For::Admin, OWNER),
    cause(&["11", "26"], "the file is damaged, or is no database", For::Admin, RESTORE),
];

/// Errors of the layers in between: words of the system and our own.
const WORDS: &[Cause] = &[
    cause(
        &["TLS"],
        "the database server offers no TLS, or not with a certificate that is valid for its name",
        For::Admin,
        "set up TLS at the server, or correct sslmode and sslrootcert in [database] url",
    ),
    cause(&["connection refused"], "the database server does not answer", For::Later, START),
    cause(
        &[
            "host unreachable",
            "network unreachable",
            "timed out",
            "connection reset",
            "connection aborted",
            "broken pipe",
            "unexpected end of file",
            "entity not found",
            "uncategorized error",
        ],
        "the database server cannot be reached",
        For::Later,
        START,
    ),
    cause(&["permission denied"], "the socket of the database server may not be used", For::Admin, CONFIGURE),
    cause(&["busy"], "all connections to the database are in use", For::Later, "try again in a moment"),
];

fn find(code: &str) -> Option<&'static Cause> {
    let fits = |table: &'static [Cause], test: &dyn Fn(&str) -> bool| {
        table.iter().find(|cause| cause.codes.iter().any(|known| test(known)))
    };
    match code.parse::<u32>() {
        // A SQLSTATE has five characters, a code of SQLite fewer.
        _ if code.len() == 5 => fits(STATES, &|known| code.starts_with(known)),
        Ok(extended) => {
            let primary = (extended & 0xff).to_string();
            fits(RESULTS, &|known| known == code || known == primary)
        }
        Err(_) => fits(WORDS, &|known| code == known),
    }
}

/// The meaning of the code, with the code.
pub(crate) fn describe(code: &str) -> String {
    match find(code) {
        Some(cause) if cause.codes.contains(&code) && code.contains(' ') => cause.words.to_owned(),
        Some(cause) => format!("{} ({code})", cause.words),
        None => format!("the database cannot do it ({code})"),
    }
}

pub(crate) fn remedy(code: &str) -> Option<Remedy> {
    find(code).map(|cause| cause.remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_words_and_its_remedy() {
        fn check(code: &str, words: &str, who: For, fix: &str) {
            assert!(describe(code).contains(words), "{code}: {}", describe(code));
            let remedy = remedy(code).unwrap();
            assert_eq!(remedy.who, who, "{code}");
            assert!(remedy.fix.contains(fix), "{code}: {}", remedy.fix);
        }
        check("28P01", "password", For::Admin, "PGPASSFILE");
        check("28000", "user", For::Admin, "pg_hba.conf");
        check("3D000", "no database of that name", For::Admin, "createdb");
        check("53300", "no connection left", For::Later, "5 connections a node");
        check("53100", "disk", For::Later, "room");
        check("25006", "only be read", For::Later, "primary");
        check("55P03", "lock", For::Later, "try again");
        check("57P03", "starting", For::Later, "try again");
        check("57014", "gave the statement up", For::Later, "statement_timeout");
        check("08006", "connection", For::Later, "start PostgreSQL");
        check("40001", "another change", For::Later, "try again");
        check("connection refused", "does not answer", For::Later, "start PostgreSQL");
        check("TLS", "no TLS", For::Admin, "sslmode");
        check("4874", "the disk does not work", For::Later, "room");
        check("13", "full", For::Later, "room");
        check("14", "cannot be opened", For::Later, "user that the server runs as");
        check("8", "only be read", For::Later, "can be written");
        check("26", "damaged", For::Admin, "restore");
        check("11", "damaged", For::Admin, "restore");
        check("779", "damaged", For::Admin, "restore");
        check("787", "deleted at this moment", For::Caller, "try again");
        check("23503", "deleted at this moment", For::Caller, "try again");
        check("517", "another process", For::Later, "frozen");
        for unknown in ["42601", "1", "19", "unexpected"] {
            assert_eq!(remedy(unknown), None, "{unknown}");
            assert!(describe(unknown).contains(unknown), "the code is all we have");
        }
    }
}
