//! `key change`, `key reset`, `key revoke`, `key sign`: each answer that they have, by mail, in the order of
//! their checks.

use crate::common::cases::{case, check};
use crate::common::cast::{Player, flat, keys_entity};
use crate::common::site::{LIST, Site};
use crate::common::talk::Notice;
use sealist_mail::Timestamp;
use sealist_openpgp::testing::{Kind, Person, Revoked};

const NO_KEY: &str = "No keys attached? Send a key.";
const SEVERAL: &str = "More than one key! Send only one key.";
const SECRET: &str = "You probably wanted to send your public key only.";
const UNKNOWN: &str = "Your address is not known on this list.";
const NO_OWN_KEY: &str = "You currently don't have a key set.";
const NOT_CONFIRMED: &str = "Your key is currently not confirmed.";
const ONE_MORE: &str = "One more signature is needed";
const UNUSABLE: &str = "This key cannot be used here:";
const NOTHING: &str = "Nothing to do.";
const UPDATED: &str = "Key successfully updated.";

fn now() -> Timestamp {
    Timestamp::now()
}

fn key(person: &Person) -> Vec<u8> {
    person.certificate().armored()
}

fn fingerprint(person: &Person) -> String {
    person.certificate().fingerprint().to_string()
}

/// Members with keys, one for each case.
fn members<const N: usize>(site: &Site, names: [&str; N]) -> [Player; N] {
    names.map(|name| site.enrolled(&format!("{name}@example.org"), "member"))
}

/// Somebody without a key, in a role that asks for none.
fn keyless(site: &Site, address: &str) -> Player {
    site.server.cli(&["members", "add", LIST, address]);
    site.player(address)
}

fn new_key(player: &Player) -> Person {
    Person::new(&player.address, Kind::Curve25519, now())
}

