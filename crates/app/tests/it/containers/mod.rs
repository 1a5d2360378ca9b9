//! More than 200 containers around one signed part. All that is not Anne's says [`FORGED`].

use sealist_mail::Timestamp;
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Person, armored, armored_signature};

/// What Anne signed.
pub(crate) const WORDS: &str = "We meet at seven.";
/// What stands in everything that somebody else wrote, in lower case.
pub(crate) const FORGED: &str = "zebra";

const PART: &str = "Content-Type: text/plain; charset=utf-8\r\n\r\nWe meet at seven.\r\n";
const ROOT: &str = "Content-Type: multipart/signed; protocol=\"application/pgp-signature\"; micalg=pgp-sha512; boundary=GOOD\r\n\r\n--GOOD\r\nPART\r\n--GOOD\r\nContent-Type: application/pgp-signature\r\n\r\nARMOR\r\n--GOOD--\r\n";
/// A part of the forger's, for readers that take another line for a delimiter.
const EVIL: &str = "--EVIL\r\nContent-Type: text/plain\r\n\r\nZebra pays Eve.\r\n--EVIL--\r\n";
const EVIL_GOOD: &str = "--GOOD\r\nContent-Type: text/plain\r\n\r\nZebra pays Eve.\r\n--GOOD--\r\n";

/// Whole messages to the list, each container in the clear and within encryption.
pub(crate) fn all(anne: &Person, list: &Certificate, now: Timestamp) -> Vec<Vec<u8>> {
    let armor = String::from_utf8(armored_signature(&anne.signature(PART.as_bytes(), now))).unwrap();
    let filled = |container: String| container.replace("PART", PART).replace("ARMOR", &armor);
    let mut messages = Vec::new();
    for container in roots().into_iter().chain(with_armor(&armor)).map(filled) {
        messages.push(
            format!("From: anne@example.org\r\nSubject: Zebra outside\r\nDate: (zebra)\r\nReferences: <zebra@x.example>\r\n{container}").into_bytes(),
        );
        messages.push(anne.mail_of(&Person::unsigned_packets(list, container.as_bytes())));
    }
    messages.extend(combined(anne, list, now));
    messages.extend(inline(anne, list, now));
    messages
}

fn changed(from: &str, to: &str) -> String {
    assert!(ROOT.contains(from), "{from}");
    ROOT.replacen(from, to, 1)
}

