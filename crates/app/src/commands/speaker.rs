//! Who sent commands, what speaks for them, and the words that count.

use std::sync::Arc;

use sealist_lists::commands::{self, Command, KeyCommand, Script};
use sealist_lists::facts::{Addressed, Replay};
use sealist_lists::model::{Door, Role};
use sealist_lists::replay::Past;
use sealist_mail::{Entity, Headers, Mailbox, autocrypt_key, first_text, key_blocks};
use sealist_openpgp::{Certificate, Cleartext, Encryption, Opened, statements};
use sealist_store::queue::Entry;
use sealist_store::requests::{self, Request};
use zeroize::Zeroizing;

use crate::AppError;
use crate::incoming::gather::{addressed, open};
use crate::incoming::past::Brought;
use crate::requests::{Asker, Desk, Facts, Proven, facts};

/// Who sent a message to an address for commands.
pub(super) struct Speaker {
    pub(super) asker: Asker,
    pub(super) facts: Facts,
    /// On lists with OpenPGP.
    pub(super) opened: Option<Opened>,
    /// Whether the certificate of the address signed all of it, for this address, for the first time.
    pub(super) signed: bool,
    /// Whether it came encrypted, or as if it were.
    pub(super) encrypted: bool,
    /// What was signed was here before, or was meant for another address.
    pub(super) misled: Option<&'static str>,
    /// The signed texts that it brings, and what the replay record says of them.
    pub(super) brought: Arc<Brought>,
    pub(super) past: Past,
    /// The keys and revocations that came along.
    pub(super) keys: Vec<Vec<u8>>,
    /// The key that the mail program added by itself; nothing that was decrypted counts together with it.
    pub(super) autocrypt: Option<Vec<u8>>,
    pub(super) script: Script,
}

impl Speaker {
    /// Whether the sender has one of these roles.
    pub(super) fn is_one_of(&self, roles: &[Role]) -> bool {
        self.facts.roles.iter().any(|member| roles.contains(&member.role))
    }

    /// Whether it may be told plainly what became of it. Who sent something that we decrypted, and proved nothing, could
    /// otherwise learn what it held.
    pub(super) fn may_be_told(&self) -> bool {
        !self.encrypted || self.asker.proven == Proven::Yes
    }
}

pub(super) async fn hear(
    desk: Desk<'_>,
    entry: &Entry,
    message: &Arc<Cleartext>,
    mailbox: &Mailbox,
) -> Result<Speaker, AppError> {
    let Desk { app, list, now } = desk;
    let address = mailbox.address.clone();
    let facts = facts(app, list, &address).await?;
    let waiting = requests::of_address(&mut *app.store.reader().await?, list.no, &address, now).await?;
    let signers = signers(&facts, &waiting)?;
    let opened = open(app, list, message, &signers, now).await?;
    let brought = Brought::by(app, list, entry, opened.as_ref());
    let past = brought.past(app).await?;
    let elsewhere = |opened: &Opened| addressed(opened, list, entry.door) == Addressed::Elsewhere;
    let misled = match past.replay {
        Replay::PostedHere | Replay::PostedElsewhere | Replay::SeenHere => Some("replayed"),
        _ if opened.as_ref().is_some_and(elsewhere) => Some("not-meant-for-here"),
        _ => None,
    };
    let known = facts.known.as_ref().map(Certificate::fingerprint);
    let by_known = |opened: &Opened| {
        opened.valid_signature().is_some_and(|valid| Some(valid.certificate()) == known.as_ref())
    };
    let signed = misled.is_none() && opened.as_ref().is_some_and(by_known);
    let encrypted = opened.as_ref().is_some_and(|opened| opened.encryption() != Encryption::None);
    let (subject, text) = words(opened.as_ref(), message);
    let mut script = commands::read(entry.door, &entry.detail, &subject, &text);
    imply_confirmation(&mut script, &text);
    let keys = match &opened {
        Some(opened) => opened.key_blocks(),
        None => key_blocks(&Entity::parse(message)),
    };
    let autocrypt = (!encrypted).then(|| autocrypt_key(&Entity::parse(message).headers, &address)).flatten();
    let proven = if signed { Proven::Yes } else { Proven::No };
    Ok(Speaker {
        asker: Asker { address, proven },
        facts,
        opened,
        signed,
        encrypted,
        misled,
        brought: Arc::new(brought),
        past,
        keys,
        autocrypt,
        script,
    })
}

/// The confirmed key of the address, and the keys that it offers.
fn signers(facts: &Facts, waiting: &[Request]) -> Result<Vec<Certificate>, AppError> {
    let offered = waiting.iter().filter_map(|request| request.certificate.as_deref());
    let mut signers: Vec<Certificate> = facts.known.iter().cloned().collect();
    for certificate in offered {
        let certificate = Certificate::from_stored(certificate)?;
        if signers.iter().all(|known| known.fingerprint() != certificate.fingerprint()) {
            signers.push(certificate);
        }
    }
    Ok(signers)
}

/// Subject and text. Of what is signed, only what the signature covers.
fn words(opened: Option<&Opened>, message: &[u8]) -> (String, Zeroizing<String>) {
    let outer = || Headers::parse(message).0.text("subject").unwrap_or_default();
    let Some(opened) = opened else {
        return (outer(), Zeroizing::new(first_text(&Entity::parse(message))));
    };
    let protected = opened.protected_headers().and_then(|headers| headers.text("subject"));
    let subject = match protected {
        Some(subject) => subject,
        None if opened.signatures().is_empty() => outer(),
        None => String::new(),
    };
    (subject, opened.text())
}

/// A statement needs no command: it says itself what it is.
fn imply_confirmation(script: &mut Script, text: &str) {
    let confirms = |(_, read): &(String, Result<Command, _>)| {
        matches!(read, Ok(Command::Confirm(_) | Command::Key(KeyCommand::Confirm(_))))
    };
    if script.lines.iter().any(confirms) {
        return;
    }
    if let [found] = &statements(text)[..] {
        let token = found.statement.token.clone();
        script.lines.retain(|(_, read)| read.is_ok());
        let command = Command::Key(KeyCommand::Confirm(token));
        script.lines.push(("key confirm".to_owned(), Ok(command)));
    }
}

/// The doors that take commands.
pub(crate) fn takes_commands(door: Door) -> bool {
    matches!(door, Door::Request | Door::Join | Door::Leave | Door::Confirm)
}
