//! TiDB, built from the Go module in `third_party/tidb`, where Go is.

use std::process::Command;

use anyhow::Result;

use super::part::Part;
use crate::command::{cache, find, output, root, run, variable, version};

const NAME: &str = "TiDB";

/// The Go that TiDB's own `go.mod` asks for.
const OLDEST_GO: (u32, u32) = (1, 23);

/// Finds TiDB, or builds it: some 6 minutes on 2 cores from nothing, 40 s from Go's own cache.
pub(super) fn prepare() -> Result<Vec<Part>> {
    if let Some(program) = variable("TIDB_SERVER_BIN")
        .map(Into::into)
        .or_else(|| find("tidb-server"))
    {
        let variable = Some("TIDB_SERVER_BIN");
        return Ok(Part::present(
            NAME,
            version(&program, "-V"),
            &program,
            variable,
        ));
    }
    let program = cache().join("tidb-server");
    let module = root().join("third_party/tidb");
    let wanted = std::fs::read_to_string(module.join("go.sum"))?;
    let stamp = cache().join("tidb-server.go.sum");
    if !std::fs::read_to_string(&stamp).is_ok_and(|built| built == wanted) {
        if let Err(why) = go() {
            return Ok(Part::absent(NAME, why));
        }
        println!("TiDB: not here; building it (some 6 minutes the first time)");
        std::fs::create_dir_all(cache())?;
        run(Command::new("go")
            .args(["build", "-ldflags", "-s -w", "-o"])
            .arg(&program)
            .arg("github.com/pingcap/tidb/cmd/tidb-server")
            .current_dir(&module))?;
        std::fs::write(stamp, wanted)?;
    }
    Ok(Part::present(NAME, version(&program, "-V"), &program, None))
}

/// Whether Go can build it, else why not.
fn go() -> Result<(), String> {
    let (major, minor) = OLDEST_GO;
    let Some(go) = find("go") else {
        return Err(format!(
            "it is built by Go {major}.{minor} or newer, and PATH has no go"
        ));
    };
    let text = output(Command::new(go).args(["env", "GOVERSION"])).unwrap_or_default();
    match go_version(&text) {
        Some(found) if found >= OLDEST_GO => Ok(()),
        _ => Err(format!(
            "it needs Go {major}.{minor} or newer, and PATH has {}",
            text.trim()
        )),
    }
}

/// (1, 23) of "go1.23.4".
fn go_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().strip_prefix("go")?.split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_of_go() {
        assert_eq!(go_version("go1.26.8\n"), Some((1, 26)));
        assert_eq!(go_version("go1.24rc1"), Some((1, 24)));
        assert_eq!(go_version("devel"), None);
    }
}
