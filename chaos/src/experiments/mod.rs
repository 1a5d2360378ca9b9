//! The experiments. A row says what fails, what must hold nevertheless, and which function runs it.

mod backup;
mod canary;
mod clock;
mod database;
mod disk;
mod fail_points;
mod flood;
mod hostile;
mod kills;
mod limits;
mod lmtp;
mod migration;
mod next_hop;
mod once;
mod power;
mod scripts;

use std::future::Future;
use std::pin::Pin;

use crate::{ExperimentResult, Lab};

/// A running experiment.
pub type RunningExperiment<'a> = Pin<Box<dyn Future<Output = anyhow::Result<ExperimentResult>> + Send + 'a>>;

/// One experiment.
pub struct Experiment {
    /// Its name on the command line.
    pub number: &'static str,
    /// What fails.
    pub fault: &'static str,
    /// What must hold nevertheless.
    pub target: &'static str,
    /// The function that runs it.
    pub run: for<'a> fn(&'a Lab) -> RunningExperiment<'a>,
}

/// All experiments.
pub const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        number: "e1",
        fault: "kill -9 at seeded instants while mail flows",
        target: "0 lost, second copies only of what was out and not recorded for less than 1 s, at most 1,000 a kill",
        run: |lab| Box::pin(kills::killed(lab)),
    },
    Experiment {
        number: "e2",
        fault: "the process ends at each fail-point in turn",
        target: "0 lost, second copies only of what was out and not recorded",
        run: |lab| Box::pin(fail_points::swept(lab)),
    },
    Experiment {
        number: "e3",
        fault: "power fails, unsynced writes are dropped or torn",
        target: "0 acknowledged lost, every file good",
        run: |lab| Box::pin(power::failed(lab)),
    },
    Experiment {
        number: "e4",
        fault: "fsync fails with EIO",
        target: "4xx, never a 250 behind a failed sync, 0 lost",
        run: |lab| Box::pin(disk::fails_to_sync(lab)),
    },
    Experiment {
        number: "e5",
        fault: "disk full",
        target: "4xx while full, no partial row, taken again within 5 s",
        run: |lab| Box::pin(disk::full(lab)),
    },
    Experiment {
        number: "e6",
        fault: "64 files, little memory",
        target: "recovers, below 5 % CPU, 0 lost",
        run: |lab| Box::pin(limits::reached(lab)),
    },
    Experiment {
        number: "e7",
        fault: "PostgreSQL restarts, SQLite is locked",
        target: "451 meanwhile, 0 lost, a 250 within 3 s",
        run: |lab| Box::pin(database::unsteady(lab)),
    },
    Experiment {
        number: "e8",
        fault: "kill in the first migration",
        target: "old or new tables, never mixed",
        run: |lab| Box::pin(migration::half_migrated(lab)),
    },
    Experiment {
        number: "e9",
        fault: "4xx for three of ten recipients",
        target: "all come once, only the refused are tried again",
        run: |lab| Box::pin(next_hop::greylisted(lab)),
    },
    Experiment {
        number: "e10",
        fault: "5xx for three of ten recipients",
        target: "scored once a copy and member, the others unaffected",
        run: |lab| Box::pin(next_hop::refused(lab)),
    },
    Experiment {
        number: "e11",
        fault: "next hop breaks off at the dot",
        target: "before its 250: sent again; behind it: never",
        run: |lab| Box::pin(next_hop::broken_off(lab)),
    },
    Experiment {
        number: "e12",
        fault: "next hop hangs, crawls, lies",
        target: "no recipient lost, no worker stuck",
        run: |lab| Box::pin(scripts::bad_company(lab)),
    },
    Experiment {
        number: "e15",
        fault: "2 GiB message",
        target: "refused at SIZE= and at limit + 1, memory grows by less than 16 MiB, no part of it stays",
        run: |lab| Box::pin(lmtp::too_large(lab)),
    },
    Experiment {
        number: "e16",
        fault: "100,000 parts, 100,000 levels, hostile mail",
        target: "a definite answer to each, none posted, the server serves on",
        run: |lab| Box::pin(hostile::costly(lab)),
    },
    Experiment {
        number: "e18",
        fault: "clock jumps by a year and back by a day in mid retry",
        target: "nothing given up early, no busy loop, all delivered",
        run: |lab| Box::pin(clock::jumped(lab)),
    },
    Experiment {
        number: "e19",
        fault: "100 recipients, 50 unknown, 10 of a list without keys",
        target: "exactly one reply each, in order, right codes",
        run: |lab| Box::pin(lmtp::mixed(lab)),
    },
    Experiment {
        number: "e20",
        fault: "client gone before the reply to its dot, sends again",
        target: "kept at most once more; signed: posted once",
        run: |lab| Box::pin(lmtp::gone_early(lab)),
    },
    Experiment {
        number: "e21",
        fault: "message that breaks whoever judges it",
        target: "set aside after 3 tries, the others flow, the owner is told, retry works",
        run: |lab| Box::pin(fail_points::poisoned(lab)),
    },
    Experiment {
        number: "e23",
        fault: "SIGTERM under load",
        target: "ends within 5 s, 0 lost, 0 second copies",
        run: |lab| Box::pin(kills::stopped(lab)),
    },
    Experiment {
        number: "e24",
        fault: "two nodes on PostgreSQL, one killed",
        target: "taken over within 10 s, 0 lost, second copies counted",
        run: |lab| Box::pin(database::node_killed(lab)),
    },
    Experiment {
        number: "e25",
        fault: "replays of one signed post at once",
        target: "1 accepted",
        run: |lab| Box::pin(once::replayed(lab)),
    },
    Experiment {
        number: "e26",
        fault: "one token used many times at once",
        target: "1 success",
        run: |lab| Box::pin(once::confirmed(lab)),
    },
    Experiment {
        number: "e27",
        fault: "flipped bits of a ciphertext",
        target: "0 accepted, answers identical",
        run: |lab| Box::pin(hostile::bent(lab)),
    },
    Experiment {
        number: "e28",
        fault: "canaries in subject, body, password, keys",
        target: "0 hits in files, log, writes, copies",
        run: |lab| Box::pin(canary::sought(lab)),
    },
    Experiment {
        number: "e29",
        fault: "backup while mail flows, restored elsewhere",
        target: "opens, 0 corrupt, nothing older than the backup lost",
        run: |lab| Box::pin(backup::backed_up(lab)),
    },
    Experiment {
        number: "e33",
        fault: "next hop away for a scaled hour",
        target: "posting unaffected, disk bounded, all delivered behind it",
        run: |lab| Box::pin(next_hop::away(lab)),
    },
    Experiment {
        number: "e34",
        fault: "a stranger at full speed under changing names",
        target: "members' posts out within 60 s, the disk bounded, one summary to the owner",
        run: |lab| Box::pin(flood::flooded(lab)),
    },
];
