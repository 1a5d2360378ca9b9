//! The transition table of all workflows: `transitions.txt` has a row for each state that a workflow can
//! reach and each answer that belongs to its question, and what comes next. A row that is missing or differs
//! fails the test, and `UPDATE_EXPECT=1` writes the table anew. Beyond that table, every workflow is walked
//! for every goal with every answer in every order, also answers that nobody asked for, and what no workflow
//! may do is looked for.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use expect_test::expect_file;
use sealist_openpgp::Fingerprint;

use super::*;
use crate::commands::Problem;
use crate::model::{ListSettings, Role};
use crate::registry::Registry;

/// An answer, as far as a workflow sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Input {
    Confirmed,
    NewKey,
    /// A key that does not name the address.
    OtherKey,
    SignedByKnown,
    SignedByOffered,
    Approved,
}

const INPUTS: [Input; 6] = [
    Input::Confirmed,
    Input::NewKey,
    Input::OtherKey,
    Input::SignedByKnown,
    Input::SignedByOffered,
    Input::Approved,
];

/// What the database knows of the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Missing,
    Unusable,
    Usable,
}

const KNOWN: [Known; 3] = [Known::Missing, Known::Unusable, Known::Usable];

/// A walk through one workflow, with the facts that stay.
struct Walk {
    workflow: Workflow,
    goal: Goal,
    known: Known,
    roles: Vec<Role>,
    banned: bool,
    settings: ListSettings,
    steps: NamedRows<Step>,
}

/// How a workflow stands after its steps.
#[derive(Clone, Debug, PartialEq)]
enum State {
    Waits(WorkflowRun, Question),
    Done(WorkflowRun, WorkflowChange),
    Refused(Problem),
}

fn key(digit: &str) -> Fingerprint {
    digit.repeat(40).parse().unwrap()
}

fn known_key() -> Fingerprint {
    key("A")
}

impl Walk {
    fn new(workflow: &Workflow, goal: &Goal, known: Known) -> Self {
        let roles = if *goal == Goal::Subscribe { Vec::new() } else { vec![Role::Member] };
        Self {
            workflow: workflow.clone(),
            goal: goal.clone(),
            known,
            roles,
            banned: false,
            settings: ListSettings::default(),
            steps: Registry::built_in().steps.clone(),
        }
    }

    /// A key change begins with the key that came with the command, and so does a reset.
    fn first(&self) -> WorkflowRun {
        let mut run = WorkflowRun::new(&self.workflow, self.goal.clone());
        run.key = (self.goal == Goal::ChangeKey).then(|| key("B"));
        run
    }

    fn go(&self, mut run: WorkflowRun) -> State {
        let known = (self.known != Known::Missing)
            .then(|| ConfirmedKey { fingerprint: known_key(), usable: self.known == Known::Usable });
        let offered = run
            .key
            .clone()
            .map(|offered| OfferedKey { names_address: offered == key("B"), fingerprint: offered });
        let case = StepContext {
            steps: &self.steps,
            settings: &self.settings,
            banned: self.banned,
            roles: self.roles.clone(),
            known,
            offered,
        };
        match advance(&mut run, &case) {
            Ok(WorkflowProgress::Waits(question)) => State::Waits(run, question),
            Ok(WorkflowProgress::Done(change)) => State::Done(run, change),
            Err(problem) => State::Refused(problem),
        }
    }

    fn after(&self, run: &WorkflowRun, input: Input) -> State {
        let mut run = run.clone();
        match input {
            Input::Confirmed => run.record_answer(StepAnswer::Confirmed),
            Input::NewKey => run.record_answer(StepAnswer::Key(key("B"))),
            Input::OtherKey => run.record_answer(StepAnswer::Key(key("C"))),
            Input::SignedByKnown => run.record_signatures(vec![known_key()]),
            Input::SignedByOffered => run.record_signatures(run.key.clone().into_iter().collect()),
            Input::Approved => run.record_answer(StepAnswer::Approved),
        }
        self.go(run)
    }

