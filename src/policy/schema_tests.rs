use super::fits::misfits;
use super::*;
use crate::config;
use crate::policy::shape;

fn read(yaml: &str) -> Value {
    serde_yaml::from_str(yaml).unwrap()
}

fn policy_misfits(yaml: &str) -> Vec<String> {
    let schema = schema(&shape::POLICY, "");
    misfits(&schema, &read(yaml), &schema, "")
}

#[test]
fn shipped_files_fit() {
    let mut shipped = 0;
    for folder in ["policies", "policies/demo"] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                assert_eq!(
                    policy_misfits(&std::fs::read_to_string(&path).unwrap()),
                    [""; 0],
                    "{}",
                    path.display()
                );
                shipped += 1;
            }
        }
    }
    assert!(shipped >= 2);
    assert_eq!(policy_misfits(include_str!("example/cura.yaml")), [""; 0]);
    let schema = schema(&config::shape::CONFIG, "");
    let text = include_str!("../../deploy/sluse.yaml");
    assert_eq!(misfits(&schema, &read(text), &schema, ""), [""; 0]);
}

#[test]
fn what_the_loader_refuses_an_editor_shows() {
    let cura = include_str!("../../policies/cura.yaml");
    for (part, other, misfit) in [
        ("version: 1", "version: 2", "/version: 2 is not it"),
        ("app: cura ", "ap: cura ", "/ap: no such key"),
        ("hosts: [cura", "hosts: [Cura", "/hosts: fits none"),
        ("max_age: 10h", "max_age: 10", "/floor: fits none"),
        ("method: [GET", "method: [GETS", "/rules: fits none"),
        ("public: true", "public: maybe", "/rules: fits none"),
        ("expect: step_up key\n", "expect: stepup key\n", "/tests: fits none"),
    ] {
        assert!(cura.contains(part), "{part}");
        let found = policy_misfits(&cura.replacen(part, other, 1));
        assert!(found.contains(&misfit.to_owned()), "{part}: {found:?}");
    }
}

/// The reader asserts, in every debug build, that it asks for the keys of a shape and for no others; so it is
/// enough that some file has each map.
#[test]
fn every_map_is_in_some_test() {
    let definitions = schema(&shape::POLICY, "")["definitions"].as_object().unwrap().len();
    assert_eq!(definitions, 13);
    for text in ["a: b", "{}"] {
        assert!(!policy_misfits(text).is_empty());
    }
}

#[test]
fn the_shipped_schema_is_this_one() {
    let shipped: Value = serde_json::from_str(include_str!("../../policies/policy.schema.json")).unwrap();
    assert_eq!(
        shipped,
        schema(&shape::POLICY, "Sluse policy"),
        "run `sluse schema > policies/policy.schema.json`"
    );
}
