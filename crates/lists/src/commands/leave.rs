//! Command `leave`, also `unsubscribe`; what `-leave` means. Setting: `unsubscription_policy`.

use super::{Command, Problem, no_arguments};

pub(super) fn read(arguments: &[&str]) -> Result<Command, Problem> {
    no_arguments(arguments).map(|()| Command::Leave)
}
