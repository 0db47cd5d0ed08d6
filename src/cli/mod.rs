//! The commands.

pub mod check;
pub mod explain;

/// How a command ends: 0, 1 or 2 to whoever called it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    Yes,
    /// The answer is no.
    No,
    /// The arguments or the configuration are of no use.
    Unusable,
}

impl Exit {
    pub const fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Unusable => 2,
        }
    }
}

#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    #[default]
    Human,
    Json,
}
