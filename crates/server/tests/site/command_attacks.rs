//! People who want what is not theirs: somebody's membership, somebody's address for their own key, a
//! moderator's word. Nothing changes, and the owners can see that it was tried.

use crate::common::cast::{Player, flat, keys_entity, text_entity};
use crate::common::site::{LIST, Site};
use crate::common::talk::Notice;
use sealist_mail::{Boundary, Timestamp, compose};
use sealist_openpgp::testing::{Kind, Person};
use sealist_smtp::client::RecipientResult;
use tokio::task::JoinSet;

const OTHER: &str = "staff@lists.example";

fn now() -> Timestamp {
    Timestamp::now()
}

fn new_key(address: &str) -> Person {
    Person::new(address, Kind::Curve25519, now())
}

/// Two lists. Anne is a member of the first and changes her key; Mallory is a member too, Olga owns the
/// first, Oscar the other.
struct Stage {
    site: Site,
    anne: Player,
    /// Anne with her new key.
    anew: Player,
    mallory: Player,
    olga: Player,
    oscar: Player,
}

impl Stage {
    async fn new() -> Self {
        let site = Site::new().await;
        site.server.cli(&["lists", "create", OTHER]);
        site.set("key_change_workflow", "pgp-key-change-workflow").await;
        let anne = site.enrolled("anne@example.org", "member");
        let mallory = site.enrolled("mallory@example.org", "member");
        let olga = site.enrolled("olga@example.org", "owner");
        let oscar = site.player("oscar@example.org");
        let key = site.server.file("oscar.asc", &oscar.key());
        site.server.cli(&["members", "add", OTHER, &oscar.address, "--role", "owner", "--key", &key]);
        let anew = anne.with(&anne.address, new_key(&anne.address));
        Self { site, anne, anew, mallory, olga, oscar }
    }

    /// What Anne is to sign with both keys.
    async fn statement(&self) -> Notice {
        let request = self.anne.sealed_entity(&keys_entity("key change\n", &[&self.anew.key()]));
        self.site.exchange(&[(&self.anew, request)]).await.remove(0).remove(0)
    }

    /// Sends it; nobody's key or role is another one then, and the audit has the event. Returns what came
    /// back.
    async fn repel(&self, what: &str, from: &Player, message: Vec<u8>, event: (&str, &str)) -> Vec<Notice> {
        let (before, tried) = (self.site.state(), self.site.tried(&from.address).len());
        let came = self.site.exchange(&[(from, message)]).await.remove(0);
        assert_eq!(self.site.state(), before, "{what}");
        let events = self.site.tried(&from.address);
        let new = &events[..events.len() - tried];
        let seen = new.iter().any(|(name, detail)| (&name[..], &detail[..]) == event);
        assert!(seen, "{what}: the owners see {new:?}, not {event:?}");
        came
    }
}

fn refused(problem: &str) -> (&str, &str) {
    ("command-refused", problem)
}

fn mixed(parts: &[Vec<u8>]) -> Vec<u8> {
    let boundary = Boundary::from_entropy(sealist_openpgp::random());
    let (headers, body) = compose::multipart("mixed", parts, &boundary);
    let mut entity = Vec::new();
    headers.write_to(&mut entity);
    [&entity[..], b"\r\n", &body].concat()
}

