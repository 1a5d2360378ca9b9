//! Command `stop`, also `end`: the lines below are ignored, for instance a signature. No settings.

use super::{MailCommand, Problem};

pub(super) fn read(_: &[&str]) -> Result<MailCommand, Problem> {
    Ok(MailCommand::Stop)
}
