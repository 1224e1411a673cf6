//! Why a request is not taken, and what its sender is told: that decides whether it comes again.

use std::time::Duration;

use eyas_codec::Malformed;
use hyper::StatusCode;

use super::{BadMessage, Code, Status};
use crate::http::Credentials;
use crate::intake::Answer;
use crate::unpack::{NotUnpacked, Packing};

/// When those who are put off may come back.
pub const LATER: Duration = Duration::from_secs(1);

/// Why a request is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing is done under this path.
    #[error("nothing is done at {0}: {1}")]
    Unknown(String, &'static str),
    /// Whoever sends it is nobody that we know.
    #[error("the {} is missing or wrong", if matches!(.0, Credentials::Bearer { .. }) { "bearer token" } else { "user or password" })]
    Stranger(Credentials),
    /// It is packed in a way that we cannot unpack.
    #[error("what is packed by {0:?} is not unpacked; there are {names}", names = Packing::NAMES)]
    Packing(String),
    /// It will never be taken: it is too large.
    #[error("{0}")]
    TooLarge(String),
    /// It will never be taken: it is none.
    #[error("{0}")]
    Malformed(String),
    /// It will be taken at another time.
    #[error("{0}")]
    NotNow(&'static str),
}

impl Refusal {
    /// Nothing came of it for too long.
    pub const TOO_SLOW: Self = Self::NotNow("nothing came of the request for too long: send it again");
    /// It was not sent to its end.
    pub const CUT_OFF: Self = Self::NotNow("the request was cut off: send it again");
    /// Too much is waiting already.
    pub const NO_ROOM: Self = Self::NotNow("there is no room at the moment: send it again later");
    /// We are about to end.
    pub const STOPPING: Self = Self::NotNow("the program is stopping: send it again later");

    /// What became of a request that was handed in.
    pub fn of(answer: Answer) -> Result<(), Self> {
        match answer {
            Answer::Taken => Ok(()),
            Answer::NotTaken => Err(Self::NotNow("not everything could be passed on: send it again")),
            Answer::NoRoom => Err(Self::NO_ROOM),
            Answer::Closed => Err(Self::STOPPING),
        }
    }

    /// As a status. `too_large`: what makes a sender give up what is too large, as senders differ in that.
    pub fn status(&self, too_large: Code) -> Status {
        let code = match self {
            Self::Unknown(..) | Self::Packing(_) => Code::Unimplemented,
            Self::Stranger(_) => Code::Unauthenticated,
            Self::TooLarge(_) => too_large,
            Self::Malformed(_) => Code::InvalidArgument,
            Self::NotNow(_) => Code::Unavailable,
        };
        Status { retry_after: (code == Code::Unavailable).then_some(LATER), ..Status::new(code, self.to_string()) }
    }

    /// As a status of HTTP.
    pub fn http(&self) -> StatusCode {
        match self {
            Self::Unknown(..) => StatusCode::NOT_FOUND,
            Self::Stranger(_) => StatusCode::UNAUTHORIZED,
            Self::Packing(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::NotNow(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl From<BadMessage> for Refusal {
    fn from(error: BadMessage) -> Self {
        match error {
            BadMessage::TooLarge(_) => Self::TooLarge(error.to_string()),
            _ => Self::Malformed(error.to_string()),
        }
    }
}

impl From<NotUnpacked> for Refusal {
    fn from(error: NotUnpacked) -> Self {
        match error {
            NotUnpacked::TooLarge(_) => Self::TooLarge(error.to_string()),
            NotUnpacked::Broken(..) => Self::Malformed(error.to_string()),
            NotUnpacked::NoRoom => Self::NO_ROOM,
        }
    }
}

impl From<Malformed> for Refusal {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error.to_string())
    }
}
