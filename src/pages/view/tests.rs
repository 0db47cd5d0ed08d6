use std::collections::HashMap;

use super::samples::{NEZ, Words, samples, samples_on_shared};
use crate::pages::asset::asset;
use crate::pages::text::Lang;

/// As hostile as a name gets: markup, a template's own syntax, a quote of each kind, right-to-left, and long.
fn hostile() -> String {
    format!(
        "\"><img src=x onerror=alert(1)> {{{{7*7}}}} {{% x %}} ' \u{202e}evil\u{202c} {}",
        "x".repeat(10_240)
    )
}

fn all(words: &str) -> Words<'_> {
    Words { person: words, key: words, app: words, policy: words }
}

fn pages(lang: Lang) -> HashMap<&'static str, String> {
    samples(lang, NEZ).into_iter().collect()
}

#[test]
fn every_page_has_its_language_one_heading_and_one_place_to_skip_to() {
    for lang in Lang::ALL {
        for (name, html) in samples(lang, NEZ) {
            let page = format!("{name}.{}", lang.tag());
            assert!(html.starts_with(&format!("<!doctype html>\n<html lang=\"{}\">", lang.tag())), "{page}");
            assert_eq!(html.matches("<h1").count(), 1, "{page}");
            assert_eq!(html.matches("<main").count(), 1, "{page}");
            assert!(html.contains("<title>") && !html.contains("<title> –"), "{page}");
            assert!(name.starts_with("cura") || html.contains("href=\"#content\""), "{page}");
        }
    }
}

/// Whoever is in can be followed by the next person in one tap, on every page there is.
#[test]
fn every_page_of_a_shared_device_has_the_way_to_the_next_person() {
    // Nobody is in there; Cura is another's.
    const NOBODY: [&str; 9] =
        ["login", "key-login", "account-", "help", "device", "error", "logged-out", "terms-read", "cura-"];
    const SWITCH: &str = "<input type=\"hidden\" name=\"then\" value=\"login\">";
    for lang in Lang::ALL {
        let wrong: Vec<_> = samples_on_shared(lang, NEZ)
            .into_iter()
            .filter(|(name, html)| {
                let nobody = *name == "front" || NOBODY.iter().any(|page| name.starts_with(page));
                html.contains(SWITCH) == nobody
            })
            .map(|(name, _)| name)
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", lang.tag());
        assert!(!pages(lang)["me"].contains(SWITCH), "a device of one's own has no next person");
    }
}

/// A unit's key is told of, and is nobody's to rename or delete.
#[test]
fn a_borrowed_key_is_shown_until_when_and_nothing_can_be_done_to_it() {
    let html = &pages(Lang::Da)["me-borrowed"];
    assert!(html.contains("Lånt indtil") && html.contains("Vagtplan: Min nøgle"));
    assert!(!html.contains("/rename") && !html.contains("/delete"));
}

#[test]
fn nothing_inline_and_nothing_from_elsewhere() {
    for lang in Lang::ALL {
        for (name, html) in samples(lang, all(&hostile())) {
            for tag in tags(&html) {
                let has = |attribute: &str| tag.attributes.contains(&attribute);
                assert!(!has("style"), "{name}: {tag:?}");
                assert!(!tag.attributes.iter().any(|a| a.starts_with("on")), "{name}: {tag:?}");
                assert!(tag.name != "style" && (tag.name != "script" || has("src")), "{name}: {tag:?}");
            }
            for address in values(&html, "src").into_iter().chain(values(&html, "action")) {
                assert!(address.starts_with('/') && !address.starts_with("//"), "{name}: {address}");
            }
            assert!(!html.contains("javascript:"), "{name}");
        }
    }
}

#[test]
fn every_asset_a_page_names_is_there() {
    for (name, html) in samples(Lang::Da, NEZ) {
        for address in values(&html, "src").into_iter().chain(values(&html, "href")) {
            let file = address.strip_prefix("/.sluse/static/").or_else(|| address.strip_prefix("/assets/"));
            let Some((file, version)) = file.and_then(|file| file.split_once("?v=")) else { continue };
            let bytes = asset(file).unwrap_or_else(|| panic!("{name} names {file}")).bytes;
            assert!(blake3::hash(bytes).to_hex().starts_with(version), "{name}: {file}");
        }
    }
}

