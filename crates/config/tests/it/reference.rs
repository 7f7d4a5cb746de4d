//! `docs/configuration.md` describes exactly the keys that the parser takes, with their defaults.

use std::collections::BTreeMap;

use super::{accepted, problems};

/// A documented key: its table as it is written (`[edge]`, `[[edge.tunnels]]`), and its default.
#[derive(Debug)]
struct Documented {
    header: String,
    default: Option<String>,
}

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    std::fs::read_to_string(path).unwrap()
}

/// Reads headings such as "### `[edge]`" and the rows "| `key` | `default` | …" below them.
fn documented() -> BTreeMap<String, Documented> {
    let mut keys = BTreeMap::new();
    let mut header = None;
    for line in page().lines() {
        if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim().trim_matches('`');
            header = heading.starts_with('[').then(|| heading.to_owned());
        }
        let (Some(header), Some(row)) = (&header, line.strip_prefix("| `")) else {
            continue;
        };
        let (key, rest) = row.split_once("` | ").unwrap();
        let (default, meaning) = rest.split_once(" | ").unwrap();
        assert!(meaning.len() > 10, "{key} has no meaning");
        let default = match default {
            "none" => None,
            default => Some(default.trim_matches('`').to_owned()),
        };
        let key = format!("{}.{key}", header.trim_matches(['[', ']']));
        let before = keys.insert(
            key.clone(),
            Documented {
                header: header.clone(),
                default,
            },
        );
        assert!(before.is_none(), "{key} is described twice");
    }
    keys
}

/// Asks the parser itself: an unknown key in a table makes it list those that it takes.
fn taken_by_the_parser(header: &str, prefix: &str, keys: &mut Vec<String>) {
    let complaint = problems(&format!("{header}\nno-such-key = 1\n"))
        .into_iter()
        .find(|line| line.contains("no-such-key: unknown key; allowed here: "));
    let Some(complaint) = complaint else {
        keys.push(prefix.to_owned());
        return;
    };
    let allowed = complaint.split_once("allowed here: ").unwrap().1;
    for key in allowed.split("; ").next().unwrap().split(", ") {
        let path = match prefix {
            "" => key.to_owned(),
            prefix => format!("{prefix}.{key}"),
        };
        // A table answers to one of the two headers; a plain key to neither.
        let single = format!("{header}\n[{path}]");
        let many = format!("{header}\n[[{path}]]");
        let is_many = problems(&format!("{many}\nno-such-key = 1\n"))
            .iter()
            .any(|line| line.contains("no-such-key: unknown key"));
        taken_by_the_parser(if is_many { &many } else { &single }, &path, keys);
    }
}

#[test]
fn every_key_is_documented_once_and_nothing_else() {
    let mut taken = Vec::new();
    taken_by_the_parser("", "", &mut taken);
    taken.sort();
    assert!(taken.len() > 30, "{taken:?}");
    let documented: Vec<String> = documented().into_keys().collect();
    assert_eq!(taken, documented);
}

#[test]
fn documented_defaults_are_those_of_the_code() {
    // The keys without which nothing is accepted.
    let required = [
        ("edge.tunnels", "name = 't'"),
        ("edge.hyperdrives", "name = 'h'\norigin = 'mysql://u@db'"),
        (
            "edge.hyperdrives.cache.tables",
            "table = 't'\nmax_age = '5s'",
        ),
        ("connector", "edge = ['a:1']\ntoken = 'x'"),
        ("connector.ingress", "service = 'tcp://db:1'"),
    ];
    let headers = [
        "[log]",
        "[edge]",
        "[edge.tls]",
        "[[edge.tunnels]]",
        "[[edge.hyperdrives]]",
        "[edge.hyperdrives.pool]",
        "[edge.hyperdrives.limits]",
        "[edge.hyperdrives.cache]",
        "[[edge.hyperdrives.cache.tables]]",
        "[connector]",
        "[[connector.ingress]]",
    ];
    let documented = documented();
    let (mut short, mut long, mut written) = (String::new(), String::new(), 0);
    for header in headers {
        let table = header.trim_matches(['[', ']']);
        let lines = required.iter().find(|(name, _)| *name == table);
        let lines = lines.map_or("", |(_, lines)| lines);
        short.extend([header, "\n", lines, "\n"]);
        long.extend([header, "\n", lines, "\n"]);
        for (path, key) in documented.iter().filter(|(_, key)| key.header == header) {
            let name = path.rsplit_once('.').unwrap().1;
            if let Some(default) = &key.default {
                long.extend([name, " = ", default, "\n"]);
                written += 1;
            }
        }
    }
    assert!(written > 15, "{long}");
    assert_eq!(
        written,
        documented
            .values()
            .filter(|key| key.default.is_some())
            .count()
    );
    assert_eq!(
        format!("{:?}", accepted(&short)),
        format!("{:?}", accepted(&long))
    );
}

#[test]
fn the_example_is_accepted() {
    let page = page();
    let example = page
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let config = accepted(example);
    assert!(config.edge.is_some() && config.connector.is_some());
}

#[test]
fn the_example_files_are_accepted() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            accepted(&std::fs::read_to_string(&path).unwrap());
            count += 1;
        }
    }
    assert!(count >= 3, "{count} examples");
}
