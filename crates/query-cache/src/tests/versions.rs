//! When something noted is current.

use super::Rig;
use crate::{Committing, Mutant, Versions, Writes};

fn begin(versions: &Versions, writes: Writes) -> Committing {
    versions.begin(writes, versions.generation())
}

#[test]
fn a_table_is_made_once() {
    let versions = Versions::new(Mutant::default());
    assert_eq!(versions.find("a"), None);
    let a = versions.table("a");
    assert_eq!(versions.table("a"), a);
    assert_eq!(versions.find("a"), Some(a.clone()));
    assert_ne!(versions.table("b"), a);
}

#[test]
fn nothing_is_noted_while_a_write_is_under_way() {
    let rig = Rig::new();
    let committing = begin(&rig.versions, rig.writes());
    assert!(rig.note().is_none());
    committing.end();
    assert!(rig.note().is_some());
}

#[test]
fn what_was_noted_is_past_as_soon_as_a_write_begins() {
    let rig = Rig::new();
    let noted = rig.note().unwrap();
    assert!(noted.is_current());
    let committing = begin(&rig.versions, rig.writes());
    assert!(!noted.is_current());
    committing.end();
    assert!(!noted.is_current());
    assert!(rig.note().unwrap().is_current());
}

#[test]
fn two_writes_end_one_by_one() {
    let rig = Rig::new();
    let first = begin(&rig.versions, rig.writes());
    let second = begin(&rig.versions, rig.writes());
    first.end();
    assert!(rig.note().is_none());
    second.end();
    assert!(rig.note().is_some());
}

#[test]
fn a_write_to_another_table_changes_nothing() {
    let rig = Rig::new();
    let noted = rig.note().unwrap();
    let others = Writes::Tables(vec![rig.versions.table("other")]);
    let committing = begin(&rig.versions, others);
    assert!(noted.is_current());
    committing.end();
    begin(&rig.versions, Writes::Nothing).end();
    assert!(noted.is_current());
}

#[test]
fn a_write_to_everything_is_one_to_each_table() {
    let rig = Rig::new();
    let noted = rig.note().unwrap();
    let committing = begin(&rig.versions, Writes::Everything);
    assert!(!noted.is_current());
    assert!(rig.note().is_none());
    committing.end();
    assert!(!noted.is_current());
    assert!(rig.note().is_some());
}

#[test]
fn a_write_whose_outcome_is_never_known_stays_under_way() {
    let rig = Rig::new();
    drop(begin(&rig.versions, rig.writes()));
    assert!(rig.note().is_none());
    rig.write();
    assert!(rig.note().is_none());
    assert_eq!(rig.versions.committing(), 1);
}

#[test]
fn a_purge_moves_what_it_names() {
    let rig = Rig::new();
    for writes in [rig.writes(), Writes::Everything] {
        let noted = rig.note().unwrap();
        rig.versions.move_now(&writes);
        assert!(!noted.is_current());
    }
    let noted = rig.note().unwrap();
    rig.versions.move_now(&Writes::Nothing);
    assert!(noted.is_current());
}

#[test]
fn a_generation_ends_what_was_read_before() {
    let rig = Rig::new();
    let noted = rig.note().unwrap();
    rig.versions.new_generation();
    assert!(!noted.is_current());
    assert!(rig.note().is_some());
}

#[test]
fn nothing_is_noted_by_an_old_catalog() {
    let rig = Rig::new();
    let old = rig.versions.generation();
    rig.versions.new_generation();
    assert!(
        rig.versions
            .note(&rig.versions.dependencies([]), old)
            .is_none()
    );
}

#[test]
fn writes_of_an_old_generation_count_on_everything() {
    let rig = Rig::new();
    let before = begin(&rig.versions, Writes::Nothing);
    let old = rig.versions.generation();
    rig.versions.new_generation();
    let after = rig.versions.begin(Writes::Nothing, old);
    assert!(rig.note().is_none());
    before.end();
    assert!(rig.note().is_none());
    after.end();
    let noted = rig.note().unwrap();
    rig.versions.begin(Writes::Nothing, old).end();
    assert!(!noted.is_current());
}

#[test]
fn writes_of_two_generations_ago_are_counted_once() {
    let rig = Rig::new();
    let oldest = begin(&rig.versions, rig.writes());
    rig.versions.new_generation();
    let older = begin(&rig.versions, rig.writes());
    rig.versions.new_generation();
    assert_eq!(rig.versions.committing(), 2);
    older.end();
    assert!(rig.note().is_none());
    oldest.end();
    assert!(rig.note().is_some());
    assert_eq!(rig.versions.committing(), 0);
}

#[test]
fn an_abandoned_write_counts_on_everything_once_its_generation_is_over() {
    let rig = Rig::new();
    let others = Writes::Tables(vec![rig.versions.table("other")]);
    drop(begin(&rig.versions, others));
    assert!(rig.note().is_some());
    rig.versions.new_generation();
    assert!(rig.note().is_none());
}

#[test]
fn writes_add_up() {
    let versions = Versions::new(Mutant::default());
    let tables =
        |names: &[&str]| Writes::Tables(names.iter().map(|name| versions.table(name)).collect());
    let mut writes = Writes::Nothing;
    assert!(writes.is_nothing() && tables(&[]).is_nothing());
    writes.add(tables(&["a"]));
    writes.add(Writes::Nothing);
    writes.add(tables(&["a", "b"]));
    let Writes::Tables(added) = &writes else {
        panic!("{writes:?}");
    };
    assert_eq!(*added, [versions.table("a"), versions.table("b")]);
    writes.add(Writes::Everything);
    writes.add(tables(&["a"]));
    assert!(matches!(writes, Writes::Everything) && !writes.is_nothing());
}
