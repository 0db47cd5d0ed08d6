//! Room for everybody: the narrowest phone, twice the text, wider spacing, colours and motion as the reader wants
//! them (WCAG 2.2, 1.4.4, 1.4.10 to 1.4.12, 2.5.8).

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::gallery::{Gallery, Scheme, Sheet};

/// A page in a state of the browser's that `script` looks at; it returns what is wrong, a line each.
async fn look(browser: &Browser, script: &str) -> Vec<String> {
    match browser.execute(&format!("{MEASURING}\n{script}"), json!([])).await {
        Value::Array(lines) => {
            lines.iter().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
        }
        other => panic!("the script gave {other}"),
    }
}

const MEASURING: &str = "
    const root = document.documentElement;
    const seen = (selector) => [...document.querySelectorAll(selector)].filter((it) => it.checkVisibility());
    const name = (it) => `<${it.localName}> ${(it.innerText || it.name || it.id).trim().replace(/\\s+/g, ' ').slice(0, 40)}`;";

/// Nothing reaches beyond the page's edge, and no text beyond what it is on.
const FITS: &str = "
    const wrong = [];
    if (root.scrollWidth > root.clientWidth) wrong.push(`scrolls sideways: ${root.scrollWidth} px`);
    for (const it of seen('a, button, label, summary, dd, li, p, h1, h2, h3, strong, th, td')) {
        const text = document.createRange();
        text.selectNodeContents(it);
        const [inner, outer] = [text.getBoundingClientRect(), it.getBoundingClientRect()];
        const boxed = it.matches('.button, .mitid, .reveal, .tabs a, button');
        const over = inner.right > root.clientWidth + 1 || inner.left < -1 && !it.matches('.skip');
        if (over) wrong.push(`${name(it)}: reaches beyond the page`);
        if (boxed && (inner.bottom > outer.bottom + 1 || inner.top < outer.top - 1 || inner.right > outer.right + 1))
            wrong.push(`${name(it)}: reaches beyond its box`);
        const clips = ['hidden', 'clip'].includes(getComputedStyle(it).overflowX);
        if (clips && (it.scrollWidth > it.clientWidth + 1 || it.scrollHeight > it.clientHeight + 1))
            wrong.push(`${name(it)}: is cut off`);
    }
    return wrong;";

#[tokio::test]
async fn nothing_reaches_beyond_its_edge() {
    let gallery = Gallery::open().await;
    let browser = Browser::start().await;
    let mut wrong = Vec::new();
    for sheet in gallery.sheets() {
        gallery.show(&browser, sheet).await;
        // A desktop at 200 % is half as wide; a phone's own setting makes the text alone twice as large.
        for (place, width, adjust) in [
            ("320 px", 320, ""),
            ("200 %", 640, ""),
            ("a phone with text at 200 %", 390, "root.style.fontSize = '200%';"),
            ("320 px and wider spacing", 320, SPACED),
        ] {
            browser.viewport(width, 640).await;
            let found = look(&browser, &format!("root.style.fontSize = '';{adjust}{FITS}")).await;
            wrong.extend(found.iter().map(|it| format!("{sheet} at {place}: {it}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// As far as readers may widen it without losing anything (1.4.12).
const SPACED: &str = "
    const spaced = new CSSStyleSheet();
    spaced.replaceSync(`* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
        word-spacing: 0.16em !important } p { margin-bottom: 2em !important }`);
    document.adoptedStyleSheets = [spaced];";

/// 44 CSS pixels for what stands by itself: the stylesheet's own promise, and more than WCAG's 24.
#[tokio::test]
async fn targets_are_large_enough_for_gloves() {
    const SMALL: &str = "
        const wrong = [];
        for (const it of seen('a[href], button, input:not([type=hidden]), select, textarea, summary, label.check')) {
            const { width, height } = it.getBoundingClientRect();
            const within = it.closest('label.check, p, .alert') ?? it;
            const inline = within !== it && (getComputedStyle(it).display === 'inline' || it.matches('.check *'));
            if (!inline && (width < 44 || height < 44)) wrong.push(`${name(it)}: ${width} × ${height} px`);
        }
        return wrong;";
    let gallery = Gallery::open().await;
    let browser = Browser::start().await;
    let mut wrong = Vec::new();
    for sheet in gallery.danish() {
        gallery.show(&browser, sheet).await;
        for width in [320, 1280] {
            browser.viewport(width, 640).await;
            let found = look(&browser, SMALL).await;
            wrong.extend(found.iter().map(|it| format!("{sheet} at {width} px: {it}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where the reader's colours stand in for ours, borders say what they said: what is a button, what is wrong,
/// where one is.
#[tokio::test]
async fn forced_colours_hide_nothing() {
    const UNSEEN: &str = "
        const wrong = [];
        if (!matchMedia('(forced-colors: active)').matches) wrong.push('the colours are not forced');
        const bordered = (it) => {
            const { borderTopStyle, borderTopWidth } = getComputedStyle(it);
            return borderTopStyle !== 'none' && parseFloat(borderTopWidth) >= 1;
        };
        for (const it of seen('button, .button, input:not([type=hidden]):not([type=checkbox]), select, textarea, .card, .panel'))
            if (!bordered(it)) wrong.push(`${name(it)}: has no edge`);
        const width = (it) => parseFloat(getComputedStyle(it).borderTopWidth);
        for (const it of seen('input[aria-invalid]'))
            if (width(it) < 2) wrong.push(`${name(it)}: does not look wrong`);
        for (const it of seen('.tabs a[aria-current]'))
            if (width(it) <= width(it.parentElement.querySelector('a:not([aria-current])')))
                wrong.push(`${name(it)}: looks like any other tab`);
        for (const it of seen('a[href], button, input:not([type=hidden])')) {
            it.focus({ focusVisible: true });
            if (it.disabled) continue;
            const { outlineStyle, outlineWidth } = getComputedStyle(it);
            if (outlineStyle === 'none' || parseFloat(outlineWidth) < 2) wrong.push(`${name(it)}: focus is not seen`);
        }
        return wrong;";
    let gallery = Gallery::open().await;
    let browser = Browser::start().await;
    let mut wrong = Vec::new();
    for sheet in gallery.danish() {
        gallery.show(&browser, sheet).await;
        Scheme::Forced.put_on(&browser).await;
        wrong.extend(look(&browser, UNSEEN).await.iter().map(|it| format!("{sheet}: {it}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn nothing_moves_for_who_wants_it_still() {
    const WAITING: &str = "document.getElementById('ceremony').setAttribute('data-state', 'waiting');";
    let gallery = Gallery::open().await;
    let browser = Browser::start().await;
    gallery.show(&browser, Sheet::of("key-register")).await;
    let moving = || browser.execute("return document.getAnimations().length", json!([]));
    browser.execute(WAITING, json!([])).await;
    assert_ne!(moving().await, json!(0), "the key glows while it is waited for");
    Scheme::Light.put_on(&browser).await;
    assert_eq!(moving().await, json!(0));
}
