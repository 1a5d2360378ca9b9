//! Command `who`: the roster. Setting: `member_roster_visibility`.

use super::{Command, Problem, no_arguments};

pub(super) fn read(arguments: &[&str]) -> Result<Command, Problem> {
    no_arguments(arguments).map(|()| Command::Who)
}
