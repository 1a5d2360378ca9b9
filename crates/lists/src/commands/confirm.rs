//! Command `confirm TOKEN`; what `-confirm+TOKEN` means. No settings.

use super::{MailCommand, Problem, token};

pub(super) fn read(arguments: &[&str]) -> Result<MailCommand, Problem> {
    token(arguments).map(MailCommand::Confirm)
}
