//! Why settings were not changed.

use sealist_lists::handlers::FOOTER_VALUES;
use sealist_lists::model::SettingError;
use sealist_lists::workflows::WorkflowError;
use sealist_store::StoreError;
use sealist_store::list_settings::Generation;

use crate::error::{AppError, ErrorKind};

/// Why a setting was not changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingRefused {
    /// No such setting, or no value for it.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// There is no such list any more.
    #[error("there is no list {0}")]
    NoSuchList(String),
    /// Somebody changed settings of the list meanwhile: whoever asked may look again and ask anew.
    #[error("the settings of the list were changed meanwhile: look again")]
    Conflict {
        /// How often the settings were changed by now.
        generation: Generation,
    },
    /// A workflow that there is not.
    #[error(
        "{setting} names {name:?}, which there is not; there are {known}, and `sealist workflows` describes them"
    )]
    NoWorkflow {
        /// The setting.
        setting: &'static str,
        /// What it names.
        name: String,
        /// Those that there are.
        known: String,
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
    /// A workflow by which a From field alone, or whoever reads somebody's mail, changes something on a list
    /// with OpenPGP.
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

impl SettingRefused {
    /// What kind of failure it is, for callers that do not know each error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Store(error) => ErrorKind::from(error),
            Self::NotSealed(error) => error.kind(),
            Self::NoSuchList(_) => ErrorKind::NotFound,
            Self::Conflict { .. } => ErrorKind::Overtaken,
            Self::Setting(_)
            | Self::NoWorkflow { .. }
            | Self::Workflow(_)
            | Self::OtherChain { .. }
            | Self::AuthorOutside
            | Self::Placeholders(_)
            | Self::AsksForKeys(_)
            | Self::Unsigned(_) => ErrorKind::Invalid { field: "setting" },
        }
    }
}
