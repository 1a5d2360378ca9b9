//! Finds out who sent commands, what proves it, and which text counts.

use std::sync::Arc;

use sealist_lists::commands::{self, CommandScript, KeyCommand, MailCommand, Problem, SubjectLine};
use sealist_lists::events::{Actor, MailProof};
use sealist_lists::facts::{Addressed, Replay};
use sealist_lists::model::{MailingList, Role, SubAddress};
use sealist_lists::replay::ReplayHistory;
use sealist_mail::{Entity, Headers, Mailbox, autocrypt_key, first_text, key_blocks};
use sealist_openpgp::{self as openpgp, Certificate, Encryption, KeyMaterial, Opened, statements};
use sealist_store::queue::QueueEntry;
use sealist_store::requests::{self, Request};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::closed::Closed;
use super::questions::{Answering, QuestionScope, answering, imply};
use crate::addresses::source_of;
use crate::error::AppError;
use crate::opening::{ReceivedMessage, addressed, open};
use crate::requests::{ListContext, PersonFacts, Proven, Requester, facts};
use crate::signed_texts::SignedTexts;
use crate::site::App;

/// The sender of a message to an address for commands.
pub(super) struct CommandSender {
    pub(super) requester: Requester,
    /// The name in the From field, which nothing proves.
    pub(super) name: Option<String>,
    pub(super) facts: PersonFacts,
    /// On lists with OpenPGP.
    pub(super) opened: Option<Opened>,
    /// Whether the certificate of the address signed the whole message, for this address, for the first time.
    pub(super) signed: bool,
    /// Whether the message was encrypted, or looked like it.
    pub(super) encrypted: bool,
    /// Why the signed text does not count: it came before, or was meant for another address.
    pub(super) misled: Option<Problem>,
    /// The signed texts of the message, and what the replay record knows about them.
    pub(super) brought: Arc<SignedTexts>,
    pub(super) past: ReplayHistory,
    /// The attached keys and revocations.
    pub(super) keys: Vec<Vec<u8>>,
    /// The parsed attachments and offered keys, once a command needs them.
    pub(super) material: OnceCell<Arc<KeyMaterial>>,
    pub(super) offered: OnceCell<Arc<KeyMaterial>>,
    /// The key in the Autocrypt field. It is never combined with decrypted content.
    pub(super) autocrypt: Option<Vec<u8>>,
    pub(super) script: CommandScript,
    /// The valid tokens in the message.
    pub(super) tokens: Vec<Answering>,
    /// Set if the message is encrypted and proves nothing: then everybody gets the same reaction.
    pub(super) closed: Option<Closed>,
}

impl CommandSender {
    /// The sender as the actor of the events.
    pub(super) fn actor(&self) -> Actor {
        let proof = match (self.closed, self.requester.proven) {
            // The content of an encrypted message must not change what is recorded.
            (Some(Closed::TokenOutside), _) => MailProof::Token,
            (Some(_), _) | (None, Proven::No) => MailProof::Nothing,
            (None, Proven::Yes) if self.signed => MailProof::Signature,
            (None, Proven::Yes) => MailProof::Token,
        };
        Actor::mail(&self.requester.address, proof)
    }

    /// Whether the sender has one of these roles.
    pub(super) fn is_one_of(&self, roles: &[Role]) -> bool {
        self.facts.roles.iter().any(|member| roles.contains(&member.role))
    }
}

