//! Commands by mail on a list without OpenPGP, and moderation by mail on both kinds.

use crate::common::gpg::Gpg;
use crate::common::site::{LIST, Site};
use crate::common::talk::{REQUEST, notice, plain, sealed};
use crate::common::{encrypted, entity, read};

const ANNE: &str = "anne@example.org";
const OLGA: &str = "olga@example.org";
const PLAIN: &str = "walks@lists.example";
const WALKS_REQUEST: &str = "walks-request@lists.example";

struct Walks {
    site: Site,
    gpg: Gpg,
}

impl Walks {
    async fn new(policy: &str) -> Self {
        let site = Site::new().await;
        site.server.cli(&["lists", "create", PLAIN, "--style", "legacy-default", "--owner", OLGA]);
        site.server.cli(&["lists", "set", PLAIN, "subscription_policy", policy]);
        Self { site, gpg: Gpg::new().unwrap() }
    }

    /// Subject, text and the address for the answer of each notice.
    async fn say(
        &self,
        to: &str,
        from: &str,
        subject: &str,
        text: &str,
        expected: usize,
    ) -> Vec<crate::common::talk::Notice> {
        let came = self.site.send(to, &plain(from, subject, text), expected).await;
        came.iter()
            .map(|one| notice(|message| read(&self.gpg, message).into_bytes(), &one.recipient, &one.message))
            .collect()
    }

