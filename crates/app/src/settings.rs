//! Settings of a list: changed by name, and only to what the list can work with.

use sealist_lists::events::{Event, EventKind};
use sealist_lists::handlers::{FOOTER_VALUES, unknown_placeholders};
use sealist_lists::model::{MailingList, ReplyTo, SettingError};
use sealist_lists::weaknesses::{self, Weakness};
use sealist_lists::workflows::{self, Asks, Step, StepPurpose, Workflow, WorkflowError, step_named};
use sealist_lists::{chains, pipelines};
use sealist_mail::Timestamp;
use sealist_store::events::Occasion;
use sealist_store::{StoreError, events, lists};

use crate::earlier::seal_earlier;
use crate::error::AppError;
use crate::requests::workflow;
use crate::site::App;

/// Why a setting was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingRefused {
    /// No such setting, or no value for it.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// More than fits.
    #[error("{setting} takes at most {most} octets")]
    Long {
        /// The setting.
        setting: &'static str,
        /// In octets.
        most: usize,
    },
    /// A chain, pipeline or workflow that there is not.
    #[error("{setting} names {name:?}, which there is not; {look}")]
    Unknown {
        /// The setting.
        setting: &'static str,
        /// What it names.
        name: String,
        /// Those that there are, or where they are listed.
        look: String,
    },
    /// Steps that make no workflow.
    #[error(transparent)]
    Workflow(#[from] WorkflowError),
    /// A chain that judges other mail than the posts of such a list.
    #[error("{name:?} judges other mail: the posts of this list are judged by \"{own}\"")]
    OtherChain {
        /// The chain.
        name: String,
        /// That of the list's posts.
        own: &'static str,
    },
    /// Answers to the author, on a list that encrypts.
    #[error(
        "on a list that encrypts answers go to the list: an address of the author in Reply-To would stand \
         outside the encryption"
    )]
    AuthorOutside,
    /// A footer with names in braces that nothing stands for.
    #[error("the footer has {}, and only {} are filled in", .0.join(", "), FOOTER_VALUES.join(" and "))]
    Placeholders(Vec<String>),
    /// A workflow that asks for keys, on a list without OpenPGP.
    #[error("{0:?} asks for keys, and this list has no OpenPGP")]
    AsksForKeys(String),
    /// A workflow by which a From field alone, or whoever reads somebody's mail, changes something on a list with OpenPGP.
    #[error(
        "{0:?} takes no signature: on a list with OpenPGP it needs pubkey-confirmation or moderation-checks"
    )]
    Unsigned(String),
    /// The list encrypts from now on, and what was stored of it before is not sealed.
    #[error(
        "the list encrypts from now on, but what was stored of it before is not all sealed ({0}): \
         undo the setting and set it again"
    )]
    NotSealed(Box<AppError>),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes one setting of a list. The event of the change says what makes the list weaker. Returns that, and what the setting
/// leaves weak as it was. Errs, with nothing changed, if the list could not work with it.
pub async fn set_setting(
    app: &App,
    list: &mut MailingList,
    name: &str,
    value: &str,
    now: Timestamp,
) -> Result<Vec<&'static Weakness>, SettingRefused> {
    let mut changed = list.clone();
    changed.settings.set(name, value)?;
    check(app, &changed)?;
    check_new(&changed, name)?;
    let begins_to_encrypt = changed.settings.encrypting() && !list.settings.encrypting();
    let told: Vec<&'static Weakness> = weaknesses::told(&list.settings, &changed.settings, name).collect();
    let new: Vec<&str> =
        weaknesses::new(&list.settings, &changed.settings).map(|weakness| weakness.what).collect();
    let event = changed_setting(list, &changed, name, &new);
    list.settings = changed.settings;
    let (no, settings) = (list.no, list.settings.clone());
    let occasion = Occasion { actor: app.operator.clone(), now };
    let written = app.store.write(move |db| {
        Box::pin(async move {
            lists::set_settings(&mut *db, no, &settings).await?;
            if let Some(event) = event {
                events::record(db, &occasion, &event).await?;
            }
            Ok(())
        })
    });
    written.await.map_err(SettingRefused::Store)?;
    if begins_to_encrypt {
        // What comes from now on is sealed; what came before is sealed here.
        seal_earlier(app, list).await.map_err(|error| SettingRefused::NotSealed(Box::new(error)))?;
    }
    Ok(told)
}

