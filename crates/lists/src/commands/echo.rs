//! Command `echo WORDS`: answers with the same words. No settings.

use super::{MailCommand, Problem, shown};

pub(super) fn read(arguments: &[&str]) -> Result<MailCommand, Problem> {
    Ok(MailCommand::Echo(shown(&arguments.join(" "))))
}
