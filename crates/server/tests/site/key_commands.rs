//! `key set`, `key confirm`, `key receive`: each answer that they have, by mail, in the order of their
//! checks.

use crate::common::cases::{case, check};
use crate::common::cast::{Player, flat, keys_entity, text_entity};
use crate::common::site::{LIST, Site};
use crate::common::talk::Notice;
use sealist_mail::Timestamp;
use sealist_openpgp::testing::{Kind, Person};

const NO_KEY: &str = "No keys attached? Send a key.";
const SEVERAL: &str = "More than one key! Send only one key.";
const SECRET: &str = "You probably wanted to send your public key only.";
const MISSING_TOKEN: &str = "Missing token.";
const WRONG_TOKEN: &str = "Wrong token.";
const NOT_SIGNED: &str = "Message not signed, ignoring.";
const NOT_VERIFIED: &str = "Message failed to verify.";
const NO_STATEMENT: &str = "Message doesn't contain the expected statement.";
const NOT_PGP: &str = "This list does not use OpenPGP.";

/// People who asked to join, each with the notice that asks for a key.
async fn applicants(site: &Site, names: &[&str]) -> Vec<(Player, Notice)> {
    let people: Vec<Player> = names.iter().map(|name| site.player(&format!("{name}@example.org"))).collect();
    let asks: Vec<_> = people.iter().map(|person| (person, person.plain("subscribe"))).collect();
    let came = site.exchange(&asks).await;
    let one = |(person, mut notices): (Player, Vec<Notice>)| {
        assert_eq!(notices.len(), 1, "{notices:?}");
        (person, notices.remove(0))
    };
    people.into_iter().zip(came).map(one).collect()
}