/// A text entity, signed by each of them.
fn signed_by(people: &[&Player], entity: &[u8]) -> Vec<u8> {
    let signatures: Vec<u8> =
        people.iter().flat_map(|player| player.person.signature(entity, now())).collect();
    Person::signed(entity, &signatures)
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_are_not_whose_they_should_be() {
    let stage = Stage::new().await;
    let Stage { anne, anew, mallory, .. } = &stage;
    let notice = stage.statement().await;
    let (words, token) = (notice.statement(), notice.token());
    let confirm = format!("key confirm {token}\n\n{words}");
    let as_anne = |person: Person| anne.with(&anne.address, person);
    let attacker = as_anne(new_key(&anne.address));
    let text = |words: &str| text_entity("", words);

    let wrong = refused("wrong-token");
    stage.repel("somebody else's token", mallory, mallory.signed("", &confirm), wrong).await;
    let eve = anne.with("eve@example.com", new_key("eve@example.com"));
    stage.repel("a stranger with the token", &eve, eve.signed("", &confirm), wrong).await;
    let forged = anne.with(&anne.address, mallory.person.with_address(&anne.address));
    let not_verified = refused("not-verified");
    stage.repel("From forged", anne, forged.signed("", &confirm), not_verified).await;
    stage.repel("signed by another key", anne, attacker.signed("", &confirm), not_verified).await;
    let by_both = anne.around("", &signed_by(&[&attacker, mallory], &text(&confirm)));
    stage.repel("signed by two other keys", anne, by_both, not_verified).await;
    let plain = [&anne.plain("")[..], confirm.as_bytes()].concat();
    stage.repel("signed by nobody", anne, plain, refused("not-signed")).await;

    let no_statement = refused("no-statement");
    for (what, from, to) in [
        ("for another list", "List: team@", "List: staff@"),
        ("for another action", "Action: key change", "Action: subscribe"),
        ("for another address", "Address: anne@", "Address: mallory@"),
        (
            "for another key",
            &words[words.find("Fingerprint: ").unwrap()..][..30],
            "Fingerprint: 00000000000000000",
        ),
        ("without its key", "Fingerprint: ", "Print: "),
    ] {
        let other = words.replace(from, to);
        assert_ne!(other, words, "{what}");
        let message =
            anne.around("", &signed_by(&[anne, anew], &text(&format!("key confirm {token}\n\n{other}"))));
        stage.repel(what, anne, message, no_statement).await;
    }

    // What Anne answers to a notice that somebody wrote to her in the list's name.
    let quoted: String = words.lines().map(|line| format!("> {line}\n")).collect();
    let message = anne.signed("", &format!("key confirm {token}\n\nWhat is this?\n\n{quoted}"));
    stage.repel("quoted", anne, message, no_statement).await;

    // The old key's word about a key that somebody else holds: half of what it takes.
    stage.repel("by the old key alone", anne, anne.signed("", &confirm), refused("one-more-signature")).await;

    // All in order at last; then the same again, and carried elsewhere.
    let good = anne.around("", &signed_by(&[anne, anew], &text(&format!("{confirm}\nanew\n"))));
    stage.site.exchange(&[(anew, good.clone())]).await;
    assert_eq!(stage.site.key_of(&anne.address), Some(anew.fingerprint()));
    let came = stage.repel("replayed", anew, good.clone(), ("replayed", "")).await;
    assert!(came.len() == 1 && flat(&came[0].text).contains("signature counts once"), "{came:#?}");
    let before = stage.site.state();
    let mut connection = stage.site.server.connect().await;
    crate::common::post(&mut connection, "staff-request@lists.example", &good).await;
    let told = stage.site.notices().await.into_iter().map(|one| one.recipient).collect::<Vec<_>>();
    assert_eq!(told, [&*anew.address], "replayed at another list");
    assert_eq!(stage.site.state(), before, "replayed at another list");
    assert!(stage.site.tried(&anew.address).contains(&("replayed".to_owned(), String::new())));
    stage.repel("used up", anew, anew.signed("", &confirm), wrong).await;
}

/// Only what the signature covers says anything, and only if it covers all.
#[tokio::test(flavor = "multi_thread")]
async fn words_around_what_is_signed() {
    let stage = Stage::new().await;
    let Stage { anne, anew, .. } = &stage;
    let notice = stage.statement().await;
    let (words, token) = (notice.statement(), notice.token());
    let statement = format!("key confirm {token}\n\n{words}");
    let said = text_entity("", &statement);
    let harmless = text_entity("", "Hello\n");
    let command = text_entity("", &format!("key confirm {token}\n"));
    let both = |entity: &[u8]| signed_by(&[anne, anew], entity);
    let not_signed = refused("not-signed");

    let around = |parts: &[Vec<u8>]| anne.around("", &mixed(parts));
    let message = around(&[command.clone(), both(&said)]);
    stage.repel("a signed part among others", anne, message, not_signed).await;
    let message = around(&[both(&said), harmless.clone()]);
    stage.repel("a signed part before others", anne, message, not_signed).await;
    let message = around(&[said.clone(), both(&harmless)]);
    stage.repel("the statement beside what is signed", anne, message, not_signed).await;

    let before = stage.site.state();
    let covered = format!("key confirm {token}\n\n");
    let message = anne.around(&format!("key confirm {token}"), &both(&harmless));
    stage
        .repel(
            "the statement nowhere, the command in a Subject that nobody signed",
            anne,
            message,
            refused("no-statement"),
        )
        .await;
    let message = anne.around(&statement.replace('\n', " "), &both(&text_entity("", &covered)));
    stage
        .repel("the statement in a Subject that nobody signed", anne, message, refused("no-statement"))
        .await;
    assert_eq!(stage.site.state(), before);
}

/// The same with blocks in the text, as GnuPG makes them.
#[tokio::test(flavor = "multi_thread")]
async fn words_around_a_block() {
    let site = Site::new().await;
    site.set("subscription_policy", "pgp-policy-open").await;
    let anne = site.person("anne@example.org");
    let me = [("anne@example.org", &anne)];
    let say = |subject: String, text: String| crate::common::talk::plain("anne@example.org", &subject, &text);
    let request = crate::common::talk::REQUEST;
    let asked = site.say(request, &say("join".into(), String::new()), &me).await.remove(0);
    let key = anne.export("anne@example.org").unwrap();
    let set =
        crate::common::talk::with_keys("anne@example.org", &format!("key set {}", asked.token()), &[&key]);
    let came = site.say(request, &set, &[me[0], me[0]]).await;
    let statement = came.iter().find(|notice| notice.sealed).unwrap();
    let (words, token) = (statement.statement(), statement.token());
    let clear = |text: &str| {
        String::from_utf8(
            anne.run(&["--clearsign", "--local-user", "anne@example.org"], text.as_bytes()).unwrap().0,
        )
        .unwrap()
    };
    let before = site.state();
    for (what, text) in [
        ("words above", format!("key confirm {token}\n\n{}", clear(&words))),
        ("words below", format!("{}\nkey confirm {token}\n{words}", clear("key confirm\n"))),
        ("the statement above", format!("{words}\n{}", clear("Hello\n"))),
        ("two blocks", format!("{}{}", clear("Hello\n"), clear(&words))),
    ] {
        let mut connection = site.server.connect().await;
        crate::common::post(&mut connection, request, &say(format!("key confirm {token}"), text)).await;
        site.notices().await;
        assert_eq!(site.state(), before, "{what}");
        assert!(!site.has_member("anne@example.org"), "{what}");
    }
    let tried = site.tried("anne@example.org");
    assert!(tried.iter().filter(|(event, _)| event == "command-refused").count() >= 4, "{tried:?}");
    let came = site.say(request, &say(String::new(), clear(&words)), &[me[0], me[0]]).await;
    assert!(site.has_member("anne@example.org"), "the block alone: {came:#?}");
}

/// What was caught on its way to the list, or to a moderator, is no key to anything: nobody gets an answer
/// from which they learn what it holds.
#[tokio::test(flavor = "multi_thread")]
async fn captured_ciphertext() {
    let stage = Stage::new().await;
    let Stage { site, anne, anew, mallory, .. } = &stage;
    site.set("key_change_workflow", "pgp-key-change-mod-workflow").await;
    let eve = anne.with("eve@example.com", new_key("eve@example.com"));
    let eves = new_key("anne@example.org");
    let texts = [
        "join",
        "subscribe",
        "leave",
        "help",
        "who",
        "echo Zebra",
        "key receive",
        "set own-posts off",
        "key",
        "Hello",
    ];
    let mut entities: Vec<Vec<u8>> = texts.iter().map(|text| text_entity("", &format!("{text}\n"))).collect();
    entities.extend(texts.iter().map(|text| text_entity(text, "Zebra\n")));
    for command in ["key change", "key reset", "key revoke", "key sign"] {
        entities.push(keys_entity(&format!("{command}\n"), &[&anew.key()]));
        entities.push(keys_entity(&format!("{command}\n"), &[&eves.certificate().armored()]));
    }
    let before = site.state();
    for entity in &entities {
        // A subject that the packets do not hold is part of every attempt.
        let signed = anne.person.packets(&[&anne.list], entity, now());
        let nobodys = Person::unsigned_packets(&anne.list, entity);
        let attempts = [
            (&eve, eve.wrapped(&signed)),
            (mallory, mallory.wrapped(&signed)),
            (anne, anne.wrapped(&nobodys)),
        ];
        let came = site.exchange(&attempts).await;
        let text = String::from_utf8_lossy(entity);
        // Once a day one fixed notice, whatever was sent.
        assert!(
            came.iter().all(|notices| notices.len() == usize::from(*entity == entities[0])),
            "{text}: {came:#?}"
        );
        let fixed = |notice: &Notice| notice.subject.contains("nothing was done about your message");
        assert!(came.iter().flatten().all(fixed), "{text}: {came:#?}");
        assert_eq!(site.state(), before, "{text}");
        assert_eq!(site.server.cli(&["--json", "requests", "list"]).trim(), "[]", "{text}");
    }
    assert!(!site.tried(&eve.address).is_empty());
    // The sub-addresses that are no question of what it holds answer as they answer anybody.
    for sub_address in ["team-leave@lists.example", "team-confirm+abc@lists.example"] {
        let message = eve.wrapped(&anne.person.packets(&[&anne.list], &entities[0], now()));
        assert!(site.exchange_at(sub_address, &[(&eve, message)]).await[0].is_empty(), "{sub_address}");
    }
}

/// A notice that was signed for another address does nothing here.
#[tokio::test(flavor = "multi_thread")]
async fn meant_for_another_address() {
    let stage = Stage::new().await;
    let Stage { anne, .. } = &stage;
    for to in ["friend@example.net", "team@lists.example", "staff-request@lists.example"] {
        let entity = format!(
            "Content-Type: text/plain; protected-headers=\"v1\"\r\nFrom: anne@example.org\r\nTo: {to}\r\nSubject: leave\r\n\r\nleave\r\n"
        );
        let message = anne.signed_entity("leave", entity.as_bytes());
        let came = stage.repel(to, anne, message, ("not-meant-for-here", "")).await;
        assert!(came.len() == 1 && flat(&came[0].text).contains("does not count here"), "{to}: {came:#?}");
    }
    assert_eq!(stage.site.server.cli(&["--json", "requests", "list"]).trim(), "[]");
}

/// A request waits for a moderator; others try to be one.
#[tokio::test(flavor = "multi_thread")]
async fn approval_by_others() {
    let stage = Stage::new().await;
    let Stage { site, mallory, olga, oscar, .. } = &stage;
    let eve = site.player("eve@example.com");
    let asked = site.ask(&eve, eve.plain("subscribe")).await.remove(0);
    let came = site.ask(&eve, eve.with_keys(&format!("key set {}", asked.token()), &[&eve.key()])).await;
    let words = came.iter().find(|notice| notice.sealed).unwrap().statement();
    site.ask(&eve, eve.signed("", &words)).await;
    let notice = site.came_to(olga).remove(0);
    let approve = format!("approve {}\n", notice.after("approve "));
    let (not_moderator, wrong) = (refused("not-moderator"), refused("wrong-token"));

    stage.repel("by a member", mallory, mallory.sealed("", &approve), not_moderator).await;
    stage.repel("by who asks", &eve, eve.sealed("", &approve), refused("encrypted")).await;
    stage.repel("of another list", oscar, oscar.sealed("", &approve), not_moderator).await;
    let unsigned = [&olga.plain("")[..], approve.as_bytes()].concat();
    stage.repel("signed by nobody", olga, unsigned, not_moderator).await;
    stage
        .repel(
            "in a Subject that nobody signed",
            olga,
            olga.signed(approve.trim(), "Hello\n"),
            refused("subject-not-signed"),
        )
        .await;
    let forged = olga.with(&olga.address, mallory.person.with_address(&olga.address));
    stage.repel("signed by another key", olga, forged.signed("", &approve), not_moderator).await;
    let hidden = olga.hidden(&text_entity("", &approve));
    // The token inside shows whose message it is, and decides nothing.
    let came = stage.repel("encrypted, and signed by nobody", olga, hidden, not_moderator).await;
    assert_eq!(came.len(), 1, "{came:#?}");
    stage
        .repel(
            "a token that was never given",
            olga,
            olga.signed("", "approve abcdefghijklmnopqrstuvwxyz234567\n"),
            wrong,
        )
        .await;
    site.server.cli(&["members", "add", LIST, &mallory.address, "--role", "moderator"]);
    stage.repel("another moderator's token", mallory, mallory.signed("", &approve), wrong).await;
    // Oscar's list does not know the token, whoever brings it.
    let before = site.state();
    for person in [olga, oscar] {
        let mut connection = site.server.connect().await;
        crate::common::post(&mut connection, "staff-request@lists.example", &person.signed("", &approve))
            .await;
        site.notices().await;
    }
    assert_eq!(site.state(), before);
    assert!(site.tried(&oscar.address).contains(&("command-refused".to_owned(), "wrong-token".to_owned())));

    let good = olga.signed("", &approve);
    site.ask(olga, good.clone()).await;
    assert!(site.has_member(&eve.address));
    stage.repel("replayed", olga, good, ("replayed", "")).await;
}

/// Keys that cannot be what a member needs, or name somebody else.
#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_taken() {
    let stage = Stage::new().await;
    let Stage { site, olga, .. } = &stage;
    site.set("subscription_policy", "pgp-policy-open").await;
    let hour = 3_600_000;
    let half = site.player("half@example.com");
    let certificate = half.person.certificate();
    let revocation = half.person.revocation(sealist_openpgp::testing::Revoked::Subkey, now());
    let revoked_subkey = certificate.merge(&revocation).unwrap().armored();
    let of = |kind, address: &str, at| Person::new(address, kind, at).certificate().armored();
    for (name, key, problem) in [
        ("sign", of(Kind::SignOnly, "sign@example.com", now()), "unusable"),
        ("gone", of(Kind::Revoked, "gone@example.com", now()), "unusable"),
        ("old", of(Kind::ExpiresInAnHour, "old@example.com", now().plus_ms(-2 * hour)), "unusable"),
        ("half", revoked_subkey, "unusable"),
        ("foreign", of(Kind::Curve25519, "anne@example.org", now()), "names-other"),
    ] {
        let eve = site.player(&format!("{name}@example.com"));
        let asked = site.ask(&eve, eve.plain("subscribe")).await.remove(0);
        let message = eve.with_keys(&format!("key set {}", asked.token()), &[&key]);
        let came = stage.repel(name, &eve, message, refused(problem)).await;
        assert_eq!(came.len(), 1, "{name}: {came:#?}");
    }

    // Where a moderator looks at it, the moderator is warned.
    site.set("subscription_policy", "pgp-policy-moderate").await;
    let eve = site.player("eve@example.com");
    let eve = eve.with(&eve.address, new_key("anne@example.org"));
    let asked = site.ask(&eve, eve.plain("subscribe")).await.remove(0);
    let came = site.ask(&eve, eve.with_keys(&format!("key set {}", asked.token()), &[&eve.key()])).await;
    let words = came.iter().find(|notice| notice.sealed).unwrap().statement();
    let before = site.state();
    site.ask(&eve, eve.signed("", &words)).await;
    let notice = site.came_to(olga).remove(0);
    assert!(
        flat(&notice.text).contains("Attention: no user id of this key has the address eve@example.com."),
        "{}",
        notice.text
    );
    assert_eq!(site.state(), before);
}

