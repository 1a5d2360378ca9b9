use super::*;

fn routes(contact: &str, lists: &[&str]) -> Routes {
    let mut config = Config::default();
    config.site.contact = contact.to_owned();
    config.site.mailbox_domains = vec!["Other.example".to_owned()];
    let lists: Vec<ListName> = lists.iter().map(|name| name.parse().unwrap()).collect();
    Routes::of(&config, &lists)
}

#[test]
fn a_domain_with_mailboxes_is_never_taken_over() {
    let all = [Server::Postfix, Server::Exim, Server::Opensmtpd, Server::Stalwart, Server::Mox];
    let mut config = Config::default();
    config.site.contact = "director@ngo.example".to_owned();
    let names: Vec<ListName> =
        ["team@ngo.example", "board@lists.ngo.example"].map(|name| name.parse().unwrap()).to_vec();
    for server in all {
        let text = lines(&config, &names, server).unwrap();
        // A line that names the shared domain must name its lists, too. In Exim's router these are two lines.
        let text = text.replace("domains = ngo.example\n", "domains = ngo.example ");
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let shared = line.replace('\\', "").replace("lists.ngo.example", "");
            assert!(!shared.contains("ngo.example") || shared.contains("team"), "{server:?}: {line}");
        }
        assert!(text.contains("lists.ngo.example"), "{server:?}: {text}");
        assert!(lines(&config, [], server).is_err(), "{server:?}: nothing to say");
    }
}

#[test]
fn which_domains_have_mailboxes() {
    fn check(contact: &str, list: &str, shared: bool) {
        let routes = routes(contact, &[list]);
        assert_eq!(
            (routes.shared.len() == 1, routes.whole.len() == 1),
            (shared, !shared),
            "{contact} {list}"
        );
    }
    check("olga@ngo.example", "team@ngo.example", true);
    check("olga@NGO.example", "team@ngo.example", true);
    check("olga@ngo.example", "team@lists.ngo.example", false);
    check("", "team@lists.example", false);
    check("", "team@other.example", true);
}

#[test]
fn the_pattern_takes_all_addresses_of_a_list_and_no_other() {
    let lists = BTreeSet::from(["team".to_owned(), "a.b".to_owned()]);
    let pattern = format!("^{}$", Routes::local_parts(&lists));
    let takes = |local: &str| {
        let mut grep = std::process::Command::new("grep");
        let mut child = grep.args(["-Eqx", &pattern]).stdin(std::process::Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{local}\n").as_bytes()).unwrap();
        child.wait().unwrap().success()
    };
    for local in [
        "team",
        "team-request",
        "team-unsubscribe",
        "team-bounces+anne=x.example",
        "a.b-owner",
        "team+x",
        "_b+handle",
        "_c+4.token",
    ] {
        assert!(takes(local), "{local}");
    }
    for local in ["teams", "axb", "team-x", "director", "team-requests", "xteam", "-request", "_b", "_d+x"] {
        assert!(!takes(local), "{local}");
    }
}
