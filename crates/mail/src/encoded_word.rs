//! Decodes and encodes encoded words in headers ([RFC 2047]). Adjacent words are joined before they are
//! decoded; words are written in UTF-8.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use memchr::memmem;

/// The longest encoded word ([RFC 2047, section 2]).
const MAX_WORD: usize = 75;
/// The longest line with an encoded word ([RFC 2047, section 2]).
const MAX_LINE: usize = 76;
/// The least room that a word is given on a line.
const MIN_WORD: usize = 40;
/// The longest text before a display name: `Reply-To: `, or an address field inside an HP-Outer field.
const BEFORE_NAME: usize = "HP-Outer: Reply-To: ".len();
/// The longest word that is decoded. Real programs write much longer words than RFC 2047 allows.
const MAX_TEXT: usize = 1000;
/// Words that begin later than this in a value are not decoded, because no program shows so much of a field.
const MAX_DECODED: usize = 16 * 1024;

/// Decodes an unfolded header value. Bytes outside encoded words are UTF-8 or, if they are not valid UTF-8,
/// Windows-1252. Adjacent words of one charset are joined before they are decoded, so that a character that
/// was split over two words is restored.
pub(crate) fn decode(value: &[u8]) -> String {
    let mut out = String::with_capacity(value.len());
    let mut pending: Option<(String, Vec<u8>)> = None;
    let (mut plain_from, mut at, mut close) = (0, 0, 0);
    let searched = &value[..value.len().min(MAX_DECODED)];
    // A word may begin before the limit and end after it.
    while let Some(next) = searched.get(at..).and_then(|rest| memmem::find(rest, b"=?")) {
        at += next;
        let Some((charset, bytes, length)) = parse_word(value, at, &mut close) else {
            at += 1;
            continue;
        };
        let between = &value[plain_from..at];
        let only_blank = between.iter().all(|b| b.is_ascii_whitespace());
        pending = match pending.take() {
            Some((open, mut joined)) if only_blank && open == charset => {
                joined.extend_from_slice(&bytes);
                Some((open, joined))
            }
            earlier => {
                let after_word = earlier.is_some();
                flush(&mut out, earlier);
                if !(after_word && only_blank) {
                    out.push_str(&text_of(between));
                }
                Some((charset, bytes))
            }
        };
        at += length;
        plain_from = at;
    }
    flush(&mut out, pending);
    out.push_str(&text_of(&value[plain_from..]));
    out
}

fn flush(out: &mut String, word: Option<(String, Vec<u8>)>) {
    if let Some((charset, bytes)) = word {
        out.push_str(&charset_text(&charset, &bytes));
    }
}

/// The word at offset `at`: its charset, its decoded bytes, and its length. `close` is where the previous
/// word was found to end, so that no octet is searched twice.
fn parse_word(value: &[u8], at: usize, close: &mut usize) -> Option<(String, Vec<u8>, usize)> {
    let inner = &value[at + 2..];
    let charset_end = inner.iter().take(64).position(|b| *b == b'?')?;
    let encoding = *inner.get(charset_end + 1)?;
    if inner.get(charset_end + 2) != Some(&b'?') {
        return None;
    }
    let text = &inner[charset_end + 3..];
    let text_at = value.len() - text.len();
    if *close < text_at {
        *close = memmem::find(text, b"?=").map_or(value.len(), |end| text_at + end);
    }
    let end = *close - text_at;
    if end > MAX_TEXT || *close == value.len() {
        return None;
    }
    let encoded = &text[..end];
    let bytes = match encoding.to_ascii_lowercase() {
        b'b' => decode_base64(encoded)?,
        b'q' => decode_q(encoded),
        _ => return None,
    };
    // RFC 2231 allows a language after the charset, separated by an asterisk.
    let charset = String::from_utf8_lossy(&inner[..charset_end]).to_lowercase();
    let charset = charset.split('*').next().unwrap_or_default().to_owned();
    Some((charset, bytes, 2 + charset_end + 3 + end + 2))
}

fn decode_base64(encoded: &[u8]) -> Option<Vec<u8>> {
    let clean: Vec<u8> = encoded.iter().copied().filter(|b| !b.is_ascii_whitespace() && *b != b'=').collect();
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(clean).ok()
}

