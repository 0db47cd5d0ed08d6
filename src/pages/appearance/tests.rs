use std::path::Path;

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn load(&self) -> Result<Appearance, Vec<Problem>> {
        Appearance::load(self.0.path(), &Lang::ALL, &Kept::default())
    }

    /// File, line, message and help of each problem.
    fn problems(&self) -> Vec<String> {
        let told = |problem: Problem| {
            let file =
                Path::new(&problem.file).file_name().unwrap_or_default().to_string_lossy().into_owned();
            format!("{file}:{} {} | {}", problem.line, problem.message, problem.help)
        };
        self.load().expect_err("something is wrong").into_iter().map(told).collect()
    }
}

#[test]
fn an_empty_folder_changes_nothing() {
    let appearance = Folder::with(&[("texts.da.yaml", "# none yet\n"), (".hidden.yaml", ":")]).load();
    let appearance = appearance.unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(appearance.texts(Lang::Da).all(), Lang::Da.texts().all());
    assert!(appearance.logo().is_none() && appearance.stylesheet().is_none());
}

#[test]
fn a_text_is_replaced_by_its_path() {
    let danish = "login.title: Log på Åby Kommune\ncommon.banner: MitID er nede\n";
    let english = "common.banner: MitID is down\n";
    let appearance = Folder::with(&[("texts.da.yaml", danish), ("texts.en.yaml", english)]).load().unwrap();
    assert_eq!(appearance.texts(Lang::Da).login.title, "Log på Åby Kommune");
    assert_eq!(appearance.texts(Lang::En).login.title, Lang::En.texts().login.title);
    assert_eq!(appearance.texts(Lang::En).common.banner, "MitID is down");
}

#[test]
fn what_is_wrong_with_texts_is_told_with_its_line() {
    let danish =
        "login.titel: Log på\nlogin: { title: Log på }\nlogin.submit: \"\"\nnonsense: x\nme.name: \"{x}\"\n";
    let english = "login.infobox: Closed today\n";
    let told = Folder::with(&[("texts.da.yaml", danish), ("texts.en.yaml", english)]).problems();
    let expected = [
        "texts.da.yaml:1 there is no text `login.titel` | did you mean `login.title`?",
        "texts.da.yaml:2 there is no text `login` | write whole paths, a line each: `login.title: …`",
        "texts.da.yaml:3 the text is empty | `sluse texts` shows ours",
        "texts.da.yaml:4 there is no text `nonsense` | `sluse texts` shows all of them",
        "texts.da.yaml:5 nothing is put at `{x}` in this text | `sluse texts` shows ours",
        "texts.da.yaml:0 `login.infobox` is said in the other language alone | add a line `login.infobox: …`",
    ];
    assert_eq!(told, expected);
}

#[test]
fn one_language_needs_no_message_in_the_other() {
    let folder = Folder::with(&[("texts.da.yaml", "login.infobox: Lukket i dag\n")]);
    assert!(Appearance::load(folder.0.path(), &[Lang::Da], &Kept::default()).is_ok());
    assert!(folder.load().is_err());
}

#[test]
fn colours_become_a_stylesheet_of_nothing_else() {
    let colours = "light: { brand: \"#7a1f5c\", brand-strong: \"#5A1644\" }\ndark: { brand: \"#fac\" }\n";
    let appearance = Folder::with(&[("colours.yaml", colours)]).load().unwrap();
    let file = appearance.stylesheet().unwrap();
    let css = String::from_utf8(file.bytes.clone()).unwrap();
    assert_eq!(
        css,
        "@media not all and (prefers-color-scheme:dark){:root{--brand:#7a1f5c;--brand-strong:#5a1644}}\n\
         @media (prefers-color-scheme:dark){:root{--brand:#ffaacc}}\n"
    );
    assert_eq!(appearance.file("own.css").unwrap().url(), file.url());
}

#[test]
fn colours_that_cannot_be_read_are_refused_with_their_ratio() {
    let colours = "light:\n  muted: \"#9aa\"\n  brnd: \"#000\"\n  ink: #000\n  line: red\nnight: {}\n";
    let told = Folder::with(&[("colours.yaml", colours)]).problems();
    let first =
        "colours.yaml:2 `muted` (#99aaaa) on `card` (#ffffff) has a contrast of 2.41:1, and 4.5:1 is needed";
    assert!(told.iter().any(|it| it.starts_with(first)), "{told:#?}");
    for expected in [
        "colours.yaml:3 there is no colour `brnd` | did you mean `brand`?",
        "colours.yaml:4 a colour is missing | quote it, as a bare `#` begins a comment: `\"#0b5c68\"`",
        "colours.yaml:5 `red` is not a colour that is known here | write it as `\"#0b5c68\"`",
        "colours.yaml:6 there is no scheme `night` | write `light:` or `dark:`, and the colours below",
    ] {
        assert!(told.iter().any(|it| it == expected), "{expected}\n{told:#?}");
    }
}

#[test]
fn a_logo_is_a_drawing_and_nothing_more() {
    let drawing =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\"><path d=\"M0 0h9v9z\"/></svg>";
    let appearance = Folder::with(&[("logo.svg", drawing)]).load().unwrap();
    let logo = appearance.logo().unwrap();
    assert_eq!((logo.name, logo.content_type), ("own-logo.svg", "image/svg+xml"));
    for (inside, what) in [
        ("<script>alert(1)</script>", "a script"),
        ("<foreignObject/>", "foreignObject"),
        ("<path onload = 'x()'/>", "an event handler"),
        ("<image href=\"https://elsewhere.example/x.png\"/>", "a reference to elsewhere"),
        ("<style>path{fill:url(//elsewhere.example)}</style>", "a reference to elsewhere"),
    ] {
        let told =
            Folder::with(&[("logo.svg", &drawing.replace("<path", &format!("{inside}<path")))]).problems();
        assert!(told.len() == 1 && told[0].contains(what), "{inside}: {told:?}");
    }
    let entities = format!("<!DOCTYPE svg [<!ENTITY a 'b'>]>{drawing}");
    assert!(Folder::with(&[("logo.svg", &entities)]).problems()[0].contains("a document type"));
    assert!(Folder::with(&[("logo.png", drawing)]).problems()[0].contains("this is not a PNG"));
    assert!(Folder::with(&[("logo.svg", "%PDF")]).problems()[0].contains("this is not an SVG"));
    let large = format!("{drawing}{}", " ".repeat(256 << 10));
    assert!(Folder::with(&[("logo.svg", &large)]).problems()[0].contains("at most 262144"));
    let two = Folder::with(&[("logo.svg", drawing), ("logo.png", "\u{89}PNG")]).problems();
    assert!(two[0].contains("there are two logos"));
}

#[test]
fn a_file_that_nothing_reads_is_told() {
    let told = Folder::with(&[("text.da.yaml", ""), ("style.css", ""), ("README.md", "")]).problems();
    assert_eq!(
        told,
        [
            "style.css:0 nothing reads this file | the files here are: texts.da.yaml, texts.en.yaml, colours.yaml, logo.svg, logo.png",
            "text.da.yaml:0 nothing reads this file | did you mean `texts.da.yaml`?",
        ]
    );
    let nowhere = Appearance::load(Path::new("/nonexistent"), &Lang::ALL, &Kept::default());
    assert!(nowhere.expect_err("there is none")[0].message.starts_with("cannot read the folder"));
}
