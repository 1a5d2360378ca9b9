//! Fills in templates, and checks whether a template can be filled in.

use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value};

use super::table::{Text, TextForm};
use super::values::samples;

/// A subject and a body, ready for a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeText {
    /// One line.
    pub subject: String,
    /// Lines that end in LF.
    pub body: String,
}

/// Fills in a notice. The subject is filled in separately, so that no value can end it.
pub(super) fn notice(source: &str, values: &Value) -> Result<NoticeText, Error> {
    notice_with(UndefinedBehavior::Lenient, source, values)
}

/// Fills in lines.
pub(super) fn lines(source: &str, values: &Value) -> Result<String, Error> {
    fill(UndefinedBehavior::Lenient, source, values)
}

/// The sentence of that name.
pub(super) fn sentence<'a>(source: &'a str, name: &str) -> Option<&'a str> {
    sentences(source).find(|(known, _)| *known == name).map(|(_, words)| words)
}

/// All sentences with their names. A line that starts with `#` is a comment.
pub(super) fn sentences(source: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = source.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(':').unwrap_or((line, "")))
        .map(|(name, words)| (name.trim(), words.trim()))
}

/// Why a file cannot be used for that text.
pub(super) fn problem(text: Text, source: &str) -> Option<String> {
    samples(text.values()).iter().find_map(|values| try_out(text, source, values).err())
}

fn try_out(text: Text, source: &str, values: &Value) -> Result<(), String> {
    let strict = UndefinedBehavior::Strict;
    match text.form() {
        TextForm::Notice => {
            let (subject, body) = halves(source);
            if subject.trim().contains('\n') || body.trim().is_empty() {
                return Err("its first line must be the subject, its second line empty".to_owned());
            }
            let notice = notice_with(strict, source, values).map_err(|error| describe_error(&error))?;
            if notice.subject.is_empty() {
                return Err("its subject is empty".to_owned());
            }
        }
        TextForm::Block => {
            fill(strict, source, values).map_err(|error| describe_error(&error))?;
        }
        TextForm::Sentences => {
            for (name, words) in sentences(source) {
                if words.is_empty() || sentence(text.english(), name).is_none() {
                    return Err(format!("there is no sentence {name:?}, or nothing behind its colon"));
                }
                fill(strict, words, values).map_err(|error| format!("{name}: {}", describe_error(&error)))?;
            }
        }
    }
    Ok(())
}

fn notice_with(undefined: UndefinedBehavior, source: &str, values: &Value) -> Result<NoticeText, Error> {
    let (subject, body) = halves(source);
    let subject = fill(undefined, subject, values)?;
    // The body is parsed after two empty lines, so that an error names the right line of the file.
    let mut body = fill(undefined, &format!("\n\n{body}"), values)?;
    Ok(NoticeText { subject: one_line(subject.trim()), body: body.split_off(2) })
}

fn halves(source: &str) -> (&str, &str) {
    source.split_once("\n\n").unwrap_or((source, ""))
}

/// Mail is plain text, so nothing is escaped. A value is reduced to one line unless it is marked as safe.
fn fill(undefined: UndefinedBehavior, source: &str, values: &Value) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(undefined);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => out.write_str(&one_line(text)).map_err(Error::from),
        _ if value.kind() == ValueKind::None => Ok(()),
        _ => minijinja::escape_formatter(out, state, value),
    });
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_keep_trailing_newline(true);
    environment.render_str(source, values)
}

fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if breaks(c) { ' ' } else { c }).collect()
}

/// The error with the name or character that causes it, for a file that was tried with sample values.
fn describe_error(error: &Error) -> String {
    let detail = error.detail().map(|detail| format!(": {}", one_line(detail))).unwrap_or_default();
    format!("{}{detail}{}", error.kind(), line_of(error))
}

/// The error without any value.
pub(super) fn cause_of(error: &Error) -> String {
    format!("{}{}", error.kind(), line_of(error))
}

fn line_of(error: &Error) -> String {
    error.line().map(|line| format!(" (line {line})")).unwrap_or_default()
}
