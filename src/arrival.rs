//! How a request arrived, as the proxy established it: what the pages may believe about it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::audit::Origin;
use crate::policy::{App, Denial};
use crate::time::Timestamp;

/// Travels with a request from the proxy to a page.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The host it was sent to, in its one spelling.
    pub host: String,
    pub address: Option<IpAddr>,
    /// Identifies the request in the log, in the audit and to the service desk, such as `7F3K-92QD`.
    pub correlation: String,
    pub at: Timestamp,
    /// The app whose host it is; none at the login host.
    pub app: Option<Arc<App>>,
    /// Why the page is shown instead of what was asked for.
    pub verdict: Option<Verdict>,
}

/// The path of the page that tells a verdict. A client that asks for it has none, and gets a 404.
pub const VERDICT: &str = "/.sluse/verdict";

/// The page of the login host that breaks glass, for where its query leads.
pub const BREAK_GLASS: &str = "/glass/break";

/// What the proxy wants a page to tell.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The policy says no. `break_glass` is where the person may open all the same, if they may.
    Denied { denial: Box<Denial>, break_glass: Option<String> },
    /// The request, the upstream or the gateway itself is at fault.
    Failed { status: u16 },
}

impl Arrival {
    pub fn origin(&self) -> Origin {
        Origin { at: self.at, address: self.address, correlation: self.correlation.clone() }
    }
}

/// How the outside sees the gateway.
#[derive(Clone, Debug)]
pub struct Public {
    /// `https` but for `localhost`.
    pub scheme: &'static str,
    /// With a leading colon, or empty for the scheme's own.
    pub port: String,
    pub login_host: String,
    /// Ports on which plain HTTP is only sent on to https.
    pub redirect_ports: Vec<u16>,
}

impl Public {
    /// The origin of one of our hosts.
    pub fn origin(&self, host: &str) -> String {
        format!("{}://{host}{}", self.scheme, self.port)
    }

    /// The origin of the login host.
    pub fn login(&self) -> String {
        self.origin(&self.login_host)
    }
}
