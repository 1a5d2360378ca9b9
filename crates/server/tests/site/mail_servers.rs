//! The lines of `sealist mta print` with the real programs: a domain that has mailboxes beside its lists, and
//! one that has lists alone.

use crate::common::jail::Jail;
use crate::common::postfix::Postfix;
use crate::common::{Server, free_port, post};
use sealist_smtp::client::{Connection, NextHop, Protocol, RecipientResult};

const LISTS: [&str; 3] = ["team@example.org", "board.one@example.org", "news@lists.example"];

/// A site with lists of anne and bart, and where its next hop must listen.
fn site() -> (Server, u16) {
    let (lmtp, smtp) = (free_port(), free_port());
    let server = Server::configured(&format!(
        "[site]\ncontact = 'cris@example.org'\n[lmtp]\nlisten = '127.0.0.1:{lmtp}'\n[outgoing]\nport = {smtp}\n\
         [queue]\nretry_after_s = 1\n"
    ));
    for list in LISTS {
        server.cli(&["lists", "create", list, "--style", "legacy-default"]);
        for member in ["anne@example.org", "bart@example.org"] {
            server.cli(&["members", "add", list, member]);
        }
    }
    (server, smtp)
}

/// Sends a message of anne to that address: the reply to it.
async fn send(port: u16, to: &str, subject: &str) -> RecipientResult {
    let message = format!("From: anne@example.org\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nWords.\r\n");
    let target = NextHop::plain("127.0.0.1", port, Protocol::Smtp);
    let mut connection = Connection::connect(&target).await.unwrap();
    let result = post(&mut connection, to, message.as_bytes()).await;
    connection.quit().await;
    result
}

/// What `doctor` says of routes while Postfix has that configuration.
fn routes(server: &Server, postfix: &Postfix) -> String {
    let mut doctor = std::process::Command::new(env!("CARGO_BIN_EXE_sealist"));
    let config = server.folder.path().join("sealist.toml");
    doctor.arg("--config").arg(config).arg("doctor").env("MAIL_CONFIG", postfix.configuration());
    let said = String::from_utf8(doctor.output().unwrap().stdout).unwrap();
    let lines =
        said.lines().filter(|line| ["contact:", "list domain:"].iter().any(|check| line.contains(check)));
    lines.map(|line| format!("{line}\n")).collect()
}

/// Posts reach the members, commands the server, and mail to people their mailboxes, as before.
async fn all_arrive(port: u16, mail_of: impl Fn(&str, usize) -> Vec<Vec<u8>>, log: impl Fn() -> String) {
    for (to, subject) in [
        ("team@example.org", "to the team"),
        ("Board.One@Example.ORG", "to the board"),
        ("news@lists.example", "to all"),
        ("team-request@example.org", "help"),
        ("cris@example.org", "to a person"),
    ] {
        let sent = send(port, to, subject).await;
        assert!(matches!(sent, RecipientResult::Sent(_)), "{to}: {sent:?}\n{}", log());
    }
    let subjects = |user: &str, count: usize| -> String {
        let mail = mail_of(user, count);
        let text: Vec<String> = mail.iter().map(|mail| String::from_utf8_lossy(mail).into_owned()).collect();
        text.iter().flat_map(|mail| mail.lines()).filter(|line| line.starts_with("Subject:")).collect()
    };
    let of_bart = subjects("bart", 3);
    for subject in ["to the team", "to the board", "to all"] {
        assert!(of_bart.contains(subject), "{of_bart}\n{}", log());
    }
    // Three copies of her own posts, and the answer to a command.
    subjects("anne", 4);
    assert!(subjects("cris", 1).contains("to a person"));
    // What is neither a list nor a mailbox is refused as before.
    for nobody in ["nobody@example.org", "teams@example.org", "team-x@example.org", "boardxone@example.org"] {
        let refused = send(port, nobody, "to nobody").await;
        assert!(matches!(refused, RecipientResult::Failed(..)), "{nobody}: {refused:?}\n{}", log());
    }
}

