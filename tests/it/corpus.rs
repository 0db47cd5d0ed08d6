//! Every file of `fuzz/corpus` through the function its fuzz target calls: what was found once stays mended.

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 6] = [
    ("assertion", targets::assertion),
    ("cookie", targets::cookie),
    ("expression", targets::expression),
    ("head", targets::head),
    ("path", targets::path),
    ("policy", targets::policy),
];

#[test]
fn the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut folders: Vec<String> =
        corpus.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    assert_eq!(folders, TARGETS.map(|(name, _)| name));
    for (name, check) in TARGETS {
        let files: Vec<_> =
            corpus.join(name).read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(files.len() >= 8, "{name} has {} files", files.len());
        for file in files {
            println!("{}", file.display());
            check(&std::fs::read(&file).unwrap());
        }
    }
}

/// What ships is a seed, too: whole, and cut short at every line.
#[test]
fn shipped_policies_cut_short() {
    for name in ["policies/cura.yaml", "policies/api.yaml", "policies/archive.yaml", "policies/board.yaml"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap();
        let mut end = 0;
        for line in text.split_inclusive('\n') {
            end += line.len();
            targets::policy(&text.as_bytes()[..end]);
        }
    }
}