impl CommandSender {
    pub(super) async fn read_command_mail(
        list_context: ListContext<'_>,
        entry: &QueueEntry,
        message: &Arc<ReceivedMessage>,
        mailbox: &Mailbox,
    ) -> Result<Self, AppError> {
        let ListContext { app, list, now } = list_context;
        let address = mailbox.address.clone();
        let source = Some(source_of(app, &entry.sender));
        let facts = facts(app, list, &address).await?;
        let waiting = requests::of_address(&mut *app.store.reader().await?, list.no, &address, now).await?;
        let detail = (entry.sub_address == SubAddress::Confirm).then_some(entry.detail.as_str());
        let framed = list.settings.has_openpgp() && openpgp::is_encrypted(message);
        if framed && !answering(list_context, &address, &outside(message), None).await?.is_empty() {
            let requester = Requester { address, proven: Proven::Yes, source };
            let brought = SignedTexts::by(app, list, entry, None);
            return Ok(Self::closed(requester, facts, brought, Closed::TokenOutside));
        }
        let evidence = Evidence::of(list_context, entry, message, &facts, &waiting).await?;
        let opened = evidence.opened.as_ref();
        let encrypted = framed || opened.is_some_and(|opened| opened.encryption() != Encryption::None);
        let (script, text) = script(app, entry.sub_address, opened, message);
        // The unencrypted part of an encrypted message says nothing about the encrypted part.
        let in_address = answering(list_context, &address, &[], detail).await?;
        let mut tokens = answering(list_context, &address, &script.tokens, None).await?;
        if !encrypted {
            tokens.extend(in_address.iter().cloned());
        }
        let script = complete(script, &text, detail, &tokens, list);
        let keys = match opened {
            Some(opened) => opened.key_blocks(),
            None => key_blocks(&Entity::parse(message)),
        };
        let autocrypt =
            (!encrypted).then(|| autocrypt_key(&Entity::parse(message).headers, &address)).flatten();
        // A message that somebody else sent here proves nothing, whatever tokens it contains.
        let speaks = evidence.misled.is_none() && (evidence.signed || !tokens.is_empty());
        let proven = if speaks { Proven::Yes } else { Proven::No };
        let closed = (encrypted && proven == Proven::No).then(|| match in_address.is_empty() {
            true => Closed::of(&facts.roles, opened.map(Opened::encryption)),
            false => Closed::TokenOutside,
        });
        let Evidence { opened, signed, misled, brought, past } = evidence;
        let requester = Requester { address, proven, source };
        Ok(Self {
            requester,
            name: mailbox.name.clone(),
            facts,
            opened,
            signed,
            encrypted,
            misled,
            brought: Arc::new(brought),
            past,
            keys,
            material: OnceCell::new(),
            offered: OnceCell::new(),
            autocrypt,
            script,
            tokens,
            closed,
        })
    }

    /// A sender about whom nothing more may be found out.
    fn closed(requester: Requester, facts: PersonFacts, brought: SignedTexts, closed: Closed) -> Self {
        Self {
            requester,
            name: None,
            facts,
            opened: None,
            signed: false,
            encrypted: true,
            misled: None,
            brought: Arc::new(brought),
            past: ReplayHistory::NONE,
            keys: Vec::new(),
            material: OnceCell::new(),
            offered: OnceCell::new(),
            autocrypt: None,
            script: CommandScript::default(),
            tokens: Vec::new(),
            closed: Some(closed),
        }
    }

    /// What a token in the address answers, if the question can be answered that way.
    pub(super) fn in_address(&self, token: &str) -> Option<&Answering> {
        let same =
            |one: &&Answering| one.place == QuestionScope::Address && one.token.eq_ignore_ascii_case(token);
        self.tokens.iter().find(same)
    }
}

/// What an opened message proves. The fields of the same names in [`CommandSender`] explain them.
struct Evidence {
    opened: Option<Opened>,
    signed: bool,
    misled: Option<Problem>,
    brought: SignedTexts,
    past: ReplayHistory,
}

impl Evidence {
    /// Opens the message, and looks its signed texts up in the replay record.
    async fn of(
        list_context: ListContext<'_>,
        entry: &QueueEntry,
        message: &Arc<ReceivedMessage>,
        facts: &PersonFacts,
        waiting: &[Request],
    ) -> Result<Self, AppError> {
        let ListContext { app, list, now } = list_context;
        let opened = open(app, list, message, &signers(facts, waiting)?, now).await?;
        let brought = SignedTexts::by(app, list, entry, opened.as_ref());
        let past = brought.past(app).await?;
        let elsewhere =
            |opened: &Opened| addressed(app, opened, list, entry.sub_address) == Addressed::Elsewhere;
        let misled = match past.replay {
            Replay::PostedHere | Replay::PostedElsewhere | Replay::SeenHere => Some(Problem::Replayed),
            _ if opened.as_ref().is_some_and(elsewhere) => Some(Problem::NotMeantForHere),
            _ => None,
        };
        let known = facts.known.as_ref().map(Certificate::fingerprint);
        let by_known = |opened: &Opened| {
            opened.valid_signature().is_some_and(|valid| Some(valid.certificate()) == known.as_ref())
        };
        let is_meant = opened.as_ref().is_none_or(|opened| is_meant(app, opened, list, entry.sub_address));
        let brought = if is_meant { brought } else { SignedTexts::by(app, list, entry, None) };
        let signed = misled.is_none() && is_meant && opened.as_ref().is_some_and(by_known);
        Ok(Self { opened, signed, misled, brought, past })
    }
}

