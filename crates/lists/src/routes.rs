//! Routes: what a list does with mail at each of its sub-addresses. Reads `posting_chain`, `posting_pipeline`
//! and `max_message_kib`.
//!
//! Every message passes the gate ([`GATE`](crate::rules::GATE)) before its route runs, save one at
//! `-bounces`: the gate stops bounces, and there they belong.

use crate::model::{Action, ListSettings, SubAddress};
use crate::rules::{Reason, RuleHit};

/// Octets of mail with commands, at most: commands and a key or two. What is larger is something else.
const MAX_COMMAND_OCTETS: u64 = 1024 * 1024;

/// What runs for the mail of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// A chain judges the message, and a pipeline makes the copies.
    Post(Audience),
    /// The commands in it are carried out.
    Commands,
    /// The sender gets the list's certificate.
    SendKey,
    /// It counts against the member whose copy came back. What a person wrote takes another route.
    Bounces {
        /// The route of mail that a person wrote.
        written_by_people: SubAddress,
    },
}

/// Who reads what is posted on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The members, by the list's own chain and pipeline.
    Members,
    /// The people in charge.
    Owners,
}

/// How much a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeLimit {
    /// As much as the server takes.
    Server,
    /// As much as the settings of the list say.
    List,
    /// This many octets.
    Octets(u64),
}

/// What a list does with mail at one sub-address.
pub struct Route {
    /// The sub-address.
    pub sub_address: SubAddress,
    /// What runs.
    pub handling: Handling,
    /// How much it takes. What is larger is refused when it comes, and held if it is there all the same.
    pub limit: SizeLimit,
}

/// All routes, one for each sub-address.
pub const ROUTES: &[Route] = &[
    Route {
        sub_address: SubAddress::Posting,
        handling: Handling::Post(Audience::Members),
        limit: SizeLimit::List,
    },
    Route {
        sub_address: SubAddress::Owner,
        handling: Handling::Post(Audience::Owners),
        limit: SizeLimit::Server,
    },
    command(SubAddress::Request),
    command(SubAddress::Join),
    command(SubAddress::Leave),
    command(SubAddress::Confirm),
    Route {
        sub_address: SubAddress::Sendkey,
        handling: Handling::SendKey,
        limit: SizeLimit::Octets(MAX_COMMAND_OCTETS),
    },
    Route {
        sub_address: SubAddress::Bounces,
        handling: Handling::Bounces { written_by_people: SubAddress::Owner },
        limit: SizeLimit::Server,
    },
];

const fn command(sub_address: SubAddress) -> Route {
    Route { sub_address, handling: Handling::Commands, limit: SizeLimit::Octets(MAX_COMMAND_OCTETS) }
}

impl Route {
    /// Returns the route of a sub-address.
    pub fn of(sub_address: SubAddress) -> &'static Self {
        let route = ROUTES.iter().find(|route| route.sub_address == sub_address);
        route.expect("every sub-address has a route: a test looks")
    }

    /// Returns the octets above which a message is refused when it comes, by its size alone: what nobody may
    /// let pass need not be kept. `None`: no limit but the server's.
    pub fn refused_above_octets(&self, settings: &ListSettings) -> Option<u64> {
        match self.limit {
            SizeLimit::Server => None,
            SizeLimit::List => settings.refused_above_octets(),
            SizeLimit::Octets(octets) => Some(octets),
        }
    }

    /// Returns why the route takes no message of that size to a list with these settings, if it takes none.
    pub fn refuses(&self, settings: &ListSettings, octets: u64) -> Option<RuleHit> {
        match (self.handling, self.limit) {
            // A list without OpenPGP has no key that it could send.
            (Handling::SendKey, _) if !settings.has_openpgp() => RuleHit::new(Reason::Command, Action::Hold),
            (Handling::Commands, SizeLimit::Octets(most)) if octets > most => {
                RuleHit::new(Reason::TooLarge, Action::Hold)
            }
            _ => None,
        }
    }

    /// Returns whether the mail of this route is for programs: commands, bounces, the list's key.
    pub fn is_for_programs(&self) -> bool {
        !matches!(self.handling, Handling::Post(_))
    }

    /// Returns whether mail of this route asks for notices, which may go to strangers.
    pub fn is_answered(&self) -> bool {
        matches!(self.handling, Handling::Commands | Handling::SendKey)
    }
}

impl Audience {
    /// Returns the name of the chain that judges.
    pub fn chain(self, settings: &ListSettings) -> &str {
        match self {
            Self::Members => &settings.posting_chain,
            Self::Owners => "owner-chain",
        }
    }

    /// Returns the name of the pipeline that makes the copies.
    pub fn pipeline(self, settings: &ListSettings) -> &str {
        match self {
            Self::Members => &settings.posting_pipeline,
            Self::Owners => "owner-pipeline",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;

    #[test]
    fn every_sub_address_has_one_route() {
        assert_eq!(ROUTES.len(), SubAddress::ALL.len());
        for sub_address in SubAddress::ALL {
            assert_eq!(Route::of(*sub_address).sub_address, *sub_address);
        }
    }

    #[test]
    fn every_route_names_a_chain_and_a_pipeline() {
        for style in ["legacy-default", "pgp-default", "pgp-announce"] {
            let settings = Registry::built_in().styles.named(style).expect("a style").settings();
            for audience in [Audience::Members, Audience::Owners] {
                assert!(
                    Registry::built_in().chains.named(audience.chain(&settings)).is_some(),
                    "{style} {audience:?}"
                );
                assert!(
                    Registry::built_in().pipelines.named(audience.pipeline(&settings)).is_some(),
                    "{style} {audience:?}"
                );
            }
        }
    }

    #[test]
    fn what_a_route_does_not_take_is_held() {
        let hit = |sub_address, style: &str, octets| {
            let settings = Registry::built_in().styles.named(style).expect("a style").settings();
            Route::of(sub_address).refuses(&settings, octets).map(|hit| (hit.reason, hit.action))
        };
        let (plain, pgp) = ("legacy-default", "pgp-default");
        let command = Some((Reason::Command, Action::Hold));
        for octets in [1, MAX_COMMAND_OCTETS + 1] {
            assert_eq!(hit(SubAddress::Sendkey, plain, octets), command);
            for to_all in [SubAddress::Posting, SubAddress::Owner, SubAddress::Bounces] {
                assert_eq!(hit(to_all, plain, octets), None);
            }
        }
        assert_eq!(hit(SubAddress::Sendkey, pgp, 1), None);
        for commands in [SubAddress::Request, SubAddress::Join, SubAddress::Leave, SubAddress::Confirm] {
            assert_eq!(hit(commands, pgp, MAX_COMMAND_OCTETS), None);
            let too_large = Some((Reason::TooLarge, Action::Hold));
            assert_eq!(hit(commands, pgp, MAX_COMMAND_OCTETS + 1), too_large);
        }
    }
}
