//! The steps of workflows. Each looks at a workflow and the known facts, and returns how the workflow
//! continues. There is one file per step.

mod act;
mod confirmation;
mod moderation;
mod possession;
mod pubkey;
mod sanity;
mod verification;

use super::step::{Asks, Step, StepPurpose};

/// All built-in steps.
pub const STEPS: &[Step] = &[
    Step {
        name: "sanity-checks",
        description: "Can it be done at all?",
        asks: Asks::Nobody,
        purpose: StepPurpose::Checks,
        evaluate: sanity::evaluate,
    },
    Step {
        name: "verification-checks",
        description: "Is it known that mail to the address reaches the person?",
        asks: Asks::Person,
        purpose: StepPurpose::Checks,
        evaluate: verification::evaluate,
    },
    Step {
        name: "confirmation-checks",
        description: "Was the person asked, and wants it?",
        asks: Asks::Person,
        purpose: StepPurpose::Checks,
        evaluate: confirmation::evaluate,
    },
    Step {
        name: "moderation-checks",
        description: "Does a moderator let it happen?",
        asks: Asks::Moderators,
        purpose: StepPurpose::Checks,
        evaluate: moderation::evaluate,
    },
    Step {
        name: "pubkey-checks",
        description: "Is there a key for the address?",
        asks: Asks::Person,
        purpose: StepPurpose::TakesKey,
        evaluate: pubkey::evaluate,
    },
    Step {
        name: "pubkey-confirmation",
        description: "Is it signed with the keys that it takes?",
        asks: Asks::Person,
        purpose: StepPurpose::ProvesKey,
        evaluate: possession::evaluate,
    },
    Step {
        name: "do-it",
        description: "Does what was asked for.",
        asks: Asks::Nobody,
        purpose: StepPurpose::Ends,
        evaluate: act::evaluate,
    },
];
