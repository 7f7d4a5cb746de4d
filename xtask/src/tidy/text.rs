//! Rules of text: no open end without an issue, no line too wide to read, no path of one machine.

use super::Violation;
use super::tree::{File, Tree};

const WIDEST_LINE: usize = 100;

/// A sentence for a user stays in one piece, so that a search for it finds it.
const WIDEST_LINE_WITH_TEXT: usize = 130;

/// Marks of unfinished work. They are split, so that this file does not break its own rule.
const OPEN_ENDS: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
];

/// Places that exist on one machine only, split for the same reason.
const MACHINE_PATHS: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/tm", "p/"),
];

/// Unfinished work names the issue in which it will be finished, as in `#12`.
pub(super) fn open_ends(tree: &Tree) -> Vec<Violation> {
    each_line(tree.files.iter(), |line| {
        let word = OPEN_ENDS.iter().find(|word| line.contains(**word))?;
        let after = line.split('#').nth(1).unwrap_or_default();
        let has_issue = after.starts_with(|c: char| c.is_ascii_digit());
        (!has_issue).then(|| format!("`{word}` without the number of an issue (#12)"))
    })
}

/// Lines of code fit side by side on a screen; tables and addresses cannot be broken. Prose is
/// wrapped by whoever reads it.
pub(super) fn line_width(tree: &Tree) -> Vec<Violation> {
    let written_by_people = tree.files.iter().filter(|file| {
        !file.is_generated() && ["rs", "mjs", "js", "py", "sh"].contains(&file.extension())
    });
    each_line(written_by_people, |line| {
        let width = line.chars().count();
        let is_exempt = line.starts_with('|') || line.contains("://");
        let widest = if line.contains('"') {
            WIDEST_LINE_WITH_TEXT
        } else {
            WIDEST_LINE
        };
        let message = format!("{width} characters wide, and {widest} is the most");
        (width > widest && !is_exempt).then_some(message)
    })
}

/// Nothing names a folder that only one machine has.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Violation> {
    each_line(tree.files.iter(), |line| {
        let path = MACHINE_PATHS.iter().find(|path| {
            line.match_indices(**path).any(|(at, _)| {
                let before = line.get(..at).and_then(|text| text.chars().next_back());
                // The middle of an address or of a longer path is another folder.
                before.is_none_or(|c| !c.is_alphanumeric() && !"._-}/".contains(c))
            })
        })?;
        Some(format!(
            "`{path}` is a folder of one machine: use a temporary or relative one"
        ))
    })
}

fn each_line<'a>(
    files: impl Iterator<Item = &'a File>,
    rule: impl Fn(&str) -> Option<String>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        for (at, line) in file.text.lines().enumerate() {
            if let Some(message) = rule(line) {
                violations.push(Violation::at(&file.path, at + 1, message));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Tree {
        Tree::of(&[("crates/a/src/a.rs", text)])
    }

    #[test]
    fn open_ends_need_an_issue() {
        let word = OPEN_ENDS[0];
        assert_eq!(
            open_ends(&tree(&format!("fn a() {{}} // {word} faster\n"))).len(),
            1
        );
        assert!(open_ends(&tree(&format!("// {word}(#12): faster\n"))).is_empty());
    }

    #[test]
    fn wide_lines_are_found_outside_tables_and_addresses() {
        let wide = "a".repeat(WIDEST_LINE + 1);
        assert_eq!(line_width(&tree(&wide)).len(), 1);
        assert!(line_width(&tree(&format!("| {wide} |"))).is_empty());
        assert!(line_width(&tree(&format!("// https://{wide}"))).is_empty());
    }

    #[test]
    fn folders_of_one_machine_are_found() {
        let folder = MACHINE_PATHS[1];
        assert_eq!(
            machine_paths(&tree(&format!("let a = \"{folder}me/x\";"))).len(),
            1
        );
        assert!(machine_paths(&tree(&format!("https://example.com{folder}page"))).is_empty());
    }
}