#[test]
fn names_are_escaped_and_isolated() {
    let hostile = hostile();
    let shown =
        hostile.replace('"', "&#34;").replace('\'', "&#39;").replace('<', "&#60;").replace('>', "&#62;");
    for lang in Lang::ALL {
        for (name, html) in samples(lang, all(&hostile)) {
            assert!(!html.contains("<img src=x"), "{name}");
            assert_eq!(
                tags(&html).iter().filter(|tag| tag.attributes.contains(&"onerror")).count(),
                0,
                "{name}"
            );
            // In a paragraph of its own, or as an attribute's value, there is nothing around to reorder.
            for (at, _) in html.match_indices(&shown) {
                let before = &html[..at];
                let alone = ["<bdi>", "value=\"", "<p class=\"lead\">", "role=\"status\">"]
                    .iter()
                    .any(|opening| before.ends_with(opening))
                    || before.rsplit('<').next().is_some_and(|tag| {
                        ["bdi", "textarea", "option"].iter().any(|name| tag.starts_with(name))
                    });
                assert!(alone, "{name}: …{}", &before[before.len().saturating_sub(60)..]);
            }
        }
    }
    assert!(samples(Lang::Da, all(&hostile)).iter().filter(|(_, html)| html.contains(&shown)).count() > 20);
}

#[test]
fn every_field_has_a_label_and_every_reference_its_target() {
    for (name, html) in samples(Lang::Da, NEZ) {
        let ids = values(&html, "id");
        let unique: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len(), "{name}: an id stands twice");
        let labelled = values(&html, "for");
        let fields =
            html.split("<input ").skip(1).chain(html.split("<textarea ").skip(1)).filter(|input| {
                !input.starts_with("type=\"hidden\"") && !input.starts_with("type=\"checkbox\"")
            });
        for field in fields {
            let id = field.strip_prefix("id=\"").and_then(|rest| rest.split('"').next());
            assert!(id.is_some_and(|id| labelled.contains(&id)), "{name}: {field:.60}");
        }
        let described = values(&html, "aria-describedby").into_iter().flat_map(|ids| ids.split(' '));
        let named = values(&html, "aria-labelledby");
        let linked = values(&html, "href").into_iter().filter_map(|href| href.strip_prefix('#'));
        for id in described.chain(named).chain(linked).chain(labelled) {
            assert!(ids.contains(&id), "{name}: nothing has the id {id}");
        }
    }
}

#[test]
fn an_error_is_announced_and_points_at_its_field() {
    let pages = pages(Lang::Da);
    for name in [
        "login-wrong",
        "no-keys-wrong",
        "key-new-short",
        "key-rename-wrong",
        "password-wrong",
        "glass-break-short",
    ] {
        let html = &pages[name];
        assert!(html.contains("<title>Fejl: "), "{name}");
        assert!(html.contains("role=\"alert\""), "{name}");
        assert!(html.contains("aria-invalid=\"true\""), "{name}");
    }
    assert!(pages["login-wrong"].contains("value=\"Nez Olsen\""), "what was typed stays");
    assert!(pages["glass-break-short"].contains(">Haster</textarea>"), "what was typed stays");
    assert!(!pages["login"].contains("role=\"alert\""));
}

#[test]
fn every_form_carries_where_the_person_was_going() {
    for (name, html) in samples(Lang::En, NEZ) {
        for form in html.split("<form ").skip(1) {
            let form = form.split("</form>").next().unwrap_or_default();
            // Logging out leads nowhere else, and the next person nowhere of this one's; what was parked goes
            // where it was going; the stand-in's own forms are not ours.
            // What is done for others leads back to its own list.
            if name.starts_with("cura")
                || name.starts_with("lend")
                || name.starts_with("papers")
                || name.starts_with("admin")
                || name.ends_with("-shared")
                || form.contains("action=\"/device\"")
                || form.contains("action=\"/me/elsewhere\"")
                || form.contains("action=\"/me/sessions/")
                || form.contains("action=\"/glass/close\"")
                || form.contains("action=\"/medication/")
                || (form.contains("/logout") && !form.contains("then"))
            {
                continue;
            }
            assert!(
                form.contains("name=\"to\" value=\"https://cura.kommune.example/medication/7\""),
                "{name}"
            );
            assert!(form.contains("name=\"method\" value=\"POST\""), "{name}");
            assert!(!form.contains("name=\"ask\""), "{name}: an empty value is left out");
        }
    }
}

#[test]
fn the_code_is_shown_where_something_was_refused_alone() {
    for (name, html) in samples(Lang::Da, NEZ) {
        let refused = ["account-", "denied", "error", "mitid-"].iter().any(|p| name.starts_with(p))
            && name != "mitid-aborted";
        assert_eq!(html.contains("7F3K-92QD"), refused, "{name}");
    }
}

