//! What `make chaos` breaks at length, here for a few seconds each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use sealist_chaos::experiments::EXPERIMENTS;
use sealist_chaos::{Expected, Lab, Scale, run};

/// Another seed is found with `sealist-chaos --short --seed N`.
const SEED: u64 = 1;

#[allow(clippy::print_stdout, reason = "the figure is for people")]
async fn holds(number: &str) {
    let experiment = EXPERIMENTS.iter().find(|experiment| experiment.number == number).unwrap();
    let lab = Lab { binary: env!("CARGO_BIN_EXE_sealist").into(), scale: Scale::Short, seed: SEED };
    let line = run(experiment, &lab).await;
    println!("{}", line.text);
    assert_eq!(line.holds, Expected::Yes, "{}", line.text);
}

macro_rules! experiments {
    ($($name:ident: $number:literal,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                holds($number).await;
            }
        )*

        #[test]
        fn none_is_left_out() {
            let tested = [$($number),*];
            let left_out = EXPERIMENTS.iter().filter(|experiment| !tested.contains(&experiment.number));
            assert_eq!(left_out.map(|experiment| experiment.number).collect::<Vec<_>>(), Vec::<&str>::new());
        }
    };
}

experiments! {
    e1_kills: "e1",
    e2_fail_points: "e2",
    e3_power: "e3",
    e4_failed_syncs: "e4",
    e5_full_disk: "e5",
    e6_limits: "e6",
    e7_database: "e7",
    e8_migration: "e8",
    e9_greylisting: "e9",
    e10_refusals: "e10",
    e11_broken_connections: "e11",
    e12_bad_company: "e12",
    e15_large_message: "e15",
    e16_hostile_mail: "e16",
    e18_clock: "e18",
    e19_mixed_recipients: "e19",
    e20_gone_client: "e20",
    e21_poison: "e21",
    e23_stops: "e23",
    e24_node: "e24",
    e25_replays: "e25",
    e26_confirmations: "e26",
    e27_bent_ciphertext: "e27",
    e28_canaries: "e28",
    e29_backup: "e29",
    e33_away: "e33",
    e34_flood: "e34",
}
