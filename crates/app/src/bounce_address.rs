//! Envelope senders that tell whom a bounce is about.
//!
//! A handle contains list, member and day, and nobody else can make one. It names the member and not the
//! copy, because the copy's row is often deleted before a bounce arrives. It is valid for some weeks only,
//! because envelope senders remain in mail that people keep and forward.

use sealist_lists::model::{ListNo, MemberNo, ReservedLocal};
use sealist_mail::{DAY_MS, Timestamp};
use sealist_openpgp::{HANDLE_OCTETS, MacKey};
use sealist_store::bounce_scores::Returned;
use sealist_store::deliveries::Kind;

/// The most octets of a local part ([RFC 5321, section 4.5.3.1.1]).
const MAX_LOCAL_OCTETS: usize = 64;
/// How many days a handle is valid. Mail servers retry for five days, and some reports come later.
const LIFE_DAYS: i64 = 30;

/// The purpose of the handles, for the kinds of mail that have bounce addresses.
fn purpose(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Posting => Some("bounce"),
        Kind::Probe => Some("probe"),
        Kind::Notice => None,
    }
}

/// The envelope sender of one copy: below the list's address for bounces, or below the reserved address of
/// its domain if the list's name leaves no room.
pub(crate) fn make(bounces: &str, mac: &MacKey, returned: Returned, now: Timestamp) -> String {
    let (Some(purpose), Some((local, host))) = (purpose(returned.kind), bounces.split_once('@')) else {
        return bounces.to_owned();
    };
    let handle = mac.handle(purpose, pack(returned, now));
    let local = format!("{local}+{handle}");
    if local.len() <= MAX_LOCAL_OCTETS {
        return format!("{local}@{host}");
    }
    format!("{}+{handle}@{host}", ReservedLocal::Bounces.name())
}

/// The list of a handle, valid or expired. `None` if the handle was not made here.
pub(crate) fn list_of(mac: &MacKey, handle: &str) -> Option<ListNo> {
    read_any(mac, handle).map(|(returned, _)| returned.list)
}

/// The content of a handle. `None` if it was not made here or is too old.
pub(crate) fn read(mac: &MacKey, handle: &str, now: Timestamp) -> Option<Returned> {
    let (returned, day) = read_any(mac, handle)?;
    let age_days = now.0 / DAY_MS - day;
    // The clock may have been ahead for a while.
    (-1..=LIFE_DAYS).contains(&age_days).then_some(returned)
}

fn read_any(mac: &MacKey, handle: &str) -> Option<(Returned, i64)> {
    [Kind::Posting, Kind::Probe].into_iter().find_map(|kind| {
        let [l0, l1, l2, l3, m0, m1, m2, m3, m4, m5, d0, d1] = mac.read_handle(purpose(kind)?, handle)?;
        let list = ListNo(u32::from_be_bytes([l0, l1, l2, l3]).into());
        let member = MemberNo(i64::from_be_bytes([0, 0, m0, m1, m2, m3, m4, m5]));
        Some((Returned { list, member, kind }, u16::from_be_bytes([d0, d1]).into()))
    })
}

fn pack(returned: Returned, now: Timestamp) -> [u8; HANDLE_OCTETS] {
    let list = returned.list.0.to_be_bytes();
    let member = returned.member.0.to_be_bytes();
    let day = (now.0 / DAY_MS).to_be_bytes();
    let octets = [&list[4..], &member[2..], &day[6..]].concat();
    octets.try_into().expect("four, six and two octets")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp((20_000 + day) * DAY_MS + 1)
    }

    #[test]
    fn every_list_has_room_for_a_handle() {
        let mac = MacKey::generate();
        for octets in 1..=64 {
            for kind in [Kind::Posting, Kind::Probe] {
                let returned =
                    Returned { list: ListNo(4_000_000_000), member: MemberNo((1 << 48) - 1), kind };
                let address =
                    make(&format!("{}-bounces@l.example", "n".repeat(octets)), &mac, returned, at(0));
                let (local, host) = address.split_once('@').unwrap();
                assert!(local.len() <= 64 && host == "l.example", "{address}");
                // Some servers write local parts in upper case.
                let handle = local.split_once('+').unwrap().1.to_uppercase();
                let read = read(&mac, &handle, at(3)).unwrap();
                assert_eq!((read.list, read.member, read.kind), (returned.list, returned.member, kind));
            }
        }
        let notice = Returned { list: ListNo(1), member: MemberNo(1), kind: Kind::Notice };
        assert_eq!(make("l-bounces@l.example", &mac, notice, at(0)), "l-bounces@l.example");
    }

    #[test]
    fn a_handle_counts_for_a_month() {
        let mac = MacKey::generate();
        let returned = Returned { list: ListNo(1), member: MemberNo(2), kind: Kind::Posting };
        let address = make("l-bounces@l.example", &mac, returned, at(0));
        let handle = address.split(['+', '@']).nth(1).unwrap();
        for (day, counts) in [(-2, false), (-1, true), (0, true), (30, true), (31, false), (400, false)] {
            assert_eq!(read(&mac, handle, at(day)).is_some(), counts, "day {day}");
        }
        assert_eq!(list_of(&mac, handle), Some(ListNo(1)));
        assert!(read(&MacKey::generate(), handle, at(0)).is_none());
        assert!(list_of(&MacKey::generate(), handle).is_none());
    }
}
