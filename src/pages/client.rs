//! Which browser it was, in words a person knows it by.

use http::header;

use super::visitor::Visitor;
use crate::audit::Entry;

/// The entry with the visitor's `client`, such as `Chrome, Android`, as far as it can be told.
pub fn named(entry: Entry, visitor: &Visitor) -> Entry {
    let agent = visitor.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    match agent.and_then(client) {
        Some(client) => entry.with("client", client),
        None => entry,
    }
}

/// What a browser's name begins with in its User-Agent. Those built on others name these too, so the first that
/// fits counts.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
];

/// Only words of ours: what a browser says of itself is anybody's to write.
fn client(agent: &str) -> Option<String> {
    let of = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let browser = of(&BROWSERS).or_else(|| agent.contains("Safari/").then_some("Safari"));
    match (browser, of(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser}, {system}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::client;

    #[test]
    fn browsers_have_names_people_know() {
        for (agent, name) in [
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
                "Chrome, Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
                "Edge, Windows",
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1",
                "Safari, iPad",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox, Linux"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) CriOS/156.0 Safari/604.1",
                "Chrome, iPhone",
            ),
            ("curl/8", ""),
            ("Firefox/1 https://evil.example", "Firefox"),
        ] {
            assert_eq!(client(agent).unwrap_or_default(), name, "{agent}");
        }
    }
}
