//! What keys in a mail with commands cost: no signature on them is verified before it is decided that the
//! sender may do what they ask for, and each at most once.

use crate::moved_clock::{OPENPGP, day, join, receive, site_with};
use sealist_lists::model::Role;
use sealist_openpgp::testing::heavy::{self, Numbers};
use sealist_openpgp::testing::{Kind, Person, verifications};
use sealist_openpgp::{Certificate, KeyMaterial};

const REQUEST: &str = "team-request@lists.example";

fn mail(from: &str, lines: &[String], key: &[u8]) -> Vec<u8> {
    let head = format!("From: {from}\r\nTo: {REQUEST}\r\nSubject: commands\r\nMIME-Version: 1.0\r\n");
    let kind = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n";
    let attached =
        "\r\n--b\r\nContent-Type: application/pgp-keys\r\nContent-Transfer-Encoding: binary\r\n\r\n";
    let lines = lines.join("\r\n");
    [head.as_bytes(), kind.as_bytes(), lines.as_bytes(), attached.as_bytes(), key, b"\r\n--b--\r\n"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_mail_has_its_keys_read_once_at_most() {
    let (app, list, _folder) = site_with(OPENPGP, "team@lists.example").await;
    for (local, has_key) in [("anne", true), ("bart", false)] {
        let address = format!("{local}@example.org");
        join(&app, &list, &address, Role::Member, None).await;
        if has_key {
            let key = Person::new(&address, Kind::Curve25519, day(-9)).certificate().armored();
            app.as_operator().at(day(-4)).keys().import(&address.parse().unwrap(), &key).await.unwrap();
        }
    }
    let key = Certificate::read_one(&heavy::key(Numbers::Brainpool, None, 1, day(0))).unwrap().fingerprint();
    assert!(verifications::of(&key) > 0, "they are counted");

    let tokens = || ('a'..='j').map(|notice| format!("key set {}", notice.to_string().repeat(32))).collect();
    let lines = |command: &str| vec![command.to_owned(); 10];
    let all = || ["key change", "key reset", "key revoke"].repeat(3).into_iter().map(str::to_owned).collect();
    let check = async |from: &str, lines: Vec<String>, times: u64| {
        let key = heavy::key(Numbers::Brainpool, None, 500, day(0));
        let fingerprint = Certificate::read_one(&key).unwrap().fingerprint();
        let before = verifications::of(&fingerprint);
        let _once = KeyMaterial::of(std::slice::from_ref(&key));
        let (before, once) = (verifications::of(&fingerprint), verifications::of(&fingerprint) - before);
        let armored = sealist_openpgp::testing::armored_key(&key);
        receive(&app, REQUEST, &mail(from, &lines, &armored), day(0)).await;
        let spent = verifications::of(&fingerprint) - before;
        assert_eq!(spent, times * once, "{from}: {lines:?}");
    };
    check("stranger@example.com", tokens(), 0).await;
    check("stranger@example.com", all(), 0).await;
    check("anne@example.org", tokens(), 0).await;
    check("anne@example.org", lines("key sign"), 0).await;
    check("bart@example.org", lines("key change"), 0).await;
    for command in ["key change", "key reset", "key revoke"] {
        check("anne@example.org", lines(command), 1).await;
    }
    check("anne@example.org", all(), 1).await;
}
