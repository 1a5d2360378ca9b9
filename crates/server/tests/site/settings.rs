//! `sealist lists show`, `set` and `reset`.

use serde_json::{Value, json};

use crate::common::Server;

const LIST: &str = "team@lists.example";

fn shown(server: &Server) -> Value {
    serde_json::from_str(&server.cli(&["--json", "lists", "show", LIST])).unwrap()
}

/// All that are named are set, or none; a reset gives the default of the style back.
#[test]
fn settings_are_set_together_and_reset() {
    let server = Server::start();
    server.cli(&["lists", "create", LIST, "--style", "pgp-announce"]);
    let before = shown(&server);
    assert_eq!((&before["style"], &before["generation"]), (&json!("pgp-announce"), &json!(0)));
    assert_eq!(before["derived"]["owner_address"], "team-owner@lists.example");

    let together = ["lists", "set", LIST, "max_message_kib=7", "description=a=b", "verp=false"];
    let said = server.cli(&together);
    assert_eq!(said.lines().filter(|line| line.ends_with(" is set")).count(), 3, "{said}");
    server.cli(&["lists", "set", LIST, "subject_prefix", "[x=y] "]);
    let after = shown(&server);
    let of = |name: &str| after["settings"][name].clone();
    let size = of("max_message_kib");
    assert_eq!(
        (&size["value"], &size["default"], &size["differs"]),
        (&json!(7), &json!(10240), &json!(true))
    );
    assert!(size["description"].as_str().unwrap().contains("KiB"), "{size}");
    assert_eq!(
        (&of("description")["value"], &of("subject_prefix")["value"]),
        (&json!("a=b"), &json!("[x=y] "))
    );
    assert_eq!(of("hide_subject")["differs"], false);
    assert_eq!(after["generation"], 2);

    for wrong in [&["max_message_kib=8", "verp=perhaps"][..], &["max_message_kib=8", "verp"], &["verp"]] {
        let refused = server.command(&[&["lists", "set", LIST], wrong].concat());
        assert!(!refused.status.success(), "{wrong:?}");
    }
    assert_eq!(shown(&server), after, "nothing of it is done");
    let text = server.cli(&["lists", "show", LIST]);
    assert!(text.contains("max_message_kib = 7  (default 10240)\n"), "{text}");
    server.cli(&["lists", "reset", LIST, "max_message_kib", "description", "verp", "subject_prefix"]);
    assert_eq!(shown(&server)["settings"], before["settings"]);
}

/// What a newer version wrote is shown, and everything else goes on.
#[test]
fn a_setting_of_a_newer_version_is_shown() {
    let server = Server::start();
    server.cli(&["lists", "create", LIST]);
    let db = rusqlite::Connection::open(server.folder.path().join("data/sealist.db")).unwrap();
    for (name, value) in [("colour", "\"red\""), ("unsigned_msg_action", "\"quarantine\"")] {
        db.execute("INSERT INTO list_settings (list_no, name, value) VALUES (1, ?1, ?2)", [name, value])
            .unwrap();
    }
    let text = server.cli(&["lists", "show", LIST]);
    assert!(text.contains("colour = \"red\"  (not known to this version)\n"), "{text}");
    let data = shown(&server);
    assert_eq!(data["unknown"], json!({"colour": "\"red\"", "unsigned_msg_action": "\"quarantine\""}));
    assert_eq!(data["settings"]["unsigned_msg_action"]["value"], "reject", "the list goes by its style");
    server.cli(&["lists", "set", LIST, "max_message_kib", "7"]);
    assert_eq!(shown(&server)["unknown"], data["unknown"], "kept");
    assert!(server.cli(&["lists", "list"]).contains(LIST));
}