    /// All states that can be reached, each with its successors, by answers that `takes` allows.
    fn explore(
        &self,
        takes: impl Fn(&WorkflowRun, &Question, Input) -> bool,
    ) -> Vec<(State, Vec<(Input, State)>)> {
        let mut open = VecDeque::from([self.go(self.first())]);
        let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
        while let Some(state) = open.pop_front() {
            if !seen.insert(format!("{state:?}")) {
                continue;
            }
            let mut next = Vec::new();
            if let State::Waits(run, question) = &state {
                for input in INPUTS.into_iter().filter(|input| takes(run, question, *input)) {
                    next.push((input, self.after(run, input)));
                }
            }
            open.extend(next.iter().map(|(_, state)| state.clone()));
            found.push((state, next));
        }
        found
    }
}

/// Whether an answer belongs to a question: the callers of workflows take no other.
fn belongs(run: &WorkflowRun, question: &Question, input: Input) -> bool {
    match (question, input) {
        (Question::Confirmation, Input::Confirmed)
        | (Question::Key, Input::NewKey | Input::OtherKey)
        | (Question::Approval, Input::Approved) => true,
        (Question::Signatures(keys), Input::SignedByKnown) => keys.contains(&known_key()),
        (Question::Signatures(keys), Input::SignedByOffered) => {
            run.key.as_ref().is_some_and(|offered| keys.contains(offered))
        }
        _ => false,
    }
}

fn goals() -> [Goal; 6] {
    let command = Goal::Command("set copies off".to_owned());
    [Goal::Subscribe, Goal::Unsubscribe, Goal::ChangeKey, Goal::ResetKey, Goal::ApproveKey, command]
}

/// What a workflow is made for.
fn is_made_for(workflow: &str, goal: &Goal) -> bool {
    let of_plain = ["open", "confirm", "moderate", "confirm_then_moderate"].contains(&workflow);
    match goal {
        Goal::Subscribe => of_plain || workflow.starts_with("pgp-policy-") && workflow != "pgp-policy-leave",
        Goal::Unsubscribe => of_plain || workflow == "pgp-policy-leave",
        Goal::ChangeKey => workflow.starts_with("pgp-key-change"),
        Goal::ResetKey => workflow == "pgp-key-revoke-workflow",
        Goal::ApproveKey => workflow == "pgp-key-approval",
        Goal::Command(_) => workflow == "command" || workflow.ends_with("confirm-command"),
    }
}

fn named(fingerprint: &Fingerprint) -> &'static str {
    match fingerprint.to_string().chars().next() {
        Some('A') => "known",
        Some('B') => "new",
        _ => "other",
    }
}

/// A state in words: the question, and what was answered before.
fn words(state: &State) -> String {
    let keys = |keys: &[Fingerprint]| keys.iter().map(named).collect::<Vec<_>>().join(" and ");
    let (run, question) = match state {
        State::Done(_, change) => return format!("does {change:?}"),
        State::Refused(problem) => return format!("refuses: {problem}"),
        State::Waits(run, question) => (run, question),
    };
    let asks = match question {
        Question::Signatures(missing) => format!("asks for signature by {}", keys(missing)),
        other => format!("asks for {}", other.name()),
    };
    let offered = run.key.as_ref().map(|key| format!("{} key", named(key)));
    let signed = (!run.signed_by.is_empty()).then(|| format!("signed by {}", keys(&run.signed_by)));
    let flags = [(run.verified, "verified"), (run.confirmed, "confirmed"), (run.approved, "approved")];
    let flags = flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name.to_owned());
    let had: Vec<String> = flags.chain(offered).chain(signed).collect();
    if had.is_empty() { asks } else { format!("{asks} ({})", had.join(", ")) }
}

#[test]
fn every_state_and_answer_has_its_row() {
    let mut table = String::from("workflow, goal, key of the address\n    state | answer | next state\n");
    for workflow in Workflows::default().all() {
        for goal in goals().iter().filter(|goal| is_made_for(&workflow.name, goal)) {
            // Keys that make no difference share their rows.
            let mut by_rows: BTreeMap<String, Vec<Known>> = BTreeMap::new();
            for known in KNOWN {
                let walk = Walk::new(workflow, goal, known);
                let mut rows = format!("    begin | | {}\n", words(&walk.go(walk.first())));
                for (state, next) in walk.explore(belongs) {
                    for (input, after) in next {
                        let _ = writeln!(rows, "    {} | {input:?} | {}", words(&state), words(&after));
                    }
                }
                by_rows.entry(rows).or_default().push(known);
            }
            let mut groups: Vec<(String, Vec<Known>)> = by_rows.into_iter().collect();
            groups.sort_by_key(|(_, known)| known[0] as u8);
            for (rows, known) in groups {
                let _ = write!(table, "\n{}, {}, {known:?}\n{rows}", workflow.name, goal.action());
            }
        }
    }
    expect_file!["transitions.txt"].assert_eq(&table);
}

