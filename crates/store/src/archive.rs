//! Posts that stay after their last copy, on lists with `archive` on: threads by keyed Message-IDs, and a
//! summary of each post that is sealed where the post is.

use sealist_lists::model::{BodyNo, ListNo, PostNo};
use sealist_mail::Timestamp;

use crate::bodies::StoredBody;
use crate::sql::query;
use crate::{Conn, StoreError, bodies, posts};

/// An HMAC of a Message-ID and its list.
pub type MessageKey = [u8; 32];

/// What the archive keeps beside a post.
pub struct ArchiveEntry {
    /// The key of the Message-ID that copies show.
    pub message_key: MessageKey,
    /// The key of the author's own Message-ID, if copies show another one.
    pub original_key: Option<MessageKey>,
    /// The keys of the messages that the post answers, the nearest first.
    pub answered: Vec<MessageKey>,
    /// Subject, author and attachments, in JSON.
    pub summary: StoredBody,
}

/// Adds a post to the archive of its list. The post joins the thread of the nearest message that it answers.
/// Threads of earlier posts that wait for this one become parts of its thread.
pub async fn add(db: &mut Conn, list: ListNo, post: PostNo, entry: &ArchiveEntry) -> Result<(), StoreError> {
    let parent = parent(&mut *db, list, &entry.answered).await?;
    let thread = parent.map_or(post.0, |(_, thread)| thread);
    let summary = bodies::insert(&mut *db, &entry.summary).await?;
    query(
        "INSERT INTO archive (post_no, list_no, thread_no, parent_no, parent_key, message_key, original_key, summary_no)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(post.0)
    .bind(list.0)
    .bind(thread)
    .bind(parent.map(|(no, _)| no))
    .bind(entry.answered.first().map(|key| &key[..]))
    .bind(&entry.message_key[..])
    .bind(entry.original_key.as_ref().map(|key| &key[..]))
    .bind(summary.0)
    .execute(&mut *db)
    .await?;
    adopt(db, list, post, thread, entry).await
}

/// The nearest archived message of those, and its thread.
async fn parent(
    db: &mut Conn,
    list: ListNo,
    answered: &[MessageKey],
) -> Result<Option<(i64, i64)>, StoreError> {
    for key in answered {
        let found = query(
            "SELECT post_no, thread_no FROM archive WHERE list_no = $1 AND (message_key = $2 OR original_key = $2)
             ORDER BY post_no LIMIT 1",
        );
        if let Some(row) = found.bind(list.0).bind(&key[..]).fetch_optional(&mut *db).await? {
            return Ok(Some((row.try_get("post_no")?, row.try_get("thread_no")?)));
        }
    }
    Ok(None)
}

/// Gives the post to those who answered it before it came. A post that the new one answers itself is left
/// out: a thread has no circle.
async fn adopt(
    db: &mut Conn,
    list: ListNo,
    post: PostNo,
    thread: i64,
    entry: &ArchiveEntry,
) -> Result<(), StoreError> {
    for key in std::iter::once(&entry.message_key).chain(&entry.original_key) {
        let orphans = query(
            "SELECT thread_no FROM archive WHERE list_no = $1 AND parent_key = $2 AND parent_no IS NULL AND thread_no != $3",
        );
        let orphans = orphans.bind(list.0).bind(&key[..]).bind(thread).fetch_all(&mut *db).await?;
        for row in &orphans {
            let orphan: i64 = row.value()?;
            let found = query("UPDATE archive SET parent_no = $2 WHERE post_no = $1");
            found.bind(orphan).bind(post.0).execute(&mut *db).await?;
            let joined = query("UPDATE archive SET thread_no = $2 WHERE thread_no = $1");
            joined.bind(orphan).bind(thread).execute(&mut *db).await?;
        }
    }
    Ok(())
}

/// A post that a list keeps. Its content is described in its sealed summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchivedPost {
    /// Its row.
    pub no: PostNo,
    /// Its number on the list, from 1.
    pub number: i64,
    /// The first post of its thread.
    pub thread: PostNo,
    /// The post that it answers.
    pub parent: Option<PostNo>,
    /// When the list accepted it.
    pub accepted_at: Timestamp,
    /// Octets of the stored payload.
    pub octets: i64,
    /// Its summary; `None` for posts from before there were summaries.
    pub summary: Option<BodyNo>,
}

/// Up to `limit` posts that a list keeps, after `after`, in order of arrival.
pub async fn page(
    db: &mut Conn,
    list: ListNo,
    after: PostNo,
    limit: u32,
) -> Result<Vec<ArchivedPost>, StoreError> {
    let rows = query(
        "SELECT p.no, p.number, a.thread_no, a.parent_no, p.accepted_at, b.octets, a.summary_no FROM archive a
         JOIN posts p ON p.no = a.post_no JOIN bodies b ON b.no = p.body_no
         WHERE a.list_no = $1 AND a.post_no > $2 ORDER BY a.post_no LIMIT $3",
    );
    let rows = rows.bind(list.0).bind(after.0).bind(limit).fetch_all(db).await?;
    rows.iter()
        .map(|row| {
            Ok(ArchivedPost {
                no: PostNo(row.try_get("no")?),
                number: row.try_get("number")?,
                thread: PostNo(row.try_get("thread_no")?),
                parent: row.try_get::<Option<i64>>("parent_no")?.map(PostNo),
                accepted_at: Timestamp(row.try_get("accepted_at")?),
                octets: row.try_get("octets")?,
                summary: row.try_get::<Option<i64>>("summary_no")?.map(BodyNo),
            })
        })
        .collect()
}

/// The size of a list's archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveSize {
    /// How many posts.
    pub posts: i64,
    /// Their octets in the database.
    pub octets: i64,
}

/// The size of a list's archive, including posts that are still being delivered.
pub async fn kept(db: &mut Conn, list: ListNo) -> Result<ArchiveSize, StoreError> {
    let row = query(
        "SELECT COUNT(*) AS posts, CAST(COALESCE(SUM(b.octets), 0) AS BIGINT) AS octets FROM archive a
         JOIN posts p ON p.no = a.post_no JOIN bodies b ON b.no = p.body_no WHERE a.list_no = $1",
    );
    let row = row.bind(list.0).fetch_one(db).await?;
    Ok(ArchiveSize { posts: row.try_get("posts")?, octets: row.try_get("octets")? })
}

/// Removes up to `limit` posts of a list from its archive and returns how many were removed. A post that is
/// still being delivered is deleted with its sending.
pub async fn purge(db: &mut Conn, list: ListNo, limit: u32) -> Result<u64, StoreError> {
    let gone = query(
        "DELETE FROM archive WHERE post_no IN (SELECT post_no FROM archive WHERE list_no = $1 LIMIT $2)
         RETURNING post_no, summary_no",
    );
    let gone = gone.bind(list.0).bind(limit).fetch_all(&mut *db).await?;
    for row in &gone {
        if let Some(summary) = row.try_get::<Option<i64>>("summary_no")? {
            bodies::delete(&mut *db, BodyNo(summary)).await?;
        }
        posts::delete_unused(&mut *db, PostNo(row.try_get("post_no")?)).await?;
    }
    Ok(gone.len() as u64)
}
