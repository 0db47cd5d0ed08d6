//! What is measured, and how it is reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use url::{Host, Url};

/// Longer than any answer that counts.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Whose machine is about to be loaded.
#[derive(Debug, clap::Args)]
pub struct Owned {
    /// Measure a host that is not this machine: it will be loaded as much as it can bear
    #[arg(long)]
    i_own_this_host: bool,
}

impl Owned {
    /// Refuses hosts that are not this machine, unless they were said to be one's own.
    pub fn admit(&self, url: &Url) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.i_own_this_host || is_this_machine(url),
            "`{url}` is not this machine; say `--i-own-this-host` if it is yours to load"
        );
        Ok(())
    }
}

/// By its name alone: a name that resolves to the loopback today need not tomorrow.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// A client that follows nothing and remembers nothing. It finds `*.localhost` here, whatever the resolver knows.
pub fn http(urls: &[&Url]) -> anyhow::Result<reqwest::Client> {
    let mut builder =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(TIMEOUT).no_proxy();
    for name in urls.iter().filter(|url| is_this_machine(url)).filter_map(|url| url.domain()) {
        // The port is the URL's: the one given here is ignored.
        builder = builder.resolve(name, SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
    }
    Ok(builder.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_is_not_this_machine_is_said_to_be_ones_own() {
        let admit = |owned, url: &str| Owned { i_own_this_host: owned }.admit(&url.parse().unwrap()).is_ok();
        for url in ["http://localhost", "http://cura.localhost:8080/a", "http://127.0.0.9", "http://[::1]:1"]
        {
            assert!(admit(false, url), "{url}");
        }
        for url in ["https://cura.kommune.example", "http://localhost.example", "http://10.0.0.1"] {
            assert!(!admit(false, url) && admit(true, url), "{url}");
        }
    }
}
