//! End to end through a real Postfix: in by SMTP, to us by LMTP, back out through Postfix into maildirs.

use crate::common::gpg::Gpg;
use crate::common::postfix::{Postfix, certificate};
use crate::common::{Server, encrypted, entity, free_port, post_as, read};
use sealist_smtp::client::{
    Connection, Envelope, NextHop, Protocol, RecipientResult, Security, Verify, WireBody,
};
use tempfile::TempDir;

const LIST: &str = "team@lists.example";
const MEMBERS: [&str; 3] = ["anne", "bart", "cris"];

async fn send(target: &NextHop, from: &str, to: &str, message: &[u8]) -> RecipientResult {
    let mut connection = Connection::connect(target).await.unwrap();
    let result = post_as(&mut connection, from, to, message).await;
    connection.quit().await;
    result
}

/// The whole way, in the clear or with TLS on both wires.
async fn whole_way(sections: &str, postfix_lines: &str, security: Security) {
    let (lmtp, smtp) = (free_port(), free_port());
    // The server is up first, so that Postfix's lines can be those that the command prints.
    let server = Server::configured(&format!(
        "[lmtp]\nlisten = '127.0.0.1:{lmtp}'\n{sections}port = {smtp}\n[queue]\nretry_after_s = 1\n"
    ));
    server.cli(&["lists", "create", LIST]);
    let members = MEMBERS.map(|name| {
        let (gpg, address) = (Gpg::new().unwrap(), format!("{name}@example.org"));
        gpg.make_key(&format!("{name} <{address}>"), if name == "cris" { "rsa" } else { "curve25519" })
            .unwrap();
        gpg.import(server.cli(&["lists", "key", LIST]).as_bytes()).unwrap();
        let key = server.file(&format!("{name}.asc"), &gpg.export(&address).unwrap());
        server.cli(&["members", "add", LIST, &address, "--key", &key]);
        gpg
    });
    let printed = server.cli(&["postfix", "print"]);
    let postfix = Postfix::start_at(smtp, &format!("{printed}{postfix_lines}"));
    let target =
        NextHop { security, verify: Verify::No, ..NextHop::plain("127.0.0.1", postfix.port, Protocol::Smtp) };

    let large: String = (0..40_000).map(|n| format!(".{n} a line that begins with a dot\r\n")).collect();
    for (n, text) in ["We meet at seven.", &large].into_iter().enumerate() {
        let armor = members[n].sign_and_encrypt(LIST, &entity("Grüße", text)).unwrap();
        let from = format!("{}@example.org", MEMBERS[n]);
        let result = send(&target, &from, LIST, &encrypted(&from, LIST, &armor)).await;
        assert!(matches!(result, RecipientResult::Sent(_)), "{result:?}\n{}", postfix.log());
    }
    for (name, gpg) in MEMBERS.iter().zip(&members) {
        let copies = postfix.mail_of(name, 2);
        let texts: Vec<String> = copies.iter().map(|copy| read(gpg, copy)).collect();
        assert!(texts.iter().any(|text| text.contains("We meet at seven.")), "{name}");
        assert!(texts.iter().any(|text| text.contains(&large)), "{name}: all lines, dots and all");
    }
    let stranger = send(&target, "eve@example.com", "nobody@lists.example", b"Subject: x\r\n\r\nx").await;
    let RecipientResult::Failed(reply, _) = stranger else { panic!("{stranger:?}\n{}", postfix.log()) };
    assert_eq!(reply.code, 550, "{reply}");
    if security == Security::StartTls {
        let log = postfix.log();
        assert!(log.contains("TLS connection established to 127.0.0.1"), "LMTP is under TLS:\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_goes_through_postfix_and_back() {
    whole_way("[outgoing]\n", "", Security::None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn and_with_tls_on_both_wires() {
    let folder = TempDir::new().unwrap();
    let (chain, key) = certificate(folder.path());
    let sections = format!(
        "tls_certificate = '{chain}'\ntls_key = '{key}'\n[outgoing]\nsecurity = 'starttls'\nverify = false\n"
    );
    let lines = format!(
        "smtpd_tls_cert_file = {chain}\nsmtpd_tls_key_file = {key}\nsmtpd_tls_security_level = encrypt\n\
         lmtp_tls_security_level = encrypt\nlmtp_tls_loglevel = 1\n"
    );
    whole_way(&sections, &lines, Security::StartTls).await;
}

/// Whether contents go ahead of the replies or each behind the answer to its DATA.
#[tokio::test(flavor = "multi_thread")]
async fn what_postfix_refuses_spoils_nothing_beside_it() {
    for (lines, data) in [("", 0), ("smtpd_discard_ehlo_keywords = chunking\n", 43)] {
        let lines = format!("message_size_limit = 20000\ndebug_peer_list = 127.0.0.1\n{lines}");
        let postfix = Postfix::start_at(free_port(), &lines);
        let to = |recipients: &[&str], octets: usize| Envelope {
            id: recipients.len() as u64,
            sender: Some("team@lists.example".into()),
            recipients: recipients.iter().map(|name| format!("{name}@example.org")).collect(),
            body: WireBody::from_message(
                format!("Subject: x\r\n\r\n{}", "words\r\n".repeat(octets / 7)).as_bytes(),
            ),
        };
        let refused = [to(&["nobody"], 70), to(&["anne"], 70_000), to(&["nobody", "bart"], 70)];
        let good = || (0..20).map(|_| to(&["anne"], 7000));
        let mut envelopes = good().chain(refused).chain(good());
        let mut words = Vec::new();
        let mut connection =
            Connection::connect(&NextHop::plain("127.0.0.1", postfix.port, Protocol::Smtp)).await.unwrap();
        let done = |_, results: Vec<RecipientResult>| {
            words.extend(results.iter().map(|result| match result {
                RecipientResult::Sent(_) => 's',
                RecipientResult::Failed(..) => 'f',
                _ => '?',
            }));
        };
        connection.deliver(|| envelopes.next(), done).await.unwrap();
        let sent = "s".repeat(20);
        assert_eq!(words.iter().collect::<String>(), format!("{sent}fffs{sent}"), "{}", postfix.log());
        assert_eq!(postfix.mail_of("anne", 40).len(), 40);
        assert_eq!(postfix.mail_of("bart", 1).len(), 1);
        assert_eq!(postfix.log().matches("]: DATA").count(), data, "{}", postfix.log());
    }
}
