//! Command `help`: lists the commands. No settings.

use super::{MailCommand, Problem};

pub(super) fn read(_: &[&str]) -> Result<MailCommand, Problem> {
    Ok(MailCommand::Help)
}
