//! Which module may know of which: ARCHITECTURE.md's arrows, held against the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module, and every other it may name. Whoever adds an arrow adds it here and in ARCHITECTURE.md.
const ARROWS: [(&str, &[&str]); 24] = [
    ("allocator", &[]),
    ("time", &[]),
    ("random", &[]),
    ("role", &[]),
    ("date", &["time"]),
    ("metrics", &[]),
    ("secret", &["user"]),
    ("user", &["secret", "time"]),
    ("store", &["audit", "authn", "time", "user"]),
    ("audit", &["metrics", "random", "store", "time", "user"]),
    ("desk", &["audit", "authn", "random", "role", "store", "time", "user"]),
    ("authn", &["random", "secret", "store", "time", "user"]),
    ("policy", &["audit", "authn", "config", "metrics", "time", "user"]),
    ("config", &["audit", "authn", "directory", "policy", "provisioning", "role"]),
    ("provisioning", &["audit", "random", "secret", "store", "time", "user"]),
    ("assertion", &["authn", "secret", "time"]),
    ("directory", &["authn", "random", "secret", "store", "time", "user"]),
    ("session", &["assertion", "authn", "policy", "random", "secret", "store", "time", "user"]),
    ("trace", &["metrics", "policy", "session", "store", "time"]),
    ("telling", &["audit", "config", "metrics", "pages", "secret", "store", "time", "user"]),
    ("arrival", &["audit", "policy", "time"]),
    (
        "pages",
        &[
            "arrival",
            "assertion",
            "audit",
            "authn",
            "date",
            "desk",
            "directory",
            "metrics",
            "policy",
            "random",
            "role",
            "secret",
            "session",
            "store",
            "time",
            "trace",
            "user",
        ],
    ),
    (
        "proxy",
        &[
            "arrival",
            "assertion",
            "audit",
            "authn",
            "metrics",
            "policy",
            "random",
            "session",
            "time",
            "trace",
        ],
    ),
    ("server", &["*"]),
];

/// Where a package may be named, and nowhere else.
const PACKAGES: [(&str, &[&str]); 7] = [
    ("ldap3", &["directory"]),
    ("pingora", &["proxy", "server", "cli"]),
    ("askama", &["pages", "cli"]),
    ("sqlx", &["store"]),
    ("openidconnect", &["authn"]),
    ("lettre", &["config", "telling"]),
    ("reqwest", &["authn", "cli", "telling"]),
];

#[test]
fn modules_know_only_those_below_them() {
    let mut wrong = BTreeSet::new();
    for (module, text) in sources() {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else { continue };
        for named in text.split("crate::").skip(1) {
            let named: String = named.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let known = ARROWS.iter().any(|(name, _)| *name == named) || named == "cli";
            if known && named != module && !allowed.contains(&"*") && !allowed.contains(&named.as_str()) {
                wrong.insert(format!("{module} -> {named}"));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that ARCHITECTURE.md does not have: {wrong:?}");
}

#[test]
fn packages_stay_in_their_rooms() {
    let mut wrong = BTreeSet::new();
    for (module, text) in sources() {
        for (package, rooms) in PACKAGES {
            let names = [format!("{package}::"), format!("use {package};")];
            if names.iter().any(|name| text.contains(name)) && !rooms.contains(&module.as_str()) {
                wrong.insert(format!("{package} in {module}"));
            }
        }
    }
    assert!(wrong.is_empty(), "packages outside their rooms: {wrong:?}");
}

#[test]
fn the_decision_is_pure() {
    // Time and evidence are arguments there: no clock, no randomness, no store, nothing to wait for.
    for file in
        ["policy/decide.rs", "policy/proof.rs", "policy/expression.rs", "policy/matcher.rs", "authn/mod.rs"]
    {
        let text = code(&source_folder().join(file));
        for impure in ["Clock", "Random", "crate::store", "async ", "std::fs", "std::env"] {
            assert!(!text.contains(impure), "{file} names {impure}");
        }
    }
}

/// A page takes its words from its frame or its visitor: those know what an installation says instead of ours.
#[test]
fn pages_say_what_the_installation_says() {
    let mut files = Vec::new();
    collect(&source_folder().join("pages"), &mut files);
    // Who knows about the appearance; and the demo's stand-in, which has none.
    let knowing =
        ["pages/text.rs", "pages/appearance.rs", "view/frame.rs", "pages/visitor.rs", "view/demo.rs"];
    files.retain(|path| !knowing.iter().any(|known| path.ends_with(known)));
    let asks = |path: &&PathBuf| code(path).contains("lang.texts()");
    let wrong: Vec<_> = files.iter().filter(asks).collect();
    assert!(wrong.is_empty(), "`frame.t()` and `visitor.texts()` have the words: {wrong:?}");
}

#[test]
fn no_program_is_linked_with_the_samples() {
    let program = fs::read(env!("CARGO_BIN_EXE_sluse")).expect("cargo has built sluse");
    let has = |words: &str| program.windows(words.len()).any(|window| window == words.as_bytes());
    assert!(has("/.sluse/static"), "it was searched");
    assert!(!has("kommune.example/privatliv"), "see view/samples.rs");
}

/// Each source file's top module, and its code without tests.
fn sources() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&source_folder(), &mut files);
    assert!(files.len() > 50, "the source was found");
    let module = |path: &Path| {
        let inside = path.strip_prefix(source_folder()).expect("it lies there");
        let first = inside.iter().next().expect("a file has a name").to_string_lossy().into_owned();
        first.trim_end_matches(".rs").to_owned()
    };
    files.iter().map(|path| (module(path), code(path))).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder can be read").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let of_tests =
            ["test", "fixture", "conformance", "hostile", "samples"].iter().any(|part| name.contains(part));
        match path.is_dir() {
            _ if of_tests => {}
            true => collect(&path, files),
            false if name.ends_with(".rs") => files.push(path),
            false => {}
        }
    }
}

/// A file's code: no comments, and nothing from its tests on.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("the file can be read");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
