//! Header fields as bytes. A field that is not changed keeps its exact bytes.

use std::fmt;

use crate::address::{Mailbox, parse_mailboxes};
use crate::encoded_word;

/// The line length at which fields are folded ([RFC 5322, section 2.1.1]).
const LINE_WIDTH: usize = 76;

/// One header field with its folding and its line end. Its text may be cleartext, so Debug shows the name
/// only.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    name: String,
    /// From the first byte of the name to the last line end.
    raw: Vec<u8>,
}

/// Why a name or value cannot become a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The name is empty, or has a character that is not printable ASCII or is a colon.
    #[error("not a field name")]
    Name,
    /// The value has a CR, LF or NUL, which would end the field and start another.
    #[error("a line end or NUL in a field")]
    LineEnd,
}

impl Field {
    /// A field of free text, encoded by RFC 2047 and folded if needed. Control characters become spaces.
    pub fn text(name: &str, text: &str) -> Self {
        // The first line holds the name, a colon and a blank.
        Self::folded(name, &encoded_word::encode(text, name.len() + 2))
    }

    /// A field whose value is already in its final form; the field is folded at spaces. Errs if the value
    /// would start another field.
    pub fn raw(name: &str, value: &str) -> Result<Self, FieldError> {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic() && b != b':') {
            return Err(FieldError::Name);
        }
        if value.contains(['\r', '\n', '\0']) {
            return Err(FieldError::LineEnd);
        }
        Ok(Self::folded(name, value))
    }

    /// An address field.
    pub fn mailboxes(name: &str, mailboxes: &[Mailbox]) -> Self {
        let list: Vec<String> = mailboxes.iter().map(Mailbox::to_string).collect();
        Self::folded(name, &list.join(", "))
    }

    /// The name as written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the field has this name. Case is ignored.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether the line is not a field. Such lines are kept, so that nothing disappears unnoticed.
    pub fn is_malformed(&self) -> bool {
        self.name.is_empty()
    }

    /// The whole field, its line end included.
    pub fn as_bytes(&self) -> &[u8] {
        &self.raw
    }

    /// The unfolded value without white space around it.
    pub fn value(&self) -> Vec<u8> {
        let from = if self.name.is_empty() {
            0
        } else {
            self.raw.iter().position(|b| *b == b':').map_or(0, |p| p + 1)
        };
        let unfolded: Vec<u8> =
            self.raw[from..].iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
        unfolded.trim_ascii().to_vec()
    }

    /// The value as decoded text.
    pub fn decoded(&self) -> String {
        encoded_word::decode(&self.value())
    }

    fn folded(name: &str, value: &str) -> Self {
        let mut raw = format!("{name}:").into_bytes();
        let mut width = raw.len();
        for word in value.split(' ') {
            if width + 1 + word.len() > LINE_WIDTH && width > name.len() + 1 && !word.is_empty() {
                raw.extend_from_slice(b"\r\n");
                width = 0;
            }
            raw.push(b' ');
            raw.extend_from_slice(word.as_bytes());
            width += 1 + word.len();
        }
        raw.extend_from_slice(b"\r\n");
        Self { name: name.to_owned(), raw }
    }

    fn parse(raw: &[u8]) -> Self {
        let name_end = raw.iter().position(|b| *b == b':').filter(|end| {
            // White space before the colon is obsolete syntax that many programs accept, so it must not hide
            // a field.
            let name = raw[..*end].trim_ascii_end();
            !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
        });
        let name = name_end.map(|end| String::from_utf8_lossy(raw[..end].trim_ascii_end()).into_owned());
        let name = name.unwrap_or_default();
        Self { raw: tamed(raw), name }
    }
}

/// The field in a form that can be written: lines end in CRLF, and all lines but the first begin with white
/// space. A lone CR or a NUL, which ends a line for some programs only, becomes a question mark.
fn tamed(raw: &[u8]) -> Vec<u8> {
    let mut tame = Vec::with_capacity(raw.len() + 2);
    if matches!(raw.first(), Some(b' ' | b'\t')) {
        // The first line continues no field. The question mark prevents it from continuing the field before
        // it.
        tame.push(b'?');
    }
    for (at, octet) in raw.iter().enumerate() {
        match octet {
            b'\r' if raw.get(at + 1) == Some(&b'\n') => {}
            b'\r' | b'\0' => tame.push(b'?'),
            b'\n' => tame.extend_from_slice(b"\r\n"),
            other => tame.push(*other),
        }
    }
    if !tame.ends_with(b"\n") {
        tame.extend_from_slice(b"\r\n");
    }
    tame
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({})", self.name)
    }
}