/// Who asks decides whether a request begins at all.
#[test]
fn a_request_is_refused_by_its_goal() {
    let mut table = String::from("goal, roles, banned, key of the address | refusal\n\n");
    for goal in goals() {
        for roles in [vec![], vec![Role::Member], vec![Role::Owner]] {
            for (banned, known) in
                [false, true].into_iter().flat_map(|banned| KNOWN.map(|known| (banned, known)))
            {
                let workflows = Workflows::default();
                let name = if goal == Goal::ApproveKey { "pgp-key-approval" } else { "command" };
                let mut walk = Walk::new(workflows.named(name).unwrap(), &goal, known);
                (walk.roles, walk.banned) = (roles.clone(), banned);
                if let State::Refused(problem) = walk.go(WorkflowRun::new(&walk.workflow, goal.clone())) {
                    let action = goal.action();
                    let _ = writeln!(table, "{action}, {roles:?}, {banned}, {known:?} | {problem}");
                }
            }
        }
    }
    expect_file!["refusals.txt"].assert_eq(&table);
}

#[test]
fn no_order_of_answers_leads_around_a_step() {
    let workflows = Workflows::default();
    let mut seen = 0;
    for workflow in workflows.all() {
        let has = |step: &str| workflow.steps.iter().any(|name| name == step);
        for (goal, known) in goals().iter().flat_map(|goal| KNOWN.map(|known| (goal, known))) {
            let walk = Walk::new(workflow, goal, known);
            for (state, _) in walk.explore(|_, _, _| true) {
                let State::Done(run, change) = &state else { continue };
                let what = format!("{} {goal:?} {known:?}: {run:?}", workflow.name);
                seen += 1;
                assert!(run.approved || !has("moderation-checks"), "{what}");
                assert!(run.confirmed || !has("confirmation-checks"), "{what}");
                assert!(run.verified || !has("verification-checks"), "{what}");
                assert!(run.key.iter().all(|offered| run.signed_by.contains(offered)), "{what}");
                let proves_known = has("pubkey-confirmation") && known == Known::Usable && run.key.is_none();
                let takes_known = matches!(goal, Goal::Subscribe | Goal::Unsubscribe | Goal::Command(_));
                assert!(!(proves_known && takes_known) || run.signed_by.contains(&known_key()), "{what}");
                let expected = match goal {
                    Goal::Subscribe => WorkflowChange::Subscribe,
                    Goal::Unsubscribe => WorkflowChange::Unsubscribe,
                    Goal::ChangeKey | Goal::ResetKey => WorkflowChange::SetKey,
                    Goal::ApproveKey => WorkflowChange::ApproveKey,
                    Goal::Command(line) => WorkflowChange::Command(line.clone()),
                };
                assert_eq!(*change, expected, "{what}");
            }
        }
    }
    assert!(seen > 500, "{seen} ends were looked at");
}

/// Whoever answers each question gets to an end.
#[test]
fn no_workflow_waits_for_ever() {
    for workflow in Workflows::default().all() {
        for goal in goals().iter().filter(|goal| is_made_for(&workflow.name, goal)) {
            for known in KNOWN {
                for (state, next) in Walk::new(workflow, goal, known).explore(belongs) {
                    let is_waiting = matches!(state, State::Waits(..));
                    assert!(!is_waiting || !next.is_empty(), "{}: {}", workflow.name, words(&state));
                    assert!(
                        next.iter().all(|(_, after)| *after != state),
                        "{}: {}",
                        workflow.name,
                        words(&state)
                    );
                }
            }
        }
    }
}