fn roots() -> Vec<String> {
    let mut all = vec![ROOT.to_owned()];
    // Before and behind the parts, with all kinds of line ends.
    for end in ["\r\n", "\n", "\r", "\0", "\r\r\n", "\x0b", "\x0c", "\u{85}", "\u{2028}"] {
        for text in ["Zebra.", EVIL, EVIL_GOOD, "Content-Type: text/html\r\n\r\n<b>Zebra</b>"] {
            let text = text.replace("\r\n", end);
            all.push(changed("\r\n\r\n--GOOD", &format!("\r\n\r\np{end}{text}{end}q\r\n--GOOD")));
            all.push(changed("--GOOD--\r\n", &format!("--GOOD--\r\np{end}{text}{end}")));
        }
    }
    // Another boundary for other readers, its part before or behind ours.
    for value in [
        "boundary*0=GOOD; boundary=EVIL",
        "boundary*=us-ascii''GOOD; boundary=EVIL",
        "boundary=EVIL; boundary*=us-ascii''GOOD",
        "boundary*=us-ascii''EVIL; boundary=GOOD",
        "boundary*1=EVIL; boundary=GOOD",
        "boundary*0*=us-ascii''EVIL; boundary=GOOD",
        "boundary=\"=?us-ascii?q?GOOD?=\"; x=EVIL",
        "boundary=\"=?us-ascii?q?EVIL?=\"; boundary=GOOD",
        "(; x=\") boundary=EVIL; y=\"; boundary=GOOD; z=\";\"",
        "(; boundary=EVIL;) boundary=GOOD",
        "boundary=(EVIL)GOOD",
        "boundary=GOOD(EVIL)",
        "boundary=GOOD EVIL",
        "boundary=\"GOOD\"EVIL",
        "boundary=\"GOOD\\\"; boundary=EVIL; x=\"",
        "boundary=GOOD; boundary=EVIL",
        "boundary=EVIL; boundary=GOOD",
        "boundary =GOOD; boundary=EVIL",
        "boundary= GOOD",
        "boundary\t=\tGOOD; x=EVIL",
        "boundary='GOOD'; boundary=EVIL",
        "Boundary=EVIL; boundary=GOOD",
        "boundary=\"EVIL\"; boundary=GOOD",
        "boundary=GOOD; charset=EVIL; x=\"",
        "boundary=GOOD; x=zebra",
        "boundary=GOOD; name=\"zebra.exe\"",
        "boundary=GOOD; charset=\"zebra\"",
        "boundary=GOOD; start=\"<zebra>\"; type=\"text/html\"",
        "boundary=GOOD; =EVIL",
        "boundary=GOOD;;;;",
        "boundary*0=GO; boundary*1=OD",
        "boundary*0=EVIL; boundary*2=X; boundary*1=; boundary=GOOD",
        "boundary=\"GOOD \"",
        "boundary=\"GO\\OD\"",
        "boundary=GOOD,EVIL",
    ] {
        let root = changed("boundary=GOOD", value);
        all.push(root.replacen("\r\n\r\n--GOOD", &format!("\r\n\r\n{EVIL}--GOOD"), 1));
        all.push(format!("{root}{EVIL}"));
    }
    // Fields at the root, and at the part with the signature.
    for field in [
        "Content-Description: zebra",
        "Content-Disposition: attachment; filename=zebra.exe",
        "Content-Disposition: inline; filename*=utf-8''zebra",
        "Content-Base: http://zebra.example/",
        "Content-Location: http://zebra.example/",
        "Content-ID: <zebra@x.example>",
        "Content-Language: zebra",
        "Content-Transfer-Encoding: quoted-printable",
        "Content-Transfer-Encoding: base64",
        "Content-Transfer-Encoding: x-zebra",
        "Content-Transfer-Encoding: 8bit\r\nContent-Transfer-Encoding: base64",
        "Content-Type: text/html; x=zebra",
        "Content-Type : text/html; x=zebra",
        "content-type: text/plain",
        "Subject: zebra\r\nFrom: boss@zebra.example",
        "MIME-Version: 1.0 (zebra)",
        "X-Zebra: zebra",
        "zebra without a colon",
    ] {
        all.push(format!("{field}\r\n{ROOT}"));
        all.push(changed("boundary=GOOD\r\n", &format!("boundary=GOOD\r\n{field}\r\n")));
        all.push(changed("pgp-signature\r\n\r\n", &format!("pgp-signature\r\n{field}\r\n\r\n")));
    }
    // Types that are almost it, and more or other parts.
    for (from, to) in [
        ("multipart/signed", "multipart/mixed"),
        ("multipart/signed", "multipart/alternative"),
        ("multipart/signed", "multipart/ signed"),
        ("multipart/signed", "=?us-ascii?q?multipart/signed?="),
        ("multipart/signed", "Multipart/SIGNED"),
        ("multipart/signed", "multipart/signed (zebra)"),
        ("protocol=\"application/pgp-signature\"", "protocol=zebra"),
        ("protocol=\"application/pgp-signature\"", "protocol=\"application/pgp-signature (zebra)\""),
        ("protocol=\"application/pgp-signature\"", "protocol=\"multipart/mixed\""),
        ("micalg=pgp-sha512", "micalg=zebra"),
        ("micalg=pgp-sha512; ", ""),
        ("pgp-signature\r\n\r\nA", "pgp-signature; name=\"zebra.html\"\r\n\r\nA"),
        ("pgp-signature\r\n\r\nA", "pgp-signature\r\nContent-Type: text/plain\r\n\r\nZebra\r\nA"),
        ("--GOOD--", "--GOOD\r\n\r\nZebra.\r\n--GOOD--"),
        ("--GOOD--", "--GOODzebra\r\n\r\nZebra.\r\n--GOOD--"),
        ("--GOOD\r\nPART", "--GOOD zebra\r\nPART"),
        ("--GOOD\r\nPART", "--GOOD \t \r\nPART"),
        ("PART", "Content-Type: text/html\r\nPART"),
    ] {
        all.push(changed(from, to));
    }
    all
}

