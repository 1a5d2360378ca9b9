//! `sealist inject`: puts a message into the queue as if it had arrived by LMTP, with the same limits.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use sealist_app::{App, AppError, Destination, Intake};
use sealist_mail::scan::{MessageLimits, Scanner};
use sealist_mail::{Address, to_crlf};
use serde_json::json;

use crate::admin::CommandOutput;
use crate::ending::{Code, Ending};

/// Reads `file` or standard input and stores the message for that address of a list. The running server
/// processes it. `max_octets` is the limit of LMTP.
pub(crate) async fn run(
    app: &App,
    to: &Address,
    sender: Option<&Address>,
    file: Option<PathBuf>,
    max_octets: u64,
) -> anyhow::Result<CommandOutput> {
    let message = read(file, max_octets)?;
    if message.trim_ascii().is_empty() {
        return Err(Ending::new(Code::Data, "the message is empty").into());
    }
    let message = to_crlf(&message);
    let mut scanner = Scanner::new(MessageLimits::default());
    scanner.feed(&message)?;
    scanner.finish()?;
    let arrival = Destination::at(app, to).await?.ok_or_else(|| AppError::NoSuchList(to.to_string()))?;
    let mut intake = Intake::begin(&arrival, sender.map(ToString::to_string).as_deref())?.injected();
    intake.write(&message)?;
    let entry = intake.commit(app, Intake::transaction(), app.now()).await?;
    let text = format!("{to} has it as message {entry}: `sealist queue list` says whether it waits\n");
    Ok((text, json!({ "taken": to.to_string(), "entry": entry, "octets": message.len() })))
}

fn read(file: Option<PathBuf>, max_octets: u64) -> anyhow::Result<Vec<u8>> {
    let source: Box<dyn std::io::Read> = match &file {
        Some(path) => {
            Box::new(std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?)
        }
        None => Box::new(std::io::stdin()),
    };
    let mut message = Vec::new();
    source.take(max_octets + 1).read_to_end(&mut message).context("cannot read the message")?;
    if message.len() as u64 > max_octets {
        let text = "the message is larger than lmtp.max_message_kib allows";
        return Err(Ending::new(Code::Data, text).into());
    }
    Ok(message)
}
