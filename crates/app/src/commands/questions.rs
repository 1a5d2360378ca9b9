//! Tokens anywhere in a message: what they answer, and the commands that follow from them.
//!
//! A token in the text or the Subject answers its question. A token in the address (`-confirm+TOKEN`) is
//! readable by every mail server on the way, so it only proves that the mailbox was reached, and identifies
//! the question. On plain lists this is an answer. On lists with OpenPGP it can only bring a key, which must
//! still be proved.

use sealist_lists::commands::{CommandScript, KeyCommand, MailCommand, Problem};
use sealist_mail::Address;
use sealist_store::requests;
use sealist_store::tokens::{self, TokenSubject};

use crate::error::AppError;
use crate::requests::ListContext;

/// Marks the question of a request that was displaced by others.
const GAVE_WAY: &str = "gave way";

/// A token that was issued to this person, and what it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answering {
    pub(super) token: String,
    pub(super) place: QuestionScope,
    pub(super) about: TokenSubject,
    /// The question. Empty for a moderator's decision.
    question: String,
}

/// The place of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QuestionScope {
    Words,
    Address,
}

/// The tokens of the text and of the address that this list issued to this person, with what each answers
/// now.
pub(super) async fn answering(
    list_context: ListContext<'_>,
    who: &Address,
    words: &[String],
    detail: Option<&str>,
) -> Result<Vec<Answering>, AppError> {
    let mac = list_context.app.vault.mac();
    let is_plain = !list_context.list.settings.has_openpgp();
    let in_words =
        words.iter().map(|token| (token.to_lowercase(), QuestionScope::Words, mac.token_mark(token)));
    let in_address = detail.into_iter().flat_map(|token| {
        // Plain lists use the same token in both places.
        let mark = if is_plain { mac.token_mark(token) } else { mac.address_token_mark(token) };
        [(token.to_lowercase(), QuestionScope::Address, mark)]
    });
    let mut db = list_context.app.store.reader().await?;
    let mut found: Vec<Answering> = Vec::new();
    for (token, place, mark) in in_words.chain(in_address) {
        let Some(about) = tokens::subject_of(&mut db, &mark, who, list_context.now).await? else { continue };
        let question = match about {
            TokenSubject::Request(no) => match requests::by_no(&mut db, no).await? {
                Some(request) if request.list == list_context.list.no => request.question,
                _ => continue,
            },
            TokenSubject::GaveWay => GAVE_WAY.to_owned(),
            _ => String::new(),
        };
        found.push(Answering { token, place, about, question });
    }
    Ok(found)
}

/// Adds the commands that follow from the tokens. Other text in an answer that is not a command is a
/// greeting, or the quoted question.
pub(super) fn imply(script: &mut CommandScript, found: &[Answering], is_plain: bool) {
    if found.is_empty() {
        return;
    }
    script.lines.retain(|(line, read)| match read {
        Ok(MailCommand::Help) => line.trim().eq_ignore_ascii_case("help"),
        Ok(MailCommand::Stop | MailCommand::Echo(_)) => false,
        Err(Problem::SubjectNotSigned) => true,
        other => other.is_ok(),
    });
    let mut done: Vec<TokenSubject> = Vec::new();
    for one in found {
        if !done.contains(&one.about) {
            done.push(one.about.clone());
            imply_one(script, one, is_plain);
        }
    }
}

fn imply_one(script: &mut CommandScript, one: &Answering, is_plain: bool) {
    let token = || one.token.clone();
    let (name, follows) = match (one.question.as_str(), one.place) {
        ("confirmation", QuestionScope::Address) if !is_plain => ("confirm", Err(Problem::LineMissing)),
        ("confirmation", _) => ("confirm", Ok(MailCommand::Confirm(token()))),
        ("key", _) => ("key set", Ok(MailCommand::Key(KeyCommand::Set(token())))),
        ("signature", QuestionScope::Address) => ("key confirm", Err(Problem::NoStatement)),
        ("signature", QuestionScope::Words) => {
            ("key confirm", Ok(MailCommand::Key(KeyCommand::Confirm(token()))))
        }
        (GAVE_WAY, _) => ("confirm", Err(Problem::GaveWay)),
        _ => ("", Err(Problem::Undecided)),
    };
    let decides = |read: &Result<MailCommand, Problem>| {
        matches!(
            read,
            Ok(MailCommand::Decide { .. } | MailCommand::ShowHeld(_)) | Err(Problem::SubjectNotSigned)
        )
    };
    if name.is_empty() && script.lines.iter().any(|(_, read)| decides(read)) {
        return;
    }
    // A valid token after the wrong word still answers its question.
    let same =
        |command: &MailCommand| command.token().is_some_and(|known| known.eq_ignore_ascii_case(&one.token));
    script.lines.retain(|(_, read)| !read.as_ref().is_ok_and(|command| same(command) && !name.is_empty()));
    script.lines.push((name.to_owned(), follows));
}
