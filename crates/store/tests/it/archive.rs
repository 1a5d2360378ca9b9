//! Posts that stay after their last copy: threads by keys, pages, and how the archive is emptied.

use sealist_lists::model::{ListNo, PostNo, SendingNo};
use sealist_store::archive::{self, ArchiveEntry, ArchiveSize, ArchivedPost};
use sealist_store::transaction;
use sealist_store::{Conn, StoreError, bodies, posts, sendings};

use crate::common::{Archived, NOW, Site, join, message, post};

on_both! {
    posts_find_their_thread_in_whatever_order_they_come,
    what_was_kept_goes_when_it_is_let_go,
    a_post_on_its_way_is_purged_with_its_last_copy,
    a_deleted_list_leaves_nothing_of_its_archive,
}

/// A post by the name of its message, and the names of those that it answers, the nearest first.
type Row<'a> = (&'a str, &'a [&'a str]);

fn key(name: &str) -> [u8; 32] {
    let mut key = [0; 32];
    key[..name.len()].copy_from_slice(name.as_bytes());
    key
}

async fn keep(db: &mut Conn, list: ListNo, (name, answered): Row<'_>) -> Result<PostNo, StoreError> {
    let body = bodies::insert(&mut *db, &message(name)).await?;
    let no = posts::insert(&mut *db, list, body, NOW).await?;
    let entry = ArchiveEntry {
        message_key: key(name),
        original_key: Some(key(&format!("{name} as its author named it"))),
        answered: answered.iter().map(|name| key(name)).collect(),
        summary: message("summary"),
    };
    archive::add(&mut *db, list, no, &entry).await?;
    Ok(no)
}

/// Keeps the posts in that order; then each has that parent and that first post of its thread.
async fn check(site: &Site, rows: &'static [Row<'static>], expected: &[(&str, Option<&str>, &str)]) {
    let list = site.list;
    let kept = site.store.write(transaction!(|db| {
        let mut kept = Vec::new();
        for row in rows {
            kept.push(keep(&mut *db, list, *row).await?);
        }
        Ok::<_, StoreError>(kept)
    }));
    let kept = kept.await.unwrap();
    let name = |no: PostNo| rows[kept.iter().position(|kept| *kept == no).unwrap()].0;
    let mut db = site.store.reader().await.unwrap();
    let posts = archive::page(&mut db, list, PostNo(kept[0].0 - 1), 100).await.unwrap();
    let found: Vec<(&str, Option<&str>, &str)> =
        posts.iter().map(|post| (name(post.no), post.parent.map(name), name(post.thread))).collect();
    assert_eq!(found, expected, "{rows:?}");
}

async fn posts_find_their_thread_in_whatever_order_they_come(site: Site) {
    check(&site, &[("a", &[]), ("b", &[])], &[("a", None, "a"), ("b", None, "b")]).await;
    check(
        &site,
        &[("c", &[]), ("d", &["c"]), ("e", &["d", "c"]), ("f", &["c"])],
        &[("c", None, "c"), ("d", Some("c"), "c"), ("e", Some("d"), "c"), ("f", Some("c"), "c")],
    )
    .await;
    // The nearest that is there; one that is nowhere is no parent.
    check(
        &site,
        &[("g", &[]), ("h", &["lost", "g"]), ("i", &["lost"])],
        &[("g", None, "g"), ("h", Some("g"), "g"), ("i", None, "i")],
    )
    .await;
    // Moderators let the answers pass first.
    check(
        &site,
        &[("k2", &["k1", "k0"]), ("k3", &["k2"]), ("k1", &["k0"]), ("k0", &[])],
        &[("k2", Some("k1"), "k0"), ("k3", Some("k2"), "k0"), ("k1", Some("k0"), "k0"), ("k0", None, "k0")],
    )
    .await;
    // By the id that the author's own program knows.
    check(
        &site,
        &[("l", &[]), ("m", &["l as its author named it"])],
        &[("l", None, "l"), ("m", Some("l"), "l")],
    )
    .await;
    // Forged circles, and a message that answers itself.
    check(
        &site,
        &[("n", &["o"]), ("o", &["n"]), ("p", &["p"])],
        &[("n", None, "n"), ("o", Some("n"), "n"), ("p", None, "p")],
    )
    .await;
}

async fn pages(db: &mut Conn, list: ListNo) -> Result<Vec<ArchivedPost>, StoreError> {
    let mut all: Vec<ArchivedPost> = Vec::new();
    loop {
        let after = all.last().map_or(PostNo(0), |post| post.no);
        let page = archive::page(&mut *db, list, after, 2).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

async fn what_was_kept_goes_when_it_is_let_go(site: Site) {
    let list = site.list;
    let told = site.store.write(transaction!(|db| {
        let mut bodies_kept = Vec::new();
        for _ in 0..5 {
            bodies_kept.push(post(&mut *db, list, Archived::Yes).await?.1);
            while sendings::fan_out(&mut *db, 100, NOW).await?.is_some() {}
        }
        let mut after = SendingNo(0);
        while let Some(next) = sendings::delete_finished(&mut *db, after, 100, NOW).await? {
            after = next;
        }
        let numbers: Vec<i64> = pages(&mut *db, list).await?.iter().map(|post| post.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        let summary = pages(&mut *db, list).await?[0].summary.unwrap();
        let octets = 5 * i64::try_from("words".len()).unwrap();
        assert_eq!(archive::kept(&mut *db, list).await?, ArchiveSize { posts: 5, octets });
        let mut purged = Vec::new();
        for _ in 0..3 {
            purged.push(archive::purge(&mut *db, list, 3).await?);
        }
        assert_eq!(purged, [3, 2, 0]);
        assert_eq!(archive::kept(&mut *db, list).await?, ArchiveSize { posts: 0, octets: 0 });
        for body in bodies_kept.into_iter().chain([summary]) {
            assert!(bodies::load(&mut *db, body).await.is_err());
        }
        Ok::<_, StoreError>(())
    }));
    told.await.unwrap();
}

async fn a_post_on_its_way_is_purged_with_its_last_copy(site: Site) {
    let list = site.list;
    let told = site.store.write(transaction!(|db| {
        join(&mut *db, list, "anne@x.example").await?;
        let (_, body) = post(&mut *db, list, Archived::Yes).await?;
        sendings::fan_out(&mut *db, 100, NOW).await?;
        assert_eq!(archive::purge(&mut *db, list, 100).await?, 1);
        assert_eq!(sendings::delete_finished(&mut *db, SendingNo(0), 100, NOW).await?, None);
        bodies::load(&mut *db, body).await
    }));
    told.await.unwrap();
}

async fn a_deleted_list_leaves_nothing_of_its_archive(site: Site) {
    let list = site.list;
    let deleted = site.store.write(transaction!(|db| {
        let (_, body) = post(&mut *db, list, Archived::Yes).await?;
        let summary = archive::page(&mut *db, list, PostNo(0), 1).await?[0].summary.unwrap();
        sealist_store::lists::delete(&mut *db, list).await?;
        for body in [body, summary] {
            assert!(bodies::load(&mut *db, body).await.is_err());
        }
        Ok::<_, StoreError>(())
    }));
    deleted.await.unwrap();
}
