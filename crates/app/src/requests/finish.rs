//! The end of a workflow: the changes, and the notices.

use sealist_lists::budgets::NoticeBudget;
use sealist_lists::commands::{self, MailCommand, Setting};
use sealist_lists::model::{Channel, DeliveryMode, MailingList, Preferences, Role, SubAddress};
use sealist_lists::texts::{Text, Value, context};
use sealist_lists::workflows::{Goal, WorkflowChange, WorkflowRun};
use sealist_mail::Timestamp;
use sealist_openpgp::{Certificate, SealingCard};
use sealist_store::key_changes::{Authority, KeyChange};

use super::other_lists::KeyAuthority;
use super::{
    ListContext, PersonFacts, StepOutcome, Transition, WorkflowState, first_free, in_key, other_lists,
};
use crate::effects::{Effect, JoinsAs, KeyStep, RequestEnd};
use crate::error::AppError;
use crate::goodbye::farewell;
use crate::key_life::row_of;
use crate::key_rollover::list_certificate;
use crate::notice_kinds::somebody;
use crate::notices::{Attachment, Message, channel_to, make, place_of, to_key};
use crate::site::App;
use crate::summaries::gather;
use crate::summary_facts::SummaryFact;

pub(super) async fn done(
    list_context: ListContext<'_>,
    standing: WorkflowState<'_>,
    facts: &PersonFacts,
    run: &WorkflowRun,
    certificate: Option<Certificate>,
    change: WorkflowChange,
) -> Result<Transition, AppError> {
    let ListContext { app, list, now } = list_context;
    let end = End { app, list, standing: &standing, facts, run, certificate: certificate.as_ref(), now };
    let changes = match &change {
        WorkflowChange::Subscribe => end.subscribe().await?,
        WorkflowChange::Unsubscribe => end.unsubscribe().await?,
        WorkflowChange::SetKey => end.set_key().await?,
        WorkflowChange::ApproveKey => vec![Effect::KeyApproved(standing.requester.address.clone())],
        WorkflowChange::Command(line) => end.command(line),
    };
    // The first effect checks whether somebody else was first.
    let mut effects: Vec<Effect> = standing
        .before
        .iter()
        .map(|request| Effect::End(Box::new(request.clone()), RequestEnd::Done))
        .collect();
    effects.extend(changes);
    Ok(Transition { effects, told: StepOutcome::Done(change) })
}

struct End<'a> {
    app: &'a App,
    list: &'a MailingList,
    standing: &'a WorkflowState<'a>,
    facts: &'a PersonFacts,
    run: &'a WorkflowRun,
    certificate: Option<&'a Certificate>,
    now: Timestamp,
}

