//! Styles: the initial settings of a list. Mailman's names are used where Mailman has the style.

use crate::model::{Action, ListSettings, PgpSettings, ReplyTo};
use crate::rows::NamedRow;

/// A style with its name.
pub struct Style {
    /// The name given to `lists create --style`.
    pub name: &'static str,
    /// One line for people.
    pub description: &'static str,
    /// Makes new settings.
    pub settings: fn() -> ListSettings,
}

/// All built-in styles.
pub const STYLES: &[Style] = &[
    Style {
        name: "legacy-default",
        description: "Ordinary discussion mailing list.",
        settings: ListSettings::default,
    },
    Style { name: "legacy-announce", description: "Announce only mailing list.", settings: announce },
    Style {
        name: "private-default",
        description: "Discussion mailing list with posts of members only.",
        settings: private,
    },
    Style {
        name: "pgp-default",
        description: "Discussion mailing list with OpenPGP: signed and encrypted posts of members only.",
        settings: pgp,
    },
    Style {
        name: "pgp-announce",
        description: "Announce only mailing list with OpenPGP: signed and encrypted posts of owners and moderators.",
        settings: pgp_announce,
    },
];

impl NamedRow for Style {
    const KIND: &'static str = "style";

    fn name(&self) -> &'static str {
        self.name
    }
}

impl Style {
    /// New settings of this style.
    pub fn settings(&self) -> ListSettings {
        (self.settings)()
    }
}

fn announce() -> ListSettings {
    announced(ListSettings::default())
}

fn announced(settings: ListSettings) -> ListSettings {
    ListSettings {
        allow_list_posts: false,
        default_member_action: Action::Hold,
        default_nonmember_action: Action::Hold,
        ..settings
    }
}

/// A list with many recipients and few authors is the best target for mail that is sent in by somebody else,
/// so this style is stricter.
fn pgp_announce() -> ListSettings {
    let mut settings = announced(pgp());
    if let Some(pgp) = &mut settings.pgp {
        pgp.unaddressed_msg_action = Action::Hold;
    }
    settings
}

fn private() -> ListSettings {
    ListSettings { default_nonmember_action: Action::Reject, ..ListSettings::default() }
}

/// Differs from Mailman's and mailman-pgp's defaults where they break a promise: everything is signed, the
/// size limit allows for encrypted attachments, a moderator sees each new key, and replies go to the list so
/// that no member's address stands outside the encryption.
fn pgp() -> ListSettings {
    ListSettings {
        subscription_policy: "pgp-policy-moderate".into(),
        unsubscription_policy: "pgp-policy-leave".into(),
        command_workflow: "pgp-confirm-command".into(),
        posting_chain: "pgp-posting-chain".into(),
        default_nonmember_action: Action::Reject,
        max_message_kib: 10 * 1024,
        reply_goes_to: ReplyTo::List,
        verp: true,
        pgp: Some(PgpSettings { own_key_approval: true, ..PgpSettings::default() }),
        ..ListSettings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_styles_with_openpgp_encrypt() {
        for style in STYLES {
            assert_eq!(style.settings().encrypting(), style.name.starts_with("pgp-"), "{}", style.name);
        }
    }
}
