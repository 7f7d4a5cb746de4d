//! cloudflared, the real one: used where it is, never installed.

use super::part::Part;
use crate::command::{find, variable, version};

const NAME: &str = "cloudflared";

/// Looks for it in `CLOUDFLARED_BIN` and on `PATH`.
pub(super) fn prepare() -> Vec<Part> {
    let named = variable("CLOUDFLARED_BIN").map(Into::into);
    match named.or_else(|| find("cloudflared")) {
        Some(program) => {
            let variable = Some("CLOUDFLARED_BIN");
            Part::present(NAME, version(&program, "--version"), &program, variable)
        }
        None => Part::absent(NAME, "neither CLOUDFLARED_BIN nor PATH has it"),
    }
}
