//! The words of notices: in whose language, and from whose files.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::site::{LIST, Site, WAIT};
use crate::common::{encrypted, entity, read};
use sealist_mail::rfc3156::{Shape, classify};
use sealist_mail::{Entity, Headers};

const SENDKEY: &str = "team-sendkey@lists.example";

fn template(site: &Site, path: &str, content: &str) {
    let path = site.server.folder.path().join("data/templates").join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn reread(site: &Site) {
    let end = Instant::now() + Duration::from_secs(20);
    let read = |site: &Site| site.server.log().matches("templates-reloaded").count();
    let before = read(site);
    assert!(
        Command::new("kill").args(["-HUP", &site.server.child.id().to_string()]).status().unwrap().success()
    );
    while read(site) == before {
        assert!(Instant::now() < end, "{}", site.server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks for the list's key: subject and words of the answer, which is signed.
async fn ask_for_key(site: &Site, address: &str) -> (String, String) {
    let ask = format!("From: {address}\r\nSubject: \r\n\r\n");
    let file = site.server.file("ask.eml", ask.as_bytes());
    site.server.cli(&["inject", SENDKEY, &file, "--sender", address]);
    let notices = site.sink.wait_for(1, WAIT).await;
    assert_eq!(notices[0].recipient, address);
    let header = notices[0].message.split(|octet| *octet == b'\n').take_while(|line| line.len() > 1);
    assert!(header.into_iter().all(|line| line.is_ascii()), "encoded words");
    let subject = Headers::parse(&notices[0].message).0.text("subject").unwrap();
    let Shape::Signed { signed, .. } = classify(&notices[0].message) else { panic!("signed by the list") };
    let whole = Entity::parse(signed);
    let boundary = whole.content_type().parameter("boundary").unwrap().to_owned();
    let parts = sealist_mail::multipart::split(whole.body, &boundary).unwrap();
    let words = String::from_utf8(Entity::parse(parts[0]).decoded_body().unwrap().into_owned()).unwrap();
    (subject, words)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_read_their_own_language_and_else_that_of_the_list() {
    let site = Site::new().await;
    for address in ["cris@example.org", "dora@example.org"] {
        site.server.cli(&["members", "add", LIST, address]);
    }
    site.server.cli(&["members", "set", LIST, "cris@example.org", "preferred_language", "de"]);
    site.server.cli(&["lists", "set", LIST, "preferred_language", "fr"]);
    let (subject, words) = ask_for_key(&site, "cris@example.org").await;
    assert_eq!(subject, "Der Schlüssel von Team");
    assert!(words.contains("verschlüsseln Sie Ihre Nachrichten"), "{words}");
    let (subject, words) = ask_for_key(&site, "dora@example.org").await;
    assert_eq!(subject, "La clé de Team");
    assert!(words.contains("liste de\r\ndiffusion team@lists.example"), "{words}");
    site.server.cli(&["lists", "set", LIST, "preferred_language", ""]);
    let (subject, _) = ask_for_key(&site, "stranger@example.com").await;
    assert_eq!(subject, "The key of Team");

    // Sealed notices, their reasons, and what stands before a post.
    let olga = site.person("olga@example.org");
    site.join("olga@example.org", "owner", &olga);
    site.server.cli(&["members", "set", LIST, "olga@example.org", "preferred_language", "de"]);
    let unsigned = olga.encrypt(LIST, &entity("x", "Words.")).unwrap();
    let notices = site.send(LIST, &encrypted("stranger@example.com", LIST, &unsigned), 1).await;
    let notice = read(&olga, &notices[0].message);
    assert!(notice.contains("Subject: Eine Nachricht an Team wartet auf Ihre Entscheidung"), "{notice}");
    assert!(notice.contains(" - Die Nachricht ist nicht als Ganzes signiert."), "{notice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_an_admin_stand_in_place_of_ours() {
    let site = Site::new().await;
    let of = |scope: &str, name: &str| format!("{scope}/en/list:user:notice:{name}.txt");
    template(&site, &of("site", "sendkey"), "Of the site\n\nFor {{ address }}.\n");
    reread(&site);
    assert_eq!(ask_for_key(&site, "anne@example.org").await.0, "Of the site");
    template(&site, &of("lists/team.lists.example", "sendkey"), "Für {{ list }}\n\nFor {{ address }}.\n");
    template(&site, &of("site", "rejected"), "Broken {{ lst }}\n\nWords.\n");
    reread(&site);
    let (subject, words) = ask_for_key(&site, "bart@example.org").await;
    assert_eq!((&*subject, &*words), ("Für Team", "For team@lists.example.\r\n"));

    // The broken one is named: in the log, and with its cure.
    let broken = of("site", "rejected");
    assert_eq!(site.server.log().matches(&broken).count(), 1);
    template(&site, &of("lists/team@lists.example", "welcome"), "Welcome\n\nWords.\n");
    let doctor = site.server.command(&["doctor"]).stdout;
    let doctor = String::from_utf8(doctor).unwrap();
    assert!(doctor.contains(&format!("WARN  template: {broken}: undefined value (line 1)")), "{doctor}");
    assert!(doctor.contains("fix: mend or remove"), "{doctor}");
    let stranger = format!("template: {}: there is no such list", of("lists/team@lists.example", "welcome"));
    assert!(doctor.contains(&stranger), "{doctor}");
    let anne = site.person("anne@example.org");
    site.join("anne@example.org", "member", &anne);
    let unsigned = anne.encrypt(LIST, &entity("x", "Words.")).unwrap();
    let notices = site.send(LIST, &encrypted("anne@example.org", LIST, &unsigned), 1).await;
    assert!(read(&anne, &notices[0].message).contains("Subject: Your message to Team was not posted"));

    let listed = site.server.cli(&["texts", "list", "--list", LIST]);
    assert!(
        listed.contains("    en  lists/team.lists.example/en/list:user:notice:sendkey.txt\n"),
        "{listed}"
    );
    assert!(listed.contains("    de  built in (de)\n"), "{listed}");
    let shown = site.server.cli(&["texts", "show", "list:user:notice:sendkey", "--list", LIST]);
    assert!(shown.starts_with("Für {{ list }}\n\nFor {{ address }}.\n{# Values:\n"), "{shown}");

    // What is printed can be put into a file as it is.
    let german = site.server.cli(&["texts", "show", "list:user:notice:sendkey", "--language", "de"]);
    template(&site, "site/en/list:user:notice:sendkey.txt", &german);
    std::fs::remove_dir_all(site.server.folder.path().join("data/templates/lists")).unwrap();
    reread(&site);
    let (subject, words) = ask_for_key(&site, "cris@example.org").await;
    assert_eq!(subject, "Der Schlüssel von Team");
    assert!(words.ends_with("Ihre Nachrichten an die Liste damit.\r\n"), "{words}");
}
