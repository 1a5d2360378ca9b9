//! Rows: things of one kind that are found by name, such as rules or commands.

/// A row that is found by its name.
pub trait NamedRow: 'static {
    /// What such a row is, for messages: `rule`.
    const KIND: &'static str;

    /// The name.
    fn name(&self) -> &'static str;

    /// Other names by which the row is found.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }
}

/// Two rows of one kind have the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are two rows of the kind {kind} with the name {name:?}")]
pub struct NameTaken {
    /// What the rows are.
    pub kind: &'static str,
    /// The name.
    pub name: &'static str,
}

/// All rows of one kind, in the order in which they were added.
pub struct NamedRows<T: 'static>(Vec<&'static T>);

impl<T> Clone for NamedRows<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for NamedRows<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: NamedRow> std::fmt::Debug for NamedRows<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all().map(NamedRow::name)).finish()
    }
}

impl<T: NamedRow> NamedRows<T> {
    /// Adds rows. Errs if one of their names is taken.
    pub fn add(&mut self, rows: &'static [T]) -> Result<(), NameTaken> {
        for row in rows {
            let mut names = std::iter::once(row.name()).chain(row.aliases().iter().copied());
            if let Some(name) = names.find(|name| self.named(name).is_some()) {
                return Err(NameTaken { kind: T::KIND, name });
            }
            self.0.push(row);
        }
        Ok(())
    }

    /// The row of that name. `None`: nobody added one.
    pub fn named(&self, name: &str) -> Option<&'static T> {
        self.all().find(|row| row.name() == name || row.aliases().contains(&name))
    }

    /// All rows, the built-in ones first.
    pub fn all(&self) -> impl Iterator<Item = &'static T> + '_ {
        self.0.iter().copied()
    }

    /// The names of all rows, for people.
    pub fn names(&self) -> String {
        self.all().map(NamedRow::name).collect::<Vec<_>>().join(", ")
    }
}
