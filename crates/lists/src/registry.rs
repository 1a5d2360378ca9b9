//! The registry of a site: everything that is found by name. The built-in rows fill it first, and a plugin
//! can add rows of its own, which are used in the same way. It is made once, at the start of the process.

use std::sync::{Arc, LazyLock};

use crate::chains::{CHAINS, Chain};
use crate::commands::{COMMANDS, Usage};
use crate::handlers::{HANDLERS, Handler};
use crate::model::ListSettings;
use crate::pipelines::{PIPELINES, Pipeline};
use crate::rows::{NameTaken, NamedRow, NamedRows};
use crate::rules::{GATE, GateRule, RULES, Rule};
use crate::styles::{STYLES, Style};
use crate::workflows::{STEPS, Step, Workflow, WorkflowError, Workflows};

/// Rows of every kind, which are added to a registry together.
#[derive(Clone, Copy, Default)]
pub struct Contribution {
    /// Rules that are asked before anything is decrypted.
    pub gate: &'static [GateRule],
    /// Rules that chains can ask.
    pub rules: &'static [Rule],
    /// Chains.
    pub chains: &'static [Chain],
    /// Handlers.
    pub handlers: &'static [Handler],
    /// Pipelines.
    pub pipelines: &'static [Pipeline],
    /// Steps of workflows.
    pub steps: &'static [Step],
    /// Commands by mail.
    pub commands: &'static [Usage],
    /// Styles of lists.
    pub styles: &'static [Style],
}

/// What every site has.
const BUILT_IN: Contribution = Contribution {
    gate: GATE,
    rules: RULES,
    chains: CHAINS,
    handlers: HANDLERS,
    pipelines: PIPELINES,
    steps: STEPS,
    commands: COMMANDS,
    styles: STYLES,
};

static OF_BUILT_IN: LazyLock<Arc<Registry>> =
    LazyLock::new(|| Arc::new(Registry::with(&[]).expect("the built-in rows fit together")));

/// Everything that a site finds by name.
#[derive(Clone)]
pub struct Registry {
    /// Rules that are asked before anything is decrypted.
    pub gate: NamedRows<GateRule>,
    /// Rules that chains can ask.
    pub rules: NamedRows<Rule>,
    /// Chains.
    pub chains: NamedRows<Chain>,
    /// Handlers.
    pub handlers: NamedRows<Handler>,
    /// Pipelines.
    pub pipelines: NamedRows<Pipeline>,
    /// Steps of workflows.
    pub steps: NamedRows<Step>,
    /// The workflows that every list may use.
    pub workflows: Workflows,
    /// Commands by mail.
    pub commands: NamedRows<Usage>,
    /// Styles of lists.
    pub styles: NamedRows<Style>,
}

