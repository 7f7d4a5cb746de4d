//! Collations by the id that a login names them with, as `SET NAMES` names them.

use crate::origin::Flavor;

/// The text of the `SET NAMES` that does what a login with this collation does. `None`: not known
/// here, so only a login can do it.
///
/// Ids: `information_schema.COLLATIONS`, the same on every server that has the collation. One that
/// it has not makes a login take the server's own default instead, and `SET NAMES` fail: MariaDB
/// has no `utf8mb4_0900_ai_ci`.
pub(crate) fn set_names(id: u8, flavor: Flavor) -> Option<&'static str> {
    let text = match id {
        5 => "NAMES latin1 COLLATE latin1_german1_ci",
        8 => "NAMES latin1 COLLATE latin1_swedish_ci",
        11 => "NAMES ascii COLLATE ascii_general_ci",
        31 => "NAMES latin1 COLLATE latin1_german2_ci",
        33 => "NAMES utf8mb3 COLLATE utf8mb3_general_ci",
        45 => "NAMES utf8mb4 COLLATE utf8mb4_general_ci",
        46 => "NAMES utf8mb4 COLLATE utf8mb4_bin",
        47 => "NAMES latin1 COLLATE latin1_bin",
        48 => "NAMES latin1 COLLATE latin1_general_ci",
        49 => "NAMES latin1 COLLATE latin1_general_cs",
        63 => "NAMES binary",
        65 => "NAMES ascii COLLATE ascii_bin",
        83 => "NAMES utf8mb3 COLLATE utf8mb3_bin",
        192 => "NAMES utf8mb3 COLLATE utf8mb3_unicode_ci",
        224 => "NAMES utf8mb4 COLLATE utf8mb4_unicode_ci",
        246 => "NAMES utf8mb4 COLLATE utf8mb4_unicode_520_ci",
        255 => "NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci",
        _ => return None,
    };
    let is_there = match flavor {
        Flavor::MySql => true,
        Flavor::MariaDb { .. } => id != 255,
        // TiDB has few collations, and calls utf8mb3 by its old name only.
        Flavor::TiDb => matches!(id, 45 | 46 | 47 | 63 | 65 | 224 | 255),
    };
    is_there.then_some(text)
}
