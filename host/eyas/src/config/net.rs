//! What the components that speak over the network have in common. Each part is read by one function, whatever the component's type.

mod auth;
mod endpoint;
mod request;
mod tls;
mod uri;

pub use auth::{check_forward_auth, read_auth, read_secret};
pub use endpoint::{listening_address, read_endpoint, target_address};
pub use request::{read_batch, read_request};
pub use tls::{read_client_tls, read_server_tls};
pub use uri::{Scheme, read_uri};
