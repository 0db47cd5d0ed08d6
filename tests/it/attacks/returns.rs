//! Where people are sent on to is one of our own hosts, or the page they go to by default.

use url::Url;

use super::{Field, PASSWORD};
use crate::broker::NEZ;
use crate::person::Person;

/// A61: everything a return address has been made of to lead elsewhere. `LOGIN` and `CURA` stand for our
/// origins, `PORT` for our port.
const ADDRESSES: &[&str] = &[
    "https://evil.example",
    "https://evil.example/CURA/",
    "http://evil.example:PORT/",
    "//evil.example",
    "//evil.example/%2e%2e",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/%09/evil.example",
    "/%0a/evil.example",
    "/%5cevil.example",
    "/%2fevil.example",
    "%2f%2fevil.example",
    "\t//evil.example",
    " //evil.example",
    "\u{a0}//evil.example",
    "\u{feff}//evil.example",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example",
    "https:\\\\evil.example",
    "http:evil.example",
    "hTTps://evil.example",
    "ht\ntps://evil.example",
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    "JaVaScRiPt:alert(1)//CURA/",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:CURA/x",
    "ftp://cura.localhost:PORT/",
    "CURA@evil.example/",
    "CURA:x@evil.example/",
    "http://cura.localhost@evil.example:PORT/",
    "http://evil.example\\@cura.localhost:PORT/",
    "http://evil.example#@cura.localhost:PORT/",
    "http://evil.example?@cura.localhost:PORT/",
    "http://nez@cura.localhost:PORT/",
    "http://nez:x@cura.localhost:PORT/",
    "http://@cura.localhost:PORT/",
    "CURA.evil.example/",
    "http://cura.localhost.evil.example:PORT/",
    "http://xcura.localhost:PORT/",
    "http://x.cura.localhost:PORT/",
    "http://cura.localhost.:PORT/",
    "http://CURA.localhost:PORT/",
    "http://cura%2elocalhost:PORT/",
    "http://cura\u{3002}localhost:PORT/",
    "http://\u{ff43}ura.localhost:PORT/",
    "http://other.localhost:PORT/",
    "http://localhost:PORT/",
    "http://127.0.0.1:PORT/",
    "http://[::1]:PORT/",
    "http://2130706433:PORT/",
    "http://cura.localhost/",
    "http://cura.localhost:1/",
    "http://cura.localhost:0PORT/",
    "http://cura.localhost:PORT",
    "http://cura.localhost:PORT?x",
    "http://cura.localhost:PORT#x",
    "http://cura.localhost:PORT\\evil.example",
    "https://cura.localhost:PORT/",
    "ws://cura.localhost:PORT/",
    "CURA//evil.example/",
    "LOGIN//evil.example/",
    "LOGIN/\\evil.example/",
    "LOGIN\\\\evil.example/",
    "CURA/\\evil.example/",
    "LOGIN/%0d%0aSet-Cookie:%20x=y",
    "LOGIN/\r\nSet-Cookie: x=y",
    "CURA/\r\nSet-Cookie: x=y",
    "CURA/\r\n\r\n<script>alert(1)</script>",
    "CURA/ x",
    "CURA/\u{0}x",
    "CURA/x#//evil.example",
    "CURA/../../evil.example",
    "CURA/%2e%2e//evil.example",
    "LOGIN/.//evil.example",
    "LOGIN/..//evil.example",
    "LOGIN/%2e//evil.example",
    "LOGIN/x/..//evil.example",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "evil.example",
    "?x",
    "#x",
    "..",
    "",
];

impl Field {
    fn address(&self, address: &str) -> String {
        let (login, cura) = (self.installation.login(""), self.installation.cura(""));
        let port = self.installation.listen.port().to_string();
        address.replace("LOGIN", &login).replace("CURA", &cura).replace("PORT", &port)
    }

