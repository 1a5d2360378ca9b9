//! Command `key …`: all commands about keys. Settings: `key_change_workflow`, `key_signing_allowed`.

use super::{MailCommand, Problem, no_arguments, token};

/// The subcommand with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyCommand {
    /// The requested key is attached; with the token.
    Set(String),
    /// The statement is signed; with the token.
    Confirm(String),
    /// A new key is attached, and the old key will sign for it. A newer form of the same key is accepted at
    /// once.
    Change,
    /// A new key is attached, and the old one is lost.
    Reset,
    /// Revocation certificates are attached.
    Revoke,
    /// The list's key is attached with the sender's certification.
    Sign,
    /// The sender asks for the list's key.
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
