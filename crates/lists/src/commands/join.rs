//! Command `join [digest=no|mime]`, also `subscribe`; what `-join` means. Setting: `subscription_policy`.

use super::{Command, Problem, shown};
use crate::model::DeliveryMode;

pub(super) fn read(arguments: &[&str]) -> Result<Command, Problem> {
    let delivery_mode = match arguments {
        [] | ["digest=no"] => DeliveryMode::Regular,
        ["digest=mime" | "digest=plain"] => DeliveryMode::MimeDigests,
        _ => return Err(Problem::Extraneous(shown(&arguments.join(" ")))),
    };
    Ok(Command::Join { delivery_mode })
}
