//! Command `leave`, also `unsubscribe`, and mail to `-leave`. Setting: `unsubscription_policy`.

use super::{MailCommand, Problem, no_arguments};

pub(super) fn read(arguments: &[&str]) -> Result<MailCommand, Problem> {
    no_arguments(arguments).map(|()| MailCommand::Leave)
}
