//! The conversations by which people join with a key and change it: over LMTP and SMTP, with GnuPG on the
//! other side.

use crate::common::cast::flat;
use crate::common::gpg::Gpg;
use crate::common::site::{LIST, Site, WAIT};
use crate::common::talk::{REQUEST, plain, sealed, signed, with_keys};
use crate::common::{assert_nowhere, encrypted};

const ANNE: &str = "anne@example.org";
const OLGA: &str = "olga@example.org";

mod sqlite {
    #[tokio::test(flavor = "multi_thread")]
    async fn subscription_with_a_key_and_moderation() {
        super::subscription_with_a_key_and_moderation(super::Site::new().await).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn key_change() {
        super::key_change(super::Site::new().await).await;
    }
}

mod postgres {
    #[tokio::test(flavor = "multi_thread")]
    async fn subscription_with_a_key_and_moderation() {
        super::subscription_with_a_key_and_moderation(super::Site::on_postgres().await).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn key_change() {
        super::key_change(super::Site::on_postgres().await).await;
    }
}

/// Somebody in charge.
fn owner(site: &Site) -> Gpg {
    let olga = site.person(OLGA);
    site.join(OLGA, "owner", &olga);
    olga
}

fn fingerprint(gpg: &Gpg, address: &str) -> String {
    let listed = gpg.run(&["--with-colons", "--list-keys", address], b"").unwrap().0;
    let listed = String::from_utf8(listed).unwrap();
    let line = listed.lines().find(|line| line.starts_with("fpr")).unwrap();
    line.split(':').nth(9).unwrap().to_owned()
}

fn members(site: &Site) -> String {
    site.server.cli(&["members", "list", LIST])
}

/// | Sealist | | User |
/// |---|---|---|
/// | | <- | 1. subscribe |
/// | 2. key set "token1", signed by the list | -> | |
/// | | <- | 3. key set "token1", the key attached |
/// | 4. key confirm "token2", a statement, signed by the list, encrypted to the key | -> | |
/// | | <- | 5. key confirm "token2", the statement signed by the key |
/// | 6. moderation | | |
async fn subscription_with_a_key_and_moderation(site: Site) {
    let olga = owner(&site);
    let anne = site.person(ANNE);
    let me = [(ANNE, &anne)];

    let asked = site.say(REQUEST, &plain(ANNE, "subscribe", ""), &me).await.remove(0);
    assert!(asked.subject.starts_with("key set "), "{asked:?}");
    assert!(asked.signed && !asked.sealed);
    assert!(asked.reply_to.starts_with("team-confirm+"), "{}", asked.reply_to);
    let token1 = asked.token();

    let key = anne.export(ANNE).unwrap();
    let answer = with_keys(ANNE, &format!("Re: key set {token1}"), &[&key]);
    let came = site.say(REQUEST, &answer, &[(ANNE, &anne), (ANNE, &anne)]).await;
    let [statement, results] = &came[..] else { panic!("{came:?}") };
    let (statement, results) = if statement.sealed { (statement, results) } else { (results, statement) };
    assert!(flat(&results.text).contains("It is not used yet"), "{}", results.text);
    assert!(results.text.contains(&format!("Your key has come: {}", fingerprint(&anne, ANNE))));
    assert!(statement.sealed && statement.signed && statement.subject.starts_with("key confirm "));
    let token2 = statement.token();
    assert_ne!(token1, token2);
    assert!(statement.statement().contains(&format!("Token: {token2}")), "{}", statement.text);
    assert!(statement.statement().contains(&fingerprint(&anne, ANNE)));

    let answer = signed(&anne, &[ANNE], ANNE, &format!("key confirm {token2}"), &statement.statement());
    let came = site.say(REQUEST, &answer, &[(ANNE, &anne), (OLGA, &olga)]).await;
    assert!(came[0].text.contains("waits for a moderator"), "{}", came[0].text);
    let notice = &came[1];
    assert!(notice.sealed && notice.text.contains("subscribe"), "{notice:?}");
    assert_eq!(notice.keys.len(), 1, "the key is attached");
    let hex: String = notice.text.chars().filter(|c| !c.is_whitespace()).collect();
    assert!(hex.contains(&fingerprint(&anne, ANNE)), "{}", notice.text);
    assert!(!members(&site).contains(ANNE));

    let approve = format!("approve {}\n", notice.after("approve "));
    let came = site.say(REQUEST, &sealed(&olga, OLGA, &approve), &[(ANNE, &anne), (OLGA, &olga)]).await;
    assert!(came[0].sealed && came[0].subject.contains("Welcome to Team"), "{:?}", came[0]);
    assert_eq!(came[0].keys.len(), 1, "the list's key is attached");
    assert!(came[1].text.contains("Approved."), "{}", came[1].text);
    assert!(members(&site).contains("member     anne@example.org"));

    // And it is a key to post with.
    let post = anne.sign_and_encrypt(LIST, &crate::common::entity("Hello", "all")).unwrap();
    let copies = site.send(LIST, &encrypted(ANNE, LIST, &post), 1).await;
    assert_eq!(copies[0].recipient, ANNE);
    for token in [&token1, &token2] {
        assert_nowhere(&site.server, token);
    }
}

/// | Sealist | | User |
/// |---|---|---|
/// | | <- | 1. key change, the new key attached |
/// | 2. key confirm "token1", a statement, signed by the list, encrypted to the new key | -> | |
/// | | <- | 3. key confirm "token1", the statement signed by the old key (and the new one) |
async fn key_change(site: Site) {
    owner(&site);
    site.server.cli(&["lists", "set", LIST, "key_change_workflow", "pgp-key-change-workflow"]);
    let heard = site.sink.wait_for(1, WAIT).await;
    assert_eq!(heard.len(), 1, "the owner hears that this weakens the list");
    for both_at_once in [true, false] {
        let address = if both_at_once { ANNE } else { "bart@example.org" };
        let anne = site.person(address);
        site.join(address, "member", &anne);
        let old = fingerprint(&anne, address);
        let ring = site.person(address);
        let (new, new_key) = (fingerprint(&ring, address), ring.export(address).unwrap());
        let secret = ring.run(&["--export-secret-keys", address], b"").unwrap().0;
        anne.import(&secret).unwrap();
        let me = [(address, &anne)];

        let came = site.say(REQUEST, &with_keys(address, "key change", &[&new_key]), &me).await;
        let statement = &came[0];
        assert!(statement.sealed && statement.subject.starts_with("key confirm "), "{statement:?}");
        let text = statement.statement();
        assert!(text.contains("Action: key change") && text.contains(&new), "{text}");

        let subject = format!("key confirm {}", statement.token());
        if both_at_once {
            let came = site
                .say(REQUEST, &signed(&anne, &[&old, &new], address, &subject, &text), &[me[0], me[0], me[0]])
                .await;
            assert!(
                came.iter().any(|notice| notice.text.contains("It is not used yet")
                    || notice.text.contains("Key successfully set.")),
                "{came:?}"
            );
        } else {
            let came = site.say(REQUEST, &signed(&anne, &[&old], address, &subject, &text), &me).await;
            assert!(came[0].text.contains("One more signature is needed"), "{}", came[0].text);
            assert!(site.server.cli(&["keys", "show", address]).contains(&old));
            let came =
                site.say(REQUEST, &signed(&anne, &[&new], address, "", &text), &[me[0], me[0], me[0]]).await;
            assert!(came.iter().any(|notice| notice.subject.contains("another key")), "{came:?}");
        }
        assert!(site.server.cli(&["keys", "show", address]).contains(&new));
    }
}
