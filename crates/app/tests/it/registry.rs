//! A site with rows that are not built in: everything that finds its parts by name finds them, too.

use crate::moved_clock::{day, deliver, held, join, receive, site_in};
use sealist_app::App;
use sealist_lists::chains::{Chain, Judges};
use sealist_lists::commands::{CommandAction, CommandFacts, Problem, Usage};
use sealist_lists::draft::PostDraft;
use sealist_lists::facts::MessageFacts;
use sealist_lists::handlers::{Edit, Handler, HandlerAction};
use sealist_lists::model::{Action, ListSettings, MailingList, Role};
use sealist_lists::pipelines::Pipeline;
use sealist_lists::registry::{Contribution, Registry};
use sealist_lists::rules::{Reason, Rule, RuleHit};
use sealist_lists::styles::Style;
use sealist_lists::workflows::{
    Asks, Question, Step, StepContext, StepPurpose, StepResult, Workflow, WorkflowRun,
};
use sealist_mail::{Entity, Headers, first_text};
use sealist_store::lists;
use tempfile::TempDir;

const ANNE: &str = "anne@example.org";
const BEA: &str = "bea@example.org";
const NORA: &str = "nora@example.org";
const OLGA: &str = "olga@example.org";

const PLUGIN: Contribution = Contribution {
    gate: &[],
    rules: &[Rule {
        name: "looks-like-advertising",
        description: "Do the Subject and the first lines try to sell something?",
        check: looks_like_advertising,
    }],
    chains: &[Chain {
        name: "careful-chain",
        description: "Posts to a plain list; advertising waits.",
        judges: Judges::PlainPosts,
        links: &["banned-address", "looks-like-advertising", "nonmember-moderation"],
        guards: &[],
    }],
    handlers: &[Handler {
        name: "count-words",
        description: "Says how long the post is, and spares Bea her copy.",
        action: HandlerAction::Edits(count_words),
    }],
    pipelines: &[Pipeline {
        name: "counting-pipeline",
        description: "A post to the members, with its length.",
        handlers: &[
            "cleanse",
            "subject-prefix",
            "mark-subject",
            "cook-headers",
            "rfc-2369",
            "dmarc",
            "autocrypt",
            "author-block",
            "decorate",
            "member-recipients",
            "count-words",
            "avoid-duplicates",
            "to-archive",
        ],
    }],
    steps: &[Step {
        name: "neighbourhood",
        description: "Do moderators let people of other hosts in?",
        asks: Asks::Moderators,
        purpose: StepPurpose::Checks,
        evaluate: neighbourhood,
    }],
    commands: &[Usage {
        name: "weather",
        aliases: &["wetter"],
        arguments: "[TOWN]",
        action: CommandAction::Answer(weather),
    }],
    styles: &[Style { name: "careful", description: "A list that looks twice.", settings: careful }],
};

fn looks_like_advertising(facts: &MessageFacts<'_>) -> Option<RuleHit> {
    let subject = facts.content.headers().text("subject").unwrap_or_default();
    let sells = |line: &str| line.to_lowercase().contains("buy now");
    let is_found = sells(&subject) || facts.content.first_lines(2).iter().any(|line| sells(line));
    RuleHit::new(Reason::read("advertising"), if is_found { Action::Hold } else { Action::Defer })
}

fn count_words(draft: &PostDraft<'_>) -> Vec<Edit> {
    let words = String::from_utf8_lossy(draft.content.as_bytes()).split_whitespace().count();
    let field = |name: &str, value: &str| Edit::Field { name: name.to_owned(), value: value.to_owned() };
    let spared = draft.addressees.iter().map(|member| Edit::LeaveOut(member.no));
    let edits = [
        field("X-Words", if words > 0 { "some" } else { "none" }),
        field("X-Loop", "other@lists.example"),
        field("Subject", "Another subject"),
        field("X-Two", "lines\r\nBcc: eve@example.org"),
        Edit::FooterLine("Counted\r\n by a plugin.".to_owned()),
    ];
    edits.into_iter().chain(spared).collect()
}

fn neighbourhood(run: &WorkflowRun, _: &StepContext<'_>) -> StepResult {
    if run.approved { StepResult::GoOn } else { StepResult::Ask(Question::Approval) }
}

fn weather(facts: &CommandFacts<'_>, words: &str) -> Result<Vec<String>, Problem> {
    match words {
        "" => Err(Problem::NothingNew),
        town => {
            Ok(vec![format!("{}: fine in {town}, {:?} {}", facts.list.name, facts.roles, facts.is_proven)])
        }
    }
}

fn careful() -> ListSettings {
    ListSettings {
        posting_chain: "careful-chain".to_owned(),
        posting_pipeline: "counting-pipeline".to_owned(),
        ..ListSettings::default()
    }
}

struct Stage {
    app: App,
    list: MailingList,
    folder: TempDir,
}