    /// Asserts that a browser on a page of ours that is sent to `location` stays with us.
    fn stays(&self, case: &str, from: &str, location: &str) {
        let base = Url::parse(from).expect("our own address");
        let target = base.join(location).unwrap_or_else(|_| panic!("{case}: {location:?} leads nowhere"));
        let ours = [self.installation.login(""), self.installation.cura("")];
        let origin = target.origin().ascii_serialization();
        assert!(ours.contains(&origin), "{case}: sent to {location:?}");
        assert_eq!((target.username(), target.password()), ("", None), "{case}: {location:?}");
        assert!(location.bytes().all(|b| b.is_ascii_graphic()), "{case}: {location:?}");
    }
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn nobody_is_sent_elsewhere() {
    let field = Field::new().await;
    let mut nez = field.nez().await;
    let nonce = "A".repeat(43);
    for address in ADDRESSES {
        let to = encoded(&field.address(address));
        for path in [
            format!("/login?to={to}"),
            format!("/login?to={to}&ask={nonce}"),
            format!("/key?to={to}"),
            format!("/me?to={to}"),
            format!("/help?to={to}"),
            format!("/?lang=en&to={to}"),
        ] {
            let url = field.installation.login(&path);
            let reply = nez.get(&url).await;
            let case = format!("{address:?} at {path}");
            assert!(matches!(reply.status, 200 | 303), "{case}: {}", reply.status);
            let locations = reply.all("location");
            assert!(locations.len() <= 1, "{case}: {locations:?}");
            locations.iter().for_each(|location| field.stays(&case, &url, location));
            assert!(reply.header("x").is_none() && !reply.all("set-cookie").contains(&"x=y"), "{case}");
            let page = reply.text();
            for link in page.split(" href=\"").chain(page.split(" action=\"")).skip(1) {
                let link = link.split('"').next().unwrap_or_default().replace("&#38;", "&");
                let below_us =
                    link.strip_prefix('/').is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
                if !below_us && link.len() < 4096 && !link.contains('<') {
                    field.stays(&format!("{case}, a link"), &url, &link);
                }
            }
            assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{case}: escaped");
        }
    }
    field.untouched("A61", field.origin.received().len()).await;
}

/// The same, at the end of a password and of a touch.
#[tokio::test]
async fn nobody_is_sent_elsewhere_by_a_form_or_a_script() {
    let field = Field::new().await;
    let key = field.nez().await.key;
    let mut nez = Person::at(&field.installation).holding(key);
    let form = nez.open(&field.installation.cura("/admin/x")).await;
    nez.log_in(&form, NEZ.user, PASSWORD).await;
    // The same reading as above: some of them show that it is used.
    for address in ADDRESSES.iter().step_by(5) {
        let to = field.address(address);
        let fields = |to: &str| {
            [("username", NEZ.user), ("password", PASSWORD), ("to", to)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let url = field.installation.login("/logout");
        let reply = nez.post_form(&url, &[("then".into(), "login".into()), ("to".into(), to.clone())]).await;
        field.stays(&format!("{address:?} at a log-out"), &url, reply.header("location").expect("on"));

        let to = encoded(&to);
        let url = field.installation.cura(&format!("/.sluse/leave?hosts={to},{to}&then=login&to={to}"));
        let reply = nez.get(&url).await;
        field.stays(&format!("{address:?} on the way out"), &url, reply.header("location").expect("on"));
        assert_eq!(reply.header("clear-site-data"), None, "nobody's session is over");

        let url = field.installation.login("/login");
        let reply = nez.post_form(&url, &fields(&field.address(address))).await;
        assert_eq!(reply.status, 303, "{address:?}");
        field.stays(&format!("{address:?} at a login"), &url, reply.header("location").expect("on"));
    }
    for address in ADDRESSES.iter().step_by(7) {
        let to = field.address(address);
        let url =
            field.installation.login(&format!("/key?to={}", encoded(&field.installation.cura("/admin/x"))));
        nez.post_form(&field.installation.login("/logout"), &[]).await;
        nez.log_in(&form, NEZ.user, PASSWORD).await;
        let page = nez.open(&url).await;
        let response =
            nez.key.assert(&page.options(), &crate::person::origin(&page.url)).expect("goes along");
        let message = serde_json::json!({
            "ceremony": page.attribute("data-ceremony"),
            "response": serde_json::from_str::<serde_json::Value>(&response).expect("JSON"),
            "to": to,
        });
        let headers = [("Content-Type", "application/json")];
        let finish = field.installation.login("/key/finish");
        let reply = nez.post(&finish, &headers, &message.to_string()).await;
        assert_eq!(reply.status, 200, "{address:?}: {}", reply.text());
        let next = reply.json()["next"].as_str().expect("a way on").to_owned();
        field.stays(&format!("{address:?} after a touch"), &finish, &next);
    }
}

/// The address that was asked for comes back exactly, whatever its query holds.
#[tokio::test]
async fn the_exact_address_comes_back() {
    let field = Field::new().await;
    for target in [
        "/app/x?y=1&z=a%20b&to=https://evil.example/&y=2",
        "/app/x?%0d%0aSet-Cookie:%20x=y",
        "/app/x?//evil.example",
        "/app/x?a[]=1&b={}&c='&d=\"",
        "/app/%C3%A6%C3%B8?\\",
        "/app/",
        "/app/x?",
    ] {
        let mut nez = Person::at(&field.installation);
        let page = nez.open(&field.installation.cura(target)).await;
        let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
        // An address a browser might read apart from us is not one we send people to.
        let kept = !target.contains(['\\', '"']);
        if kept {
            assert_eq!(page.url, field.installation.cura(target));
            assert_eq!(page.reply.json()["request_line"], format!("GET {target} HTTP/1.1").as_str());
        } else {
            field.stays(target, &field.installation.login("/"), &page.url);
        }
    }
}
