//! Commands by mail: nothing panics, parsed commands stay within their limits, and a statement that is found
//! says what was written.

use bolero::check;
use sealist_lists::commands::{MailCommand, SubjectLine, parse, read};
use sealist_lists::model::SubAddress;
use sealist_lists::registry::Registry;
use sealist_mail::{Entity, first_text};
use sealist_openpgp::statements;

use crate::duration;
use crate::mutate::FuzzCase;

#[test]
fn scripts_and_statements() {
    let seeds: Vec<Vec<u8>> = [
        "Subject: Re: key set abcdefghijklmnopqrstuvwxyz234567\r\n\r\njoin digest=mime\r\nset delivery off\r\nwho\r\nhelp\r\nstop\r\n",
        "Subject: hi\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nkey confirm x\r\n> List: team@lists.example\r\n> Action: key change\r\n> Address: anne@example.org\r\n> Fingerprint: 0123456789ABCDEF0123456789ABCDEF01234567\r\n> Token: abcdefgh\r\n--b--\r\n",
        "Subject: leave\r\nContent-Transfer-Encoding: base64\r\n\r\nTGlzdDogdGVhbUBsaXN0cy5leGFtcGxlCkFjdGlvbjogc3Vic2NyaWJlCkFkZHJlc3M6IGFAeC5leGFtcGxlClRva2VuOiBhYmMK\r\n",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    let registry = Registry::built_in();
    check!().with_type::<FuzzCase>().with_test_time(duration()).for_each(|case| {
        let (_, mail) = case.apply(&seeds);
        let entity = Entity::parse(&mail);
        let (subject, text) = (entity.headers.text("subject").unwrap_or_default(), first_text(&entity));
        let commands = &registry.commands;
        let script = read(commands, SubAddress::Request, SubjectLine::Covered(&subject), &text);
        assert!(script.lines.len() <= 11);
        for (line, as_read) in &script.lines {
            // The reason of a decision continues in the lines below.
            if as_read.is_ok() && !matches!(as_read, Ok(MailCommand::Decide { .. })) {
                assert_eq!(&parse(commands, line), as_read, "what is asked about is what is carried out");
            }
        }
        for found in statements(&text) {
            let again = statements(&found.statement.to_string());
            assert_eq!(again.len(), 1);
            assert_eq!(again[0].statement, found.statement);
        }
    });
}