/// A header block: fields in order. Debug shows the names only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    fields: Vec<Field>,
}

impl Headers {
    /// Splits a message or part into its header and the offset of its body. Never fails: a line that is not a
    /// field is kept as a malformed field. An mbox `From ` line at the top is left out.
    pub fn parse(input: &[u8]) -> (Self, usize) {
        let mut fields = Vec::new();
        let mut start = 0;
        let mut at = 0;
        while at < input.len() {
            let end = input[at..].iter().position(|b| *b == b'\n').map_or(input.len(), |p| at + p + 1);
            let line = &input[at..end];
            let continues = matches!(line.first(), Some(b' ' | b'\t')) && at > start;
            if !continues {
                push_parsed(&mut fields, &input[start..at]);
                start = at;
            }
            at = end;
            if matches!(line, b"\r\n" | b"\n") && !continues {
                return (Self { fields }, at);
            }
        }
        push_parsed(&mut fields, &input[start..]);
        (Self { fields }, input.len())
    }

    /// The fields in order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    /// The fields of that name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    /// How many fields have that name.
    pub fn count(&self, name: &str) -> usize {
        self.all(name).count()
    }

    /// The unfolded value of the first field of that name.
    pub fn first(&self, name: &str) -> Option<Vec<u8>> {
        self.all(name).next().map(Field::value)
    }

    /// The decoded text of the first field of that name.
    pub fn text(&self, name: &str) -> Option<String> {
        self.all(name).next().map(Field::decoded)
    }

    /// The mailboxes of all fields of that name.
    pub fn mailboxes(&self, name: &str) -> Vec<Mailbox> {
        self.all(name).flat_map(|field| parse_mailboxes(&field.value())).collect()
    }

    /// Removes all fields of that name.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|field| !field.is(name));
    }

    /// Removes all fields for which the closure returns true.
    pub fn remove_where(&mut self, mut unwanted: impl FnMut(&Field) -> bool) {
        self.fields.retain(|field| !unwanted(field));
    }

    /// Adds a field at the end.
    pub fn push(&mut self, field: Field) {
        self.fields.push(field);
    }

    /// Adds a field at the top.
    pub fn prepend(&mut self, field: Field) {
        self.fields.insert(0, field);
    }

    /// Replaces the first field of that name and removes the others. Appends the field if there is none.
    pub fn set(&mut self, field: Field) {
        let place = self.fields.iter().position(|old| old.is(field.name())).unwrap_or(self.fields.len());
        self.remove(field.name());
        self.fields.insert(place.min(self.fields.len()), field);
    }

    /// Writes all fields, without the empty line after them. A bare LF becomes CRLF.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        for field in &self.fields {
            out.extend_from_slice(&crate::crlf::to_crlf(&field.raw));
        }
    }
}

fn push_parsed(fields: &mut Vec<Field>, raw: &[u8]) {
    let after_from = raw.strip_prefix(b"From ").map(<[u8]>::trim_ascii_start);
    let envelope_line = fields.is_empty() && after_from.is_some_and(|rest| rest.first() != Some(&b':'));
    if !raw.is_empty() && !envelope_line {
        fields.push(Field::parse(raw));
    }
}

impl FromIterator<Field> for Headers {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        Self { fields: fields.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(headers: &Headers) -> String {
        let mut out = Vec::new();
        headers.write_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_field_breaks_out_of_its_line() {
        fn check(header: &[u8], names: &[&str]) {
            let (headers, _) = Headers::parse(header);
            let mut written = Vec::new();
            headers.write_to(&mut written);
            written.extend_from_slice(b"\r\n");
            let (again, end) = Headers::parse(&written);
            let seen: Vec<&str> = again.fields().map(Field::name).collect();
            assert_eq!((&seen[..], end), (names, written.len()), "{}", written.escape_ascii());
        }
        check(b"Subject: x\rBcc: eve@example.com\r\n\r\n", &["Subject"]);
        check(b"Subject: x\r\r\nBcc: eve@example.com\r\n\r\n", &["Subject", "Bcc"]);
        check(b"Subject: x\r\n\rwords\r\nTo: a@x.example\r\n\r\n", &["Subject", "", "To"]);
        check(b"Subject: x\r\n\r\r\nTo: a@x.example\r\n\r\n", &["Subject", "", "To"]);
        check(b"Subject: a\n b\0c\n\n", &["Subject"]);
        check(b" alone\r\nTo: a@x.example\r\n\r\n", &["", "To"]);
    }

