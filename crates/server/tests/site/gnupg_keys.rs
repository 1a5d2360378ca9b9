//! The commands about keys with what GnuPG writes: exports, revocation certificates, certifications.

use crate::common::cast::flat;
use crate::common::gpg::Gpg;
use crate::common::site::{LIST, Site};
use crate::common::talk::{REQUEST, plain, signed, with_keys};
use sealist_openpgp::Certificate;

const ANNE: &str = "anne@example.org";

fn member(site: &Site, address: &str) -> Gpg {
    let gpg = site.person(address);
    site.join(address, "owner", &gpg);
    gpg
}

/// The revocation certificate that GnuPG put aside when it made the key: a colon keeps people from using it
/// by mistake.
fn put_aside(gpg: &Gpg) -> Vec<u8> {
    let folder = gpg.home().join("openpgp-revocs.d");
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    std::fs::read(file).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_key_is_certified() {
    let site = Site::new().await;
    let anne = member(&site, ANNE);
    let fingerprint = site.certificate().fingerprint().to_string();
    anne.run(&["--quick-sign-key", &fingerprint], b"").unwrap();
    let key = anne.run(&["--armor", "--export", &fingerprint], b"").unwrap().0;
    let unsigned = site.say(REQUEST, &with_keys(ANNE, "key sign", &[&key]), &[(ANNE, &anne)]).await;
    assert!(unsigned[0].text.contains("Message not signed"), "{}", unsigned[0].text);
    let text = format!("key sign\n\n{}", String::from_utf8(key).unwrap());
    let came = site.say(REQUEST, &signed(&anne, &[ANNE], ANNE, "", &text), &[(ANNE, &anne)]).await;
    assert!(came[0].text.contains("List key updated with new signatures."), "{}", came[0].text);
    // And others see it.
    let bart = Gpg::new().unwrap();
    bart.import(&anne.export(ANNE).unwrap()).unwrap();
    bart.import(site.server.cli(&["lists", "key", LIST]).as_bytes()).unwrap();
    let listed = bart.run(&["--with-colons", "--check-signatures", &fingerprint], b"").unwrap().0;
    let listed = String::from_utf8(listed).unwrap();
    assert!(listed.lines().any(|line| line.starts_with("sig:!") && line.contains(ANNE)), "{listed}");
    // And the admin takes it off.
    site.server.cli(&["lists", "key", LIST, "--strip-certifications"]);
    assert_eq!(site.certificate().certifications(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_was_put_aside_is_taken() {
    let site = Site::new().await;
    for (address, attached) in [(ANNE, true), ("bart@example.org", false)] {
        let anne = member(&site, address);
        let certificate = put_aside(&anne);
        let message = match attached {
            true => with_keys(address, "key revoke", &[&certificate]),
            false => plain(address, "key revoke", &String::from_utf8(certificate).unwrap()),
        };
        let came = site.say(REQUEST, &message, &[(address, &anne), (address, &anne)]).await;
        assert!(came.iter().all(|notice| !notice.sealed), "{came:#?}");
        assert!(came.iter().any(|notice| notice.text.contains("Key needs to be reset.")), "{came:#?}");
        assert!(came.iter().any(|notice| notice.subject.starts_with("key set ")), "{came:#?}");
        assert!(site.server.cli(&["keys", "show", address]).contains("usable       no"));
    }
}

/// The answer to a notice that asks for a key: from whom, with which subject.
type Way = fn(&Gpg, &str, &str) -> Vec<u8>;

/// Programs attach keys in many ways.
#[tokio::test(flavor = "multi_thread")]
async fn keys_come_in_many_ways() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "key_change_workflow", "pgp-key-change-workflow"]);
    let set = "It is not used yet";
    let ways: [(&str, Way, &str); 8] = [
        (
            "quoted",
            |gpg, address, subject| {
                let key = String::from_utf8(gpg.export(address).unwrap()).unwrap();
                let key: String = key.lines().map(|line| format!("> {line}\n")).collect();
                plain(address, subject, &format!("Here it is:\n\n{key}"))
            },
            set,
        ),
        (
            "autocrypt",
            |gpg, address, subject| {
                let armor = String::from_utf8(gpg.export(address).unwrap()).unwrap();
                let lines = armor.lines().skip_while(|line| !line.is_empty());
                let key: Vec<&str> = lines.take_while(|line| !line.starts_with('=')).collect();
                let field = format!("Autocrypt: addr={address}; keydata=\r\n {}\r\n", key.join("\r\n "));
                [field.into_bytes(), plain(address, subject, "My program sends it.\n")].concat()
            },
            set,
        ),
        (
            "twice",
            |gpg, address, subject| {
                let binary = gpg.run(&["--export", address], b"").unwrap().0;
                with_keys(address, subject, &[&gpg.export(address).unwrap(), &binary])
            },
            set,
        ),
        (
            "octets",
            |gpg, address, subject| {
                let mail = with_keys(address, subject, &[&gpg.export(address).unwrap()]);
                String::from_utf8(mail)
                    .unwrap()
                    .replace("application/pgp-keys", "application/octet-stream")
                    .into_bytes()
            },
            set,
        ),
        (
            "binary",
            |gpg, address, subject| {
                with_keys(address, subject, &[&gpg.run(&["--export", address], b"").unwrap().0])
            },
            set,
        ),
        (
            "text",
            |gpg, address, subject| {
                plain(
                    address,
                    subject,
                    &format!("Here it is:\n\n{}", String::from_utf8(gpg.export(address).unwrap()).unwrap()),
                )
            },
            set,
        ),
        (
            "two",
            |gpg, address, subject| {
                let other = Gpg::new().unwrap();
                other.make_key(address, "curve25519").unwrap();
                let keys = [gpg.export(address).unwrap(), other.export(address).unwrap()];
                with_keys(address, subject, &[&keys[0], &keys[1]])
            },
            "More than one key! Send only one key.",
        ),
        (
            "secret",
            |gpg, address, subject| {
                with_keys(
                    address,
                    subject,
                    &[&gpg.run(&["--armor", "--export-secret-keys", address], b"").unwrap().0],
                )
            },
            "You probably wanted to send your public key only.",
        ),
    ];
    for (name, message, says) in ways {
        let address = format!("{name}@example.org");
        let gpg = site.person(&address);
        let me = (address.as_str(), &gpg);
        let asked = site.say(REQUEST, &plain(&address, "subscribe", ""), &[me]).await.remove(0);
        let expected = if says == set { 2 } else { 1 };
        let answer = message(&gpg, &address, &format!("Re: {}", asked.subject));
        let came = site.say(REQUEST, &answer, &[me, me][..expected]).await;
        assert!(came.iter().any(|notice| flat(&notice.text).contains(says)), "{name}: {came:#?}");
    }
}

/// A key and its subkey end. Its holder prolongs the key alone, hears which part is left, and prolongs that:
/// nothing begins anew.
#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_is_prolonged_part_by_part() {
    let site = Site::new().await;
    let anne = Gpg::new().unwrap();
    let made = ["--passphrase", "", "--quick-generate-key", ANNE, "future-default", "default", "seconds=4"];
    anne.run(&made, b"").unwrap();
    let fingerprint = Certificate::read_one(&anne.export(ANNE).unwrap()).unwrap().fingerprint().to_string();
    anne.run(&["--passphrase", "", "--quick-set-expire", &fingerprint, "seconds=4", "*"], b"").unwrap();
    anne.import(site.server.cli(&["lists", "key", LIST]).as_bytes()).unwrap();
    site.join(ANNE, "member", &anne);
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    let key = anne.export(ANNE).unwrap();
    let known = Certificate::read_one(&key).unwrap();
    let subkey = known.subkeys_to_prolong(sealist_mail::Timestamp::now()).remove(0).to_string();

    let came = site.say(REQUEST, &with_keys(ANNE, "key change", &[&key]), &[(ANNE, &anne)]).await;
    assert!(flat(&came[0].text).contains("the key expired on"), "{}", came[0].text);
    anne.run(&["--passphrase", "", "--quick-set-expire", &fingerprint, "2y"], b"").unwrap();
    let key = anne.export(ANNE).unwrap();
    let came = site.say(REQUEST, &with_keys(ANNE, "key change", &[&key]), &[(ANNE, &anne)]).await;
    assert!(flat(&came[0].text).contains(&format!("subkey {subkey}")), "{}", came[0].text);
    anne.run(&["--passphrase", "", "--quick-set-expire", &fingerprint, "2y", &subkey], b"").unwrap();
    let key = anne.export(ANNE).unwrap();
    let came = site.say(REQUEST, &with_keys(ANNE, "key change", &[&key]), &[(ANNE, &anne)]).await;
    assert!(came[0].text.contains("Key successfully updated."), "{}", came[0].text);
    assert!(site.server.cli(&["keys", "show", ANNE]).contains("usable       until"));
    assert_eq!(site.server.cli(&["--json", "requests", "list"]).trim(), "[]", "no reset began");
}

/// Nobody can be answered who is not named, or named twice.
#[tokio::test(flavor = "multi_thread")]
async fn mail_from_nobody() {
    let site = Site::new().await;
    let anne = member(&site, ANNE);
    let message =
        |from: &str| format!("{from}To: {REQUEST}\r\nSubject: key receive\r\n\r\n\r\n").into_bytes();
    let mut connection = site.server.connect().await;
    for from in [
        "",
        "From: \r\n",
        "From: anne@example.org, eve@example.com\r\n",
        "From: anne@example.org\r\nFrom: eve@example.com\r\n",
    ] {
        crate::common::post(&mut connection, REQUEST, &message(from)).await;
    }
    let came = site.notices().await;
    assert!(came.iter().all(|notice| notice.recipient == ANNE), "only the owner hears of it");
    let told = came.len();
    assert_eq!((site.held(), told), (4, 1));
    // A key that the sender does not have says nothing for them.
    let message = signed(&anne, &[ANNE], "eve@example.com", "", "who\n");
    crate::common::post(&mut connection, REQUEST, &message).await;
    let came = site.notices().await;
    assert!(came.iter().all(|notice| !String::from_utf8_lossy(&notice.message).contains(ANNE)));
}
