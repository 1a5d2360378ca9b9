//! Command `stop`, also `end`: nothing below is read, such as a signature under the commands. No settings.

use super::{MailCommand, Problem};

pub(super) fn read(_: &[&str]) -> Result<MailCommand, Problem> {
    Ok(MailCommand::Stop)
}
