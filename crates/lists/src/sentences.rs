//! Enums whose cases each have one plain sentence in `texts/`.

/// Defines an enum in which each case has a sentence, by its name. A field in parentheses is the value `what`
/// of the sentence.
macro_rules! sentences {
    (
        $(#[$attribute:meta])*
        pub enum $enum:ident {
            $(#[doc = $doc:literal] $case:ident $(($what:ident: $type:ty))? = $name:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $enum {
            $(#[doc = $doc] $case $(($type))?,)*
        }

        impl $enum {
            /// The names of all sentences.
            pub const NAMES: &[&str] = &[$($name),*];

            /// The stable name of its sentence.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$case { .. } => $name,)*
                }
            }

            /// The values of its sentence: `what`, which is empty if the case has no field.
            pub fn values(&self) -> minijinja::Value {
                let what = match self {
                    $(Self::$case $(($what))? => String::new() $(+ $what)?,)*
                };
                minijinja::context! { what }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use sentences;
