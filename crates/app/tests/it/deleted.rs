//! A post of a plain list that is out, and not kept, stays in no page of the database.

use crate::moved_clock::{PLAIN, day, deliver, join, receive, set_setting, site_with};
use rusqlite::Connection;
use sealist_app::upkeep;
use sealist_lists::model::Role;

const ANNE: &str = "anne@example.org";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_out_stands_nowhere() {
    let (app, mut list, folder) = site_with(PLAIN, "plain@lists.example").await;
    set_setting(&app, &mut list, "max_message_kib", "4096", day(-3)).await.unwrap();
    join(&app, &list, ANNE, Role::Member, None).await;
    join(&app, &list, "bart@example.org", Role::Member, None).await;
    // A row, some pages, and more rows than one.
    let words: Vec<String> = (0..12).map(|number| format!("Zebra{number:02}x5581")).collect();
    let times = [1, 30, 500, 2000, 12_000, 7];
    let holding = |name: &str| -> Vec<&String> {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        let stands = |word: &&String| bytes.windows(word.len()).any(|window| window == word.as_bytes());
        words.iter().filter(stands).collect()
    };
    let checkpoint = || {
        let db = Connection::open(folder.path().join("test.db")).unwrap();
        let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
        assert_eq!(busy, 0);
    };
    for pair in words.chunks(2) {
        for (number, word) in pair.iter().enumerate() {
            let line = format!("{word} and more\r\n");
            let text =
                line.repeat(times[(number + word.len() + usize::from(word.as_bytes()[6])) % times.len()]);
            let message = format!("From: {ANNE}\r\nTo: plain@lists.example\r\nSubject: {word}\r\n\r\n{text}");
            receive(&app, "plain@lists.example", message.as_bytes(), day(0)).await;
        }
        checkpoint();
        assert!(!holding("test.db").is_empty(), "they stand there now");
        assert_eq!(deliver(&app, day(0)).await.len(), 4);
        upkeep(&app, day(0)).await.unwrap();
    }
    checkpoint();
    assert_eq!(holding("test.db"), Vec::<&String>::new());
    assert_eq!(holding("test.db-wal"), Vec::<&String>::new());
}
