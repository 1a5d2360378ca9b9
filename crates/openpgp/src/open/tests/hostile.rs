//! What cannot be read, was altered, or is too much.

use super::*;

#[test]
fn what_cannot_be_read_says_only_what_anybody_sees() {
    let s = stage();
    let unreadable = |data: &[u8]| match s.open(&mime(data)).encryption() {
        Encryption::Unreadable(why) => why,
        other => panic!("{other:?}"),
    };
    let other = Recipe { to: Some(Certificate::of(s.eve.clone())), ..Recipe::to(&s.list) };
    assert_eq!(unreadable(&other.armored(b"x")), Unreadable::OtherKeys);
    assert_eq!(unreadable(b"no armor"), Unreadable::NotOpenPgp);
    assert_eq!(unreadable(&armor::block("MESSAGE", &[0xc9, 1, 0])), Unreadable::NoIntegrity);
    assert_eq!(unreadable(&armor::block("MESSAGE", &[0xd4, 1, 0])), Unreadable::LibrePgp);
    let signed_only = Recipe { to: None, ..Recipe::to(&s.list).signed_by(&s.anne) };
    assert_eq!(unreadable(&signed_only.armored(b"x")), Unreadable::NotOpenPgp);
    // A password is nothing to a list.
    assert_eq!(
        unreadable(&armor::block("MESSAGE", &[0xc3, 4, 4, 9, 0, 8, 0xd2, 1, 1])),
        Unreadable::OtherKeys
    );
}

#[test]
fn no_altered_ciphertext_opens() {
    let s = stage();
    let packets = Recipe::to(&s.list).signed_by(&s.anne).packets(TEXT.as_bytes());
    let body = packets.len() - 200;
    for at in (0..packets.len()).filter(|at| at % 7 == 0 || *at > body) {
        let mut bent = packets.clone();
        bent[at] ^= 1;
        let opened = s.open(&mime(&armor::block("MESSAGE", &bent)));
        assert!(matches!(opened.encryption(), Encryption::Unreadable(_)), "octet {at}");
        assert!(!says(&opened, KeepSignature::Keep).contains("seven"), "octet {at}");
    }
    for cut in (1..64).chain([100, 200]) {
        let opened = s.open(&mime(&armor::block("MESSAGE", &packets[..packets.len() - cut])));
        assert!(matches!(opened.encryption(), Encryption::Unreadable(_)), "cut {cut}");
    }
    for extra in [&b"\xd2\x01\x01"[..], b"\xcb\x03b\x00\x00", &packets] {
        let opened = s.open(&mime(&armor::block("MESSAGE", &[&packets[..], extra].concat())));
        assert!(!opened.verified().any(|_| true), "appended {}", extra.len());
    }
}

#[test]
fn what_repeats_much_is_read() {
    let s = stage();
    for octets in [4 << 20, 7 << 20] {
        let rows = b"0123456789abcdef,0,0,0,0,0,0,0,0,0\r\n".repeat(octets / 36);
        let table = [b"Content-Type: text/csv\r\n\r\n", &rows[..]].concat();
        let shrunk = Recipe { bomb: true, ..Recipe::to(&s.list).signed_by(&s.anne) }.packets(&table);
        assert!(shrunk.len() < octets / 100);
        check(&s.open(&mime(&armor::block("MESSAGE", &shrunk))), Encryption::Whole, &["good"]);
    }
}

#[test]
fn what_is_large_may_not_grow_much() {
    let s = stage();
    let head = b"Content-Type: text/plain\r\n\r\n";
    let noise: Vec<u8> = (0..9 << 18).flat_map(|_| crate::random::<4>()).map(|octet| octet | 0x80).collect();
    let open = |words: &[u8]| {
        let packets = Recipe { bomb: true, ..Recipe::to(&s.list) }.packets(&[&head[..], words].concat());
        s.open(&mime(&armor::block("MESSAGE", &packets))).encryption()
    };
    assert_eq!(open(&[&noise[..], &vec![b'x'; 20 << 20]].concat()), Encryption::Whole);
    assert_eq!(
        open(&[&noise[..], &vec![b'x'; 25 << 20]].concat()),
        Encryption::Unreadable(Unreadable::Failed)
    );
}

#[test]
fn floods_and_bombs_end_early() {
    let s = stage();
    let bomb = Recipe { bomb: true, ..Recipe::to(&s.list) };
    let zeros = vec![b'x'; 80 << 20];
    let opened = s.open(&mime(&bomb.armored(&zeros)));
    assert_eq!(opened.encryption(), Encryption::Unreadable(Unreadable::Failed));

    let own = Recipe::to(&s.list).packets(TEXT.as_bytes());
    let length = 2 + usize::from(own[1]);
    let (pkesk, rest) = own.split_at(length);
    let mut flood = Vec::new();
    for _ in 0..1_990 {
        flood.extend_from_slice(&[0xc1, 14, 3, 0, 0, 0, 0, 0, 0, 0, 0, 18, 0, 1, 1, 0]);
    }
    let behind = [&flood[..], pkesk, rest].concat();
    check(&s.open(&mime(&armor::block("MESSAGE", &behind))), Encryption::Whole, &[]);
    let endless = [&flood[..], &flood, pkesk, rest].concat();
    let opened = s.open(&mime(&armor::block("MESSAGE", &endless)));
    assert_eq!(opened.encryption(), Encryption::Unreadable(Unreadable::NotOpenPgp));

    let one = detached(&s.eve, at(NOW), TEXT.as_bytes());
    let many = one.repeat(300);
    let opened = s.open(&mime_signed(TEXT, &many));
    assert!(opened.signatures().len() <= crate::open::budget::MAX_SIGNATURES + 1);
}
