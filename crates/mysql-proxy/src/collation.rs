//! Collations by the id that a login names them with, as `SET NAMES` names them.

use std::ops::RangeInclusive;

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

/// The same by numbers, which only MySQL takes: for a collation of which [`set_names`] knows
/// nothing, where a reset has left the server's own. `None`: there is none of this id, and a login
/// with it gives the server's own, too.
pub(crate) fn set_numbers(id: u8) -> Option<String> {
    const IDS: [RangeInclusive<u8>; 8] = [
        1..=16,
        18..=99,
        101..=124,
        128..=151,
        159..=183,
        192..=215,
        223..=250,
        255..=255,
    ];
    IDS.iter().any(|ids| ids.contains(&id)).then(|| {
        format!("character_set_client={id},character_set_results={id},collation_connection={id}")
    })
}

/// The character set of a collation that MySQL and MariaDB let no client log in with: in most of
/// these, a statement's ASCII takes more than a byte each.
pub(crate) fn unfit_for_clients(id: u8, flavor: Flavor) -> Option<&'static str> {
    match id {
        // It refuses by a list of its own.
        _ if flavor.is_tidb() => None,
        17 if flavor.is_mariadb() => Some("filename"),
        35 | 90 | 128..=151 | 159 => Some("ucs2"),
        54 | 55 | 101..=124 => Some("utf16"),
        56 | 62 => Some("utf16le"),
        60 | 61 | 160..=183 => Some("utf32"),
        _ => None,
    }
}

/// True for the collations of utf8mb3 and utf8mb4.
pub(crate) fn is_utf8(id: u8) -> bool {
    matches!(id, 33 | 45 | 46 | 76 | 83 | 192..=215 | 223..=247 | 255)
}

/// True for one that not every server knows: MariaDB has no `utf8mb4_0900_ai_ci`, and takes its
/// own default for a login with it.
pub(crate) fn is_new(id: u8) -> bool {
    matches!(id, 76 | 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_for_every_collation_that_a_login_may_name() {
        let gbk = "character_set_client=28,character_set_results=28,collation_connection=28";
        assert_eq!(set_numbers(28).as_deref(), Some(gbk));
        assert_eq!(set_numbers(17), None);
        for id in 0..=u8::MAX {
            let is_known = set_names(id, Flavor::MySql).is_some();
            assert!(!is_known || set_numbers(id).is_some(), "{id}");
        }
    }
}
