//! Why a key cannot be used, in words.

use sealist_lists::key_problem::KeyProblem;
use sealist_lists::texts::{Text, TextPlace};

use crate::error::AppError;
use crate::site::App;

/// One sentence for its holder that says why a key cannot be used.
pub(crate) fn cause(app: &App, problem: &AppError, place: &TextPlace<'_>) -> String {
    let problem = match problem {
        AppError::Unusable(why) => why.into(),
        AppError::OtherAddress(address) => KeyProblem::OtherAddress(address.clone()),
        damaged => KeyProblem::Damaged(damaged.to_string()),
    };
    app.texts.sentence(Text::KeyProblems, problem.name(), place, problem.values())
}
