//! Who a client is: what a sink's requests bear, and those to a source must bear.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{self, HeaderMap};

/// Who a client is.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Whoever bears a token (RFC 6750).
    Bearer {
        /// The token.
        token: String,
    },
    /// A user (RFC 7617).
    Basic {
        /// The user's name; it holds no colon.
        user: String,
        /// The password.
        password: String,
    },
}

impl fmt::Debug for Credentials {
    /// Secrets get into no log.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.scheme())
    }
}

impl Credentials {
    /// How its scheme is called.
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::Bearer { .. } => "Bearer",
            Self::Basic { .. } => "Basic",
        }
    }

    /// What is asked of who does not bear it.
    pub(crate) fn challenge(&self) -> &'static str {
        match self {
            Self::Bearer { .. } => "Bearer",
            Self::Basic { .. } => "Basic realm=\"events\", charset=\"UTF-8\"",
        }
    }

    /// The header that bears it.
    pub(crate) fn header(&self) -> String {
        format!("{} {}", self.scheme(), self.credentials())
    }

    /// Whether it is borne.
    pub(crate) fn is_borne_by(&self, headers: &HeaderMap) -> bool {
        let borne = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some((scheme, borne)) = borne.and_then(|value| value.split_once(' ')) else { return false };
        scheme.eq_ignore_ascii_case(self.scheme()) && are_same(borne.trim().as_bytes(), self.credentials().as_bytes())
    }

    fn credentials(&self) -> String {
        match self {
            Self::Bearer { token } => token.clone(),
            Self::Basic { user, password } => STANDARD.encode(format!("{user}:{password}")),
        }
    }
}

/// Whether a secret is the right one. How long it takes does not tell how much of it is right.
pub(crate) fn are_same(borne: &[u8], right: &[u8]) -> bool {
    let differing = borne.iter().zip(right).fold(0, |differing, (one, other)| std::hint::black_box(differing | (one ^ other)));
    borne.len() == right.len() && differing == 0
}
