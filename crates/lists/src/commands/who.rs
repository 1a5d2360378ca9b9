//! Command `who`: shows the roster. Setting: `member_roster_visibility`.

use super::{MailCommand, Problem, no_arguments};

pub(super) fn read(arguments: &[&str]) -> Result<MailCommand, Problem> {
    no_arguments(arguments).map(|()| MailCommand::Who)
}
