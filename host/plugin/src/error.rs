//! What can go wrong with a plugin, told apart by what a person would do about it.

use std::fmt;

/// A plugin that cannot be loaded, or does not take its configuration.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// wasmtime does not start on this machine.
    #[error("cannot start the WebAssembly engine: {0}")]
    Engine(String),
    /// The file is something else.
    #[error("{origin}: is no WebAssembly ({found}); expected a core module or a component")]
    NotWebAssembly {
        /// Where the bytes come from.
        origin: String,
        /// What they look like.
        found: String,
    },
    /// The file is larger than the host is willing to compile.
    #[error("{origin}: {bytes} bytes are too many for a plugin, the limit is {limit}")]
    TooLarge {
        /// Where the bytes come from.
        origin: String,
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A core module that cannot be made a component, or a component that is not valid.
    #[error("{origin}: {reason}")]
    Invalid {
        /// Where the bytes come from.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// It was built for another version of the contract.
    #[error("{origin}: is built for {built_for}, this host offers {}: rebuild it with the SDK of that version", crate::CONTRACT)]
    OtherContract {
        /// Where the bytes come from.
        origin: String,
        /// The package and version that it names.
        built_for: String,
    },
    /// It does not export all that a detector must.
    #[error("{origin}: does not export {}, which {} asks for", missing.join(", "), crate::CONTRACT)]
    MissingExports {
        /// Where the bytes come from.
        origin: String,
        /// Interface, or interface and function.
        missing: Vec<String>,
    },
    /// It imports what is not offered or not granted.
    #[error("{origin}: imports {}, which this host does not offer ({})", imports.join(", "), crate::CONTRACT)]
    NotOffered {
        /// Where the bytes come from.
        origin: String,
        /// Interface, or interface and function.
        imports: Vec<String>,
    },
    /// What it says about itself breaks the contract.
    #[error("{origin}: describes itself wrongly: {reason}")]
    Description {
        /// Where the bytes come from.
        origin: String,
        /// What is wrong.
        reason: String,
    },
    /// It failed while it was described, instantiated or configured.
    #[error("{plugin}: {during}: {fault}")]
    Fault {
        /// Its name and version, or where it comes from.
        plugin: String,
        /// What the host was about: "describe", "instantiate", "configure".
        during: &'static str,
        /// What happened.
        #[source]
        fault: Fault,
    },
    /// It does not take its configuration.
    #[error("{}", Problem::list(.0))]
    Configuration(Vec<Problem>),
}

/// An error in a plugin's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// JSON Pointer into the configuration, "" for the whole.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    fn list(problems: &[Self]) -> String {
        problems.iter().map(Self::to_string).collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => out.write_str(&self.message),
            path => write!(out, "{path}: {}", self.message),
        }
    }
}

/// A call into a detector that did not return. The instance is dead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What sort of failure.
    pub kind: FaultKind,
    /// For people; escaped, one line.
    pub message: String,
    /// The row that the guest was last about to work on, of the part.
    pub progress: Option<u32>,
}

/// The sorts of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The guest gave up or broke a rule of WebAssembly: a panic, memory out of bounds, recursion without end.
    Trap,
    /// The call took too long.
    Deadline,
    /// The guest wanted more memory than it may have.
    Memory,
    /// The guest gave more than it may in one call.
    Limit,
    /// The guest asked for or gave something that the contract forbids.
    Refused,
    /// The instance is dead since an earlier fault.
    Dead,
}

impl FaultKind {
    /// One word, for metrics and dead letters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::Limit => "limit",
            Self::Refused => "refused",
            Self::Dead => "dead",
        }
    }
}

/// State that an instance did not take. The instance is dead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The guest cannot use it: another state version, a configuration that it does not fit.
    #[error("the detector refuses the state: {0}")]
    Refused(String),
    /// The guest failed over it.
    #[error(transparent)]
    Fault(#[from] Fault),
}