/// A statement signed by a key, or a part of it, that counts no longer.
#[tokio::test(flavor = "multi_thread")]
async fn signatures_that_count_no_longer() {
    let site = Site::new().await;
    site.set("unsubscription_policy", "pgp-policy-leave").await;
    let address = "anne@example.org";
    let anne = site.person(address);
    let fingerprint = |gpg: &crate::common::gpg::Gpg, at: usize| {
        let listed = gpg.run(&["--with-colons", "--list-keys", address], b"").unwrap().0;
        let listed = String::from_utf8(listed).unwrap();
        let of = |line: &&str| line.starts_with("fpr");
        listed.lines().filter(of).nth(at).unwrap().split(':').nth(9).unwrap().to_owned()
    };
    anne.run(
        &["--passphrase", "", "--quick-add-key", &fingerprint(&anne, 0), "ed25519", "sign", "never"],
        b"",
    )
    .unwrap();
    let thief = site.person("thief@example.com");
    thief.import(&anne.run(&["--export-secret-keys", address], b"").unwrap().0).unwrap();
    let subkey = fingerprint(&anne, 2);
    anne.run(&["--command-fd", "0", "--edit-key", address], b"key 2\nrevkey\ny\n1\n\ny\nsave\n").unwrap();
    site.join(address, "member", &anne);
    let me = [(address, &anne)];
    let asked = site
        .say(crate::common::talk::REQUEST, &crate::common::talk::plain(address, "leave", ""), &me)
        .await
        .remove(0);
    let words = asked.statement();
    assert!(words.contains("Action: unsubscribe"), "{}", asked.text);
    let signer = format!("{subkey}!");
    let before = site.state();
    let message = crate::common::talk::signed(&thief, &[&signer], address, "", &words);
    let came = site.say(crate::common::talk::REQUEST, &message, &me).await;
    assert!(flat(&came[0].text).contains("Message failed to verify."), "{came:#?}");
    assert_eq!(site.state(), before);
    assert!(site.tried(address).contains(&("command-refused".to_owned(), "not-verified".to_owned())));
    let message = crate::common::talk::signed(&anne, &[address], address, "", &words);
    site.say(crate::common::talk::REQUEST, &message, &[me[0]; 2]).await;
    assert!(!site.has_member(address));
}

