//! The pauses between delivery attempts.

use sealist_mail::Timestamp;
use sealist_store::deliveries::DeliveryState;

/// Pauses double, with jitter, until the period is over. They are computed from the number of tries, so that
/// no jump of the clock makes a copy fail.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// The first pause.
    pub after_s: u32,
    /// The longest pause.
    pub max_after_s: u32,
    /// The copy fails when the sum of its pauses exceeds this.
    pub period_s: u64,
}

impl Retry {
    /// The state of a copy that was deferred at that try (the first is 1). `jitter` is any number; pauses
    /// vary by an eighth in both directions.
    pub fn state(&self, attempts: u32, jitter: u8, now: Timestamp) -> DeliveryState {
        let waited_s: u64 = (1..=attempts).map(|attempt| self.pause_s(attempt)).sum();
        if waited_s > self.period_s {
            return DeliveryState::Failed;
        }
        let pause_ms = self.pause_s(attempts) * 1000 * (224 + u64::from(jitter) / 4) / 256;
        DeliveryState::Due(now.plus_ms(i64::try_from(pause_ms).unwrap_or(i64::MAX)))
    }

    fn pause_s(&self, attempt: u32) -> u64 {
        let doubled = u64::from(self.after_s) << attempt.saturating_sub(1).min(20);
        doubled.min(u64::from(self.max_after_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_until_the_period_is_over() {
        fn check(attempts: u32, jitter: u8, pause_ms: Option<i64>) {
            let retry = Retry { after_s: 64, max_after_s: 256, period_s: 1000 };
            let expected = pause_ms.map_or(DeliveryState::Failed, |ms| DeliveryState::Due(Timestamp(ms)));
            assert_eq!(retry.state(attempts, jitter, Timestamp(0)), expected, "try {attempts}");
        }
        check(1, 128, Some(64_000));
        check(1, 0, Some(56_000));
        check(1, 255, Some(71_750));
        check(2, 128, Some(128_000));
        check(3, 128, Some(256_000));
        check(4, 128, Some(256_000));
        check(5, 128, Some(256_000));
        check(6, 128, None);
        check(u32::MAX / 1_000_000, 128, None);
    }
}
