//! A list with its members: makes their messages and reads their copies.

use std::collections::HashMap;

use sealist_mail::Timestamp;
use sealist_mail::rfc3156::{Shape, classify};
use sealist_openpgp::Certificate;
use sealist_openpgp::testing::{Kind, Person};

use crate::site::Site;

/// The text before a message's number.
const MARK: &str = "chaos-id=";

/// A list and its members. The first member posts.
pub struct Roster {
    /// The posting address.
    pub list: String,
    /// All members.
    pub members: Vec<String>,
    keys: Option<RosterKeys>,
}

struct RosterKeys {
    people: HashMap<String, Person>,
    list: Certificate,
}

impl Roster {
    /// A list without OpenPGP.
    pub fn plain(site: &Site, local: &str, members: usize) -> anyhow::Result<Self> {
        let list = format!("{local}@lists.example");
        site.cli(&["lists", "create", &list, "--style", "legacy-default"])?;
        let members = addresses(local, members);
        for member in &members {
            site.cli(&["members", "add", &list, member])?;
        }
        Ok(Self { list, members, keys: None })
    }

    /// A list that accepts signed and encrypted posts and seals its copies.
    pub fn sealed(site: &Site, local: &str, members: usize) -> anyhow::Result<Self> {
        let list = format!("{local}@lists.example");
        site.cli(&["lists", "create", &list])?;
        let members = addresses(local, members);
        let mut people = HashMap::new();
        for member in &members {
            let person = Person::new(member, Kind::Curve25519, Timestamp::now());
            let file = site.path("key.asc");
            std::fs::write(&file, person.certificate().armored())?;
            site.cli(&["members", "add", &list, member, "--key", &file.display().to_string()])?;
            people.insert(member.clone(), person);
        }
        let key = Certificate::read_one(site.cli(&["lists", "key", &list])?.as_bytes())?;
        Ok(Self { list, members, keys: Some(RosterKeys { people, list: key }) })
    }

    /// A list that no site has.
    #[cfg(test)]
    pub(crate) fn of_strangers(list: &str, members: &[&str]) -> Self {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        Self { list: list.to_owned(), members, keys: None }
    }

    /// The member who posts.
    pub fn author(&self) -> &str {
        &self.members[0]
    }

    /// The message of that number, signed and encrypted if the list requires it.
    pub fn message(&self, id: u64) -> Vec<u8> {
        self.message_with(id, "We meet at seven.")
    }

    /// The same with other words.
    pub fn message_with(&self, id: u64, words: &str) -> Vec<u8> {
        let text = format!("{MARK}{id};\r\n{words}\r\n");
        match self.signer() {
            Some((author, list)) => {
                let entity = format!(
                    "Content-Type: text/plain; charset=utf-8; protected-headers=\"v1\"\r\nSubject: No. {id}\r\n\r\n{text}"
                );
                author.mail(list, entity.as_bytes(), Timestamp::now())
            }
            None => plain(self.author(), &self.list, id, &text),
        }
    }

    /// The author's keys and the list's certificate, if the list uses OpenPGP.
    pub fn signer(&self) -> Option<(&Person, &Certificate)> {
        let keys = self.keys.as_ref()?;
        Some((keys.people.get(self.author())?, &keys.list))
    }

    /// The number of the message in a copy to `recipient`. `None` if the recipient cannot read it.
    pub fn read(&self, recipient: &str, copy: &[u8]) -> Option<u64> {
        match &self.keys {
            None => number(copy),
            Some(_) => number(&self.open(recipient, copy)?),
        }
    }

    /// Whether the list recognises a message that arrives a second time. It does if messages are signed.
    pub fn knows_what_came_again(&self) -> bool {
        self.keys.is_some()
    }

    /// Whether the copy is the notice to the author that a message arrived a second time. Lists without keys
    /// send none.
    pub fn tells_of_second_arrival(&self, recipient: &str, copy: &[u8]) -> bool {
        let says = |text: Vec<u8>| String::from_utf8_lossy(&text).contains("came a second time");
        recipient == self.author() && self.open(recipient, copy).is_some_and(says)
    }

    /// The text that the recipient sees under the list's signature.
    fn open(&self, recipient: &str, copy: &[u8]) -> Option<Vec<u8>> {
        let keys = self.keys.as_ref()?;
        let Shape::Encrypted(armor) = classify(copy) else { return None };
        let (text, signed) = keys.people.get(recipient)?.read(&armor, &keys.list)?;
        signed.then(|| text.to_vec())
    }
}

/// The number in a text.
pub fn number(text: &[u8]) -> Option<u64> {
    let at = text.windows(MARK.len()).position(|window| window == MARK.as_bytes())? + MARK.len();
    let digits: String =
        text[at..].iter().map(|octet| char::from(*octet)).take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// An unencrypted message.
pub fn plain(from: &str, to: &str, id: u64, text: &str) -> Vec<u8> {
    format!("From: {from}\r\nTo: {to}\r\nSubject: No. {id}\r\nMessage-ID: <{id}@chaos.example>\r\n\r\n{text}")
        .into_bytes()
}

/// A stranger's message with its number. It is received and held.
pub fn strange(to: &str, id: u64) -> Vec<u8> {
    plain("stranger@example.com", to, id, &format!("{MARK}{id};\r\nWords.\r\n"))
}

fn addresses(local: &str, count: usize) -> Vec<String> {
    (0..count).map(|at| format!("m{at}.{local}@example.org")).collect()
}