/// The statement for a new key, as its holder reads it.
async fn asked(site: &Site, old: &Player, new: &Person, command: &str) -> Notice {
    let message = old.with_keys(command, &[&key(new)]);
    let holder = old.with(&old.address, new.with_address(&old.address));
    let mut came = site.exchange(&[(&holder, message)]).await.remove(0);
    assert_eq!(came.len(), 1, "{came:#?}");
    assert!(came[0].sealed && came[0].signed && came[0].subject.starts_with("key confirm "), "{came:?}");
    assert!(came[0].statement().contains(&fingerprint(new)), "{}", came[0].text);
    came.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn change_is_refused() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "key_change_workflow", "pgp-key-change-workflow"]);
    let [args, none, many, secret, signonly, expired, revoked, named, same, hidden] = members(
        &site,
        ["args", "none", "many", "secret", "signonly", "expired", "revoked", "named", "same", "hidden"],
    );
    let (stranger, bare) = (site.player("stranger@example.org"), keyless(&site, "bare@example.org"));
    let odd = |kind, at| key(&Person::new("odd@example.org", kind, at));
    let change = "key change";
    check(
        &site,
        vec![
            case(
                "arguments",
                &args,
                args.with_keys("key change now", &[&key(&new_key(&args))]),
                "Send the command alone.",
            ),
            case("nobody here", &stranger, stranger.with_keys(change, &[&stranger.key()]), UNKNOWN),
            case("no key to change", &bare, bare.with_keys(change, &[&bare.key()]), NO_OWN_KEY),
            case("no key", &none, none.plain(change), NO_KEY),
            case(
                "two keys",
                &many,
                many.with_keys(change, &[&key(&new_key(&many)), &key(&new_key(&many))]),
                SEVERAL,
            ),
            case(
                "a secret key",
                &secret,
                secret.with_keys(change, &[&new_key(&secret).armored_secret()]),
                SECRET,
            ),
            case(
                "no key to encrypt to",
                &signonly,
                signonly.with_keys(change, &[&odd(Kind::SignOnly, now())]),
                UNUSABLE,
            ),
            case(
                "an expired key",
                &expired,
                expired.with_keys(change, &[&odd(Kind::ExpiresInAnHour, now().plus_ms(-7_200_000))]),
                UNUSABLE,
            ),
            case(
                "a revoked key",
                &revoked,
                revoked.with_keys(change, &[&odd(Kind::Revoked, now())]),
                UNUSABLE,
            ),
            case(
                "another's name",
                &named,
                named.with_keys(change, &[&odd(Kind::Curve25519, now())]),
                "No user id of this key has your address.",
            ),
            case("the same key", &same, same.with_keys(change, &[&same.key()]), NOTHING),
            case("sealed, no key", &hidden, hidden.sealed(change, ""), NO_KEY),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_takes_the_word_of_both_keys() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "key_change_workflow", "pgp-key-change-workflow"]);
    for (name, order) in [("old", [0, 1]), ("new", [1, 0])] {
        let [old] = members(&site, [name]);
        let new = new_key(&old);
        let words = asked(&site, &old, &new, "key change").await.statement();
        assert!(words.contains("Action: key change") && words.contains(&old.address), "{words}");
        let signers =
            [old.with(&old.address, old.person.with_address(&old.address)), old.with(&old.address, new)];
        let [first, second] = order.map(|at| &signers[at]);
        let came = site.exchange(&[(&old, first.signed("", &words))]).await.remove(0);
        assert!(flat(&came[0].text).contains(ONE_MORE), "{}", came[0].text);
        assert_eq!(site.key_of(&old.address), Some(old.fingerprint()));
        let came = site.exchange(&[(&signers[1], second.signed("", &words))]).await.remove(0);
        assert!(came.iter().any(|notice| flat(&notice.text).contains("Key successfully set.")), "{came:#?}");
        assert!(came.iter().all(|notice| notice.sealed), "{came:#?}");
        assert_eq!(site.key_of(&old.address), Some(signers[1].fingerprint()));
    }

    // What asks may be sealed, and the answer signed by both at once.
    let [old] = members(&site, ["sealed"]);
    let new = new_key(&old);
    let request = old.sealed_entity(&keys_entity("key change\n", &[&key(&new)]));
    let holder = old.with(&old.address, new);
    let words = site.exchange(&[(&holder, request)]).await.remove(0).remove(0).statement();
    let entity = crate::common::cast::text_entity("", &words);
    let both = [old.person.signature(&entity, now()), holder.person.signature(&entity, now())].concat();
    let came = site.exchange(&[(&holder, old.around("", &Person::signed(&entity, &both)))]).await.remove(0);
    assert!(came.iter().any(|notice| notice.text.contains("Key successfully set.")), "{came:#?}");
    assert_eq!(site.key_of(&old.address), Some(holder.fingerprint()));
}

/// A newer form of the key that the address has needs no ceremony.
#[tokio::test(flavor = "multi_thread")]
async fn an_update_is_taken_as_it_is() {
    let site = Site::new().await;
    let [anne] = members(&site, ["anne"]);
    let more = anne.person.also_named("anne@example.net", now());
    let came = site.ask(&anne, anne.with_keys("key change", &[&key(&more)])).await;
    assert!(flat(&came[0].text).contains(UPDATED), "{came:#?}");
    assert!(site.server.cli(&["keys", "show", &anne.address]).contains("anne@example.net"));
}

