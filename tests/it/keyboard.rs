//! Every page by keyboard alone (WCAG 2.2, 2.1, 2.4.1, 2.4.3, 2.4.7, 2.4.11): all of it is reached, in the order
//! it is read, and one sees where one is.

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::gallery::{Gallery, Scheme, Sheet};
use crate::harness::Demo;
use crate::key::{Key, Touch};
use crate::wait::until;

impl Browser {
    /// Presses one key, as WebDriver's actions do.
    pub async fn press(&self, key: Press) {
        let stroke = |kind: &str| json!({ "type": kind, "value": key.value() });
        let keys =
            json!({ "type": "key", "id": "keyboard", "actions": [stroke("keyDown"), stroke("keyUp")] });
        self.post("actions", json!({ "actions": [keys] })).await;
    }

    /// Types into whatever has the focus.
    pub async fn type_text(&self, text: &str) {
        self.devtools("Input.insertText", json!({ "text": text })).await;
    }

    /// What has the focus, as [`Stop`] says it; `None` where nothing of the page has.
    async fn focus(&self) -> Option<Stop> {
        let seen = self.execute(&format!("{STOPS}{FOCUS}"), json!([])).await;
        let text = |name: &str| seen[name].as_str().unwrap_or_default().to_owned();
        let flag = |name: &str| seen[name] == true;
        (!seen.is_null()).then(|| Stop {
            place: seen["place"].as_i64().unwrap_or(-1),
            parts: seen["parts"].as_i64().unwrap_or(1),
            name: text("name"),
            outlined: flag("outlined"),
            in_view: flag("inView"),
        })
    }

    /// Tabs on until what has the focus reads `name`.
    async fn tab_to(&self, name: &str) {
        let mut passed = Vec::new();
        while passed.len() < 60 {
            self.press(Press::Tab).await;
            let Some(stop) = self.focus().await else { continue };
            if stop.name == name {
                return;
            }
            passed.push(stop.name);
        }
        panic!("{name:?} is not reached by Tab; passed: {passed:?}");
    }
}

#[derive(Copy, Clone, Debug)]
pub enum Press {
    Tab,
    Enter,
    Space,
}

impl Press {
    /// WebDriver's code points (section 17.4.2).
    const fn value(self) -> &'static str {
        match self {
            Self::Tab => "\u{e004}",
            Self::Enter => "\u{e007}",
            Self::Space => " ",
        }
    }
}

/// Where Tab stopped.
#[derive(Debug)]
struct Stop {
    /// Among all that Tab should stop at, in the order of the page.
    place: i64,
    /// How often Tab stops within it: a date's day, month, year and calendar; 1 for all else.
    parts: i64,
    /// What it reads, or its label.
    name: String,
    /// Its outline is 2 px or more, and differs from what is behind it by 3:1.
    outlined: bool,
    /// All of it, as far as it fits.
    in_view: bool,
}