/// What can stand in and beside the armor of a signature.
fn with_armor(armor: &str) -> Vec<String> {
    let head = armor.replacen("\r\n\r\n", "\r\nComment: zebra\r\nVersion: zebra\r\nHash: zebra\r\n\r\n", 1);
    [
        head,
        format!("Zebra.\r\n{armor}"),
        format!("{armor}\r\nZebra.\r\n"),
        format!("{armor}{EVIL}"),
        format!("{armor}\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nZebra\r\n-----END PGP MESSAGE-----\r\n"),
        armor.replace("\r\n", " \r\n"),
        armor.replace("\r\n", "\n"),
    ]
    .iter()
    .map(|armor| changed("ARMOR", armor))
    .collect()
}

/// Signed and encrypted in one layer: all of it is Anne's, in whatever form.
fn combined(anne: &Person, list: &Certificate, now: Timestamp) -> Vec<Vec<u8>> {
    [
        PART.to_owned(),
        PART.replace("\r\n", "\n"),
        PART.replacen("\r\n", "\n", 1),
        PART.replace("seven.\r\n", "seven."),
        PART.replace("text/plain", "text/html"),
        format!("Subject: hers\r\n{PART}"),
        PART.replacen("utf-8", "utf-8; protected-headers=v1", 1),
        format!("Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n{PART}\r\n--x--\r\n"),
    ]
    .iter()
    .map(|entity| anne.mail(list, entity.as_bytes(), now))
    .collect()
}

fn inline(anne: &Person, list: &Certificate, now: Timestamp) -> Vec<Vec<u8>> {
    let words = format!("{WORDS}\r\n");
    let sealed = String::from_utf8(armored(&anne.packets(&[list], words.as_bytes(), now))).unwrap();
    let clear = String::from_utf8(anne.cleartext_signed(&words, now)).unwrap();
    let mut all = Vec::new();
    for block in [&sealed, &clear] {
        for head in [
            "text/plain",
            "text/plain; charset=utf-7",
            "text/plain; charset=utf-16",
            "text/plain; charset=zebra",
            "text/plain; format=flowed; x=zebra",
            "text/html",
            "text/plain; name=zebra.exe",
            "application/x-msdownload; name=zebra.exe",
            "message/rfc822",
            "application/octet-stream; name=\"zebra.pdf.pgp\"",
            "text/plain\r\nContent-Disposition: attachment; filename=zebra.exe",
            "text/plain\r\nContent-Description: zebra",
            "text/plain\r\nContent-Language: zebra\r\nSubject: zebra",
            "multipart/mixed; boundary=b",
        ] {
            let message =
                |body: &str| format!("From: anne@example.org\r\nContent-Type: {head}\r\n\r\n{body}");
            all.push(match head.starts_with("multipart") {
                true => message(&format!("Zebra\r\n--b\r\n\r\n{block}\r\n--b--\r\nZebra\r\n")),
                false => message(block),
            });
        }
        let plain = |body: String| format!("From: anne@example.org\r\n\r\n{body}");
        all.push(plain(block.replacen("\r\n\r\n", "\r\nComment: zebra\r\n\r\n", 1)));
        all.push(plain(block.replacen("\r\n\r\n", "\r\nHash: zebra\r\n\r\n", 1)));
        all.push(plain(block.replacen("Hash: SHA512", "Hash: SHA512, zebra", 1)));
        all.push(plain(block.replacen("Hash: SHA512", "Hash: SHA512 zebra", 1)));
        all.push(plain(format!("Zebra.\r\n{block}")));
        all.push(plain(format!("{block}Zebra.\r\n")));
    }
    all.into_iter().map(String::into_bytes).collect()
}