impl End<'_> {
    async fn subscribe(&self) -> Result<Vec<Effect>, AppError> {
        let address = &self.standing.requester.address;
        let mut effects = Vec::new();
        if self.run.verified {
            effects.push(Effect::Verify(address.clone()));
        }
        effects.extend(self.key_set().await?);
        effects.push(Effect::Join {
            address: address.clone(),
            name: self.run.display_name.clone(),
            role: Role::Member,
            preferences: Preferences {
                delivery_mode: Some(self.run.delivery_mode).filter(|mode| *mode != DeliveryMode::Regular),
                ..Preferences::default()
            },
            joins_as: JoinsAs::Address,
        });
        if self.list.settings.send_welcome_message {
            effects.push(self.welcome().await?);
        }
        effects.extend(self.tell_owners(Text::AdminSubscribed));
        Ok(effects)
    }

    async fn unsubscribe(&self) -> Result<Vec<Effect>, AppError> {
        let members = self.facts.roles.iter().filter(|member| member.role == Role::Member);
        let mut effects: Vec<Effect> =
            members.map(|member| Effect::Leave(Box::new(member.clone()))).collect();
        effects.extend(farewell(self.app, self.list, &self.standing.requester.address, self.now).await?);
        Ok(effects)
    }

    async fn set_key(&self) -> Result<Vec<Effect>, AppError> {
        let mut effects = self.key_set().await?;
        let old = self.facts.known.as_ref().and_then(|key| key.usable(self.now).ok());
        let values = context! {
            list => self.list.display_name(),
            address => self.list.name.to_string(),
            owner => self.list.name.address(SubAddress::Owner).to_string(),
            email => self.standing.requester.address.to_string(),
            twice => old.is_some(),
            fingerprint => self.certificate.map(|key| key.fingerprint().spaced()),
            old_fingerprint => self.facts.known.as_ref().map(|key| key.fingerprint().spaced()),
        };
        if let Some(old) = old {
            effects.push(self.to_old_key(values.clone(), &old).await?);
        }
        effects.extend(self.name_of_first_key().await?);
        effects.push(self.notice(Text::KeyChanged, values, None).await?);
        Ok(effects)
    }

    /// A member without a name gets the name in the first key.
    async fn name_of_first_key(&self) -> Result<Option<Effect>, AppError> {
        let is_first = self.facts.known.is_none() && !self.facts.unconfirmed;
        let has_no_name = self.facts.roles.iter().all(|member| member.display_name.is_empty());
        if !is_first || !has_no_name {
            return Ok(None);
        }
        let list_context = ListContext { app: self.app, list: self.list, now: self.now };
        let address = &self.standing.requester.address;
        let name = first_free(list_context, address, in_key(list_context, address, self.certificate)).await?;
        Ok((!name.is_empty()).then(|| Effect::Choose(address.clone(), Setting::Name(name))))
    }

    /// The notice goes to the old key, because somebody else may now have the new one.
    async fn to_old_key(&self, values: Value, old: &SealingCard) -> Result<Effect, AppError> {
        let message = self.message(Text::KeyChanged, values, None).await?;
        let message = Message { kind: "key-changed-to-old-key".into(), ..message };
        Ok(Effect::Notice(to_key(self.app, self.list, message, old, self.now).await?))
    }

    /// A preference is changed on this list, whoever gave the last answer.
    fn command(&self, line: &str) -> Vec<Effect> {
        let Ok(MailCommand::Set(setting)) = commands::parse(&self.app.registry.commands, line) else {
            return Vec::new();
        };
        vec![Effect::Choose(self.standing.requester.address.clone(), setting)]
    }

    async fn key_set(&self) -> Result<Vec<Effect>, AppError> {
        let Some(certificate) = self.certificate else { return Ok(Vec::new()) };
        let address = self.standing.requester.address.clone();
        let old = self.facts.known.as_ref().map(|key| key.fingerprint().to_string()).unwrap_or_default();
        let authority = match self.run.goal {
            _ if self.run.approved => Authority::Moderator,
            Goal::ChangeKey => Authority::OldKey,
            _ => Authority::Possession,
        };
        let change = KeyChange {
            old,
            old_certificate: self.facts.known.as_ref().map(Certificate::to_bytes),
            new: certificate.fingerprint().to_string(),
            authority,
            list: Some(self.list.no),
            changed_at: self.now,
            suspended_at: None,
        };
        let row = Box::new(row_of(self.app, &address, certificate, self.now));
        let seen = self.facts.generation;
        let list_context = ListContext { app: self.app, list: self.list, now: self.now };
        let mut effects =
            vec![Effect::SetKey { address: address.clone(), seen, row, change, step: KeyStep::Changed }];
        effects.push(Effect::KeyApproved(address));
        // Setting the same key again changes nothing on other lists.
        let known = self.facts.known.as_ref().map(Certificate::fingerprint);
        if known.as_ref() != Some(&certificate.fingerprint()) {
            let by_old_key = known.is_some_and(|known| self.run.signed_by.contains(&known));
            let word = if by_old_key { KeyAuthority::OldKey } else { KeyAuthority::Other };
            effects.extend(
                other_lists::notify_other_lists(
                    list_context,
                    self.standing.requester,
                    self.facts,
                    certificate,
                    word,
                )
                .await?,
            );
        }
        Ok(effects)
    }

    async fn welcome(&self) -> Result<Effect, AppError> {
        let key = list_certificate(self.app, self.list.no).await?;
        let name = &self.list.name;
        let values = context! {
            list => self.list.display_name(),
            address => name.to_string(),
            owner => name.address(SubAddress::Owner).to_string(),
            request => name.address(SubAddress::Request).to_string(),
            email => self.standing.requester.address.to_string(),
            fingerprint => key.as_ref().map(|key| key.fingerprint().spaced()),
        };
        let file = key.map(|key| (format!("{name}.asc"), "application/pgp-keys", key.armored()));
        self.notice(Text::Welcome, values, file).await
    }

    /// Sealed to the key that the address has after the change.
    async fn notice(
        &self,
        text: Text,
        values: Value,
        attachment: Option<Attachment>,
    ) -> Result<Effect, AppError> {
        let address = &self.standing.requester.address;
        let channel = match self.certificate {
            Some(_) if self.list.settings.encrypting() => Channel::Sealed,
            _ => {
                let mut db = self.app.store.reader().await?;
                channel_to(self.app, &mut db, self.list, address, self.now).await?
            }
        };
        let message = self.message(text, values, attachment).await?;
        Ok(Effect::Notice(make(self.app, self.list, message, channel, self.now).await?))
    }

    async fn message(
        &self,
        text: Text,
        values: Value,
        attachment: Option<Attachment>,
    ) -> Result<Message, AppError> {
        let address = &self.standing.requester.address;
        let place = place_of(self.app, self.list, address).await?;
        Ok(Message {
            to: somebody(address),
            kind: text.name().into(),
            budget: NoticeBudget::a_day(10),
            notice: self.app.texts.notice(text, &place, values),
            attachment,
            reply_to: None,
        })
    }

    fn tell_owners(&self, text: Text) -> Option<Effect> {
        let fact = SummaryFact::Member { email: self.standing.requester.address.to_string() };
        self.list.settings.admin_notify_mchanges.then(|| Effect::Notice(gather(self.list, text, &[fact])))
    }
}
