//! Every page against WCAG 2.2 AA, as axe-core sees it in Chromium, in both languages and colour schemes, on the
//! narrowest phone and on a desktop.

use serde_json::{Value, json};

use sluse::pages::text::Lang;

use crate::browser::Browser;
use crate::gallery::{Gallery, Scheme, Sheet};

#[tokio::test]
async fn axe_finds_nothing_on_any_page() {
    let gallery = Gallery::open().await;
    let browser = Browser::start().await;
    prepare(&browser).await;
    let mut found = Vec::new();
    for sheet in gallery.sheets() {
        gallery.show(&browser, sheet).await;
        for (width, scheme, rules) in [
            (320, Scheme::Light, EVERY),
            (320, Scheme::Dark, OF_LOOKS),
            (1280, Scheme::Light, OF_LOOKS),
            (1280, Scheme::Dark, OF_LOOKS),
        ] {
            browser.viewport(width, 800).await;
            scheme.put_on(&browser).await;
            let place = format!("{sheet} at {width} px, {}", scheme.name());
            found.extend(violations(&browser, rules).await.iter().map(|it| format!("{place}: {it}")));
        }
    }
    assert!(found.is_empty(), "{} violations:\n{}", found.len(), found.join("\n"));
}

/// A page that axe must object to, so that its silence means something.
#[tokio::test]
async fn axe_finds_what_is_wrong() {
    let gallery = Gallery::open().await;
    let browser = Browser::start().await;
    prepare(&browser).await;
    gallery.show(&browser, Sheet::of("login")).await;
    let spoil = "
        document.querySelector('label[for=username]').remove();
        const [abort] = document.querySelectorAll('.links li:last-child a');
        abort.style.color = '#bbb';
        const close = document.createElement('a');
        close.href = '#';
        close.style = 'display: block; min-height: 0; width: 10px; height: 10px; overflow: hidden';
        close.textContent = 'x';
        abort.parentElement.prepend(close, close.cloneNode(true));";
    browser.execute(spoil, json!([])).await;
    let found = violations(&browser, EVERY).await.join("\n");
    for rule in ["label ", "color-contrast ", "target-size "] {
        assert!(found.contains(rule), "{rule}is not in:\n{found}");
    }
}

/// What becomes of a key is said where a screen reader listens (WCAG 2.2, 4.1.3).
#[tokio::test]
async fn every_state_of_a_key_is_announced() {
    const LISTEN: &str = "
        window.said = [];
        const hear = (changes) => said.push(...changes.map((change) => change.addedNodes[0].textContent));
        new MutationObserver(hear).observe(document.querySelector('#status[role=status]'), { childList: true });
        document.getElementById('start').click();";
    let gallery = Gallery::open().await;
    let browser = Browser::start().await;
    gallery.show(&browser, Sheet::of("key-prompt")).await;
    let failed =
        "return document.querySelector('#ceremony').dataset.state === 'failed' && window.said?.length !== 1";
    browser.wait_until("the first attempt to fail", failed, "").await;
    browser.execute(LISTEN, json!([])).await;
    browser.wait_until("the second to fail", &format!("{failed} && said.length === 2"), "").await;
    let words = &Lang::Da.texts().webauthn;
    // The sample's key is for another host.
    let said = browser.execute("return said", json!([])).await;
    assert_eq!(said, json!([words.waiting, words.wrong_address]));
}

/// WCAG 2.2 up to AA, and what axe advises besides. Target size is off where it is not asked for by name.
const EVERY: &str = "{
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'],
    rules: { 'target-size': { enabled: true } },
}";
/// What another colour scheme or width can change: all else is markup.
const OF_LOOKS: &str = "{
    runOnly: {
        type: 'rule',
        values: ['color-contrast', 'link-in-text-block', 'target-size', 'scrollable-region-focusable'],
    },
}";

/// From now on every page `browser` opens has axe. By way of DevTools: the pages' own policy lets no script in.
async fn prepare(browser: &Browser) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(path).expect("`make deps` installs axe-core");
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": axe })).await;
}

/// A line a violation on the page that is open, with these of axe's options: rule, element, and what is wrong.
async fn violations(browser: &Browser, options: &str) -> Vec<String> {
    const RUN: &str = "
        const [done] = arguments;
        const line = (rule, node) => `${rule.id} at ${node.target}: ${node.failureSummary.replace(/\\s+/g, ' ')}`;
        axe.run({ resultTypes: ['violations'], preload: false, ...options }).then(
            ({ violations }) => done(violations.flatMap((rule) => rule.nodes.map((node) => line(rule, node)))),
            (error) => done([`axe: ${error}`]),
        );";
    match browser.execute_async(&format!("const options = {options};{RUN}"), json!([])).await {
        Value::Array(lines) => {
            lines.iter().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
        }
        other => panic!("axe gave {other}"),
    }
}