const FOCUS: &str = "
    const it = document.activeElement;
    if (!it || it === document.body || it === document.documentElement) return null;
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = (colour) => {
        const [r, g, b] = parts(colour).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const behind = (it) => {
        for (let up = it.parentElement; up; up = up.parentElement) {
            const colour = getComputedStyle(up).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const style = getComputedStyle(it);
    const box = it.getBoundingClientRect();
    const label = it.labels?.[0] ?? it;
    return {
        place: stops.indexOf(it),
        parts: it.type === 'date' ? 4 : 1,
        name: (label.innerText || it.value || '').trim().replace(/\\s+/g, ' '),
        outlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
            && contrast(luminance(style.outlineColor), luminance(behind(it))) >= 3,
        // Of a field of many lines the browser brings the caret into view, which is in the first.
        inView: box.top >= -1 && (it.type === 'textarea' ? box.top + 44 : box.bottom) <= innerHeight + 1 && box.left >= -1 && box.right <= innerWidth + 1,
    };";

/// Every place Tab should stop at. Of radio buttons that belong together it is one.
const STOPS: &str = "
    const tabbable = (it) => it.checkVisibility() && !it.disabled && it.type !== 'hidden' && it.tabIndex >= 0;
    const group = (it) => [...it.form.elements].filter((other) => other.type === 'radio' && other.name === it.name);
    const chosen = (it) => it === (group(it).find((other) => other.checked) ?? group(it)[0]);
    const stops = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
        .filter((it) => tabbable(it) && (it.type !== 'radio' || chosen(it)));";

/// How many they are. Nobody is sent around by a positive `tabindex`.
const COUNT: &str = "
    // From the top, wherever the page began.
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
    return stops.some((it) => it.tabIndex > 0) ? -1 : stops.length;";

#[tokio::test]
async fn tab_reaches_everything_in_order_and_in_sight() {
    let gallery = Gallery::open().await;
    let browser = Browser::start().await;
    let mut wrong = Vec::new();
    for (index, sheet) in gallery.danish().into_iter().enumerate() {
        gallery.show(&browser, sheet).await;
        [Scheme::Light, Scheme::Dark][index % 2].put_on(&browser).await;
        browser.viewport(320, 480).await;
        // A page that would go on by itself stays for whoever types.
        browser.press(Press::Tab).await;
        let count = browser.execute(&format!("{STOPS}{COUNT}"), json!([])).await.as_i64().unwrap_or(-1);
        let (mut reached, mut inside) = (-1, i64::MAX);
        while reached < count - 1 {
            browser.press(Press::Tab).await;
            let stop = browser.focus().await;
            let seen = stop.as_ref().is_some_and(|stop| stop.outlined && stop.in_view);
            let next = stop.as_ref().is_some_and(|stop| stop.place == reached + 1);
            let within = stop.as_ref().is_some_and(|stop| stop.place == reached && stop.parts > inside);
            if !seen || !next && !within {
                wrong.push(format!("{sheet}, after stop {reached} of {count}: {stop:?}"));
            }
            (reached, inside) = if within { (reached, inside + 1) } else { (reached + 1, 1) };
        }
        browser.press(Press::Tab).await;
        let after = browser.focus().await.map(|stop| stop.place);
        if count < 1 || after == Some(count - 1) {
            wrong.push(format!("{sheet}: Tab does not leave the last of {count} stops"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_first_stop_skips_to_the_content() {
    let gallery = Gallery::open().await;
    let browser = Browser::start().await;
    gallery.show(&browser, Sheet::of("me")).await;
    browser.execute(&format!("{STOPS}{COUNT}"), json!([])).await;
    browser.press(Press::Tab).await;
    assert_eq!(browser.focus().await.expect("a stop").name, "Gå til indhold");
    browser.press(Press::Enter).await;
    until("the content to have the focus", async || {
        let id = browser.execute("return document.activeElement.id", json!([])).await;
        if id == "content" { Ok(()) } else { Err(format!("it is at {id}")) }
    })
    .await;
    browser.press(Press::Tab).await;
    assert_eq!(browser.focus().await.expect("a stop").name, "Fortsæt til Cura");
}

/// From the front page of the login host to Cura.
#[tokio::test]
async fn the_whole_guide_by_keyboard_alone() {
    let demo = Demo::start().await;
    let browser = Browser::start().await;
    browser.open(&demo.cura("/citizens/7/export")).await;
    browser.heading("Login").await;
    // The form begins at the user name.
    assert_eq!(browser.focus().await.expect("a stop").name, "Brugernavn");
    browser.type_text("nez").await;
    browser.press(Press::Tab).await;
    browser.type_text("sluse-demo-2026").await;
    browser.tab_to("Husk brugernavn").await;
    browser.press(Press::Space).await;
    assert_eq!(browser.field("Husk brugernavn").await.property("checked").await, Value::Bool(true));
    browser.tab_to("Login").await;
    browser.press(Press::Enter).await;
    browser.heading("Ingen 2-faktor enheder registreret").await;
    browser.tab_to("Log ind med MitID").await;
    browser.press(Press::Enter).await;
    browser.heading("Hvem er du?").await;
    browser.press(Press::Tab).await;
    browser.press(Press::Enter).await;
    browser.heading("Min identitet").await;
    browser.tab_to("Tilføj hardwarenøgle").await;
    browser.press(Press::Enter).await;
    browser.heading("Tilføj hardwarenøgle").await;
    assert_eq!(browser.focus().await.expect("a stop").name, "Navn på klient");
    browser.type_text("Blå nøgle").await;
    browser.tab_to("Registrer klient").await;
    browser.press(Press::Enter).await;
    browser.button("Start registrering").await;
    let _key = Key::plug_in(&browser, Touch::Present).await;
    browser.tab_to("Start registrering").await;
    browser.press(Press::Enter).await;
    browser.heading("Registrering gennemført").await;
    // Somebody at the keys takes the time they want: the page does not go on by itself.
    browser.tab_to("Fortsæt").await;
    browser.press(Press::Enter).await;
    browser.at(&demo.cura("/citizens/7/export")).await;
}