/// The event of a setting that has another value now; `None` if it has the same.
fn changed_setting(before: &MailingList, after: &MailingList, name: &str, weakens: &[&str]) -> Option<Event> {
    let value = |list: &MailingList| {
        let fields = list.settings.fields();
        let found = fields.into_iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let (old, new) = (value(before).unwrap_or_default(), value(after).unwrap_or_default());
    let weakens = weakens.iter().map(|&what| what.to_owned()).collect();
    let name = name.to_owned();
    (old != new).then(|| Event::of_list(after.no, EventKind::SettingChanged { name, old, new, weakens }))
}

/// Of texts that go into header fields, and of the footer below each post, in octets.
const MAX_WORDS: usize = 1000;
const MAX_FOOTER: usize = 10_000;

/// What earlier versions let through, and lists may have: only who sets it anew is told.
fn check_new(list: &MailingList, name: &str) -> Result<(), SettingRefused> {
    let settings = &list.settings;
    match name {
        "reply_goes_to" if settings.reply_goes_to == ReplyTo::Author && settings.encrypting() => {
            Err(SettingRefused::AuthorOutside)
        }
        "footer" => match unknown_placeholders(&settings.footer) {
            unknown if unknown.is_empty() => Ok(()),
            unknown => Err(SettingRefused::Placeholders(unknown)),
        },
        _ => Ok(()),
    }
}

fn check(app: &App, list: &MailingList) -> Result<(), SettingRefused> {
    let settings = &list.settings;
    for (setting, value, most) in [
        ("display_name", &settings.display_name, MAX_WORDS),
        ("description", &settings.description, MAX_WORDS),
        ("subject_prefix", &settings.subject_prefix, MAX_WORDS),
        ("footer", &settings.footer, MAX_FOOTER),
    ] {
        if value.len() > most {
            return Err(SettingRefused::Long { setting, most });
        }
    }
    let unknown =
        |setting, name: &str, look| Err(SettingRefused::Unknown { setting, name: name.to_owned(), look });
    if chains::named(&settings.posting_chain).is_none() {
        let own = chains::of_posts(settings.pgp.is_some()).map_or("", |own| own.name);
        return unknown("posting_chain", &settings.posting_chain, format!("that of this list is {own:?}"));
    }
    // A list with OpenPGP would ask for no signature by the other.
    if let Some(own) = chains::of_posts(settings.pgp.is_some())
        && own.name != settings.posting_chain
    {
        return Err(SettingRefused::OtherChain { name: settings.posting_chain.clone(), own: own.name });
    }
    if pipelines::named(&settings.posting_pipeline).is_none() {
        let names: Vec<&str> = pipelines::PIPELINES.iter().map(|pipeline| pipeline.name).collect();
        return unknown(
            "posting_pipeline",
            &settings.posting_pipeline,
            format!("there are {}", names.join(", ")),
        );
    }
    for (name, steps) in &settings.workflows {
        let (name, description) = (name.clone(), String::new());
        workflows::check(&Workflow { name, description, steps: steps.clone() })?;
    }
    let key_change = settings.pgp.as_ref().map(|pgp| ("key_change_workflow", &pgp.key_change_workflow));
    let named = [
        ("subscription_policy", &settings.subscription_policy),
        ("unsubscription_policy", &settings.unsubscription_policy),
        ("command_workflow", &settings.command_workflow),
    ];
    for (setting, name) in named.into_iter().chain(key_change) {
        let Ok(found) = workflow(app, list, name) else {
            return unknown(setting, name, "`sealist workflows` lists those that there are".to_owned());
        };
        let has = |wanted: &dyn Fn(&Step) -> bool| {
            found.steps.iter().any(|name| step_named(name).is_some_and(wanted))
        };
        if settings.pgp.is_none()
            && has(&|step| matches!(step.purpose, StepPurpose::TakesKey | StepPurpose::ProvesKey))
        {
            return Err(SettingRefused::AsksForKeys(name.clone()));
        }
        let asks = |step: &Step| step.purpose == StepPurpose::ProvesKey || step.asks == Asks::Moderators;
        if settings.pgp.is_some() && setting != "subscription_policy" && !has(&asks) {
            return Err(SettingRefused::Unsigned(name.clone()));
        }
    }
    Ok(())
}