fn decode_q(encoded: &[u8]) -> Vec<u8> {
    let digit = |at: usize| encoded.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(encoded.len());
    let mut at = 0;
    while let Some(&byte) = encoded.get(at) {
        at += 1;
        match (byte, digit(at), digit(at + 1)) {
            (b'_', ..) => out.push(b' '),
            (b'=', Some(high), Some(low)) => {
                out.extend(u8::try_from(high * 16 + low));
                at += 2;
            }
            (other, ..) => out.push(other),
        }
    }
    out
}

fn charset_text(charset: &str, bytes: &[u8]) -> String {
    match charset {
        "utf-8" | "utf8" | "us-ascii" | "iso-8859-1" | "windows-1252" => text_of(bytes).into_owned(),
        // The library decodes the other charsets; it takes one whole word.
        _ => {
            let field = format!("Subject: =?{charset}?b?{}?=\r\n\r\n", BASE64.encode(bytes));
            mail_parser::MessageParser::default()
                .parse_headers(field.as_bytes())
                .and_then(|message| message.subject().map(str::to_owned))
                // The library does not know the charset.
                .filter(|text| !text.starts_with("=?"))
                .unwrap_or_else(|| text_of(bytes).into_owned())
        }
    }
}

/// Decodes UTF-8 or, if the bytes are not valid UTF-8, Windows-1252: the most likely charset of a raw 8-bit
/// header.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|b| windows_1252(*b)).collect()),
    }
}

fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}',
        '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}

/// Unstructured text for a header: unchanged if it is plain ASCII, otherwise encoded words in UTF-8. Line
/// ends and other control characters become spaces, so that no text can start a field. `before` is the number
/// of octets before the text on its line.
pub(crate) fn encode(text: &str, before: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.is_ascii() && !text.contains("=?") { text } else { words(&text, before) }
}

/// Encodes a display name as an atom, a quoted string, or encoded words.
pub(crate) fn phrase(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if !name.is_ascii() || name.contains("=?") {
        return words(&name, BEFORE_NAME);
    }
    let atom = |c: char| c.is_ascii_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c);
    if name.chars().all(atom) {
        name
    } else {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Encoded words, split between characters. `before` is the number of octets before the first word on its
/// line. A base64 word ends at a multiple of three octets, so that only the last word has padding: some
/// programs join the words first and stop at padding. If no character ends at such a multiple, the next
/// character gets a word of its own in quoted-printable.
fn words(text: &str, before: usize) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let room =
            if out.is_empty() { MAX_LINE.saturating_sub(before).clamp(MIN_WORD, MAX_WORD) } else { MAX_WORD };
        let octets = (room - "=?utf-8?b??=".len()) / 4 * 3;
        let ends = || (1..=octets).rev().filter(|end| rest.is_char_boundary(*end));
        let (word, behind) = if rest.len() <= octets {
            (base64_word(rest), "")
        } else if let Some(end) = ends().find(|end| end % 3 == 0) {
            (base64_word(&rest[..end]), &rest[end..])
        } else {
            let end = rest.chars().next().map_or(0, char::len_utf8);
            (q_word(&rest[..end]), &rest[end..])
        };
        out.push(word);
        rest = behind;
    }
    out.join(" ")
}

fn base64_word(text: &str) -> String {
    format!("=?utf-8?b?{}?=", BASE64.encode(text))
}

