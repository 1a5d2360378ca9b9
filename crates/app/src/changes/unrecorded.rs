//! What is written without an event, and why. Whoever writes something new looks here first: what lasts, and
//! somebody may ask about it later, is a [`Change`](super::Change).

/// Why a write leaves no event. Each reason is for one kind of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unrecorded {
    /// A message arrives, or a part of it. What becomes of the message is the event.
    Arrival,
    /// A message is finished: its row goes, and its text counts as seen. What it changes has events.
    Handled,
    /// A node claims rows, gives them back, puts them off, or says that it is alive. Nobody's rights or data
    /// change, and there would be an event for each message and each second.
    Claims,
    /// The result of a copy. Each copy has a row that says so, and there would be an event for each recipient
    /// of each post.
    Deliveries,
    /// A notice, a fact for the next summary, or a probe. A notice tells of a change, and the change has the
    /// event.
    Notices,
    /// Counters and schedules: what was last looked at, and what is due next.
    Schedules,
    /// Rows that are finished or too old for any use. What ended them has the event.
    Cleanup,
    /// The same content in another form: sealed, or made for other readers.
    Form,
}
