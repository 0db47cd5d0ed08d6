//! The shipped configuration and policies in a folder of their own, to run commands on.

use std::path::{Path, PathBuf};

pub(super) struct Installation {
    folder: tempfile::TempDir,
}

pub(super) const CURA: &str = include_str!("../../policies/cura.yaml");

impl Installation {
    pub(super) fn new() -> Self {
        Self::with(CURA)
    }

    /// With another policy for Cura.
    pub(super) fn with(cura: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let installation = Self { folder };
        installation.write("sluse.yaml", include_str!("../../deploy/sluse.yaml"));
        installation.write("policies/cura.yaml", cura);
        installation
    }

    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file is in a folder")).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn config(&self) -> PathBuf {
        self.path().join("sluse.yaml")
    }

    /// What was printed, without the folder's name.
    pub(super) fn told(&self, out: Vec<u8>) -> String {
        String::from_utf8(out).unwrap().replace(&format!("{}/", self.path().display()), "")
    }
}