    fn members(&self) -> String {
        self.site.server.cli(&["members", "list", PLAIN])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn people_join_and_leave_by_answering_a_question() {
    let walks = Walks::new("confirm").await;
    let asked = walks.say("walks-join@lists.example", ANNE, "hello", "", 1).await.remove(0);
    assert!(asked.subject.starts_with("confirm ") && asked.to == ANNE, "{asked:?}");
    let token = asked.token();
    assert_eq!(asked.reply_to, format!("walks-confirm+{token}@lists.example"));
    assert!(!walks.members().contains(ANNE));

    // Again on the same day: nothing more goes out, and the first question still counts.
    walks.say(WALKS_REQUEST, ANNE, "subscribe", "", 0).await;
    // Somebody else has the token, or guesses.
    let wrong = walks.say(WALKS_REQUEST, "eve@example.org", &format!("confirm {token}"), "", 1).await;
    assert!(wrong[0].text.contains("Wrong token."), "{}", wrong[0].text);
    assert!(!wrong[0].text.contains(&token), "an answer gives no token away");

    let came = walks.say(&asked.reply_to, ANNE, "Re: whatever", "> quoted", 2).await;
    assert!(came.iter().any(|notice| notice.subject == "Welcome to Walks"), "{came:?}");
    assert!(walks.members().contains("member     anne@example.org"));
    // A token is good once.
    let again = walks.say(&asked.reply_to, ANNE, "", "", 1).await;
    assert!(again[0].text.contains("Wrong token."), "{}", again[0].text);

    let asked = walks.say(WALKS_REQUEST, ANNE, "", "set delivery off\nwho\nhelp\n\nAnne\n", 2).await;
    let (question, results) = (&asked[0], &asked[1]);
    let (question, results) =
        if question.subject.starts_with("confirm") { (question, results) } else { (results, question) };
    assert!(results.text.contains("Only the owners and moderators of this list may see"), "{}", results.text);
    assert!(results.text.contains("confirm TOKEN"), "{}", results.text);
    let done = walks.say(WALKS_REQUEST, ANNE, &format!("Re: {}", question.subject), "", 1).await;
    assert!(done[0].text.contains("Done:"), "{}", done[0].text);

    let mut from_bart = walks.say("walks-leave@lists.example", "bart@example.org", "", "", 1).await;
    assert!(from_bart.remove(0).text.contains("You are not a member."));
    let asked = walks.say("walks-leave@lists.example", ANNE, "", "", 1).await.remove(0);
    let came = walks.say(&asked.reply_to, ANNE, "", "", 2).await;
    assert!(came.iter().any(|notice| notice.subject == "You have left Walks"), "{came:?}");
    assert!(!walks.members().contains(ANNE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moderator_decides_by_mail() {
    let walks = Walks::new("confirm_then_moderate").await;
    let asked = walks.say(WALKS_REQUEST, ANNE, "join", "", 1).await.remove(0);
    let came = walks.say(&asked.reply_to, ANNE, "", "", 2).await;
    let notice = came.iter().find(|notice| notice.to == OLGA).unwrap();
    let token = notice.after("approve ");
    // Not the owner, or not from the owner's address.
    let came = walks.say(WALKS_REQUEST, ANNE, &format!("approve {token}"), "", 1).await;
    assert!(came[0].text.contains("Only owners and moderators"), "{}", came[0].text);
    assert!(!walks.members().contains(ANNE));
    let came = walks.say(WALKS_REQUEST, OLGA, "", &format!("approve {token}"), 2).await;
    assert!(came.iter().any(|notice| notice.to == ANNE && notice.subject.contains("Welcome")));
    assert!(walks.members().contains(ANNE));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_changes_nothing_and_is_told() {
    let walks = Walks::new("moderate").await;
    let asked = walks.say(WALKS_REQUEST, ANNE, "join", "", 1).await.remove(0);
    let came = walks.say(&asked.reply_to, ANNE, "", "", 2).await;
    assert!(came.iter().any(|notice| notice.to == OLGA));
    walks.site.server.cli(&["requests", "reject", PLAIN, ANNE, "--reason", "Only for walkers."]);
    let told = walks.site.sink.wait_for(1, crate::common::site::WAIT).await;
    let told = notice(|message| read(&walks.gpg, message).into_bytes(), ANNE, &told[0].message);
    assert!(told.text.contains("refused") && told.text.contains("Only for walkers."), "{}", told.text);
    assert!(!walks.members().contains(ANNE));
    assert!(walks.site.server.cli(&["audit", PLAIN]).contains("request-refused"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_message_is_released_by_a_signed_answer() {
    let site = Site::new().await;
    let (anne, olga) = (site.person(ANNE), site.person(OLGA));
    site.join(ANNE, "member", &anne);
    site.join(OLGA, "owner", &olga);
    site.server.cli(&["lists", "set", LIST, "default_member_action", "hold"]);
    let post = anne.sign_and_encrypt(LIST, &entity("Held", "words")).unwrap();
    let notice = site.say(LIST, &encrypted(ANNE, LIST, &post), &[(OLGA, &olga)]).await.remove(0);
    let token = notice.after("approve ");
    let clear = plain(OLGA, &format!("approve {token}"), "");
    let refused = site.say(REQUEST, &clear, &[(OLGA, &olga)]).await.remove(0);
    assert!(refused.text.contains("Only owners and moderators"), "{}", refused.text);
    assert_eq!(site.held(), 1);
    let approve = sealed(&olga, OLGA, &format!("approve {token}\n"));
    let came = site.send(REQUEST, &approve, 2).await;
    assert_eq!(site.held(), 0);
    assert_eq!([&came[0].recipient[..], &came[1].recipient[..]], [ANNE, OLGA]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_may_ask_about_any_command() {
    let walks = Walks::new("confirm").await;
    walks.site.server.cli(&["lists", "set", PLAIN, "confirmed_commands", r#"["help", "echo"]"#]);
    // Nobody is sent words that somebody else wrote in their name.
    walks.say(WALKS_REQUEST, ANNE, "echo hello", "", 0).await;
    let asked = walks.say(WALKS_REQUEST, ANNE, "help", "", 1).await.remove(0);
    assert!(asked.subject.starts_with("confirm ") && asked.text.contains("\n    help\n"), "{asked:?}");
    let said = walks.say(&asked.reply_to, ANNE, "", "", 1).await.remove(0);
    assert!(said.text.contains("unsubscribe"), "{}", said.text);
}

/// A From field is forged easily, and an address that answered once, elsewhere, did not ask to be here.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_elsewhere_is_no_wish_to_join() {
    let walks = Walks::new("open").await;
    // Known and verified on this site.
    walks.site.server.cli(&["lists", "create", "cakes@lists.example", "--style", "legacy-default"]);
    walks.site.server.cli(&["members", "add", "cakes@lists.example", ANNE]);
    let asked = walks.say(WALKS_REQUEST, ANNE, "subscribe", "", 1).await.remove(0);
    assert!(!walks.members().contains(ANNE), "a forged From subscribes nobody");
    walks.say(&asked.reply_to, ANNE, "Re", "", 2).await;
    assert!(walks.members().contains(ANNE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_composes_its_own_policy() {
    let walks = Walks::new("confirm").await;
    let server = &walks.site.server;
    let wrong = server.command(&["lists", "set", PLAIN, "subscription_policy", "nobody"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("sealist workflows"));
    let wrong = server.command(&["lists", "set", PLAIN, "subscription_policy", "pgp-policy-open"]);
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("asks for keys"));
    for (list, own) in [(PLAIN, "default-posting-chain"), (LIST, "pgp-posting-chain")] {
        for chain in ["default-posting-chain", "pgp-posting-chain", "owner-chain"] {
            let set = server.command(&["lists", "set", list, "posting_chain", chain]);
            assert_eq!(set.status.success(), chain == own, "{list} {chain}");
            let words = String::from_utf8_lossy(&set.stderr);
            assert!(chain == own || words.contains(own), "{words}");
        }
    }
    server.cli(&["lists", "set", PLAIN, "workflows", r#"{"quick": ["sanity-checks", "do-it"]}"#]);
    server.cli(&["lists", "set", PLAIN, "subscription_policy", "quick"]);
    let came = walks.say(WALKS_REQUEST, ANNE, "join", "", 2).await;
    assert!(came.iter().any(|notice| notice.subject == "Welcome to Walks"), "{came:?}");
    assert!(walks.members().contains(ANNE));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_choices_in_one_message_are_both_made() {
    let walks = Walks::new("confirm").await;
    walks.site.server.cli(&["members", "add", PLAIN, ANNE]);
    walks.site.server.cli(&["lists", "set", PLAIN, "command_workflow", "command"]);
    let said = walks.say(WALKS_REQUEST, ANNE, "", "set own-posts off\nset copies off\n", 1).await.remove(0);
    assert_eq!(said.text.matches("Done:").count(), 2, "{}", said.text);
    let now = walks.site.server.cli(&["--json", "members", "set", PLAIN, ANNE, "allow_cleartext", "false"]);
    let now: serde_json::Value = serde_json::from_str(&now).unwrap();
    assert_eq!([&now["receive_own_postings"], &now["receive_list_copy"]], [false, false]);
}
