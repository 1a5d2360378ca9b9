//! Points in time, and how mail writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in time: milliseconds since 1970-01-01 00:00 UTC, without leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// Milliseconds of a minute.
pub const MINUTE_MS: i64 = 60_000;
/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Timestamp {
    /// The current time of the system's clock. Only the outermost layers call this.
    pub fn now() -> Self {
        Self::from_system_time(SystemTime::now())
    }

    /// Converts and rounds down to milliseconds. Times before 1970 are negative.
    pub fn from_system_time(time: SystemTime) -> Self {
        let clamp = |d: Duration| i64::try_from(d.as_millis()).unwrap_or(i64::MAX);
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => Self(clamp(after)),
            Err(before) => Self(-clamp(before.duration())),
        }
    }

    /// Converts to the standard library's type. Times before 1970 become 1970.
    pub fn to_system_time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.max(0).unsigned_abs())
    }

    /// The time `ms` milliseconds later (earlier if negative).
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// The form of Date fields, in UTC: `Tue, 24 Nov 2026 04:19:48 +0000` ([RFC 5322, section 3.3]).
    pub fn rfc5322(self) -> String {
        let (year, month, day) = self.civil();
        let weekday = WEEKDAYS[usize::try_from(self.0.div_euclid(DAY_MS).rem_euclid(7)).unwrap_or(0)];
        format!("{weekday}, {day:02} {} {year:04} {} +0000", MONTHS[month as usize - 1], self.clock())
    }

    /// The form that sorts by time: `2026-11-24T04:19:48Z` ([RFC 3339]).
    pub fn rfc3339(self) -> String {
        let (year, month, day) = self.civil();
        format!("{year:04}-{month:02}-{day:02}T{}Z", self.clock())
    }

    /// Parses the value of a Date field. Returns `None` if it names no time.
    pub fn parse_rfc5322(value: &str) -> Option<Self> {
        let date = mail_parser::DateTime::parse_rfc822(value.trim())?;
        date.is_valid().then(|| Self(date.to_timestamp().saturating_mul(1000)))
    }

    fn clock(self) -> String {
        let seconds = self.0.rem_euclid(DAY_MS) / 1000;
        format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
    }

    /// Year, month and day: Howard Hinnant's `civil_from_days`.
    fn civil(self) -> (i64, u32, u32) {
        let days = self.0.div_euclid(DAY_MS) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dates_are_written_as_mail_has_them() {
        fn check(ms: i64, text: &str, short: &str) {
            assert_eq!(Timestamp(ms).rfc5322(), text);
            assert_eq!(Timestamp(ms).rfc3339(), short);
        }
        check(0, "Thu, 01 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00Z");
        check(1_795_493_988_000, "Tue, 24 Nov 2026 04:19:48 +0000", "2026-11-24T04:19:48Z");
        check(951_782_400_999, "Tue, 29 Feb 2000 00:00:00 +0000", "2000-02-29T00:00:00Z");
        check(-1, "Wed, 31 Dec 1969 23:59:59 +0000", "1969-12-31T23:59:59Z");
    }

    #[test]
    fn zones_are_read() {
        let parse = |text| Timestamp::parse_rfc5322(text).map(|t| t.0);
        assert_eq!(parse("Tue, 24 Nov 2026 05:19:48 +0100"), Some(1_795_493_988_000));
        assert_eq!(parse("yesterday"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(seconds in 0i64..8_000_000_000) {
            let moment = Timestamp(seconds * 1000);
            prop_assert_eq!(Timestamp::parse_rfc5322(&moment.rfc5322()), Some(moment));
        }
    }
}