impl Stage {
    /// A site with the plugin and a list of its style, on which Anne and Bea are members and Olga is an
    /// owner.
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let mut registry = Registry::with(&[PLUGIN]).unwrap();
        let steps = ["sanity-checks", "verification-checks", "neighbourhood", "do-it"];
        let workflow = Workflow {
            name: "neighbours".to_owned(),
            description: String::new(),
            steps: steps.map(str::to_owned).to_vec(),
        };
        registry.add_workflow(workflow).unwrap();
        let app = site_in(folder.path()).await.with_registry(registry);
        let name = "team@lists.example".parse().unwrap();
        app.as_operator().at(day(-1)).lists().create(&name, "careful").await.unwrap();
        let list = Self::read(&app).await;
        for (address, role) in [(ANNE, Role::Member), (BEA, Role::Member), (OLGA, Role::Owner)] {
            join(&app, &list, address, role, None).await;
        }
        Self { app, list, folder }
    }

    async fn read(app: &App) -> MailingList {
        let mut db = app.store().reader().await.unwrap();
        lists::by_name(&mut db, &"team@lists.example".parse().unwrap()).await.unwrap().unwrap()
    }

    /// Who gets what of this.
    async fn send(&self, from: &str, to: &str, subject: &str, text: &str) -> Vec<(String, Vec<u8>)> {
        let message = format!(
            "From: {from}\r\nTo: {to}, {BEA}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x>\r\n\r\n{text}\r\n"
        );
        receive(&self.app, to, message.as_bytes(), day(0)).await;
        deliver(&self.app, day(0)).await.into_iter().map(|mail| (mail.to, mail.message)).collect()
    }
}

fn words(message: &[u8]) -> String {
    first_text(&Entity::parse(message)).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_goes_through_rows_that_are_added() {
    let stage = Stage::new().await;
    let copies = stage.send(ANNE, "team@lists.example", "Friday", "See you there.").await;
    let readers: Vec<&str> = copies.iter().map(|(to, _)| to.as_str()).collect();
    assert_eq!(readers, [ANNE], "the handler spared Bea");
    let headers = Headers::parse(&copies[0].1).0;
    let field = |name: &str| headers.text(name);
    assert_eq!(field("x-words").as_deref(), Some("some"));
    assert_eq!(field("x-loop").as_deref(), Some("team@lists.example"));
    assert_eq!(field("subject").as_deref(), Some("Friday"));
    assert_eq!((field("x-two"), field("bcc")), (None, None));
    assert!(String::from_utf8_lossy(&copies[0].1).contains("Counted by a plugin."));
    // The rule reads the header, and the first lines of the text.
    for (number, (subject, text, is_held)) in [
        ("Buy now", "Words.", true),
        ("One", "\r\n\r\nHello,\r\nBUY NOW or never.", true),
        ("Two", "Hello,\r\nthere,\r\nbuy now.", false),
    ]
    .into_iter()
    .enumerate()
    {
        let before = held(&stage.app).await.len();
        stage.send(ANNE, "team@lists.example", subject, text).await;
        let waits = held(&stage.app).await;
        assert_eq!(waits.len() - before, usize::from(is_held), "{number}");
        assert!(waits.iter().all(|entry| entry.reasons == [Reason::read("advertising")]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_goes_through_rows_that_are_added() {
    let stage = Stage::new().await;
    let request = "team-request@lists.example";
    for (from, command, expected) in [
        (ANNE, "weather Bergen", "fine in Bergen, [Member] false"),
        (NORA, "Wetter Ulm", "fine in Ulm, [] false"),
        (OLGA, "weather", "weather"),
        (ANNE, "help", "weather [TOWN]"),
    ] {
        let answers = stage.send(from, request, command, "").await;
        assert_eq!(answers.len(), 1, "{command}");
        assert_eq!(answers[0].0, from);
        assert!(words(&answers[0].1).contains(expected), "{command}: {}", words(&answers[0].1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_asks_by_a_step_that_is_added() {
    let mut stage = Stage::new().await;
    stage.list = crate::moved_clock::set(&stage.app, &stage.list, "subscription_policy", "neighbours").await;
    let asked = stage.send(NORA, "team-join@lists.example", "x", "").await;
    let reply_to = Headers::parse(&asked[0].1).0.mailboxes("reply-to")[0].address.to_string();
    let told = stage.send(NORA, &reply_to, "Re: x", "").await;
    let owner = told.iter().find(|(to, _)| to == OLGA).expect("the step asks the owners");
    let text = words(&owner.1);
    let token = text.split("approve ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let welcome = stage.send(OLGA, "team-request@lists.example", &format!("approve {token}"), "").await;
    assert!(welcome.iter().any(|(to, _)| to == NORA), "{welcome:?}");
}

/// Who starts without the plugin loses nothing: the list goes by the built-in style, and what it has is kept
/// and counts again.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_rows_a_list_goes_by_its_kind() {
    let stage = Stage::new().await;
    stage.send(ANNE, "team@lists.example", "Buy now", "Words.").await;
    let plain = stage.app.clone().with_registry(Registry::with(&[]).unwrap());
    let list = Stage::read(&plain).await;
    assert_eq!(list.settings.posting_chain, "default-posting-chain");
    let waits = held(&plain).await;
    assert_eq!(waits[0].reasons, [Reason::read("advertising")]);
    let alone = Stage { app: plain, list, folder: stage.folder };
    let copies = alone.send(ANNE, "team@lists.example", "Later", "Words.").await;
    assert_eq!(copies.len(), 2, "nothing spares Bea now");
    assert_eq!(Stage::read(&stage.app).await.settings.posting_chain, "careful-chain");
}