/// Those who sent a key too, each with the statement that is to be signed.
async fn candidates(site: &Site, names: &[&str]) -> Vec<(Player, Notice)> {
    let people = applicants(site, names).await;
    let keys: Vec<_> = people
        .iter()
        .map(|(person, asked)| {
            (person, person.with_keys(&format!("key set {}", asked.token()), &[&person.key()]))
        })
        .collect();
    let came = site.exchange(&keys).await;
    let one = |((person, _), notices): ((Player, Notice), Vec<Notice>)| {
        let statement = notices.into_iter().find(|notice| notice.subject.starts_with("key confirm"));
        (person, statement.unwrap())
    };
    people.into_iter().zip(came).map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_are_no_command() {
    let site = Site::new().await;
    site.server.cli(&["lists", "create", "plain@lists.example", "--style", "legacy-default"]);
    let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(|name| site.player(&format!("{name}@example.org")));
    let one_of = "must be one of set, confirm, change, reset, revoke, sign, receive";
    check(
        &site,
        vec![
            case("no sub-command", &a, a.plain("key"), &format!("No sub-command specified, {one_of}")),
            case(
                "wrong sub-command",
                &b,
                b.plain("key mangle"),
                &format!("Wrong sub-command specified, {one_of}"),
            ),
            case("receive with arguments", &c, c.plain("key receive it now"), "Send the command alone."),
        ],
    )
    .await;
    let plain = "plain-request@lists.example";
    let commands = [(&d, d.plain("key receive")), (&e, e.with_keys("key change", &[&e.key()]))];
    for notices in site.exchange_at(plain, &commands).await {
        assert_eq!(notices.len(), 1);
        assert!(flat(&notices[0].text).contains(NOT_PGP), "{}", notices[0].text);
    }
}

/// Anybody gets the list's key, once a day, in a notice of its own.
#[tokio::test(flavor = "multi_thread")]
async fn receive() {
    let site = Site::new().await;
    let (anne, olga) = (site.player("anne@example.org"), site.enrolled("olga@example.org", "owner"));
    for (person, sealed) in [(&anne, false), (&olga, true)] {
        let came = site.ask(person, person.plain("key receive")).await;
        let [one, other] = &came[..] else { panic!("{came:?}") };
        let (notice, results) = if one.keys.is_empty() { (other, one) } else { (one, other) };
        assert!(notice.subject.contains("key") && notice.sealed == sealed, "{notice:?}");
        let key = sealist_openpgp::Certificate::read_one(&notice.keys[0]).unwrap();
        assert_eq!(key.fingerprint(), person.list.fingerprint());
        assert!(results.text.contains("Key sent."), "{}", results.text);
    }
    assert_eq!(site.ask(&anne, anne.plain("key receive")).await.len(), 0, "once a day");
}

#[tokio::test(flavor = "multi_thread")]
async fn set() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "subscription_policy", "pgp-policy-open"]);
    let names = [
        "none", "many", "block", "secret", "signonly", "expired", "revoked", "wrong", "other", "short",
        "named", "broken", "ok", "sealed", "inline", "used",
    ];
    let people = applicants(&site, &names).await;
    let of = |name: &str| {
        let at = names.iter().position(|one| *one == name).unwrap();
        (&people[at].0, format!("key set {}", people[at].1.token()))
    };
    for (_, notice) in &people {
        assert!(notice.subject.starts_with("key set ") && notice.signed && !notice.sealed, "{notice:?}");
        assert!(notice.reply_to.starts_with("team-confirm+"), "{}", notice.reply_to);
        assert!(flat(&notice.text).contains(&format!("make {} a member", notice.to)), "{}", notice.text);
    }
    let now = Timestamp::now();
    let odd = |kind, at| Person::new("odd@example.org", kind, at).certificate().armored();
    let (none, none_set) = of("none");
    let (many, many_set) = of("many");
    let (block, block_set) = of("block");
    let another = |player: &Player| {
        Person::new(&player.address, Kind::Curve25519, Timestamp::now()).certificate().armored()
    };
    let two = [another(block), block.key()].concat();
    let (secret, secret_set) = of("secret");
    let (signonly, signonly_set) = of("signonly");
    let (expired, expired_set) = of("expired");
    let (revoked, revoked_set) = of("revoked");
    let (wrong, _) = of("wrong");
    let (other, _) = of("other");
    let (short, _) = of("short");
    let (named, named_set) = of("named");
    let stranger = site.player("stranger@example.org");
    let broken = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEAAAA\n-----END PGP PUBLIC KEY BLOCK-----\n";
    let (none_of_it, broken_set) = of("broken");
    let unusable = "This key cannot be used here:";
    check(
        &site,
        vec![
            case("no token", short, short.with_keys("key set", &[&short.key()]), MISSING_TOKEN),
            case("no key", none, none.plain(&none_set), NO_KEY),
            case("two keys", many, many.with_keys(&many_set, &[&many.key(), &another(many)]), SEVERAL),
            case("two keys in one part", block, block.with_keys(&block_set, &[&two]), SEVERAL),
            case(
                "a secret key",
                secret,
                secret.with_keys(&secret_set, &[&secret.person.armored_secret()]),
                SECRET,
            ),
            case(
                "no key to encrypt to",
                signonly,
                signonly.with_keys(&signonly_set, &[&odd(Kind::SignOnly, now)]),
                unusable,
            ),
            case(
                "an expired key",
                expired,
                expired.with_keys(&expired_set, &[&odd(Kind::ExpiresInAnHour, now.plus_ms(-7_200_000))]),
                "the key expired on",
            ),
            case(
                "a revoked key",
                revoked,
                revoked.with_keys(&revoked_set, &[&odd(Kind::Revoked, now)]),
                unusable,
            ),
            case(
                "a token that was never given",
                wrong,
                wrong.with_keys("key set abcdefghijklmnopqrstuvwxyz234567", &[&wrong.key()]),
                WRONG_TOKEN,
            ),
            case("somebody else's token", other, other.with_keys(&named_set, &[&other.key()]), WRONG_TOKEN),
            // What is attached is not looked at before that.
            case(
                "nobody here",
                &stranger,
                stranger.with_keys(&named_set, &[&stranger.person.armored_secret()]),
                WRONG_TOKEN,
            ),
            case("what is no key", none_of_it, none_of_it.with_keys(&broken_set, &[broken]), NO_KEY),
            case(
                "another's name, and no moderator to see it",
                named,
                named.with_keys(&named_set, &[&odd(Kind::Curve25519, now)]),
                "No user id of this key has your address.",
            ),
        ],
    )
    .await;

    let (ok, ok_set) = of("ok");
    let (sealed, sealed_set) = of("sealed");
    let (inline, inline_set) = of("inline");
    let (used, used_set) = of("used");
    let inline_key = String::from_utf8(inline.key()).unwrap();
    let inline_mail = [&inline.plain(&format!("Re: {inline_set}"))[..], inline_key.as_bytes()].concat();
    let accepted = [
        (ok, ok.with_keys(&format!("Re: {ok_set}"), &[&ok.key()])),
        (sealed, sealed.hidden(&keys_entity(&format!("{sealed_set}\n"), &[&sealed.key()]))),
        (inline, inline_mail),
        (used, used.with_keys(&used_set, &[&used.key()])),
    ];
    let came = site.exchange(&accepted).await;
    for ((player, _), notices) in accepted.iter().zip(came) {
        let [one, other] = &notices[..] else { panic!("{}: {notices:#?}", player.address) };
        let (statement, results) = if one.sealed { (one, other) } else { (other, one) };
        let said = flat(&results.text);
        assert!(said.contains("It is not used yet"), "{said}");
        assert!(said.contains(&format!("Your key has come: {}", player.fingerprint())), "{said}");
        assert!(statement.subject.starts_with("key confirm ") && statement.sealed, "{statement:?}");
        assert!(statement.statement().contains(&player.fingerprint()), "{}", statement.text);
        assert_eq!(site.key_of(&player.address), None, "not before it is proven");
    }
    check(
        &site,
        vec![case("a token that is used up", used, used.with_keys(&used_set, &[&used.key()]), WRONG_TOKEN)],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn confirm() {
    let site = Site::new().await;
    site.server.cli(&["lists", "set", LIST, "subscription_policy", "pgp-policy-open"]);
    let names = [
        "short", "wrong", "other", "unsigned", "tampered", "forged", "silent", "half", "hidden", "ok",
        "combined", "bare", "quoted",
    ];
    let people = candidates(&site, &names).await;
    let of = |name: &str| {
        let at = names.iter().position(|one| *one == name).unwrap();
        let (player, notice) = &people[at];
        (player, format!("key confirm {}", notice.token()), notice.statement())
    };
    let (short, ..) = of("short");
    let (wrong, _, _) = of("wrong");
    let (other, _, other_words) = of("other");
    let (unsigned, unsigned_confirm, unsigned_words) = of("unsigned");
    let (tampered, tampered_confirm, tampered_words) = of("tampered");
    let (forged, forged_confirm, forged_words) = of("forged");
    let (silent, silent_confirm, _) = of("silent");
    let (half, half_confirm, half_words) = of("half");
    let stranger = site.player("stranger@example.org");
    let unsigned_mail = [&unsigned.plain(&unsigned_confirm)[..], unsigned_words.as_bytes()].concat();
    let bent = String::from_utf8(tampered.signed(&tampered_confirm, &tampered_words)).unwrap();
    let bent = bent.replace("Action: subscribe", "Action: unsubscribe");
    let mallory =
        forged.with(&forged.address, Person::new(&forged.address, Kind::Curve25519, Timestamp::now()));
    let half_words: String = half_words
        .lines()
        .filter(|line| !line.starts_with("Finger"))
        .map(|line| format!("{line}\n"))
        .collect();
    let unknown = "key confirm abcdefghijklmnopqrstuvwxyz234567";
    check(
        &site,
        vec![
            case("no token", short, short.signed("", "key confirm\n"), MISSING_TOKEN),
            case("a token that was never given", wrong, wrong.signed("", unknown), WRONG_TOKEN),
            case("somebody else's token", other, other.signed("", &forged_words), WRONG_TOKEN),
            case("nobody here", &stranger, stranger.signed("", &other_words), WRONG_TOKEN),
            case("not signed", unsigned, unsigned_mail, NOT_SIGNED),
            case("changed on its way", tampered, bent.into_bytes(), NOT_VERIFIED),
            case(
                "signed by another key",
                forged,
                mallory.signed(&forged_confirm, &forged_words),
                NOT_VERIFIED,
            ),
            case(
                "no statement",
                silent,
                silent.signed("", &format!("{silent_confirm}\n\nYes, please.\n")),
                NO_STATEMENT,
            ),
            case(
                "not the whole statement",
                half,
                half.signed("", &format!("{half_confirm}\n\n{half_words}")),
                NO_STATEMENT,
            ),
        ],
    )
    .await;

    let (hidden, hidden_confirm, hidden_words) = of("hidden");
    let hidden_mail = hidden.hidden(&text_entity(&hidden_confirm, &hidden_words));
    check(&site, vec![case("encrypted, not signed", hidden, hidden_mail, NOT_SIGNED)]).await;

    let (ok, ok_confirm, ok_words) = of("ok");
    let (combined, combined_confirm, combined_words) = of("combined");
    let (bare, _, bare_words) = of("bare");
    let (quoted, quoted_confirm, quoted_words) = of("quoted");
    let quotation: String = quoted_words.lines().map(|line| format!("> {line}\n")).collect();
    let accepted = [
        (ok, ok.signed(&format!("Re: {ok_confirm}"), &ok_words)),
        (combined, combined.sealed(&combined_confirm, &combined_words)),
        (bare, bare.signed("whatever", &bare_words)),
        (quoted, quoted.signed(&format!("Re: {quoted_confirm}"), &quotation)),
    ];
    let came = site.exchange(&accepted).await;
    for ((player, _), notices) in accepted.iter().zip(came) {
        assert!(site.has_member(&player.address), "{}: {notices:#?}", player.address);
        assert_eq!(site.key_of(&player.address), Some(player.fingerprint()));
        for notice in &notices {
            assert!(notice.sealed, "{}: {}: {}", player.address, notice.subject, notice.text);
        }
        assert!(notices.iter().any(|notice| notice.subject.contains("Welcome")), "{}", player.address);
    }
    let (again, _, words) = of("ok");
    let came = site.ask(again, again.signed("", &words)).await;
    assert!(flat(&came[0].text).contains(WRONG_TOKEN), "used up: {came:?}");
}
