//! What a newer version wrote stands in one place for the people who run the site.

use crate::moved_clock::{OPENPGP, PLAIN, make_plain_list, site_with};
use sealist_app::{NotKnown, NotKnownKind};
use sealist_store::testing;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_is_named_by_list() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    let plain = make_plain_list(&app, "walks@lists.example").await;
    let not_known = async || app.as_operator().lists().not_known().await.unwrap();
    assert_eq!(not_known().await, []);
    let written = app.store().write(move |db| {
        Box::pin(async move {
            testing::write_style(&mut *db, list.no, "pgp-of-the-future").await?;
            testing::write_style(&mut *db, plain.no, "plain-of-the-future").await?;
            testing::write_setting(db, plain.no, "colour", "\"blue\"").await
        })
    });
    written.await.unwrap();
    let style = |name: &str, in_place| NotKnownKind::Style { name: name.to_owned(), in_place };
    let expected = [
        ("team@lists.example", style("pgp-of-the-future", OPENPGP)),
        ("walks@lists.example", style("plain-of-the-future", PLAIN)),
        ("walks@lists.example", NotKnownKind::Setting { name: "colour".to_owned() }),
    ];
    assert_eq!(not_known().await, expected.map(|(list, kind)| NotKnown { list: list.to_owned(), kind }));
}
