//! Copies that could not be made.

use sealist_lists::events::{Event, EventKind, ServerCause};
use sealist_lists::model::DeliveryNo;
use sealist_lists::texts::Text;
use sealist_mail::Timestamp;
use sealist_store::deliveries::{self, DeliveryResult, DeliveryState};
use sealist_store::events::Occasion;
use sealist_store::{Conn, StoreError, lists};

use super::BatchLabel;
use crate::changes::{Change, ChangeOutcome, Happened};
use crate::error::AppError;
use crate::notice_kinds;
use crate::notices::PreparedNotice;
use crate::site::App;

/// How many tries there are.
const MAX_FAULTS: u32 = 3;
const PAUSE_MS: i64 = 60_000;
const REPLY: &str = "the copy could not be made: the server's log tells more";

/// Defers recipients for whom no copies could be made. After three faults their copies are held and the
/// owners are told; other posts continue.
pub async fn could_not_be_made(
    app: &App,
    of: BatchLabel,
    rows: Vec<(DeliveryNo, String)>,
    now: Timestamp,
) -> Result<(), AppError> {
    let held = rows.into_iter().map(|(no, email)| DeliveryResult {
        no,
        email,
        state: DeliveryState::Held,
        reply: REPLY.into(),
        refused_at: None,
    });
    let held: Vec<DeliveryResult> = held.collect();
    let notice = match lists::by_no(&mut *app.store.reader().await?, of.list).await? {
        Some(list) => {
            let copies: Vec<&DeliveryResult> = held.iter().collect();
            notice_kinds::about_copies(&list, Text::Undelivered, &copies)
        }
        None => None,
    };
    Ok(app.make_by_itself(CopiesFail { of, held, notice }, ServerCause::Faults, now).await?)
}

/// Copies could not be made. At last they are held, until an admin releases them.
struct CopiesFail {
    of: BatchLabel,
    held: Vec<DeliveryResult>,
    notice: Option<PreparedNotice>,
}

impl Change for CopiesFail {
    type Answer = ();
    type Error = StoreError;

    async fn apply(self, db: &mut Conn, occasion: &Occasion) -> Result<ChangeOutcome<()>, StoreError> {
        let (Self { of, held, notice }, now) = (self, occasion.now);
        if deliveries::count_fault(&mut *db, of.post).await? < MAX_FAULTS {
            let rows: Vec<DeliveryNo> = held.iter().map(|copy| copy.no).collect();
            deliveries::give_back(db, of.node, &rows, now.plus_ms(PAUSE_MS)).await?;
            return Ok(ChangeOutcome::nothing(()));
        }
        deliveries::record(&mut *db, of.node, &held).await?;
        if let Some(notice) = notice {
            notice.store(db, now).await?;
        }
        let held = EventKind::CopiesHeld { copies: held.len() as u64 };
        Ok(ChangeOutcome::new((), [Happened::Change(Event::of_list(of.list, held))]))
    }
}