#[test]
fn who_is_logged_in_is_seen_with_a_way_out() {
    for (name, html) in samples(Lang::Da, NEZ) {
        let known = html.contains("Logget ind som");
        assert_eq!(known, html.contains(">Log ud</button>"), "{name}");
    }
}

#[test]
fn the_guides_labels_word_for_word() {
    let labels: &[(&str, &[&str], &[&str])] = &[
        ("front", &[">Login</a>"], &[">Log in</a>"]),
        (
            "login",
            &[
                ">Brugernavn</label>",
                ">Kodeord</label>",
                ">Login</button>",
                ">Afbryd login</a>",
                ">Glemt kodeord eller låst ude?</a>",
                "Husk brugernavn",
                ">Brugerkonto</a>",
                ">MitID</a>",
                ">Vis kodeord</button>",
            ],
            &[
                ">Username</label>",
                ">Password</label>",
                ">Log in</button>",
                ">Cancel login</a>",
                ">Forgotten password or locked out?</a>",
                "Remember username",
                ">User account</a>",
            ],
        ),
        ("login-mitid", &[">Log ind med MitID</button>"], &[">Log in with MitID</button>"]),
        (
            "no-keys",
            &[
                "<h1>Ingen 2-faktor enheder registreret</h1>",
                ">Log ind med MitID</button>",
                ">Engangskode</label>",
            ],
            &["<h1>No two-factor devices registered</h1>"],
        ),
        (
            "me",
            &[
                "<h1>Min identitet</h1>",
                ">Mine 2-faktor enheder</h2>",
                ">Tilføj hardwarenøgle</a>",
                ">Rediger navn</a>",
                ">Slet enhed</a>",
            ],
            &["<h1>My identity</h1>", ">Add security key</a>"],
        ),
        (
            "key-new",
            &[
                "<h1>Tilføj hardwarenøgle</h1>",
                ">Navn på klient</label>",
                ">Registrer klient</button>",
                ">Annuller</a>",
            ],
            &["<h1>Add security key</h1>", ">Name of client</label>", ">Register client</button>"],
        ),
        ("key-register", &[">Start registrering</button>"], &[">Start registration</button>"]),
        ("registered", &["<h1>Registrering gennemført</h1>"], &["<h1>Registration complete</h1>"]),
        (
            "key-prompt",
            &[
                "<h1>Anvend hardwarenøgle</h1>",
                ">Log ind med hardwarenøgle</button>",
                ">Log ind med MitID</button>",
            ],
            &["<h1>Use your security key</h1>"],
        ),
        ("error", &["<h1>Noget gik galt</h1>", ">Prøv igen</a>"], &["<h1>Something went wrong</h1>"]),
        ("logged-out", &["<h1>Du er logget ud</h1>"], &["<h1>You are logged out</h1>"]),
        ("mitid-too-low", &["<h1>Sikringsniveau for lavt</h1>"], &["<h1>Level of assurance too low</h1>"]),
        ("mitid-unknown", &["<h1>Ukendt bruger</h1>"], &["<h1>Unknown user</h1>"]),
        ("denied", &[">Skift bruger</button>"], &[">Switch user</button>"]),
    ];
    let (danish, english) = (pages(Lang::Da), pages(Lang::En));
    for (name, da, en) in labels {
        for (html, labels) in [(&danish[name], da), (&english[name], en)] {
            for label in *labels {
                assert!(html.contains(label), "{name}: {label}");
            }
        }
    }
}

/// The field of users says *kodeord*; the two languages never mix.
#[test]
fn danish_stays_danish() {
    for (name, html) in samples(Lang::Da, NEZ) {
        let text = html.to_lowercase();
        for word in ["adgangskode", "password</", "username</", "log in<", "security key"] {
            assert!(!text.contains(word), "{name}: {word}");
        }
    }
}

#[derive(Debug)]
struct Tag<'a> {
    name: &'a str,
    attributes: Vec<&'a str>,
}

/// The opening tags of a page, as a browser would find them: a `>` inside quotes ends none.
fn tags(html: &str) -> Vec<Tag<'_>> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let mut quoted = false;
        let is_end = |c: char| {
            quoted ^= c == '"';
            c == '>' && !quoted
        };
        let end = rest.find(is_end).unwrap_or(rest.len());
        let (tag, after) = rest.split_at(end);
        // Every other piece is inside quotes.
        let bare = tag.split('"').step_by(2).flat_map(str::split_whitespace);
        let mut words = bare.map(|word| word.trim_end_matches('='));
        tags.push(Tag { name: words.next().unwrap_or_default(), attributes: words.collect() });
        rest = after;
    }
    tags
}

/// The values of one attribute over a page.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let opening = format!(" {attribute}=\"");
    html.split(opening.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}
