//! Delivery reports of many servers, from collections that others publish and that are not part of this
//! repository. The table names each file and what it says. `SEALIST_BOUNCE_CORPUS` names the folder that
//! holds the collections; without it only the table is checked.

use std::path::Path;

use sealist_mail::dsn::{self, DeliveryReport};

/// File below the folder, and `failed`, `delayed` or `other`.
const TABLE: &str = include_str!("dsn_corpus.tsv");

/// Of each hundred failures so many are recognised at least.
const MIN_RECOGNISED_PERCENT: usize = 98;

fn rows() -> Vec<(&'static str, DeliveryReport)> {
    let row = |line: &'static str| {
        let (file, report) = line.split_once('\t').expect("a file and a verdict");
        let report = match report {
            "failed" => DeliveryReport::Failed,
            "delayed" => DeliveryReport::Delayed,
            "other" => DeliveryReport::Other,
            unknown => panic!("{unknown:?} is no verdict"),
        };
        (file, report)
    };
    TABLE.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

#[test]
fn failures_are_recognised_and_nothing_else_is() {
    let rows = rows();
    assert!(rows.len() > 700, "{}", rows.len());
    let Ok(folder) = std::env::var("SEALIST_BOUNCE_CORPUS") else { return };
    let (mut failures, mut missed, mut wrong) = (0, Vec::new(), Vec::new());
    for (file, expected) in rows {
        let message = std::fs::read(Path::new(&folder).join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        // The null sender is the hardest case: it says nothing against a failure.
        let report = dsn::read(None, &message).report;
        match expected {
            DeliveryReport::Failed => {
                failures += 1;
                missed.extend((report != DeliveryReport::Failed).then_some(file));
            }
            _ => wrong.extend((report == DeliveryReport::Failed).then_some(file)),
        }
    }
    println!("{failures} failures, of which {} are not recognised: {missed:?}", missed.len());
    assert!(wrong.is_empty(), "no failures: {wrong:?}");
    assert!(missed.len() * 100 <= failures * (100 - MIN_RECOGNISED_PERCENT), "missed: {missed:?}");
}
