//! Changes of a site. A change is data until it is made, and says then what happened. Each thing that
//! happened is one event, which is recorded with the actor in the transaction of the change.
//!
//! ```text
//! a change ──▶ apply: rows change ──▶ what happened ──▶ events, in the same transaction
//! ```
//!
//! `clippy.toml` of this crate keeps all other files from writing to the database and from recording events.
//! What is written without an event names its reason ([`Unrecorded`]).

mod unrecorded;

use sealist_lists::events::{Actor, Event, EventKind, ServerCause};
use sealist_lists::model::ListNo;
use sealist_mail::Timestamp;
use sealist_store::events::{self, Occasion, Trier};
use sealist_store::transaction;
use sealist_store::{Conn, StoreError, Work};

use crate::site::App;
pub(crate) use unrecorded::Unrecorded;

/// Something that is done in one transaction.
pub(crate) trait Change: Send + Sized + 'static {
    /// What the caller learns.
    type Answer: Send + 'static;
    /// Why it may fail. Then nothing is changed and nothing recorded.
    type Error: From<StoreError> + Send + 'static;

    /// Changes the rows, and says what happened: nothing if everything was so before.
    fn apply(
        self,
        db: &mut Conn,
        occasion: &Occasion,
    ) -> impl Future<Output = Result<ChangeOutcome<Self::Answer>, Self::Error>> + Send;
}

/// What a change answers, and what happened.
pub(crate) struct ChangeOutcome<T> {
    pub(crate) answer: T,
    pub(crate) happened: Vec<Happened>,
}

/// One thing that happened, and how it is recorded.
pub(crate) enum Happened {
    /// A change. It is recorded each time.
    Change(Event),
    /// A change that anybody can cause in the name of anybody. It is recorded each time. If there are many
    /// today, the event names nobody.
    Unproven(Event),
    /// An attempt that changes nothing that lasts. The first ones of a day are recorded, and the others are
    /// counted.
    Attempt(Trier, Event),
    /// Something that is only counted.
    Counted(ListNo, EventKind),
}

impl<T> ChangeOutcome<T> {
    /// This happened.
    pub(crate) fn new(answer: T, happened: impl IntoIterator<Item = Happened>) -> Self {
        Self { answer, happened: happened.into_iter().collect() }
    }

    /// Nothing happened: everything was so before, or what was done is recorded already.
    pub(crate) fn nothing(answer: T) -> Self {
        Self::new(answer, [])
    }
}

impl App {
    /// Makes a change in a transaction of its own.
    pub(crate) async fn make<C: Change>(
        &self,
        change: C,
        occasion: &Occasion,
    ) -> Result<C::Answer, C::Error> {
        let occasion = occasion.clone();
        self.write(transaction!(|db| make(db, change, &occasion).await)).await
    }

    /// Makes a change in a transaction of its own, by the server itself.
    pub(crate) async fn make_by_itself<C: Change>(
        &self,
        change: C,
        cause: ServerCause,
        now: Timestamp,
    ) -> Result<C::Answer, C::Error> {
        self.make(change, &Occasion { actor: Actor::Server(cause), now }).await
    }

    /// Writes what needs no event, for that reason.
    pub(crate) async fn write_unrecorded<T, E, F>(&self, _why: Unrecorded, write: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, Result<T, E>> + Send + 'static,
    {
        self.write(write).await
    }

    #[expect(clippy::disallowed_methods, reason = "the place where the crate writes")]
    async fn write<T, E, F>(&self, write: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, Result<T, E>> + Send + 'static,
    {
        self.store.write(write).await
    }
}

/// Makes a change as a part of a larger one.
pub(crate) async fn make<C: Change>(
    db: &mut Conn,
    change: C,
    occasion: &Occasion,
) -> Result<C::Answer, C::Error> {
    let ChangeOutcome { answer, happened } = change.apply(&mut *db, occasion).await?;
    for one in happened {
        record(&mut *db, occasion, one).await?;
    }
    Ok(answer)
}

#[expect(clippy::disallowed_methods, reason = "the place where the crate records events")]
async fn record(db: &mut Conn, occasion: &Occasion, happened: Happened) -> Result<(), StoreError> {
    match happened {
        Happened::Change(event) => events::record(db, occasion, &event).await,
        Happened::Unproven(event) => events::record_unproven(db, occasion, &event).await,
        Happened::Attempt(trier, event) => events::attempt(db, occasion, trier, &event).await,
        Happened::Counted(list, kind) => events::count(db, list, &kind, occasion.now).await,
    }
}

/// Counts a notice that its limit keeps back. Notices change nothing, so they are stored outside of changes,
/// too.
#[expect(clippy::disallowed_methods, reason = "a notice is no change")]
pub(crate) async fn count_untold(
    db: &mut Conn,
    list: ListNo,
    limit: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    events::count(db, list, &EventKind::NoticeUntold { limit: limit.to_owned() }, now).await
}
