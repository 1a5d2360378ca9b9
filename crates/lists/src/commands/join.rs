//! Command `join`, also `subscribe`, and mail to `-join`. Setting: `subscription_policy`. Digests do not
//! exist yet, so `digest=no` is accepted and every other digest is refused.

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
