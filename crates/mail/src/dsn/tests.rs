//! Samples of all forms of reports: those that count and those that must not.

use proptest::prelude::*;

use super::*;
use DeliveryReport::{Delayed, Failed, Other};

/// Checks the report in `mail`, which has LF line ends and the null sender.
fn check(mail: &str, expected: DeliveryReport) {
    check_from("", mail, expected);
}

fn check_from(sender: &str, mail: &str, expected: DeliveryReport) {
    let reading = read(sender.parse().ok().as_ref(), mail.replace('\n', "\r\n").as_bytes());
    assert_eq!(reading.report, expected, "<{sender}> {mail}");
}

fn fields(lines: &str) -> String {
    format!("Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@x.example\n{lines}\n")
}

/// A multipart/report of that type with that machine-readable part.
fn report_of(kind: &str, part: &str, fields: &str) -> String {
    format!(
        "From: MAILER-DAEMON@mx.example\nContent-Type: multipart/report; report-type={kind}; boundary=b\n\n--b\n\nWords.\n--b\nContent-Type: message/{part}\n\n{fields}\n--b--\n"
    )
}

fn status(lines: &str) -> String {
    report_of("delivery-status", "delivery-status", &fields(lines))
}

#[test]
fn the_action_decides() {
    check(&status("Action: failed\nStatus: 5.1.1"), Failed);
    check(&status("Action: Failed \nStatus: 5.1.1"), Failed);
    check(&status("action:failed"), Failed);
    check(&status("Action: failed (Bad destination mailbox address)\nStatus: 5.1.1"), Failed);
    check(&status("Action: (bad (nested) comment) failed\nStatus: 5.1.1"), Failed);
    check(&status("Action:\n failed\nStatus: 5.1.1"), Failed);
    check(&status("Action: expired\nStatus: 5.4.7"), Failed);
    check(&status("Action: expired\nStatus:"), Failed);
    check(&status("Action: expired\nStatus: 4.4.7"), Other);
    check(&status("Action: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user"), Delayed);
    check(&status("Action: delayed (will retry)"), Delayed);
    check(&status("Action: delivered\nStatus: 2.0.0"), Other);
    check(&status("Action: relayed"), Other);
    check(&status("Action: expanded"), Other);
    check(&status("Action: not failed"), Other);
    check(&status("Status: 5.1.1"), Other);
    check(&status("Action: delayed\n\nFinal-Recipient: rfc822; b@x.example\nAction: failed"), Failed);
    check(&status("Action: delayed\nFinal-Recipient: rfc822; b@x.example\nAction: failed"), Failed);
    // The sender does not matter: some servers send reports under names of their own.
    check_from("reports@mx.example", &status("Action: failed").replace("MAILER-DAEMON@", "reports@"), Failed);
}

#[test]
fn a_report_is_found_where_it_is() {
    let failed = status("Action: failed");
    let wrap = |inner: &str| {
        format!(
            "From: MAILER-DAEMON@mx.example\nContent-Type: multipart/mixed; boundary=o\n\n--o\n{inner}\n--o\nContent-Type: text/plain\n\nScanned.\n--o--\n"
        )
    };
    check(&wrap(&failed), Failed);
    check(&wrap(&wrap(&failed).replace("boundary=o", "boundary=p").replace("--o", "--p")), Failed);
    check(&wrap(&status("Action: delayed")), Delayed);
    // A report that is cut off, has a line that only begins like a boundary, or is in another encoding.
    check(&failed.replace("--b--\n", ""), Failed);
    check(&failed.replace("Words.", "--bc"), Failed);
    check(&status("Action: delayed").replace("--b--\n", ""), Delayed);
    check(&status("Action: delayed").replace("Words.", "--bc"), Delayed);
    check(&failed[..failed.find("Action").unwrap()], Other);
    check(&report_of("delivery-status", "global-delivery-status", &fields("Action: failed")), Failed);
    let encoded = "RmluYWwtUmVjaXBpZW50OiByZmM4MjI7IGFAeC5leGFtcGxlCkFjdGlvbjogZmFpbGVkCg==";
    check(
        &report_of("delivery-status", "delivery-status\nContent-Transfer-Encoding: base64", encoded),
        Failed,
    );
}

