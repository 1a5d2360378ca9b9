//! Command `help`: which commands there are. No settings.

use super::{Command, Problem};

pub(super) fn read(_: &[&str]) -> Result<Command, Problem> {
    Ok(Command::Help)
}
