//! `sealist audit`: who did or tried what. `sealist events`: the same for programs that follow the site.
//! Nothing of a message is in either.

use clap::Subcommand;
use sealist_app::{App, ConsumerView, EventView, StartAt};
use sealist_lists::model::ListName;
use sealist_mail::shown;
use serde_json::json;

use super::{CommandOutput, number};

#[derive(Subcommand)]
pub(crate) enum Events {
    /// Prints the programs that follow the events, and up to which event each has acknowledged.
    Consumers,
    /// Adds a program that follows the events. It begins with the next event.
    Add {
        /// A name for the program.
        consumer: String,
        /// Begins with the oldest event that is kept.
        #[arg(long)]
        from_oldest: bool,
    },
    /// Removes a program that follows the events.
    Remove {
        /// The name of the program.
        consumer: String,
    },
    /// Prints the next events for a program, in their order. The same come again until they are acknowledged.
    Next {
        /// The name of the program.
        consumer: String,
        /// How many events are printed at most.
        #[arg(long, default_value_t = 100, value_parser = number::<u32>)]
        limit: u32,
    },
    /// Records that a program has taken in all events up to a position.
    Acknowledge {
        /// The name of the program.
        consumer: String,
        /// The position of the last event, as `events next` prints it.
        #[arg(value_parser = number::<i64>)]
        position: i64,
    },
}

/// `sealist audit`.
pub(super) async fn run(app: &App, list: Option<ListName>, limit: u32) -> anyhow::Result<CommandOutput> {
    let found = app.as_operator().events().newest(list.as_ref(), limit).await?;
    Ok((found.iter().map(line).collect(), json!(found)))
}

/// `sealist events`.
pub(super) async fn follow(app: &App, command: Events) -> anyhow::Result<CommandOutput> {
    let events = app.as_operator().events();
    Ok(match command {
        Events::Consumers => {
            let all = events.consumers().await?;
            let line = |one: &ConsumerView| format!("{} {}\n", one.consumer, one.position);
            (all.iter().map(line).collect(), json!(all))
        }
        Events::Add { consumer, from_oldest } => {
            let start = if from_oldest { StartAt::Oldest } else { StartAt::Next };
            events.add_consumer(&consumer, start).await?;
            (format!("{consumer} follows the events\n"), json!({ "added": consumer }))
        }
        Events::Remove { consumer } => {
            events.remove_consumer(&consumer).await?;
            (format!("{consumer} follows the events no longer\n"), json!({ "removed": consumer }))
        }
        Events::Next { consumer, limit } => {
            let found = events.next(&consumer, limit).await?;
            let position = |one: &EventView| one.position.unwrap_or_default();
            (found.iter().map(|one| format!("{} {}", position(one), line(one))).collect(), json!(found))
        }
        Events::Acknowledge { consumer, position } => {
            events.acknowledge(&consumer, position).await?;
            (format!("{consumer} has all up to {position}\n"), json!({ "acknowledged": position }))
        }
    })
}

fn line(event: &EventView) -> String {
    let EventView { at, list, who, email, event, detail, times, .. } = event;
    let about = if email.is_empty() || email == who { String::new() } else { format!("{} ", shown(email)) };
    let times = if *times == 1 { String::new() } else { format!("{times} times ") };
    let (who, detail) = (shown(who), shown(detail));
    format!("{at}  {list:<30} {who:<30} {event:<18} {times}{about}{detail}\n")
}
