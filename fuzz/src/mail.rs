//! Messages as bytes: nothing panics, what is written can be parsed again, and multiparts are split into
//! their parts.

use bolero::check;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::scan::{MessageLimits, scan};
use sealist_mail::{Entity, Headers, multipart, sole_author, to_crlf};

use crate::duration;
use crate::mutate::FuzzCase;

fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        "From: Anne <anne@example.org>\r\nTo: team@lists.example\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nDate: Mon, 21 Sep 2026 10:00:00 +0200\r\nMessage-ID: <1@x.example>\r\n\r\nwords\r\n",
        "From: a@x.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: multipart/alternative; boundary=\"c d\"\r\n\r\n--c d\r\n\r\ntwo\r\n--c d--\r\n--b--\r\n",
        "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nSIG\r\n--b--\r\n",
        "From: a@x.example\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nREFUQQ==\r\n--b--\r\n",
        "From: \"x (y\" <\"a b\"@[192.0.2.1]>, group: c@d.example;\r\nContent-Type: text/plain; charset*0=utf; charset*1=-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=20b=\r\n",
        "\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\nwords\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nAAAA\r\n-----END PGP SIGNATURE-----\r\n",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

#[test]
fn messages() {
    let seeds = seeds();
    check!().with_type::<FuzzCase>().with_test_time(duration()).for_each(|case| {
        let (_, mail) = case.apply(&seeds);
        let _ = scan(&mail, MessageLimits::default());
        let (headers, body) = Headers::parse(&mail);
        assert!(body <= mail.len());
        let _ = sole_author(&headers);
        let entity = Entity::parse(&mail);
        let _ = entity.decoded_body();
        if let Shape::Signed { signed, .. } = classify(&mail) {
            let inside = mail.as_ptr_range();
            let part = signed.as_ptr_range();
            assert!(inside.start <= part.start && part.end <= inside.end, "what is signed is a part of it");
        }
        let crlf = to_crlf(&mail);
        assert_eq!(to_crlf(&crlf), crlf, "once is enough");
    });
}

#[test]
fn headers_come_back() {
    let seeds = seeds();
    check!().with_type::<FuzzCase>().with_test_time(duration()).for_each(|case| {
        let (_, mail) = case.apply(&seeds);
        let (headers, _) = Headers::parse(&mail);
        let mut written = Vec::new();
        headers.write_to(&mut written);
        written.extend_from_slice(b"\r\n");
        let (again, _) = Headers::parse(&written);
        let mut twice = Vec::new();
        again.write_to(&mut twice);
        twice.extend_from_slice(b"\r\n");
        assert_eq!(written, twice);
    });
}

#[test]
fn splits() {
    let bodies: Vec<Vec<u8>> = [
        "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
        "pre\r\n--b \r\nx\r\n--b--\r\npost\r\n",
        "--b\n\none\n--b--\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    check!().with_type::<FuzzCase>().with_test_time(duration()).for_each(|case| {
        let (_, body) = case.apply(&bodies);
        if let Ok(parts) = multipart::split(&body, "b") {
            assert!(!parts.is_empty());
            let total: usize = parts.iter().map(|part| part.len()).sum();
            assert!(total <= body.len());
            // No part contains a line that would end it.
            for part in parts {
                let lines = part.split(|octet| *octet == b'\n');
                assert!(!lines.into_iter().any(|line| line.starts_with(b"--b")), "{part:?}");
            }
        }
    });
}
