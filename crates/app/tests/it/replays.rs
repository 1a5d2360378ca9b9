//! What becomes of a signed text that comes again and again, compared with a model of the replay record.

use std::collections::{BTreeMap, HashMap};

use crate::moved_clock::{day, join, key_row, make_list, set, site_in, two_nodes_on_postgres};
use sealist_app::{App, ClaimedEntry, Destination, IncomingClaims, Intake, MessageDecision};
use sealist_lists::model::{Action, EntryNo, MailingList, Role};
use sealist_lists::rules::Reason;
use sealist_mail::Timestamp;
use sealist_openpgp::testing::{Kind, Person, armored};
use sealist_openpgp::{Certificate, random};
use sealist_store::queue;
use sealist_store::traces::MessageFate;
use sealist_store::transaction;
use sealist_store::{events, people};
use tempfile::TempDir;

const ANNE: &str = "anne@example.org";
const BANNED: &str = "banned@example.com";
const ADDRESSES: [&str; 3] = ["team@lists.example", "team-owner@lists.example", "other@lists.example"];
const STORIES: u64 = 25;
const STEPS: usize = 12;

/// How a message carries the text.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Clean,
    Padded,
    Inline,
    FromBanned,
}

const FORMS: [Form; 4] = [Form::Clean, Form::Padded, Form::Inline, Form::FromBanned];

struct Stage {
    app: App,
    anne: Person,
    lists: Vec<MailingList>,
    texts: Vec<Vec<u8>>,
}

impl Stage {
    async fn new(app: App) -> Self {
        let anne = Person::new(ANNE, Kind::Curve25519, day(-6));
        let mut made = Vec::new();
        for name in ["team@lists.example", "other@lists.example"] {
            let list = make_list(&app, name).await;
            let list = set(&app, &list, "max_message_kib", "20").await;
            let row = key_row(&app, &anne, ANNE, day(-5));
            join(&app, &list, ANNE, Role::Member, Some(row)).await;
            let no = list.no;
            let banned = app.store().write(transaction!(|db| async move {
                people::ban(&mut *db, Some(no), &BANNED.parse().unwrap(), day(-5)).await
            }
            .await));
            banned.await.unwrap();
            made.push(list);
        }
        Self { app, anne, lists: made, texts: Vec::new() }
    }

    /// New texts of Anne's, which both lists can read.
    async fn write(&mut self, count: usize, now: Timestamp) {
        let mut keys: Vec<Certificate> = Vec::new();
        for list in &self.lists {
            keys.push(self.app.keys_of(list).await.unwrap().posting.certificate());
        }
        let keys: Vec<&Certificate> = keys.iter().collect();
        let text = |at| format!("Content-Type: text/plain\r\n\r\nText {at} of {}\r\n", now.0);
        self.texts = (0..count).map(|at| self.anne.packets(&keys, text(at).as_bytes(), now)).collect();
    }

    fn message(&self, text: usize, form: Form) -> Vec<u8> {
        let packets = &self.texts[text];
        match form {
            Form::Clean | Form::FromBanned => self.anne.mail_of(packets),
            Form::Padded => {
                let mail = String::from_utf8(self.anne.mail_of(packets)).unwrap();
                let padding = "padding\r\n".repeat(4000);
                mail.replacen("\r\n\r\n", &format!("\r\n\r\n{padding}"), 1).into_bytes()
            }
            Form::Inline => {
                let head = format!("From: {ANNE}\r\nContent-Type: text/plain\r\n\r\n");
                [head.as_bytes(), &armored(packets)].concat()
            }
        }
    }

    async fn arrive(&self, address: &str, text: usize, form: Form, now: Timestamp) {
        let arrival = Destination::at(&self.app, &address.parse().unwrap()).await.unwrap().unwrap();
        let sender = if form == Form::FromBanned { BANNED } else { ANNE };
        let mut intake = Intake::begin(&arrival, Some(sender)).unwrap();
        intake.write(&self.message(text, form)).unwrap();
        intake.commit(&self.app, random(), now).await.unwrap();
    }

    async fn claim(&self, now: Timestamp) -> ClaimedEntry {
        IncomingClaims::default().claim(&self.app, 1, 0, now).await.unwrap().remove(0)
    }
}

/// What the record should know of a text at an address.
#[derive(Clone, Debug, Default)]
struct Model {
    posted: bool,
    refused: bool,
    /// The entry that was last held.
    waiting: Option<EntryNo>,
}