/// Why rows do not make a registry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Two rows of one kind have the same name.
    #[error(transparent)]
    NameTaken(#[from] NameTaken),
    /// A row names another row that there is not.
    #[error("the {kind} {name:?} names {missing:?}, which there is not")]
    Missing {
        /// What the row is.
        kind: &'static str,
        /// Its name.
        name: &'static str,
        /// What it names.
        missing: String,
    },
    /// A chain or a pipeline leaves out what every other one of its kind has in that place.
    #[error("the {kind} {name:?} must have {skipped:?} where the built-in one has it")]
    Unguarded {
        /// What the row is.
        kind: &'static str,
        /// Its name.
        name: &'static str,
        /// The rule or handler that it leaves out.
        skipped: &'static str,
    },
    /// A workflow of the site's own is none.
    #[error(transparent)]
    Workflow(#[from] WorkflowError),
}

impl Registry {
    /// The registry of the built-in rows alone.
    pub fn built_in() -> Arc<Self> {
        OF_BUILT_IN.clone()
    }

    /// The registry of the built-in rows and of rows that are added. Errs if a name stands there twice, if a
    /// row names another one that there is not, or if a chain skips what protects lists of its kind.
    pub fn with(added: &[Contribution]) -> Result<Self, RegistryError> {
        let mut made = Self {
            gate: NamedRows::default(),
            rules: NamedRows::default(),
            chains: NamedRows::default(),
            handlers: NamedRows::default(),
            pipelines: NamedRows::default(),
            steps: NamedRows::default(),
            workflows: Workflows::default(),
            commands: NamedRows::default(),
            styles: NamedRows::default(),
        };
        for rows in [&BUILT_IN].into_iter().chain(added) {
            made.gate.add(rows.gate)?;
            made.rules.add(rows.rules)?;
            made.chains.add(rows.chains)?;
            made.handlers.add(rows.handlers)?;
            made.pipelines.add(rows.pipelines)?;
            made.steps.add(rows.steps)?;
            made.commands.add(rows.commands)?;
            made.styles.add(rows.styles)?;
        }
        made.chains.all().try_for_each(|chain| made.check_chain(chain))?;
        made.pipelines.all().try_for_each(|pipeline| made.check_pipeline(pipeline))?;
        made.styles.all().try_for_each(|style| made.check_style(style))?;
        Ok(made)
    }

    /// Adds a workflow of the site's own. Errs if its steps are not a workflow, or if its name is taken.
    pub fn add_workflow(&mut self, workflow: Workflow) -> Result<(), WorkflowError> {
        self.workflows.add(&self.steps, workflow)
    }

    fn check_chain(&self, chain: &'static Chain) -> Result<(), RegistryError> {
        check_names(chain, chain.links, &self.rules)?;
        check_names(chain, chain.guards, &self.rules)?;
        is_guarded(chain, chain.skipped())
    }

    fn check_pipeline(&self, pipeline: &'static Pipeline) -> Result<(), RegistryError> {
        check_names(pipeline, pipeline.handlers, &self.handlers)?;
        is_guarded(pipeline, pipeline.skipped())
    }

    fn check_style(&self, style: &'static Style) -> Result<(), RegistryError> {
        let settings: ListSettings = style.settings();
        check_names(style, &[&settings.posting_chain], &self.chains)?;
        check_names(style, &[&settings.posting_pipeline], &self.pipelines)?;
        let own =
            [&settings.subscription_policy, &settings.unsubscription_policy, &settings.command_workflow];
        let mut used = own.into_iter().chain(settings.pgp.iter().map(|pgp| &pgp.key_change_workflow));
        match used.find(|workflow| self.workflows.named(workflow).is_none()) {
            Some(workflow) => Err(missing(style, workflow)),
            None => Ok(()),
        }
    }
}

/// Checks that everything that a row names is there.
fn check_names<T: NamedRow, U: NamedRow>(
    row: &T,
    names: &[&str],
    among: &NamedRows<U>,
) -> Result<(), RegistryError> {
    match names.iter().find(|name| among.named(name).is_none()) {
        Some(name) => Err(missing(row, name)),
        None => Ok(()),
    }
}

fn is_guarded<T: NamedRow>(row: &T, skipped: Option<&'static str>) -> Result<(), RegistryError> {
    match skipped {
        Some(skipped) => Err(RegistryError::Unguarded { kind: T::KIND, name: row.name(), skipped }),
        None => Ok(()),
    }
}

fn missing<T: NamedRow>(row: &T, name: &str) -> RegistryError {
    RegistryError::Missing { kind: T::KIND, name: row.name(), missing: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chains::Judges;

    fn check(added: Contribution, expected: RegistryError) {
        assert_eq!(Registry::with(&[added]).err(), Some(expected));
    }

    #[test]
    fn a_name_stands_in_a_registry_once() {
        fn twice(added: Contribution, kind: &'static str, name: &'static str) {
            check(added, RegistryError::NameTaken(NameTaken { kind, name }));
        }
        let none = Contribution::default;
        twice(Contribution { gate: GATE, ..none() }, "rule of the gate", "loop");
        twice(Contribution { rules: RULES, ..none() }, "rule", "banned-address");
        twice(Contribution { chains: CHAINS, ..none() }, "chain", "default-posting-chain");
        twice(Contribution { handlers: HANDLERS, ..none() }, "handler", "cleanse");
        twice(Contribution { pipelines: PIPELINES, ..none() }, "pipeline", "default-posting-pipeline");
        twice(Contribution { steps: STEPS, ..none() }, "step", "sanity-checks");
        twice(Contribution { commands: COMMANDS, ..none() }, "command", "join");
        twice(Contribution { styles: STYLES, ..none() }, "style", "legacy-default");
        const ALIAS: &[Usage] = &[Usage { name: "unsubscribe", ..COMMANDS[0] }];
        twice(Contribution { commands: ALIAS, ..none() }, "command", "unsubscribe");
    }

    #[test]
    fn a_row_names_rows_that_there_are() {
        fn names(added: Contribution, kind: &'static str) {
            check(added, RegistryError::Missing { kind, name: "own", missing: "no-such".to_owned() });
        }
        const LINKS: &[Chain] = &[Chain { name: "own", links: &["no-such"], ..CHAINS[0] }];
        const GUARDS: &[Chain] = &[Chain { name: "own", guards: &["no-such"], ..CHAINS[0] }];
        const PIPES: &[Pipeline] = &[Pipeline { name: "own", description: "", handlers: &["no-such"] }];
        fn settings() -> ListSettings {
            ListSettings { command_workflow: "no-such".to_owned(), ..ListSettings::default() }
        }
        const STYLE: &[Style] = &[Style { name: "own", description: "", settings }];
        names(Contribution { chains: LINKS, ..Contribution::default() }, "chain");
        names(Contribution { chains: GUARDS, ..Contribution::default() }, "chain");
        names(Contribution { pipelines: PIPES, ..Contribution::default() }, "pipeline");
        names(Contribution { styles: STYLE, ..Contribution::default() }, "style");
    }

    #[test]
    fn no_chain_skips_what_protects_lists_of_its_kind() {
        fn skips(chains: &'static [Chain], skipped: &'static str) {
            let added = Contribution { chains, ..Contribution::default() };
            check(added, RegistryError::Unguarded { kind: "chain", name: "own", skipped });
        }
        const PLAIN: &[Chain] = &[Chain { name: "own", links: &["max-size"], ..CHAINS[0] }];
        skips(PLAIN, "banned-address");
        const EARLY: &[Chain] =
            &[Chain { name: "own", links: &["banned-address", "max-size", "replay"], ..CHAINS[1] }];
        skips(EARLY, "replay");
        const SHORT: &[Chain] = &[Chain { name: "own", links: &["banned-address", "replay"], ..CHAINS[1] }];
        skips(SHORT, "pgp-inline");
        const OPEN: &[Chain] = &[Chain { name: "own", guards: &[], ..CHAINS[1] }];
        skips(OPEN, "decrypted-for-unproven-sender");
        const OWNERS: &[Chain] = &[Chain { name: "own", judges: Judges::OwnerMail, ..CHAINS[0] }];
        skips(OWNERS, "replay");
    }

    #[test]
    fn no_pipeline_skips_what_makes_a_copy_honest() {
        fn check_own(handlers: &'static [&'static str], skipped: Option<&'static str>) {
            let pipeline = Pipeline { name: "own", description: "", handlers };
            assert_eq!(pipeline.skipped(), skipped, "{handlers:?}");
        }
        for pipeline in PIPELINES {
            check_own(pipeline.handlers, None);
        }
        check_own(&[], Some("cleanse"));
        let without_mark: Vec<_> =
            PIPELINES[0].handlers.iter().copied().filter(|handler| *handler != "mark-subject").collect();
        check_own(without_mark.leak(), Some("mark-subject"));
        let mut turned = PIPELINES[0].handlers.to_vec();
        turned.swap(1, 2);
        check_own(turned.leak(), Some("mark-subject"));
        let mut longer = PIPELINES[0].handlers.to_vec();
        longer.insert(3, "own");
        check_own(longer.leak(), None);
    }

    #[test]
    fn every_rule_and_handler_is_used() {
        for rule in RULES {
            let asks = |chain: &Chain| chain.links.iter().chain(chain.guards).any(|link| *link == rule.name);
            assert!(CHAINS.iter().any(asks), "{}: nothing asks it", rule.name);
        }
        for handler in HANDLERS {
            let runs = |pipeline: &Pipeline| pipeline.handlers.contains(&handler.name);
            assert!(PIPELINES.iter().any(runs), "{}: nothing runs it", handler.name);
        }
    }
}
