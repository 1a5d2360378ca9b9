//! What is said when a member leaves. Reads `send_goodbye_message` and `admin_notify_mchanges`.

use sealist_lists::budgets::NoticeBudget;
use sealist_lists::model::{MailingList, SubAddress};
use sealist_lists::texts::{Text, context};
use sealist_mail::{Address, Timestamp};

use crate::effects::Effect;
use crate::error::AppError;
use crate::notice_kinds::somebody;
use crate::notices::{Message, channel_to, make, place_of};
use crate::site::App;
use crate::summaries::gather;
use crate::summary_facts::SummaryFact;

/// Makes the notices about a member who leaves: the goodbye notice to the member, and a note to the owners,
/// each if the list wants it.
pub(crate) async fn farewell(
    app: &App,
    list: &MailingList,
    address: &Address,
    now: Timestamp,
) -> Result<Vec<Effect>, AppError> {
    let mut effects = Vec::new();
    if list.settings.send_goodbye_message {
        let values = context! {
            list => list.display_name(),
            address => list.name.to_string(),
            owner => list.name.address(SubAddress::Owner).to_string(),
            email => address.to_string(),
        };
        let place = place_of(app, list, address).await?;
        let message = Message {
            to: somebody(address),
            kind: Text::Goodbye.name().into(),
            budget: NoticeBudget::a_day(10),
            notice: app.texts.notice(Text::Goodbye, &place, values),
            attachment: None,
            reply_to: None,
        };
        let channel = channel_to(app, &mut *app.store.reader().await?, list, address, now).await?;
        effects.push(Effect::Notice(make(app, list, message, channel, now).await?));
    }
    if list.settings.admin_notify_mchanges {
        let fact = SummaryFact::Member { email: address.to_string() };
        effects.push(Effect::Notice(gather(list, Text::AdminUnsubscribed, &[fact])));
    }
    Ok(effects)
}