/// What the list should do, and the reason that decides.
fn expected(
    own: &Model,
    posted_elsewhere: bool,
    form: Form,
    approved: &[Reason],
    waiting: Option<&Vec<Reason>>,
) -> (Action, Vec<Reason>) {
    let mut found = Vec::new();
    if form == Form::FromBanned {
        found.push((Reason::Banned, Action::Discard));
    }
    if own.posted {
        found.push((Reason::PostedHere, Action::Discard));
    } else if own.refused {
        found.push((Reason::RefusedBefore, Action::Hold));
    } else if posted_elsewhere {
        found.push((Reason::SeenElsewhere, Action::Hold));
    }
    match form {
        Form::Padded => found.push((Reason::TooLarge, Action::Hold)),
        Form::Inline => found.push((Reason::Inline, Action::Reject)),
        Form::Clean | Form::FromBanned => {}
    }
    found.retain(|(reason, _)| !approved.contains(reason));
    let reasons: Vec<Reason> = found.iter().map(|(reason, _)| *reason).collect();
    match found.first().map(|(_, action)| *action) {
        None => (Action::Accept, reasons),
        Some(Action::Discard) => (Action::Discard, reasons),
        Some(_) if waiting.is_some_and(|waiting| waiting.iter().all(|reason| reasons.contains(reason))) => {
            (Action::Discard, [vec![Reason::StillWaits], reasons].concat())
        }
        Some(action) => (action, reasons),
    }
}

/// A small generator: the same stories in each run.
fn dice(state: &mut u64, sides: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).unwrap() % sides
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_does_as_its_model() {
    let folder = TempDir::new().unwrap();
    let mut stage = Stage::new(site_in(folder.path()).await).await;
    let mut seen = HashMap::<Action, usize>::new();
    for story in 0..STORIES {
        let mut state = story;
        let began = day(0).plus_ms(i64::try_from(story).unwrap() * 3_600_000);
        stage.write(2, began).await;
        let mut models: BTreeMap<(usize, usize), Model> = BTreeMap::new();
        let mut held: Vec<(EntryNo, usize, usize, Form, Vec<Reason>)> = Vec::new();
        let mut log = Vec::new();
        for step in 0..STEPS {
            let now = began.plus_ms(i64::try_from(step).unwrap() * 1000);
            let decision = dice(&mut state, 8);
            let (entry, at, text, form, approved) = if decision < 5 || held.is_empty() {
                let (at, text) = (dice(&mut state, ADDRESSES.len()), dice(&mut state, 2));
                let form = FORMS[dice(&mut state, FORMS.len() + 2).saturating_sub(2)];
                // What comes to the owners may be of any form and size.
                let form = if at == 1 { Form::Clean } else { form };
                stage.arrive(ADDRESSES[at], text, form, now).await;
                (stage.claim(now).await, at, text, form, Vec::new())
            } else {
                let chosen = dice(&mut state, held.len());
                let (no, at, text, form, reasons) = held.remove(chosen);
                let found = queue::find(&mut stage.app.store().reader().await.unwrap(), no).await;
                let entry = found.unwrap().unwrap();
                let model = models.entry((text, at)).or_default();
                match decision {
                    5 => {
                        log.push(format!("{step}: {no} is refused"));
                        let messages = stage.app.as_operator().at(now).messages();
                        messages.decide(no, MessageDecision::Reject(String::new())).await.unwrap();
                        if model.waiting == Some(no) {
                            (model.refused, model.waiting) = (true, None);
                        }
                        continue;
                    }
                    6 => {
                        log.push(format!("{step}: {no} goes without a word"));
                        let gone = stage.app.store().write(transaction!(|db| {
                            queue::finish(db, &entry, MessageFate::Discarded, &[], day(0)).await
                        }));
                        gone.await.unwrap();
                        model.waiting = model.waiting.filter(|waiting| *waiting != no);
                        continue;
                    }
                    _ => {
                        log.push(format!("{step}: {no} is let pass"));
                        let resumed =
                            stage.app.store().write(transaction!(|db| queue::resume(db, no, now).await));
                        assert!(resumed.await.unwrap());
                        (stage.claim(now).await, at, text, form, reasons)
                    }
                }
            };
            let no = entry.no();
            let own = models.entry((text, at)).or_default().clone();
            let elsewhere =
                models.iter().any(|(key, model)| *key != (text, at) && key.0 == text && model.posted);
            let waiting = own.waiting.filter(|waiting| *waiting != no);
            let waiting = held.iter().find(|(held, ..)| Some(*held) == waiting).map(|(.., reasons)| reasons);
            let (action, reasons) = expected(&own, elsewhere, form, &approved, waiting);
            let outcome = entry.process(&stage.app, now).await.unwrap();
            let what = format!("{step}: {no} with text {text} at {} as {form:?}", ADDRESSES[at]);
            log.push(format!("{what}: {:?} {:?}", outcome.action, outcome.reasons));
            let told = format!("story {story}, expected {action:?} {reasons:?}\n{}", log.join("\n"));
            assert!(outcome.reasons.starts_with(&reasons), "{told}");
            // A rejection of which nobody hears today is a hold.
            let same = outcome.action == action || (action, outcome.action) == (Action::Reject, Action::Hold);
            assert!(same, "{told}");
            let model = models.get_mut(&(text, at)).unwrap();
            match outcome.action {
                Action::Accept => (model.posted, model.waiting) = (true, None),
                Action::Hold => {
                    model.waiting = Some(no);
                    held.push((no, at, text, form, outcome.reasons));
                }
                _ => model.waiting = model.waiting.filter(|waiting| *waiting != no),
            }
            *seen.entry(outcome.action).or_default() += 1;
        }
        // So that the next story claims its own.
        for (no, ..) in held {
            let found = queue::find(&mut stage.app.store().reader().await.unwrap(), no).await;
            let entry = found.unwrap().unwrap();
            let gone = stage.app.store().write(transaction!(|db| {
                queue::finish(db, &entry, MessageFate::Discarded, &[], day(0)).await
            }));
            gone.await.unwrap();
        }
    }
    for action in [Action::Accept, Action::Hold, Action::Discard] {
        assert!(seen.get(&action).is_some_and(|count| *count > 20), "{seen:?}");
    }
}

