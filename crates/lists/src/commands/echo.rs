//! Command `echo WORDS`: sends the words back. No settings.

use super::{Command, Problem, shown};

pub(super) fn read(arguments: &[&str]) -> Result<Command, Problem> {
    Ok(Command::Echo(shown(&arguments.join(" "))))
}
