//! What a handler does with a draft. A built-in handler changes the draft itself. Any other handler reads the
//! draft and returns edits, and an edit can only add what no promise of a list depends on.

use sealist_mail::Field;

use super::cleanse;
use crate::draft::PostDraft;
use crate::model::MemberNo;

/// What a handler does with a draft.
#[derive(Clone, Copy)]
pub enum HandlerAction {
    /// A built-in handler changes the draft.
    Change(fn(&mut PostDraft<'_>)),
    /// The handler reads the draft and returns edits, which are made one after the other.
    Edits(fn(&PostDraft<'_>) -> Vec<Edit>),
}

/// A change of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Sets a header field whose name begins with `X-`. On an encrypting list the field is within the
    /// encryption. Fields that the list makes or removes itself are left alone, as are values of several
    /// lines.
    Field {
        /// The name of the field.
        name: String,
        /// The value.
        value: String,
    },
    /// Adds a line to the list's footer.
    FooterLine(String),
    /// Sends that member no copy. The author is not left out here: the author's copy may be what shows that
    /// somebody else sent the message.
    LeaveOut(MemberNo),
}

impl HandlerAction {
    /// Runs the handler over the draft.
    pub(crate) fn run(self, draft: &mut PostDraft<'_>) {
        match self {
            Self::Change(change) => change(draft),
            Self::Edits(edits) => edits(draft).into_iter().for_each(|edit| edit.make(draft)),
        }
    }
}

impl Edit {
    fn make(self, draft: &mut PostDraft<'_>) {
        match self {
            Self::Field { name, value } => {
                if let (true, Ok(field)) = (may_be_set(&name), Field::raw(&name, &value)) {
                    draft.headers.set(field);
                }
            }
            Self::FooterLine(line) => {
                let line: String = line.chars().filter(|c| !c.is_control()).collect();
                let before = draft.footer.take().map(|footer| footer + "\n").unwrap_or_default();
                draft.footer = Some(before + &line);
            }
            Self::LeaveOut(member) if draft.author.member.is_some_and(|author| author.no == member) => {}
            Self::LeaveOut(member) => draft.recipients.except.push(member),
        }
    }
}

fn may_be_set(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-") && name != "x-loop" && cleanse::is_passed_on(&name)
}
