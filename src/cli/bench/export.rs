//! Signed-in requests for other load generators.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use url::Url;

/// Writes `wrk.lua`, `oha.sh` and `k6.js` into a new folder that is nobody else's.
pub fn write(folder: &Path, url: &Url, cookies: &[String]) -> anyhow::Result<()> {
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("the folder `{}` cannot be made", folder.display()))?;
    let json = serde_json::to_string(cookies)?;
    let [first, ..] = cookies else { return Ok(()) };
    // JSON's strings are Lua's and JavaScript's; cookies have no quote, backslash or control character in them.
    let lua = json.replacen('[', "{", 1);
    let lua = lua.strip_suffix(']').unwrap_or(&lua);
    let files = [
        (
            "wrk.lua",
            format!(
                "-- wrk -t1 -c64 -d10s --latency -s wrk.lua {url}\nlocal cookies = {lua}}}\nlocal at = 0\nrequest = function()\n  at = at % #cookies + 1\n  return wrk.format(\"GET\", nil, {{ Cookie = cookies[at] }})\nend\n"
            ),
        ),
        (
            "oha.sh",
            format!(
                "#!/bin/sh\n# One person's session.\nexec oha -c 64 -z 10s -H 'Cookie: {first}' \"$@\" '{url}'\n"
            ),
        ),
        (
            "k6.js",
            format!(
                "// k6 run k6.js\nimport http from 'k6/http';\nconst cookies = {json};\nexport const options = {{ vus: 64, duration: '10s' }};\nexport default function () {{\n  http.get('{url}', {{ headers: {{ Cookie: cookies[__ITER % cookies.length] }}, redirects: 0 }});\n}}\n"
            ),
        ),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.as_mut()
            .map_err(|error| anyhow::anyhow!("{error}"))
            .and_then(|file| Ok(file.write_all(text.as_bytes())?))
            .with_context(|| format!("`{}` cannot be written", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_its_sessions() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("sessions");
        let url = "http://cura.localhost:8080/home".parse().unwrap();
        write(&folder, &url, &["a=1".to_owned(), "a=2".to_owned()]).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
        assert!(read("wrk.lua").contains("local cookies = {\"a=1\",\"a=2\"}\n"), "{}", read("wrk.lua"));
        assert!(read("oha.sh").contains("-H 'Cookie: a=1'"));
        assert!(read("k6.js").contains("const cookies = [\"a=1\",\"a=2\"];"));
        assert!(write(&folder, &url, &[]).is_err(), "what is there is not written over");
    }
}