/// Of a hundred answers to one question, one counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_confirmations_at_once() {
    let stage = Stage::new().await;
    let site = &stage.site;
    site.set("subscription_policy", "pgp-policy-open").await;
    let bart = site.player("bart@example.org");
    let asked = site.ask(&bart, bart.plain("subscribe")).await.remove(0);
    let came = site.ask(&bart, bart.with_keys(&format!("key set {}", asked.token()), &[&bart.key()])).await;
    let words = came.iter().find(|notice| notice.sealed).unwrap().statement();
    let mut sending = JoinSet::new();
    for number in 0..100 {
        let (port, message) = (site.server.port, bart.signed("", &format!("{words}\n{number}\n")));
        sending.spawn(async move {
            let mut connection = crate::common::connect_to(port).await;
            crate::common::post(&mut connection, crate::common::talk::REQUEST, &message).await
        });
    }
    for result in sending.join_all().await {
        assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}");
    }
    site.notices().await;
    assert!(site.has_member(&bart.address));
    let events = site.tried(&bart.address);
    let done = |event: &&(String, String)| event.0 == "request-done";
    assert_eq!(events.iter().filter(done).count(), 1, "{events:?}");
    let refused =
        events.iter().filter(|event| **event == ("command-refused".to_owned(), "wrong-token".to_owned()));
    // As many of a kind as are recorded in a day: of those that found the token, and of those that did not.
    assert!((20..=40).contains(&refused.count()), "{events:?}");
}
