//! Command `confirm TOKEN`, and mail to `-confirm+TOKEN`. No settings.

use super::{MailCommand, Problem, token};

pub(super) fn read(arguments: &[&str]) -> Result<MailCommand, Problem> {
    token(arguments).map(MailCommand::Confirm)
}
