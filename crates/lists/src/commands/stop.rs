//! Command `stop`, also `end`: nothing below is read, such as a signature under the commands. No settings.

use super::{Command, Problem};

pub(super) fn read(_: &[&str]) -> Result<Command, Problem> {
    Ok(Command::Stop)
}
