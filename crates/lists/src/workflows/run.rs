//! A workflow under way: what is asked for, what was answered, which steps are still to be taken.

use sealist_openpgp::{Fingerprint, Possession, Statement};
use serde::{Deserialize, Serialize};

use super::Workflow;
use super::steps;
use crate::model::{DeliveryMode, ListSettings, Role};

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// To become a member.
    Subscribe,
    /// To be a member no longer.
    Unsubscribe,
    /// Another key for the address, with the help of the one it has.
    ChangeKey,
    /// Another key for the address, because the one it had is lost or revoked.
    ResetKey,
    /// That the key which the address got on another list counts here.
    ApproveKey,
    /// A command that changes something, as it was sent.
    Command(String),
}

impl Goal {
    /// What a statement calls it; also the name in lists of requests.
    pub fn action(&self) -> &str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::ChangeKey => "key change",
            Self::ResetKey => "key reset",
            Self::ApproveKey => "key approval",
            Self::Command(line) => line,
        }
    }
}

/// A workflow under way. Stored as JSON while it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowRun {
    /// Its name.
    pub workflow: String,
    /// What is asked for.
    pub goal: Goal,
    /// The steps that are still to be taken, the next one last.
    pub steps: Vec<String>,
    /// The name that the person gave.
    pub display_name: String,
    /// For a new member: how posts come.
    pub delivery_mode: DeliveryMode,
    /// Whether mail to the address is known to reach the person.
    pub verified: bool,
    /// Whether the person was asked and wants it.
    pub confirmed: bool,
    /// Whether a moderator lets it happen.
    pub approved: bool,
    /// The key that is offered.
    pub key: Option<Fingerprint>,
    /// The keys that signed the statement.
    pub signed_by: Vec<Fingerprint>,
}

impl WorkflowRun {
    /// At its beginning.
    pub fn new(workflow: &Workflow, goal: Goal) -> Self {
        Self {
            workflow: workflow.name.clone(),
            goal,
            steps: workflow.steps.iter().rev().cloned().collect(),
            display_name: String::new(),
            delivery_mode: DeliveryMode::Regular,
            verified: false,
            confirmed: false,
            approved: false,
            key: None,
            signed_by: Vec::new(),
        }
    }

    /// Whether a moderator is still to be asked.
    pub fn will_be_moderated(&self) -> bool {
        !self.approved && self.steps.iter().any(|step| step == steps::MODERATION)
    }

    /// Takes an answer in.
    pub fn take(&mut self, answer: StepAnswer) {
        match answer {
            StepAnswer::Confirmed => (self.verified, self.confirmed) = (true, true),
            // A moderator who let it happen has not seen this key.
            StepAnswer::Key(key) => (self.verified, self.approved, self.key) = (true, false, Some(key)),
            StepAnswer::Signed(proofs) => {
                (self.verified, self.confirmed) = (true, true);
                let keys = proofs.iter().map(|proof| proof.certificate().clone());
                let new: Vec<Fingerprint> = keys.filter(|key| !self.signed_by.contains(key)).collect();
                self.signed_by.extend(new);
            }
            StepAnswer::Approved => self.approved = true,
        }
    }

    /// The statement that is to be signed: to this list, for this action and address, once.
    pub fn statement(&self, list: &str, address: &str, token: &str) -> Statement {
        Statement {
            list: list.to_owned(),
            action: self.goal.action().to_owned(),
            address: address.to_owned(),
            fingerprint: self.key.clone(),
            token: token.to_owned(),
        }
    }
}

/// What a step asks, and of whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Of the person, by mail: whether it is wanted.
    Confirmation,
    /// Of the person, by mail: a key.
    Key,
    /// Of the person, by mail that only the holder of the key can read: a statement signed by each of these keys.
    Signatures(Vec<Fingerprint>),
    /// Of those in charge.
    Approval,
}

impl Question {
    /// The name in the database and in lists of requests.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Confirmation => "confirmation",
            Self::Key => "key",
            Self::Signatures(_) => "signature",
            Self::Approval => "approval",
        }
    }
}

/// What was answered. That it was this question that was asked, and that the token is the right one, has been seen.
#[derive(Clone, Debug)]
pub enum StepAnswer {
    /// It is wanted.
    Confirmed,
    /// The offered key.
    Key(Fingerprint),
    /// The statement, signed.
    Signed(Vec<Possession>),
    /// It may happen.
    Approved,
}

/// What is known while a step looks: read anew each time.
#[derive(Clone, Debug)]
pub struct StepContext<'a> {
    /// The list's settings.
    pub settings: &'a ListSettings,
    /// Whether the address is banned here or on the whole site.
    pub banned: bool,
    /// What the address is on this list.
    pub roles: Vec<Role>,
    /// The confirmed key of the address.
    pub known: Option<ConfirmedKey>,
    /// The key that is offered.
    pub offered: Option<OfferedKey>,
}

/// The confirmed key of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedKey {
    /// Which.
    pub fingerprint: Fingerprint,
    /// Whether one can encrypt to it and it can sign, now.
    pub usable: bool,
}

/// A key that somebody offers, found acceptable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedKey {
    /// Which.
    pub fingerprint: Fingerprint,
    /// Whether one of its user ids has the address.
    pub names_address: bool,
}
