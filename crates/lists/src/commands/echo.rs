//! Command `echo WORDS`: sends the words back. No settings.

use super::{MailCommand, Problem, shown};

pub(super) fn read(arguments: &[&str]) -> Result<MailCommand, Problem> {
    Ok(MailCommand::Echo(shown(&arguments.join(" "))))
}
