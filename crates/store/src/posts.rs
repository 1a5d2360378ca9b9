//! Posts: what a list accepted, apart from the copies that carry it. A post stays while a sending or the
//! archive refers to it.

use sealist_lists::model::{BodyNo, ListNo, PostNo};
use sealist_mail::Timestamp;

use crate::sql::query;
use crate::{Conn, StoreError};

/// Stores a post of a list under the next number of the list.
pub async fn insert(
    db: &mut Conn,
    list: ListNo,
    body: BodyNo,
    accepted_at: Timestamp,
) -> Result<PostNo, StoreError> {
    let counted = query(
        "UPDATE lists SET last_post_number = last_post_number + 1 WHERE no = $1 RETURNING last_post_number",
    );
    let number: i64 = counted.bind(list.0).fetch_one(&mut *db).await?.value()?;
    let inserted = query("INSERT INTO posts (list_no, number, body_no, accepted_at) VALUES ($1, $2, $3, $4)");
    let inserted = inserted.bind(list.0).bind(number).bind(body.0).bind(accepted_at.0);
    Ok(PostNo(inserted.insert(db).await?))
}

/// Deletes a post with its body if neither a sending nor the archive refers to it. Returns whether it did.
pub(crate) async fn delete_unused(db: &mut Conn, post: PostNo) -> Result<bool, StoreError> {
    let deleted = query(
        "DELETE FROM posts WHERE no = $1 AND NOT EXISTS (SELECT 1 FROM sendings WHERE post_no = $1)
         AND NOT EXISTS (SELECT 1 FROM archive WHERE post_no = $1) RETURNING body_no",
    );
    let Some(row) = deleted.bind(post.0).fetch_optional(&mut *db).await? else { return Ok(false) };
    crate::bodies::delete(db, BodyNo(row.value()?)).await?;
    Ok(true)
}