#[test]
fn other_reports_and_people_never_count() {
    let receipt = "Final-Recipient: rfc822; a@x.example\nDisposition: automatic-action/MDN-sent-automatically; displayed";
    check(&report_of("disposition-notification", "disposition-notification", receipt), Other);
    check(&report_of("disposition-notification", "delivery-status", &fields("Action: failed")), Other);
    check(&report_of("\"Feedback-Report\"", "feedback-report", "Feedback-Type: abuse\nVersion: 1"), Other);
    check(&report_of("delivery-status", "feedback-report", &fields("Action: failed")), Other);
    check(&report_of("delivery-status", "delivery-status", "rubbish"), Other);
    let returned = status("Action: failed").replace("boundary=b", "boundary=n").replace("--b", "--n");
    check(&report_of("delivery-status", "rfc822", &returned), Other);
    // A person forwards a report.
    let forwarded = format!(
        "From: Anne <anne@x.example>\nSubject: Fwd: Undelivered Mail Returned to Sender\nContent-Type: multipart/mixed; boundary=f\n\n--f\n\nLook: 550 5.1.1 user unknown\n--f\nContent-Type: message/rfc822\n\n{}\n--f--\n",
        status("Action: failed")
    );
    for sender in ["", "anne@x.example"] {
        check_from(sender, &forwarded, Other);
        check_from(sender, &forwarded.replace("message/rfc822", "message/delivery-status"), Other);
        for text in [
            "Subject: Out of office\nAuto-Submitted: auto-replied (vacation)\n\nI am away.\n\n> 550 5.1.1 user unknown\n",
            "Subject: Undeliverable? No, I am here\n\nThe mail was not delivered to Bart, said the server: 550 user unknown.\n",
            "Subject: Automatic reply: [...]\nX-Auto-Response-Suppress: All\n\nUntil Monday nothing can be delivered.\n",
            "Subject: [#4711] Received\nAuto-Submitted: auto-replied\nPrecedence: bulk\n\nThank you.\n",
            "Subject: Please confirm\n\nTo have your message delivered, click here.\n",
        ] {
            check_from(sender, &format!("From: Bart <bart@x.example>\n{text}"), Other);
        }
    }
    check(
        "From: postmaster@x.example\nSubject: Abwesend\nAuto-Submitted: auto-replied\n\nIch bin im Urlaub.\n",
        Other,
    );
    check_from(
        "postmaster@x.example",
        "From: postmaster@x.example\nSubject: Re: mail\n\nWe look into it.\n",
        Other,
    );
    check("", Other);
    check("Subject: x", Other);
}

/// Reports that servers write only for people, in the words of those servers.
#[test]
fn known_forms_count() {
    for (from, subject, text) in [
        (
            "MAILER-DAEMON@x.example",
            "failure notice",
            "Hi. This is the qmail-send program at x.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<a@x.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nSubject: the delivery is delayed\n",
        ),
        (
            "Mail Delivery System <Mailer-Daemon@x.example>",
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  a@x.example\n    Unrouteable address\n\n------ This is a copy of the message, including all the headers. ------\n",
        ),
        (
            "Mail Delivery Subsystem <MAILER-DAEMON@x.example>",
            "Returned mail: User unknown",
            "   ----- Transcript of session follows -----\n550 a@x.example... User unknown\n\n   ----- Unsent message follows -----\nReceived: from y\n",
        ),
        (
            "MAILER-DAEMON@x.example",
            "Mail",
            "This is the mail system at host x.example.\n\n<a@x.example>: host mx.example said:\n    550 5.1.1 <a@x.example>: Recipient address rejected\n",
        ),
        (
            "Postmaster@x.example",
            "DELIVERY FAILURE: User a (a@x.example) not listed",
            "Your message\n\nwas not delivered to:\n\n  a@x.example\n",
        ),
        (
            "\"System Administrator\" <postmaster@x.example>",
            "Undeliverable: Hello",
            "Your message\n\n  To: a@x.example\n\ndid not reach the following recipient(s):\n",
        ),
        (
            "Mailer Daemon <MAILER-DAEMON@x.example>",
            "Delivery status notification: error",
            "An error has occurred while attempting to deliver a message for\nthe following list of recipients:\n\na@x.example: 550 No such user\n\n    Below is a copy of the original message:\n",
        ),
        (
            "MAILER-DAEMON <>",
            "Mail delivery failed",
            "This is the DragonFly Mail Agent v0.9 at x.example.\n\nThere was an error delivering your mail to <a@x.example>.\n\n550 5.1.1 no\n",
        ),
        (
            "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
            "Delivery Status Notification (Failure)",
            "Delivery to the following recipient failed permanently:\n\n     a@x.example\n",
        ),
        (
            "mailer-daemon@corp.mail.ru",
            "Ваше сообщение не доставлено",
            "Это письмо создано автоматически.\n\na@x.example\nSMTP error from remote mail server: 550 no such user\n",
        ),
        (
            "MAILER-DAEMON@x.example",
            "Unzustellbar",
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n",
        ),
    ] {
        // Exim marks its reports as vacation programs mark their notices.
        for mark in ["", "Auto-Submitted: auto-replied\n", "Auto-Submitted: auto-generated (failure)\n"] {
            let mail = format!("From: {from}\nSubject: {subject}\n{mark}\n{text}");
            check(&mail, Failed);
            check_from("mailer-daemon@x.example", &mail, Failed);
            check_from("anne@x.example", &mail, Other);
            check(
                &mail.replace(from, "Bart <bart@x.example>"),
                if text.contains("qmail-send") { Failed } else { Other },
            );
        }
    }
}

