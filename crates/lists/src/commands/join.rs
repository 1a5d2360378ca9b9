//! Command `join`, also `subscribe`; what `-join` means. Setting: `subscription_policy`. There are no digests yet:
//! `digest=no` says what is so anyway, and another digest is refused.

use super::{MailCommand, Problem, shown};
use crate::model::DeliveryMode;

pub(super) fn read(arguments: &[&str]) -> Result<MailCommand, Problem> {
    let delivery_mode = match arguments {
        [] | ["digest=no"] => DeliveryMode::Regular,
        ["digest=mime" | "digest=plain"] => return Err(Problem::NoDigests),
        _ => return Err(Problem::Extraneous(shown(&arguments.join(" ")))),
    };
    Ok(MailCommand::Join { delivery_mode })
}
