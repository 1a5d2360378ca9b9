//! Tables of messages and what is answered: each from another person, all at once.

use rusqlite::types::Value;

use super::cast::{Player, flat};
use super::site::Site;

pub(crate) struct Case<'a> {
    name: &'a str,
    from: &'a Player,
    message: Vec<u8>,
    says: &'a str,
}

/// `says`: what the one notice says that comes back.
pub(crate) fn case<'a>(name: &'a str, from: &'a Player, message: Vec<u8>, says: &'a str) -> Case<'a> {
    Case { name, from, message, says }
}

/// Each message is answered with one notice, and that with the sentence; nothing changes.
pub(crate) async fn check(site: &Site, cases: Vec<Case<'_>>) {
    let before = site.state();
    let messages: Vec<_> = cases.iter().map(|case| (case.from, case.message.clone())).collect();
    let came = site.exchange(&messages).await;
    for (case, notices) in cases.iter().zip(came) {
        let [notice] = &notices[..] else { panic!("{}: {notices:#?}", case.name) };
        let text = flat(&notice.text);
        assert!(text.contains(case.says), "{}: {text}", case.name);
        assert_eq!(text.matches("> ").count(), 1, "{}: one command: {text}", case.name);
    }
    assert_eq!(site.state(), before);
}

/// What the commands of strangers must not change.
const STATE: [&str; 5] = [
    "SELECT no, email, verified_at FROM addresses ORDER BY no",
    "SELECT * FROM members ORDER BY no",
    "SELECT address_no, fingerprint, certificate, unusable, confirmed_at FROM certificates ORDER BY address_no",
    "SELECT * FROM list_keys ORDER BY no",
    "SELECT * FROM key_changes ORDER BY no",
];

impl Site {
    /// Who is known, in which roles, with which keys.
    pub(crate) fn state(&self) -> Vec<Vec<Value>> {
        let db = self.database();
        let rows = |sql: &str| {
            let mut query = db.prepare(sql).unwrap();
            let columns = query.column_count();
            let row = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at)).collect();
            query.query_map([], row).unwrap().map(Result::unwrap).collect::<Vec<Vec<Value>>>()
        };
        STATE.iter().flat_map(|sql| rows(sql)).collect()
    }
}