    #[test]
    fn fields_are_split_and_unfolded() {
        let (headers, body) =
            Headers::parse(b"A: 1\r\nSubject: two\r\n words\r\nb : 3\r\nrubbish\r\n\r\nbody");
        assert_eq!(body, 46);
        assert_eq!(headers.text("subject").unwrap(), "two words");
        assert_eq!(headers.first("B").unwrap(), b"3");
        assert_eq!(headers.fields().filter(|f| f.is_malformed()).count(), 1);
    }

    #[test]
    fn odd_endings_lose_nothing() {
        fn check(input: &[u8], fields: usize, body: &[u8]) {
            let (headers, at) = Headers::parse(input);
            assert_eq!((headers.fields().count(), &input[at..]), (fields, body), "{input:?}");
        }
        check(b"", 0, b"");
        check(b"Subject: x", 1, b"");
        check(b"\r\nbody", 0, b"body");
        check(b"\nbody", 0, b"body");
        check(b"A: 1\nB: 2\n\nbody", 2, b"body");
        check(b" leading\r\nA: 1\r\n\r\n", 2, b"");
        check(b"From x@y Mon\nA: 1\n\nb", 1, b"b");
    }

    #[test]
    fn a_value_cannot_break_out() {
        assert_eq!(Field::raw("X", "a\r\nB: c").unwrap_err(), FieldError::LineEnd);
        assert_eq!(Field::raw("X Y", "a").unwrap_err(), FieldError::Name);
        let field = Field::text("Subject", "a\r\nBcc: evil@x.example\0");
        assert_eq!(String::from_utf8_lossy(field.as_bytes()), "Subject: a  Bcc: evil@x.example \r\n");
    }

    #[test]
    fn raw_latin_1_survives() {
        let (headers, _) = Headers::parse(b"Subject: caf\xe9\r\n\r\n");
        assert_eq!(headers.text("subject").unwrap(), "café");
    }

    #[test]
    fn set_keeps_the_place() {
        let (mut headers, _) = Headers::parse(b"A: 1\r\nB: 2\r\nC: 3\r\nB: 4\r\n");
        headers.set(Field::text("B", "new"));
        assert_eq!(written(&headers), "A: 1\r\nB: new\r\nC: 3\r\n");
    }

    #[test]
    fn long_values_are_folded() {
        let field = Field::raw("References", &"<0123456789abcdef@x.example> ".repeat(6)).unwrap();
        let text = String::from_utf8_lossy(field.as_bytes()).into_owned();
        assert!(text.lines().all(|line| line.len() <= LINE_WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with(' ')));
    }

    proptest! {
        #[test]
        fn printing_gives_back_what_was_parsed(input in "([A-Za-z-]{1,12}: [ -~]{0,60}\r\n( [ -~]{1,40}\r\n)?){0,8}\r\n[ -~]{0,40}") {
            let (headers, body) = Headers::parse(input.as_bytes());
            prop_assert_eq!(written(&headers) + "\r\n" + &input[body..], input);
        }

        #[test]
        fn any_text_stays_one_field(text in any::<String>()) {
            let field = Field::text("Subject", &text);
            let lines = String::from_utf8_lossy(field.as_bytes());
            prop_assert!(lines.lines().all(|line| !line.contains("=?utf-8?") || line.len() <= LINE_WIDTH), "{lines}");
            let mut block = field.as_bytes().to_vec();
            block.extend_from_slice(b"\r\n");
            let (headers, body) = Headers::parse(&block);
            prop_assert_eq!(headers.fields().count(), 1);
            prop_assert_eq!(body, block.len());
        }

        #[test]
        fn nothing_panics(input in proptest::collection::vec(any::<u8>(), 0..400)) {
            let (headers, body) = Headers::parse(&input);
            prop_assert!(body <= input.len());
            for field in headers.fields() { field.decoded(); }
        }
    }
}
