//! The summary of requests that wait for a decision, on a day with too many for separate notices. Every
//! request has tokens of its own.

use sealist_lists::budgets::NoticeBudget;
use sealist_lists::commands::mailto;
use sealist_lists::model::SubAddress;
use sealist_lists::texts::{Text, Value, context};
use sealist_lists::workflows::{Goal, Question};
use sealist_mail::{Mailbox, Timestamp, mixes_scripts};
use sealist_openpgp::Token;
use sealist_store::requests::{self, Request};
use sealist_store::tokens::TokenSubject;

use super::{NoticeWithTokens, Notices, SummaryFact, Telling};
use crate::error::AppError;
use crate::moderators::{Decider, deciders};
use crate::notices::{Message, make, place_of};

/// The most requests in one notice. Others wait for the next notice.
const MAX_REQUESTS: usize = 100;

impl Telling<'_> {
    /// To each decider: the requests.
    pub(super) async fn requests(&self) -> Result<Option<Notices>, AppError> {
        let (waiting, left) = self.requests_waiting().await?;
        let mut notices = Notices { left, answerable_until: self.now, ..Notices::default() };
        if waiting.is_empty() && self.more == 0 {
            return Ok(Some(notices));
        }
        let people = deciders(self.app, self.list, self.now).await?;
        if people.is_empty() {
            return Ok(None);
        }
        for person in people {
            notices.notices.push(self.about_requests(person, &waiting).await?);
        }
        let latest = waiting.iter().map(|request| request.expires_at).max();
        notices.answerable_until = latest.unwrap_or(Timestamp(self.now.0));
        Ok(Some(notices))
    }

    /// The requests that still wait, and the facts that do not fit into this notice.
    async fn requests_waiting(&self) -> Result<(Vec<Request>, Vec<SummaryFact>), AppError> {
        let (mut waiting, mut left) = (Vec::new(), Vec::new());
        for fact in &self.facts {
            let SummaryFact::Asked { email } = fact else { continue };
            let Ok(address) = email.parse() else { continue };
            if waiting.len() >= MAX_REQUESTS {
                left.push(fact.clone());
                continue;
            }
            let mut db = self.app.store.reader().await?;
            let all = requests::of_address(&mut db, self.list.no, &address, self.now).await?;
            waiting.extend(all.into_iter().filter(|one| one.question == Question::Approval.name()));
        }
        Ok((waiting, left))
    }

    async fn about_requests(
        &self,
        person: Decider,
        waiting: &[Request],
    ) -> Result<NoticeWithTokens, AppError> {
        let Self { app, list, now, .. } = *self;
        let place = place_of(app, list, &person.address).await?;
        let (mut shown, mut tokens) = (Vec::new(), Vec::new());
        for request in waiting {
            // Nobody decides about a key of their own.
            let is_own_key = request.run.goal == Goal::ApproveKey && request.address == person.address;
            let token = (person.may_answer && !is_own_key).then(|| Token::fresh().to_string());
            shown.push(self.request_values(request, token.as_deref()));
            tokens.extend(
                token.map(|token| (TokenSubject::Request(request.no), app.vault.mac().token_mark(&token))),
            );
        }
        let values = context! {
            list => list.display_name(),
            address => list.name.to_string(),
            pgp => list.settings.has_openpgp(),
            mixed_scripts => waiting.iter().any(|request| mixes_scripts(&request.address)),
            requests => shown,
            more => self.more,
        };
        let message = Message {
            to: Mailbox { name: None, address: person.address.clone() },
            kind: Text::Requests.name().into(),
            budget: NoticeBudget::UNLIMITED,
            notice: app.texts.notice(Text::Requests, &place, values),
            attachment: None,
            reply_to: Some(list.name.address(SubAddress::Request)),
        };
        let notice = make(app, list, message, person.channel, now).await?;
        Ok(NoticeWithTokens { notice, tokens, reader: person.address })
    }

    fn request_values(&self, request: &Request, token: Option<&str>) -> Value {
        let link = |verb: &str| {
            let to = self.list.name.address(SubAddress::Request);
            token.map(|token| mailto(&to, &format!("{verb} {token}")))
        };
        context! {
            email => request.address.to_string(),
            goal => request.run.goal.action(),
            fingerprint => request.run.key.as_ref().map(|key| key.spaced()),
            approve => link("approve"),
            reject => link("reject"),
            token,
        }
    }
}