#[test]
fn a_delay_is_no_failure_in_any_language() {
    for (subject, text) in [
        (
            "Warning: message 1a2b3c delayed 24 hours",
            "A message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours. It could not be delivered yet.\nNo action is required on your part. Delivery attempts will continue for some time.\n550 5.1.1 once\n",
        ),
        (
            "Warning: could not send message for past 4 hours",
            "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n",
        ),
        (
            "Delayed Mail (still being retried)",
            "Your message could not be delivered for more than 4 hour(s).\nIt will be retried until it is 5 day(s) old.\n",
        ),
        (
            "Delivery Status Notification (Delay)",
            "Delivery to the following recipient has been delayed:\n\n     a@x.example\n",
        ),
        ("Zustellung verzögert", "Die Zustellung wird weiter versucht: 451 4.7.1 Greylisting\n"),
        ("Nachricht", "Ihre Nachricht konnte noch nicht zugestellt werden (550 5.0.0).\n"),
        ("Avis", "La remise du message est retardée : 550 5.0.0.\n"),
        ("Aviso", "La entrega se ha retrasado 550 5.0.0.\n"),
        ("Avviso", "Consegna in ritardo 550 5.0.0.\n"),
        ("配信の遅延", "550 5.0.0\n"),
        ("Teslimat", "Gecikti; tekrar denenecek: 451 4.4.1\n"),
    ] {
        let mail = format!(
            "From: MAILER-DAEMON@x.example\nSubject: {subject}\nAuto-Submitted: auto-replied\nContent-Type: text/plain; charset=utf-8\n\n{text}"
        );
        let reading = read(None, mail.replace('\n', "\r\n").as_bytes());
        assert_ne!(reading.report, Failed, "{mail}");
    }
}

#[test]
fn who_failed_and_what_came_back_is_read() {
    let part = "--b\nContent-Type: message/rfc822\n\nMessage-ID: <1@l.example>\nTo: l@l.example\n\nMessage-Id:\n <2@l.example>\n--b--\n";
    let mail = status("Original-Recipient: rfc822;Anne@X.example\nAction: failed").replace("--b--\n", part);
    let reading = read(None, mail.as_bytes());
    let failed: Vec<String> = reading.failed.iter().map(Address::key).collect();
    assert_eq!(failed, ["a@x.example", "anne@x.example"]);
    assert_eq!(reading.returned, ["<1@l.example>", "<2@l.example>"]);
    assert!(reading.automatic);
    assert!(
        !read("anne@x.example".parse().ok().as_ref(), b"From: anne@x.example\r\n\r\nHello.\r\n").automatic
    );
    assert!(read(None, b"From: anne@x.example\r\n\r\nAway.\r\n").automatic);
}

proptest! {
    #[test]
    fn nothing_panics(mail in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(None, &mail);
        read(None, &[b"From: MAILER-DAEMON@x\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n", &mail[..]].concat());
    }
}