/// Whatever kind of domain it is to Postfix: that of virtual mailboxes, or its own.
#[tokio::test(flavor = "multi_thread")]
async fn postfix_takes_lists_beside_its_own_users() {
    let (server, smtp) = site();
    let printed = server.cli(&["mta", "print", "postfix"]);
    let own = "mydestination = example.org\nvirtual_mailbox_domains =\nlocal_transport = virtual\n\
               local_recipient_maps = inline:{ anne=x bart=x cris=x }\n";
    let postfix = Postfix::start_at(smtp, &format!("{own}{printed}"));
    all_arrive(smtp, |user, count| postfix.mail_of(user, count), || postfix.log()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_takes_lists_beside_mailboxes() {
    let (server, smtp) = site();
    let postfix = Postfix::start_at(smtp, &server.cli(&["mta", "print", "postfix"]));
    all_arrive(smtp, |user, count| postfix.mail_of(user, count), || postfix.log()).await;
    let refused = send(smtp, "nobody@lists.example", "to nobody").await;
    assert!(matches!(refused, RecipientResult::Failed(..)), "{refused:?}\n{}", postfix.log());

    // As most are set up, it takes what this machine sends to any domain, and its answer says little.
    postfix.add("mynetworks = 127.0.0.0/8\n");
    let said = routes(&server, &postfix);
    assert_eq!(said.matches("ok    ").count(), 4, "the contact, two lists beside it, and a domain: {said}");
    assert!(!said.contains("WARN"), "{said}");
    // Postfix has no line for what is made later: a domain, and a list in the domain with mailboxes.
    server.cli(&["lists", "create", "team@lists2.example", "--style", "legacy-default"]);
    let said = routes(&server, &postfix);
    assert!(
        said.contains("WARN  list domain: Postfix has no line in transport_maps for mail to team@lists2"),
        "{said}"
    );
    assert_eq!(said.matches("WARN").count(), 1, "{said}");
    server.cli(&["lists", "create", "later@example.org", "--style", "legacy-default"]);
    let said = routes(&server, &postfix);
    assert!(
        said.contains("FAULT list domain: the next hop refuses mail for later@example.org: 550"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exim_takes_lists_beside_mailboxes() {
    let (server, smtp) = site();
    let printed = server.cli(&["mta", "print", "exim"]);
    // Each part belongs into the section that its first line names.
    let part = |name: &str| {
        let (_, rest) = printed.split_once(name).unwrap_or_else(|| panic!("no {name} in {printed}"));
        let parts = ["\n# Main section", "\n# acl_check_rcpt", "\n# Section"];
        let end = parts.iter().filter_map(|next| rest.find(next)).min().unwrap_or(rest.len());
        rest[..end].split_once('\n').unwrap().1.to_owned()
    };
    let (main, acl) = (part("# Main section"), part("# acl_check_rcpt"));
    let (routers, transports) = (part("# Section routers"), part("# Section transports"));
    let configuration = format!(
        "primary_hostname = mx.example.org\nexim_user = mail\nexim_group = mail\ndeliver_drop_privilege\nlocal_interfaces = 127.0.0.1\n\
         daemon_smtp_ports = {smtp}\ntls_advertise_hosts =\nkeep_environment =\nsmtp_accept_max_per_host = 100\n\
         domainlist local_domains = example.org\n{main}\
         domainlist relay_to_domains = +sealist_domains\nacl_smtp_rcpt = acl_check_rcpt\n\
         begin acl\nacl_check_rcpt:\n{acl}\n\
         \x20 accept domains = +local_domains : +relay_to_domains\n    verify = recipient\n\
         \x20 deny message = relay not permitted\n\
         begin routers\n{routers}\n\
         people:\n  driver = accept\n  domains = +local_domains\n  local_parts = anne : bart : cris\n  transport = maildir\n\
         begin transports\n{transports}\n\
         maildir:\n  driver = appendfile\n  directory = /home/mail/$local_part_data\n  maildir_format\n  create_directory\n\
         begin retry\n* * F,2h,1s\n"
    );
    let mut exim = Jail::around("exim4-daemon-light");
    exim.start(("etc/exim4/exim4.conf", &configuration), &["/usr/sbin/exim4", "-bdf", "-v"], smtp);
    all_arrive(smtp, |user, count| exim.mail_of(user, count), || exim.log()).await;
    let refused = send(smtp, "nobody@lists.example", "to nobody").await;
    assert!(matches!(refused, RecipientResult::Failed(..)), "{refused:?}\n{}", exim.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn opensmtpd_takes_lists_beside_mailboxes() {
    let (server, smtp) = site();
    let printed = server.cli(&["mta", "print", "opensmtpd"]);
    let configuration = format!(
        "listen on 127.0.0.1 port {smtp}\n\
         table people {{ \"anne\" = \"mail\", \"bart\" = \"mail\", \"cris\" = \"mail\" }}\n\
         {printed}\
         action \"people\" maildir \"/home/mail/%{{rcpt.user}}\" virtual <people>\n\
         match from any for domain \"example.org\" action \"people\"\n"
    );
    let mut opensmtpd = Jail::around("opensmtpd");
    opensmtpd.start(("etc/smtpd.conf", &configuration), &["/usr/sbin/smtpd", "-d"], smtp);
    all_arrive(smtp, |user, count| opensmtpd.mail_of(user, count), || opensmtpd.log()).await;
}
