//! Command `key …`: everything about keys. Settings: `key_change_workflow`, `key_signing_allowed`.

use super::{MailCommand, Problem, no_arguments, token};

/// The second word, with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyCommand {
    /// The key that was asked for is attached.
    Set(String),
    /// The statement that was sent is signed.
    Confirm(String),
    /// A new key is attached; the old one will sign for it. A newer form of the same key is taken as it is.
    Change,
    /// A new key is attached; the old one is lost.
    Reset,
    /// Revocation certificates are attached.
    Revoke,
    /// The list's key is attached, with the sender's certification.
    Sign,
    /// The list's key is wanted.
    Receive,
}

pub(super) fn read(arguments: &[&str]) -> Result<MailCommand, Problem> {
    let (name, arguments) = arguments.split_first().ok_or(Problem::NoSubcommand)?;
    let alone = |command| no_arguments(arguments).map(|()| command);
    let command = match name.to_lowercase().as_str() {
        "set" => KeyCommand::Set(token(arguments)?),
        "confirm" => KeyCommand::Confirm(token(arguments)?),
        "change" => alone(KeyCommand::Change)?,
        "reset" => alone(KeyCommand::Reset)?,
        "revoke" => alone(KeyCommand::Revoke)?,
        "sign" => alone(KeyCommand::Sign)?,
        "receive" => alone(KeyCommand::Receive)?,
        _ => return Err(Problem::WrongSubcommand),
    };
    Ok(MailCommand::Key(command))
}