fn q_word(text: &str) -> String {
    format!("=?utf-8?q?{}?=", text.bytes().map(|octet| format!("={octet:02X}")).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_at_the_end_of_what_is_read_is_whole() {
        for before in MAX_DECODED - 30..MAX_DECODED + 2 {
            let value = format!("{}=?utf-8?q?caf=C3=A9?= =?utf-8?q?caf=C3=A9?=", "x".repeat(before));
            let text = decode(value.as_bytes());
            assert_eq!(text.starts_with(&format!("{}café", "x".repeat(before))), before + 2 <= MAX_DECODED);
        }
    }

    #[test]
    fn words_of_real_programs_are_read() {
        fn check(value: &[u8], text: &str) {
            assert_eq!(decode(value), text);
        }
        check(b"plain", "plain");
        check(b"=?UTF-8?Q?J=C3=B6rg_M?=", "Jörg M");
        check(b"=?iso-8859-1?q?J=F6rg?= said", "Jörg said");
        check(b"a =?utf-8?b?w7Y=?= b", "a ö b");
        check(b"=?utf-8?b?w7Y=?= =?utf-8?b?w6Q=?=", "öä");
        // One character split over two words.
        check(b"=?utf-8?b?ww==?= =?utf-8?b?tg==?=", "ö");
        check(b"=?utf-8?q?=C3?=\t=?utf-8?q?=B6?=", "ö");
        check(b"caf\xe9", "café");
        check("café".as_bytes(), "café");
        check(b"=?koi8-r?B?79TQ1dPL?=", "Отпуск");
        check(b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本");
        check(b"=?utf-8?x?no?=", "=?utf-8?x?no?=");
        check(b"=?utf-8?q?open", "=?utf-8?q?open");
        check(b"=?utf-8*de?q?=C3=BC?=", "ü");
        check(b"=?utf-8?x?=?utf-8?q?=C3=BC?=?=", "=?utf-8?x?ü?=");
        check(b"=?a?q?=?utf-8?q?w?=", "=?utf-8?q?w");
    }

    #[test]
    fn long_values_are_read_as_far_as_anybody_shows_them() {
        let word = "=?utf-8?q?=C3=BC?=";
        let long = "word ".repeat(4000);
        assert!(decode(format!("{word} {long}{word}").as_bytes()).ends_with(word));
        assert!(decode(format!("{word} {long}{word}").as_bytes()).starts_with('ü'));
        let text = "x".repeat(MAX_TEXT);
        assert_eq!(decode(format!("=?utf-8?q?{text}?=").as_bytes()), text);
        assert_eq!(decode(format!("=?utf-8?q?{text}x?=").as_bytes()), format!("=?utf-8?q?{text}x?="));
    }

    /// Each word holds whole characters. A reader gets the same text whether it joins the words or decodes
    /// them one by one.
    #[test]
    fn words_are_cut_between_characters() {
        fn check(text: &str) {
            for before in [0, 5, 9, 21, 60] {
                let encoded = encode(text, before);
                assert_eq!(decode(encoded.as_bytes()), text);
                let words: Vec<&str> = encoded.split(' ').collect();
                assert!(before > MAX_LINE - MIN_WORD || before + words[0].len() <= MAX_LINE, "{encoded}");
                let alone: String = words.iter().map(|word| decode(word.as_bytes())).collect();
                assert_eq!(alone, text, "{encoded}");
                assert!(words.iter().all(|word| word.len() <= MAX_WORD), "{encoded}");
                let (last, others) = words.split_last().unwrap();
                assert!(last.starts_with("=?utf-8?"), "{encoded}");
                let padded = |word: &&str| word.starts_with("=?utf-8?b?") && word.ends_with("=?=");
                assert!(!others.iter().any(padded), "{encoded}");
            }
        }
        for unit in [
            "ü",
            "日本",
            "😀",
            "Привет, ",
            "a日",
            "ab😀é",
            "👩\u{200d}👩\u{200d}👧",
            "e\u{301}",
            "Zoë said: ",
        ] {
            for start in ["", "[plain] ", "x", "xy", "é", "😀"] {
                for count in [1, 2, 7, 40, 200] {
                    check(&format!("{start}é{}", unit.repeat(count)));
                }
            }
        }
        check(&format!("=?{}", "long ASCII words ".repeat(30)));
    }

    #[test]
    fn no_text_starts_a_field() {
        assert!(!encode("a\r\nBcc: x", 9).contains(['\r', '\n']));
        assert!(!phrase("a\r\nBcc: x").contains(['\r', '\n']));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in "[^\\p{Cc}]{0,120}") {
            prop_assert_eq!(decode(encode(&text, 9).as_bytes()), text);
        }

        #[test]
        fn words_are_short(text in "\\PC{0,200}") {
            let encoded = encode(&text, 9);
            prop_assume!(!text.is_ascii());
            prop_assert!(encoded.split(' ').all(|word| word.len() <= MAX_WORD));
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            decode(&bytes);
        }
    }
}