/// Adds the commands that the message implies: by the token `detail` in the address, by the tokens in the
/// text, and by the statements in the text.
fn complete(
    mut script: CommandScript,
    text: &str,
    detail: Option<&str>,
    tokens: &[Answering],
    list: &MailingList,
) -> CommandScript {
    let no_such = detail.filter(|_| tokens.is_empty() && script.lines.iter().all(|(_, read)| read.is_err()));
    if let Some(token) = no_such {
        script.lines = vec![("confirm".to_owned(), Ok(MailCommand::Confirm(token.to_owned())))];
    }
    imply(&mut script, tokens, !list.settings.has_openpgp());
    imply_confirmation(&mut script, text);
    script
}

/// Whether the signed text asks for what the address means. An address such as `-leave` turns any mail into a
/// command, so a signed text that was written for another purpose must not count. The signed To must name the
/// address, or the text must say the command, or there must be no text.
fn is_meant(app: &App, opened: &Opened, list: &MailingList, sub_address: SubAddress) -> bool {
    if !matches!(sub_address, SubAddress::Join | SubAddress::Leave)
        || addressed(app, opened, list, sub_address) == Addressed::Here
    {
        return true;
    }
    let text = opened.text();
    let subject = opened.protected_headers().and_then(|headers| headers.text("subject")).unwrap_or_default();
    let says = |(_, read): &(String, Result<MailCommand, Problem>)| match read {
        Ok(MailCommand::Join { .. }) => sub_address == SubAddress::Join,
        Ok(MailCommand::Leave) => sub_address == SubAddress::Leave,
        _ => false,
    };
    text.trim().is_empty()
        || commands::read(&app.registry.commands, SubAddress::Request, SubjectLine::Covered(&subject), &text)
            .lines
            .iter()
            .any(says)
}

/// Tokens in the unencrypted part of an encrypted message, which every mail server can read.
fn outside(message: &[u8]) -> Vec<String> {
    let root = Entity::parse(message);
    let subject = root.headers.text("subject").unwrap_or_default();
    commands::tokens(&subject, &first_text(&root))
}

/// The confirmed key of the address, and the keys that it offers.
fn signers(facts: &PersonFacts, waiting: &[Request]) -> Result<Vec<Certificate>, AppError> {
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

/// The commands, with their text. In an encrypted message nothing outside the encryption counts. In an
/// unsigned Subject above a signed text only commands that need no signature count.
fn script(
    app: &App,
    sub_address: SubAddress,
    opened: Option<&Opened>,
    message: &[u8],
) -> (CommandScript, Zeroizing<String>) {
    let outer = || Headers::parse(message).0.text("subject").unwrap_or_default();
    let Some(opened) = opened else {
        let text = Zeroizing::new(first_text(&Entity::parse(message)));
        return (
            commands::read(&app.registry.commands, sub_address, SubjectLine::Covered(&outer()), &text),
            text,
        );
    };
    let text = opened.text();
    let protected = opened.protected_headers().and_then(|headers| headers.text("subject"));
    let script = match protected {
        Some(subject) => {
            commands::read(&app.registry.commands, sub_address, SubjectLine::Covered(&subject), &text)
        }
        None if opened.encryption() != Encryption::None => {
            commands::read(&app.registry.commands, sub_address, SubjectLine::Covered(""), &text)
        }
        None if opened.signatures().is_empty() => {
            commands::read(&app.registry.commands, sub_address, SubjectLine::Covered(&outer()), &text)
        }
        None => commands::read(&app.registry.commands, sub_address, SubjectLine::Uncovered(&outer()), &text),
    };
    (script, text)
}

/// A statement needs no command, because it says itself what it is.
fn imply_confirmation(script: &mut CommandScript, text: &str) {
    let confirms = |(_, read): &(String, Result<MailCommand, _>)| {
        matches!(read, Ok(MailCommand::Confirm(_) | MailCommand::Key(KeyCommand::Confirm(_))))
    };
    if script.lines.iter().any(confirms) {
        return;
    }
    if let [found] = &statements(text)[..] {
        let token = found.statement.token.clone();
        script.lines.retain(|(_, read)| read.is_ok());
        let command = MailCommand::Key(KeyCommand::Confirm(token));
        script.lines.push(("key confirm".to_owned(), Ok(command)));
    }
}
