//! `sealist trace`: what became of a message, by the number that LMTP replied, and the last mail of an
//! address.

use clap::Args;
use sealist_app::{AddressTrace, App, CopyTrace, MessageTrace, PageRange, SendingTrace};
use sealist_lists::model::EntryNo;
use sealist_mail::{Address, shown};
use serde_json::json;

use super::{CommandOutput, number};

#[derive(Args)]
pub(crate) struct TraceArguments {
    /// The number of a message, as LMTP replied it and each log line says it, or an address.
    #[arg(value_name = "NUMBER|ADDRESS", value_parser = parse)]
    what: TraceSubject,
    /// How many copies of each post, or how many messages of an address, are left out at the beginning.
    #[arg(long, default_value_t = 0, value_parser = number::<usize>)]
    start: usize,
    /// How many of them are printed at most.
    #[arg(long, default_value_t = 100, value_parser = number::<usize>)]
    count: usize,
}

#[derive(Clone)]
enum TraceSubject {
    Message(EntryNo),
    Address(Address),
}

fn parse(text: &str) -> Result<TraceSubject, &'static str> {
    if let Ok(no) = text.parse() {
        return Ok(TraceSubject::Message(EntryNo(no)));
    }
    let address = text.parse().map(TraceSubject::Address);
    address.map_err(|_| "it is neither the number of a message nor an address")
}

pub(super) async fn run(app: &App, arguments: TraceArguments) -> anyhow::Result<CommandOutput> {
    let TraceArguments { what, start, count } = arguments;
    let (traces, page) = (app.as_operator().traces(), PageRange { start, count });
    Ok(match what {
        TraceSubject::Message(entry) => {
            let trace = traces.message(entry, page).await?;
            (of_message(&trace), json!(trace))
        }
        TraceSubject::Address(address) => {
            let found = traces.address(&address, page).await?;
            let mut text: String = found.entries.iter().map(of_address).collect();
            if found.total == 0 {
                text = format!(
                    "nothing came from {address} or went there in the last {} days\n",
                    app.sent_kept_days
                );
            }
            text.push_str(&rest(found.start, found.entries.len(), found.total, "messages"));
            (text, json!(found))
        }
    })
}

fn of_message(trace: &MessageTrace) -> String {
    let MessageTrace { entry, address, origin, sender, received_at, state, .. } = trace;
    let sender = if sender.is_empty() { "<>".into() } else { shown(sender) };
    let mut text = format!("message {entry} to {address}\n{received_at}  came by {origin} from {sender}\n");
    if let Some(held_at) = &trace.held_at {
        text.push_str(&format!("{held_at}  held for a moderator\n"));
    }
    for event in &trace.events {
        text.push_str(&format!("{}  {} by {}\n", event.at, event.event, shown(&event.who)));
    }
    let reasons: Vec<&str> = trace.reasons.iter().map(|reason| reason.name()).collect();
    let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
    match &trace.done_at {
        Some(at) => text.push_str(&format!("{at}  {state}{why}\n")),
        None => text.push_str(&format!("it waits in {state}{why}\n")),
    }
    for sending in &trace.sendings {
        text.push_str(&of_sending(sending));
    }
    text
}

fn of_sending(sending: &SendingTrace) -> String {
    let SendingTrace { post, kind, accepted_at, counts, copies, .. } = sending;
    let number = sending.post_number.map_or(String::new(), |number| format!(", number {number} of the list"));
    let counts: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let more = if sending.whole_roster { "" } else { ", more to come" };
    let mut text = format!("{accepted_at}  {kind} {post}{number}: {}{more}\n", counts.join(", "));
    text.extend(copies.entries.iter().map(of_copy));
    text.push_str(&rest(copies.start, copies.entries.len(), copies.total, "copies"));
    text
}

fn of_copy(copy: &CopyTrace) -> String {
    let CopyTrace { recipient, state, reply, .. } = copy;
    let recipient = if recipient.is_empty() { "(deleted)".into() } else { shown(recipient) };
    let tried = copy.attempts.map_or(String::new(), |attempts| format!(", tried {attempts}"));
    let next = copy.next_at.as_ref().map_or(String::new(), |at| format!(", next at {at}"));
    let reply = if reply.is_empty() { String::new() } else { format!(": {}", shown(reply)) };
    format!("  {state} {recipient}{tried}{next}{reply}\n")
}

fn of_address(trace: &AddressTrace) -> String {
    let AddressTrace { at, direction, entry, list, kind, state, reply, .. } = trace;
    let entry = entry.map_or("-".to_owned(), |entry| entry.to_string());
    let reply = if reply.is_empty() { String::new() } else { format!(": {}", shown(reply)) };
    format!("{at}  {direction:<4} {entry:<8} {list:<30} {kind} {state}{reply}\n")
}

/// Says that a page is not everything; empty if it is.
fn rest(start: usize, printed: usize, total: usize, what: &str) -> String {
    match start + printed < total {
        true => format!("  {total} {what} in all: --start {} prints the next\n", start + printed),
        false => String::new(),
    }
}
