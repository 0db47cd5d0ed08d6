//! Texts, colours and a logo from a folder: seen by people, changed without a restart, refused when they are wrong.

use crate::browser::Browser;
use crate::harness::Installation;
use crate::origin::Origin;
use crate::raw::{Reply, exchange};

const LOGO: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 90 30\"><path d=\"M0 0h90v30H0z\"/></svg>";

/// With a folder that changes a title, the brand's colour and the logo.
fn dressed(origin: &Origin) -> Installation {
    let installation = Installation::new(origin);
    let yaml = format!("{}appearance: looks\n", installation.settings(""));
    installation.write("sluse.yaml", &yaml);
    installation.write(
        "looks/texts.da.yaml",
        "login.title: Log på <Åby>\nlogin.infobox: Servicedesk har lukket i dag.\ncommon.gateway: Åby Login\n",
    );
    installation.write("looks/texts.en.yaml", "login.infobox: The service desk is closed today.\n");
    installation.write("looks/colours.yaml", "light: { brand: \"#7a1f5c\", brand-strong: \"#5a1644\" }\n");
    installation.write("looks/logo.svg", LOGO);
    installation
}

async fn get(installation: &Installation, path: &str) -> Reply {
    let host = format!("login.localhost:{}", installation.listen.port());
    exchange(installation.listen, format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
        .await
}

/// The address of the first asset of `page` that has `name` in it.
fn address(page: &Reply, name: &str) -> String {
    let text = page.text();
    let at = text.find(&format!("/.sluse/static/{name}")).unwrap_or_else(|| panic!("no {name}: {text}"));
    text[at..].split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn people_see_what_the_folder_says() {
    let origin = Origin::echo().await;
    let installation = dressed(&origin);
    let _gateway = installation.serve().await;
    let browser = Browser::start().await;
    browser.open(&installation.login("/login")).await;
    // As text, whatever it looks like.
    browser.heading("Log på <Åby>").await;
    browser.shows("Servicedesk har lukket i dag.").await;
    assert_eq!(browser.title().await, "Log på <Åby> – Åby Login");
    let seen = browser
        .execute(
            "const button = getComputedStyle(document.querySelector('form .button'));
             const logo = document.querySelector('.brand img');
             return [button.backgroundColor, logo.naturalWidth > logo.naturalHeight, logo.height];",
            serde_json::json!([]),
        )
        .await;
    assert_eq!(seen, serde_json::json!(["rgb(122, 31, 92)", true, 36]));
    // What the folder does not name stays as it is.
    browser.field("Brugernavn").await;
}

#[tokio::test]
async fn a_logo_runs_nothing_and_is_kept_under_its_own_address_alone() {
    let origin = Origin::echo().await;
    let installation = dressed(&origin);
    let _gateway = installation.serve().await;
    let page = get(&installation, "/login").await;
    let logo = get(&installation, &address(&page, "own-logo.svg")).await;
    assert_eq!((logo.status, logo.text().as_str()), (200, LOGO));
    assert_eq!(logo.header("content-type"), Some("image/svg+xml"));
    assert_eq!(logo.header("x-content-type-options"), Some("nosniff"));
    let policy = logo.all("content-security-policy");
    assert_eq!(policy, ["default-src 'none'; style-src 'unsafe-inline'; sandbox"]);
    assert!(logo.header("cache-control").is_some_and(|it| it.contains("immutable")));
    let other = get(&installation, "/.sluse/static/own-logo.svg?v=0123456789abcdef").await;
    assert_eq!((other.status, other.header("cache-control")), (200, Some("no-store")));
    assert_eq!(get(&installation, "/.sluse/static/own-logo.png").await.status, 404);
    // The pages' own policy is as strict as without.
    let policy = page.header("content-security-policy").expect("every page has one");
    assert!(policy.contains("style-src 'self'") && policy.contains("img-src 'self'"), "{policy}");
}

#[tokio::test]
async fn a_change_is_live_and_a_mistake_is_not() {
    let origin = Origin::echo().await;
    let installation = dressed(&origin);
    let gateway = installation.serve().await;
    let title = async || {
        let page = get(&installation, "/login").await.text();
        page.split("<title>").nth(1).and_then(|rest| rest.split(" –").next()).unwrap_or_default().to_owned()
    };
    let colours = async || {
        let page = get(&installation, "/login").await;
        address(&page, "own.css")
    };
    let before = colours().await;

    installation.change("looks/texts.da.yaml", "Log på <Åby>", "Velkommen til Åby");
    installation.change("looks/colours.yaml", "#7a1f5c", "#7a1f5d");
    gateway.logged("a new policy is live").await;
    assert_eq!(title().await, "Velkommen til Åby");
    assert_ne!(colours().await, before, "a browser would show the old colours");

    installation.change("looks/colours.yaml", "#7a1f5d", "#cccccc");
    installation.change("looks/texts.da.yaml", "Velkommen til Åby", "Nu ændret");
    let line = gateway.logged("the policy is not loaded").await;
    assert!(line.contains("colours.yaml") && line.contains("has a contrast of"), "{line}");
    assert_eq!(title().await, "Velkommen til Åby");
}

#[tokio::test]
async fn a_mistake_is_found_before_it_is_live() {
    let origin = Origin::echo().await;
    let installation = dressed(&origin);
    let checked = installation.sluse(["check"], "");
    assert!(checked.status.success(), "{checked:?}");
    installation.change("looks/texts.da.yaml", "login.title", "login.titel");
    let checked = installation.sluse(["check"], "");
    let told = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert_eq!(checked.status.code(), Some(1), "{told}");
    assert!(
        told.contains("looks/texts.da.yaml:1:1") && told.contains("did you mean `login.title`?"),
        "{told}"
    );
    let (code, told) = installation.serve_in_vain().await;
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("there is no text `login.titel`"), "{told}");
}