#[tokio::test(flavor = "multi_thread")]
async fn moderators_see_both_keys() {
    let site = Site::new().await;
    let olga = site.enrolled("olga@example.org", "owner");
    let [anne, bart] = members(&site, ["anne", "bart"]);
    for (member, command, warns) in [(&anne, "key change", false), (&bart, "key reset", true)] {
        let new = new_key(member);
        let words = asked(&site, member, &new, command).await.statement();
        let holder = member.with(&member.address, new);
        let entity = crate::common::cast::text_entity("", &words);
        let mut signatures = holder.person.signature(&entity, now());
        if command == "key change" {
            signatures.extend(member.person.signature(&entity, now()));
        }
        let signed = member.around("", &Person::signed(&entity, &signatures));
        let came = site.exchange(&[(member, signed)]).await.remove(0);
        assert!(flat(&came[0].text).contains("waits for a moderator"), "{came:#?}");
        assert_eq!(site.key_of(&member.address), Some(member.fingerprint()));

        let notice = site.came_to(&olga).remove(0);
        let hex: String = notice.text.chars().filter(|c| !c.is_whitespace()).collect();
        assert!(notice.sealed && notice.subject.contains(&member.address), "{}", notice.subject);
        assert!(
            hex.contains(&member.fingerprint()) && hex.contains(&holder.fingerprint()),
            "{}",
            notice.text
        );
        assert_eq!(notice.text.contains("no older key has signed for this one"), warns, "{}", notice.text);
        let attached = sealist_openpgp::Certificate::read_one(&notice.keys[0]).unwrap();
        assert_eq!(attached.fingerprint().to_string(), holder.fingerprint());

        let token = notice.after("approve ");
        let came = site.ask(&olga, olga.signed("", &format!("approve {token}\n"))).await;
        assert!(came[0].text.contains("Approved."), "{came:#?}");
        assert_eq!(site.key_of(&member.address), Some(holder.fingerprint()));
        assert_eq!(site.server.cli(&["--json", "requests", "list"]).trim(), "[]");
        let came = site.came_to(&holder);
        assert!(
            came.iter().any(|notice| notice.sealed && notice.subject.contains("another key")),
            "{came:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revoke() {
    let site = Site::new().await;
    let [args, none, other, words, twice, again] =
        members(&site, ["args", "none", "other", "words", "twice", "again"]);
    let (stranger, bare) = (site.player("stranger@example.org"), keyless(&site, "bare@example.org"));
    let by = |player: &Player, what| player.person.revocation(what, now());
    let revoke = "key revoke";
    check(
        &site,
        vec![
            case(
                "arguments",
                &args,
                args.with_keys("key revoke it", &[&by(&args, Revoked::Retired)]),
                "Send the command alone.",
            ),
            case(
                "nobody here",
                &stranger,
                stranger.with_keys(revoke, &[&by(&stranger, Revoked::Retired)]),
                UNKNOWN,
            ),
            case(
                "no key to revoke",
                &bare,
                bare.with_keys(revoke, &[&by(&bare, Revoked::Retired)]),
                NO_OWN_KEY,
            ),
            case(
                "no revocation",
                &none,
                none.plain(revoke),
                "No key revocations attached? Send a key revocation.",
            ),
            case(
                "no revocation in it",
                &words,
                words.with_keys(revoke, &[b"words"]),
                "No key revocations attached?",
            ),
            case(
                "of another key",
                &other,
                other.with_keys(revoke, &[&by(&none, Revoked::Compromised)]),
                "Revocation found for not-found key.",
            ),
            case("the key itself", &again, again.with_keys(revoke, &[&again.key()]), NOTHING),
            case(
                "one of another key among them",
                &twice,
                twice.with_keys(revoke, &[&by(&twice, Revoked::Retired), &by(&none, Revoked::Retired)]),
                "Revocation found for not-found key.",
            ),
        ],
    )
    .await;

    // One of two keys to encrypt to: the rest is used on.
    let partly = site.player_of("partly@example.org", Kind::TwoEncryptionKeys);
    site.enrol(&partly, "member");
    let subkey = by(&partly, Revoked::Subkey);
    let came = site.ask(&partly, partly.with_keys(revoke, &[&subkey])).await;
    assert!(came.len() == 1 && flat(&came[0].text).contains(UPDATED), "{came:#?}");
    assert!(site.server.cli(&["keys", "show", &partly.address]).contains("usable       yes"));
    let came = site.ask(&partly, partly.with_keys(revoke, &[&subkey])).await;
    assert!(flat(&came[0].text).contains("Nothing to do."), "{came:#?}");

    for (name, what, sealed) in [
        ("retired", Revoked::Retired, false),
        ("lost", Revoked::Compromised, false),
        ("half", Revoked::Subkey, false),
        ("hidden", Revoked::Retired, true),
    ] {
        let [anne] = members(&site, [name]);
        let certificate = by(&anne, what);
        let message = match sealed {
            true => anne.sealed_entity(&keys_entity("key revoke\n", &[&certificate])),
            false => anne.with_keys(revoke, &[&certificate]),
        };
        let came = site.ask(&anne, message).await;
        assert!(came.iter().all(|notice| !notice.sealed), "{name}: nobody can read it: {came:#?}");
        let request = came.iter().find(|notice| notice.subject.starts_with("key set "));
        let token = request.unwrap_or_else(|| panic!("{name}: {came:#?}")).token();
        assert!(
            came.iter().any(|notice| flat(&notice.text).contains("Key needs to be reset.")),
            "{name}: {came:#?}"
        );
        assert!(site.server.cli(&["keys", "show", &anne.address]).contains("usable       no"), "{name}");

        // A change by its word is not possible any more.
        let new = anne.with(&anne.address, new_key(&anne));
        if sealed {
            let came = site.ask(&anne, anne.with_keys("key change", &[&new.key()])).await;
            let instead = "send \"key reset\" with the new key attached";
            assert!(flat(&came[0].text).contains(instead), "{name}: {came:#?}");
        }

        // The new key signs for itself, and somebody in charge looks at it.
        let came = site.ask(&new, new.with_keys(&format!("key set {token}"), &[&new.key()])).await;
        let words = came.iter().find(|notice| notice.sealed).unwrap().statement();
        assert!(words.contains("Action: key reset"), "{words}");
        let came = site.ask(&new, new.signed("", &words)).await;
        assert!(
            came.iter().any(|notice| flat(&notice.text).contains("waits for a moderator")),
            "{name}: {came:#?}"
        );
        site.server.cli(&["requests", "approve", LIST, &anne.address]);
        assert_eq!(site.key_of(&anne.address), Some(new.fingerprint()), "{name}");
        site.notices().await;
    }
}

/// A key that was given by the word of a compromised one is in doubt until somebody in charge confirms it.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_takes_its_word_back() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "key_change_workflow", "pgp-key-change-workflow"]);
    let olga = site.enrolled("olga@example.org", "owner");
    let [anne] = members(&site, ["anne"]);
    let new = new_key(&anne);
    let words = asked(&site, &anne, &new, "key change").await.statement();
    let holder = anne.with(&anne.address, new);
    let entity = crate::common::cast::text_entity("", &words);
    let both = [anne.person.signature(&entity, now()), holder.person.signature(&entity, now())].concat();
    site.exchange(&[(&holder, anne.around("", &Person::signed(&entity, &both)))]).await;
    assert_eq!(site.key_of(&anne.address), Some(holder.fingerprint()));

    let certificate = anne.person.revocation(Revoked::Compromised, now());
    let came = site.ask(&holder, holder.sealed_entity(&keys_entity("key revoke\n", &[&certificate]))).await;
    assert!(came.iter().any(|notice| flat(&notice.text).contains(UPDATED)), "{came:#?}");
    let told = site.came_to(&olga);
    assert!(told.iter().any(|notice| notice.text.contains(&anne.address)), "{told:#?}");
    let tried = site.tried(&anne.address);
    assert!(tried.contains(&("key-compromised".to_owned(), anne.fingerprint())), "{tried:?}");

    let another = new_key(&anne);
    let bart = holder.with(&anne.address, another);
    check(
        &site,
        vec![case("not confirmed", &bart, bart.with_keys("key change", &[&bart.key()]), NOT_CONFIRMED)],
    )
    .await;
    site.server.cli(&["keys", "approve", &anne.address, &holder.fingerprint()]);
    assert!(site.server.cli(&["keys", "show", &anne.address]).contains("usable       yes"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sign() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "key_signing_allowed", r#"["owner","moderator","member"]"#]);
    let [args, none, many, secret, other, bare_key, foreign, unsigned, ok, sealed] = members(
        &site,
        ["args", "none", "many", "secret", "other", "barekey", "foreign", "unsigned", "ok", "sealed"],
    );
    let nonmember = site.enrolled("nonmember@example.org", "nonmember");
    let (stranger, bare) = (site.player("stranger@example.org"), keyless(&site, "bare@example.org"));
    let by = |player: &Player| player.person.certified(&player.list, now());
    let list = ok.list.armored();
    let sign = "key sign";
    let signed = |player: &Player, keys: &[&[u8]]| player.signed_entity("", &keys_entity("key sign\n", keys));
    check(
        &site,
        vec![
            case("arguments", &args, args.with_keys("key sign it", &[&by(&args)]), "Send the command alone."),
            case("nobody here", &stranger, stranger.with_keys(sign, &[&by(&stranger)]), UNKNOWN),
            case("no key to sign with", &bare, bare.with_keys(sign, &[&by(&bare)]), NO_OWN_KEY),
            case("no key", &none, none.plain(sign), NO_KEY),
            case(
                "own keys only",
                &many,
                signed(&many, &[&many.key(), &key(&new_key(&many))]),
                "You sent a wrong key.",
            ),
            case(
                "not allowed",
                &nonmember,
                nonmember.with_keys(sign, &[&by(&nonmember)]),
                "You are not allowed to sign the list key.",
            ),
            case("a secret key", &secret, signed(&secret, &[&secret.person.armored_secret()]), SECRET),
            case("another key", &other, signed(&other, &[&other.key()]), "You sent a wrong key."),
            case("nobody signed it", &bare_key, signed(&bare_key, &[&list]), "No signed UIDs found."),
            case(
                "somebody else signed it",
                &foreign,
                signed(&foreign, &[&by(&ok)]),
                "No new certifications found.",
            ),
            // What is attached is not looked at before that.
            case(
                "not signed",
                &unsigned,
                unsigned.with_keys(sign, &[&unsigned.person.armored_secret()]),
                "Message not signed, ignoring.",
            ),
        ],
    )
    .await;
    assert_eq!(site.certificate().certifications(), 0);
    for (player, message) in [
        (&ok, ok.signed_entity("", &keys_entity("key sign\n", &[&by(&ok)]))),
        (&sealed, sealed.sealed_entity(&keys_entity("key sign\n", &[&by(&sealed)]))),
    ] {
        let came = site.ask(player, message).await;
        assert!(flat(&came[0].text).contains("List key updated with new signatures."), "{came:#?}");
    }
    let came = site.ask(&foreign, foreign.plain("key receive")).await;
    let notice = came.iter().find(|notice| !notice.keys.is_empty()).unwrap();
    assert!(notice.keys[0].len() > list.len() + 200, "with two signatures more");
    let signed = site.tried(&ok.address);
    assert!(signed.contains(&("list-key-signed".to_owned(), ok.fingerprint())), "{signed:?}");

    // What is there already is not new.
    let other = site.enrolled("second@example.org", "owner");
    let certification = by(&other);
    site.ask(&other, other.signed_entity("", &keys_entity("key sign\n", &[&certification]))).await;
    let before = site.state();
    let came = site.ask(&other, other.signed_entity("", &keys_entity("key sign\n", &[&certification]))).await;
    assert!(flat(&came[0].text).contains("No new certifications found."), "{came:#?}");
    assert_eq!(site.state(), before);
}
