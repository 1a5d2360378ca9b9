//! Command `confirm TOKEN`; what `-confirm+TOKEN` means. No settings.

use super::{Command, Problem, token};

pub(super) fn read(arguments: &[&str]) -> Result<Command, Problem> {
    token(arguments).map(Command::Confirm)
}
