//! Records the results of copies, and notifies the people concerned.

use std::collections::BTreeMap;

use sealist_lists::model::{DeliveryNo, EntryNo, ListNo, MailingList, NodeNo, SendingNo};
use sealist_lists::texts::Text;
use sealist_mail::{Address, Concern, HopRefusal, Timestamp};
use sealist_store::deliveries::{self, Batch, DeliveryResult, DeliveryState, Kind};
use sealist_store::transaction;
use sealist_store::{StoreError, lists};

use crate::changes::Unrecorded;
use crate::error::AppError;
use crate::notices::PreparedNotice;
use crate::site::App;
use crate::{bounces, notice_kinds};

/// What a batch of copies belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchLabel {
    /// The node that claimed them.
    pub node: NodeNo,
    /// The list.
    pub list: ListNo,
    /// The sending.
    pub post: SendingNo,
    /// The kind of the sending.
    pub kind: Kind,
    /// The message that caused it.
    pub entry: Option<EntryNo>,
}

impl BatchLabel {
    /// The label of a batch that this node claimed.
    pub fn of(node: NodeNo, batch: &Batch) -> Self {
        let Batch { list, post, kind, entry, .. } = *batch;
        Self { node, list, post, kind, entry }
    }
}

/// The results of copies of one sending.
#[derive(Clone)]
pub struct BatchReport {
    /// What they belong to.
    pub of: BatchLabel,
    /// The result per recipient.
    pub results: Vec<DeliveryResult>,
}

impl BatchReport {
    /// Splits the results: those that are only recorded, and those that somebody is told of. Nobody is told
    /// about notices or about successful copies.
    fn apart(self) -> (Self, Self) {
        let well =
            |settled: &DeliveryResult| matches!(settled.state, DeliveryState::Sent | DeliveryState::Due(_));
        let (quiet, telling) =
            self.results.into_iter().partition(|settled| self.of.kind == Kind::Notice || well(settled));
        (Self { results: quiet, ..self }, Self { results: telling, ..self })
    }
}

/// Records results, counts permanent refusals, and notifies members without a usable key and the owners.
pub async fn record_results(app: &App, reports: Vec<BatchReport>, now: Timestamp) -> Result<(), AppError> {
    let (mut quiet, mut telling): (Vec<BatchReport>, Vec<BatchReport>) =
        reports.into_iter().map(BatchReport::apart).unzip();
    // The results of sent copies do not wait for notices. Those of all sendings share their statements.
    quiet.retain(|report| !report.results.is_empty());
    let mut by_node: BTreeMap<NodeNo, Vec<DeliveryResult>> = BTreeMap::new();
    for report in quiet {
        by_node.entry(report.of.node).or_default().extend(report.results);
    }
    let quiet = by_node;
    telling.retain(|report| !report.results.is_empty());
    if !quiet.is_empty() {
        let recorded = app.write_unrecorded(
            Unrecorded::Deliveries,
            transaction!(|db| {
                for (node, results) in quiet {
                    deliveries::record(&mut *db, node, &results).await?;
                }
                Ok::<_, StoreError>(())
            }),
        );
        recorded.await?;
    }
    for report in telling {
        settle_and_tell(app, report, now).await?;
    }
    Ok(())
}

async fn settle_and_tell(app: &App, report: BatchReport, now: Timestamp) -> Result<(), AppError> {
    let BatchReport { of: BatchLabel { node, list, post, kind, entry }, results } = report;
    // If the list is gone, its copies are gone, too.
    let Some(list) = lists::by_no(&mut *app.store.reader().await?, list).await? else { return Ok(()) };
    let tidings = match delivery_notices(app, &list, kind, &results, now).await {
        // A notice that cannot be made must not prevent the results from being recorded.
        Err(error) if !error.is_transient() => {
            tracing::error!(
                event = "delivery-notice-failed", entry = entry.map(display), %post, list = %list.name, %error,
                "cannot make the notices about undelivered copies"
            );
            Vec::new()
        }
        tidings => tidings?,
    };
    let refused: Vec<(DeliveryNo, HopRefusal)> = results.iter().filter_map(against_recipient).collect();
    let of = list.clone();
    let stopped = app.write_unrecorded(
        Unrecorded::Deliveries,
        transaction!(|db| {
            deliveries::record(&mut *db, node, &results).await?;
            for notice in tidings {
                notice.caused_by(entry).store(&mut *db, now).await?;
            }
            bounces::count(db, &of, kind, &refused, now).await
        }),
    );
    bounces::send_probes(app, &list, stopped.await?, entry, now).await
}

/// A refusal counts against the recipient unless it concerns the content or the route.
fn against_recipient(settled: &DeliveryResult) -> Option<(DeliveryNo, HopRefusal)> {
    let stage = settled.refused_at.filter(|_| settled.state == DeliveryState::Failed)?;
    let refusal = HopRefusal::read(stage, &settled.reply);
    (refusal.concern == Concern::Recipient).then_some((settled.no, refusal))
}

async fn delivery_notices(
    app: &App,
    list: &MailingList,
    kind: Kind,
    results: &[DeliveryResult],
    now: Timestamp,
) -> Result<Vec<PreparedNotice>, AppError> {
    if kind != Kind::Posting {
        return Ok(Vec::new());
    }
    let of = |states: &[DeliveryState]| -> Vec<&DeliveryResult> {
        results.iter().filter(|settled| states.contains(&settled.state)).collect()
    };
    let waiting = of(&[DeliveryState::HeldForKey]);
    let failed = of(&[DeliveryState::Failed, DeliveryState::NotKept, DeliveryState::Skipped]);
    let mut all: Vec<PreparedNotice> =
        notice_kinds::about_copies(list, Text::MemberKeyNeeded, &waiting).into_iter().collect();
    all.extend(notice_kinds::about_copies(list, Text::Undelivered, &failed));
    // A member with other waiting copies has been told already.
    let told = match waiting.is_empty() {
        true => Vec::new(),
        false => deliveries::waiting_for_key(&mut *app.store.reader().await?, list.no).await?,
    };
    for settled in of(&[DeliveryState::HeldForKey, DeliveryState::NotKept]) {
        if told.contains(&settled.email) {
            continue;
        }
        let Some(reader) = Address::from_stored(&settled.email) else { continue };
        all.extend(notice_kinds::key_needed(app, list, &reader, settled, now).await?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whose results wait for notices, of four that differ.
    fn check(kind: Kind, telling: &[DeliveryState]) {
        let states = [
            DeliveryState::Sent,
            DeliveryState::Failed,
            DeliveryState::Due(Timestamp(0)),
            DeliveryState::HeldForKey,
        ];
        let settled = |state: &DeliveryState| DeliveryResult {
            no: DeliveryNo(1),
            email: "a@x.example".into(),
            state: *state,
            reply: String::new(),
            refused_at: None,
        };
        let results = states.iter().map(settled).collect();
        let of = BatchLabel { node: NodeNo(1), list: ListNo(1), post: SendingNo(1), kind, entry: None };
        let (quiet, rest) = BatchReport { of, results }.apart();
        assert_eq!(rest.results.iter().map(|one| one.state).collect::<Vec<_>>(), telling, "{kind:?}");
        assert_eq!(quiet.results.len() + telling.len(), states.len(), "{kind:?}: each once");
    }

    #[test]
    fn what_is_out_waits_for_no_notice() {
        check(Kind::Posting, &[DeliveryState::Failed, DeliveryState::HeldForKey]);
        check(Kind::Notice, &[]);
    }
}
