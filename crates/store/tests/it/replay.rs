//! The replay record on both databases.

use crate::common::{NOW, Site, claim_entries, push};
use sealist_lists::replay::ReplayFate;
use sealist_lists::rules::Reason;
use sealist_mail::Timestamp;
use sealist_store::StoreError;
use sealist_store::queue::{self, QueueName};
use sealist_store::replay::{self, PersonRefusal, ReplayOutcome};
use sealist_store::traces::MessageFate;
use sealist_store::transaction;

on_both! { the_record_keeps_what_became_of_a_text }

/// Of one text at one address the last that waits is known, and for good what was accepted.
async fn the_record_keeps_what_became_of_a_text(site: Site) {
    const TEXT: [u8; 32] = [7; 32];
    let list = site.list;
    let seen = site.store.write(transaction!(|db| {
        let mut entries = Vec::new();
        for _ in 0..3 {
            push(&mut *db, list).await?;
            let entry = claim_entries(&mut *db, 1, NOW).await?.remove(0);
            entries.push(entry);
        }
        let mut steps = Vec::new();
        let hold = &[Reason::TooLarge];
        replay::record(&mut *db, &[TEXT], &entries[0], ReplayOutcome::Waits, NOW).await?;
        queue::set_aside(&mut *db, &entries[0], QueueName::Hold, hold).await?;
        steps.push(replay::seen_alone(&mut *db, &[TEXT]).await?);
        // A refusal of what does not wait says nothing.
        replay::refuse(&mut *db, entries[1].no, "olga@example.org", NOW).await?;
        steps.push(replay::seen(&mut *db, &[TEXT]).await?);
        replay::refuse(&mut *db, entries[0].no, "olga@example.org", NOW).await?;
        steps.push(replay::seen(&mut *db, &[TEXT]).await?);
        replay::record(&mut *db, &[TEXT], &entries[1], ReplayOutcome::Waits, NOW).await?;
        queue::set_aside(&mut *db, &entries[1], QueueName::Hold, hold).await?;
        steps.push(replay::seen(&mut *db, &[TEXT]).await?);
        let refusal = replay::refusal(&mut *db, entries[1].no).await?;
        assert_eq!(refusal, Some(PersonRefusal { at: NOW, by: "olga@example.org".to_owned() }));
        let gone = queue::find(&mut *db, entries[1].no).await?.unwrap();
        queue::finish(&mut *db, &gone, MessageFate::Accepted, &[], NOW).await?;
        steps.push(replay::seen(&mut *db, &[TEXT]).await?);
        assert!(!replay::tell_once(&mut *db, &[TEXT], &entries[2]).await?);
        replay::record(&mut *db, &[TEXT], &entries[2], ReplayOutcome::Accepted, NOW).await?;
        replay::record(&mut *db, &[TEXT], &entries[1], ReplayOutcome::Waits, NOW).await?;
        steps.push(replay::seen(&mut *db, &[TEXT]).await?);
        assert!(replay::tell_once(&mut *db, &[TEXT], &entries[2]).await?);
        assert!(!replay::tell_once(&mut *db, &[TEXT], &entries[2]).await?, "once");
        assert!(replay::seen(&mut *db, &[[8; 32]]).await?.is_empty());
        Ok::<_, StoreError>(steps)
    }));
    let large = || ReplayFate::Waits(vec![Reason::TooLarge]);
    let fates: Vec<(ReplayFate, bool)> =
        seen.await.unwrap().into_iter().flatten().map(|seen| (seen.fate, seen.refused)).collect();
    let expected = [
        (large(), false),
        (large(), false),
        (ReplayFate::Refused, true),
        (large(), true),
        (ReplayFate::Refused, true),
        (ReplayFate::Accepted, true),
    ];
    assert_eq!(fates, expected);
    let forget = |before: Timestamp| site.store.write(transaction!(|db| replay::forget(db, before).await));
    assert_eq!(forget(NOW).await.unwrap(), 0, "what was seen now is remembered");
    assert_eq!(forget(NOW.plus_ms(1)).await.unwrap(), 1);
}
