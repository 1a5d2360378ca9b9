//! A running workflow: what was requested, what was answered, and which steps are left.

use sealist_openpgp::{Fingerprint, Possession, Statement};
use serde::{Deserialize, Serialize};

use super::Workflow;
use crate::model::{DeliveryMode, ListSettings};

/// What a person requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// To become a member.
    Subscribe,
    /// To stop being a member.
    Unsubscribe,
    /// To replace the key of the address, confirmed by the old key.
    ChangeKey,
    /// To replace the key of the address, because the old key is lost or revoked.
    ResetKey,
    /// To use the address's key, which was set on another list, on this list.
    ApproveKey,
    /// To carry out a command that changes something, in the form in which it was sent.
    Command(String),
}

impl Goal {
    /// Returns the name of the workflow by which a list with these settings reaches this goal.
    pub fn workflow<'s>(&self, settings: &'s ListSettings) -> &'s str {
        match self {
            Self::Subscribe => &settings.subscription_policy,
            Self::Unsubscribe => &settings.unsubscription_policy,
            Self::ChangeKey => settings.pgp.as_ref().map_or("confirm", |pgp| &pgp.key_change_workflow),
            Self::ResetKey => "pgp-key-revoke-workflow",
            Self::ApproveKey => "pgp-key-approval",
            Self::Command(_) => &settings.command_workflow,
        }
    }

    /// The name of the action in statements and in lists of requests.
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

/// A running workflow. It is stored as JSON while it waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowRun {
    /// Its name.
    pub workflow: String,
    /// What is requested.
    pub goal: Goal,
    /// The steps that are left, the next one last.
    pub steps: Vec<String>,
    /// The name that the person gave.
    pub display_name: String,
    /// For a new member: how posts are delivered.
    pub delivery_mode: DeliveryMode,
    /// Whether the person is known to receive mail at the address.
    pub verified: bool,
    /// Whether the person confirmed the request.
    pub confirmed: bool,
    /// Whether a moderator approved the request.
    pub approved: bool,
    /// The offered key.
    pub key: Option<Fingerprint>,
    /// The keys that signed the statement.
    pub signed_by: Vec<Fingerprint>,
}

impl WorkflowRun {
    /// A workflow before its first step.
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

    /// Records an answer.
    pub fn record_answer(&mut self, answer: StepAnswer) {
        match answer {
            StepAnswer::Confirmed => (self.verified, self.confirmed) = (true, true),
            // A moderator who approved the request has not seen this key.
            StepAnswer::Key(key) => (self.verified, self.approved, self.key) = (true, false, Some(key)),
            StepAnswer::Signed(proofs) => {
                self.record_signatures(proofs.iter().map(|proof| proof.certificate().clone()).collect());
            }
            StepAnswer::Approved => self.approved = true,
        }
    }

    /// Records that these keys signed the statement.
    pub(super) fn record_signatures(&mut self, keys: Vec<Fingerprint>) {
        (self.verified, self.confirmed) = (true, true);
        for key in keys {
            if !self.signed_by.contains(&key) {
                self.signed_by.push(key);
            }
        }
    }

    /// The statement that must be signed: it names the list, the action, the address and a token that is used
    /// once.
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

/// The question of a step, and who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// To the person by mail: a confirmation.
    Confirmation,
    /// To the person by mail: a key.
    Key,
    /// To the person, by mail that only the holder of the key can read: a statement signed by each of these
    /// keys.
    Signatures(Vec<Fingerprint>),
    /// To the owners and moderators.
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

/// An answer. The caller has checked that it belongs to the question and that the token is right.
#[derive(Clone, Debug)]
pub enum StepAnswer {
    /// The person confirms the request.
    Confirmed,
    /// The person offers this key.
    Key(Fingerprint),
    /// The person signed the statement.
    Signed(Vec<Possession>),
    /// A moderator approves.
    Approved,
}
