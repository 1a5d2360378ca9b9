//! In which direction a change of a setting weakens a list with OpenPGP.

/// The direction in which a change gives up something that a list with OpenPGP promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakening {
    /// No change of it does.
    Never,
    /// To switch it on.
    On,
    /// To switch it off.
    Off,
    /// To choose from a later group: the strongest values stand in the first one. Of a set its weakest value
    /// counts.
    Order(&'static [&'static [&'static str]]),
    /// To raise the number.
    Grows,
    /// To take from the set.
    Loses,
    /// To choose another value than that.
    Leaves(&'static str),
    /// To choose a workflow that makes fewer checks, or one of which nothing is known here.
    FewerChecks,
    /// To define a workflow anew so that one in use makes fewer checks.
    FewerChecksInUse,
}

/// What lets more pass, from the strongest: a message that is held may be let pass by a moderator.
pub(crate) const PASSES: Weakening =
    Weakening::Order(&[&["discard", "reject"], &["hold"], &["defer"], &["accept"]]);