/// Two nodes judge the same text at the same moment, at one address and at two.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_posts() {
    let (one, two) = two_nodes_on_postgres().await;
    let mut stage = Stage::new(one).await;
    for (round, addresses) in [[0, 0], [0, 2], [0, 0], [2, 0], [0, 2], [2, 2]].into_iter().enumerate() {
        let now = day(0).plus_ms(i64::try_from(round).unwrap() * 60_000);
        stage.write(1, now).await;
        let mut entries = Vec::new();
        for at in addresses {
            stage.arrive(ADDRESSES[at], 0, Form::Clean, now).await;
            entries.push(stage.claim(now).await);
        }
        let second = entries.pop().unwrap();
        let first = entries.pop().unwrap();
        let (first, second) = tokio::join!(first.process(&stage.app, now), second.process(&two, now));
        let actions = [first.unwrap().action, second.unwrap().action];
        let posted = actions.iter().filter(|action| **action == Action::Accept).count();
        assert_eq!(posted, 1, "round {round}: {actions:?}");
    }
}

/// The author hears once for each text, and the owners find it in the audit.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_posted_already_is_said_once() {
    let folder = TempDir::new().unwrap();
    let mut stage = Stage::new(site_in(folder.path()).await).await;
    stage.write(2, day(0)).await;
    let events = async || {
        let mut db = stage.app.store().reader().await.unwrap();
        let all = events::newest(&mut db, None, 100).await.unwrap();
        all.iter().filter(|one| one.event.kind.name() == "posted-already").count()
    };
    // On the first day the author hears of one text, and of the other when it comes again on the next.
    for (text, days, expected) in
        [(0, 0, 0), (1, 0, 0), (0, 0, 1), (1, 0, 2), (0, 0, 3), (1, 1, 4), (0, 2, 4), (1, 2, 4)]
    {
        let now = day(days);
        stage.arrive(ADDRESSES[0], text, Form::Clean, now).await;
        stage.claim(now).await.process(&stage.app, now).await.unwrap();
        assert_eq!(events().await, expected, "text {text} on day {days}");
    }
    let notices = crate::moved_clock::deliver(&stage.app, day(2)).await;
    let to_anne = notices.iter().filter(|mail| mail.kind == sealist_store::deliveries::Kind::Notice);
    assert_eq!(to_anne.count(), 2);
}
