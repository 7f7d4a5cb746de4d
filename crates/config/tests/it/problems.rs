//! What is said of wrong files: line, column, key, and what is allowed; never a secret.

use super::problems;

/// A good edge with one hyperdrive, to which lines are added.
const HYPERDRIVE: &str = "[edge]\n[[edge.hyperdrives]]\nname = 'app'\norigin = 'mysql://u@db'\n";
/// A good connector without credentials, to which lines are added at the top of its table.
const CONNECTOR: &str = "ingress = [{ service = 'tcp://db:1' }]\nedge = ['a:1']\n";

#[track_caller]
fn one(text: &str, place: &str, parts: &[&str]) {
    let all = problems(text);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert!(
        all[0].starts_with(&format!("etc/tidegate.toml:{place}: ")),
        "{all:#?}"
    );
    for part in parts {
        assert!(all[0].contains(part), "no {part:?} in {all:#?}");
    }
}

#[test]
fn unknown_keys() {
    one(
        "[edge]\nlisten = '127.0.0.1:1'\nlisen = '127.0.0.1:2'\n",
        "3:1: edge.lisen",
        &[
            "unknown key",
            "state_dir, listen, tunnel_listen",
            "did you mean `listen`?",
        ],
    );
    one(
        "edg = 1\n[edge]\n",
        "1:1: edg",
        &["log, edge, connector", "did you mean `edge`?"],
    );
    one(
        &format!("{HYPERDRIVE}[edge.hyperdrives.pool]\nsize = 3\n"),
        "6:1: edge.hyperdrives[0].pool.size",
        &["min, max, max_waiting"],
    );
    one(
        "[edge]\n[edge.banana]\nx = 1\n",
        "2:7: edge.banana",
        &["unknown key"],
    );
}

#[test]
fn wrong_types() {
    one(
        "[edge]\nmax_clients = '5'\n",
        "2:15: edge.max_clients",
        &["whole number from 1 to"],
    );
    one(
        "[edge]\nmax_clients = 1.5\n",
        "2:15: edge.max_clients",
        &["whole number from 1 to"],
    );
    one(
        "[edge]\nmax_clients = 99999999999999999999\n",
        "2:15: edge.max_clients",
        &["whole number"],
    );
    one(
        "[edge]\nlisten = 3306\n",
        "2:10: edge.listen",
        &["IP address and port, in quotes"],
    );
    one(
        "[edge]\nlogin_timeout = 10\n",
        "2:17: edge.login_timeout",
        &["units: ms, s, m, h", "in quotes"],
    );
    one("edge = 5\n", "1:8: edge", &["must be a table"]);
    one(
        "[edge]\ntunnels = 'x'\n",
        "2:11: edge.tunnels",
        &["must be a sequence"],
    );
    one(
        "[edge]\n[edge.tls]\nmode = true\n",
        "3:8: edge.tls.mode",
        &["off, optional or required"],
    );
}

#[test]
fn wrong_values() {
    one(
        "[edge]\nlogin_timeout = '10'\n",
        "2:17: edge.login_timeout",
        &["ms, s, m or h"],
    );
    one(
        "[edge]\nlogin_timeout = '0s'\n",
        "2:17: edge.login_timeout",
        &["longer than zero"],
    );
    one(
        "[edge]\nlisten = 'localhost:1'\n",
        "2:10: edge.listen",
        &["127.0.0.1:3306"],
    );
    one(
        "[edge]\nmax_clients = 0\n",
        "2:15: edge.max_clients",
        &["from 1 to 1000000"],
    );
    one(
        "[edge]\n[edge.tls]\nmode = 'on'\n",
        "3:8: edge.tls.mode",
        &["`on`", "off, optional, required"],
    );
    one(
        "[log]\nformat = 'xml'\n[edge]\n",
        "2:10: log.format",
        &["text, json"],
    );
    one(
        "[edge]\nserver_version = 'x8'\n",
        "2:18: edge.server_version",
        &["a digit first"],
    );
    one(
        &format!("{HYPERDRIVE}pool = {{ max = 0 }}\n"),
        "5:16: edge.hyperdrives[0].pool.max",
        &["0 is not", "from 1 to 100000"],
    );
    one(
        &format!("{HYPERDRIVE}tls = 'yes'\n"),
        "5:7: edge.hyperdrives[0].tls",
        &["disabled, required, verify-ca, verify-identity"],
    );
    one(
        &format!("{HYPERDRIVE}user = 'a b'\n"),
        "5:8: edge.hyperdrives[0].user",
        &["1 to 64 of a-z"],
    );
    one(
        &format!("[connector]\ntoken = 'x'\n{CONNECTOR}").replace("'a:1'", "'a:1', 'b'"),
        "4:16: connector.edge[1]",
        &["`b` is not host:port"],
    );
    one(
        "[edge]\n[[edge.tunnels]]\nname = 't'\nid = '5'\n",
        "4:6: edge.tunnels[0].id",
        &["UUID"],
    );
}

#[test]
fn wrong_limits() {
    one(
        &format!("{HYPERDRIVE}pool = {{ max_statements = 0 }}\n"),
        "5:27: edge.hyperdrives[0].pool.max_statements",
        &["from 1 to 16382"],
    );
    one(
        &format!("{HYPERDRIVE}limits = {{ max_user_connections = -1 }}\n"),
        "5:35: edge.hyperdrives[0].limits.max_user_connections",
        &["-1 is not", "from 0 to 1000000"],
    );
    one(
        &format!("{HYPERDRIVE}limits = {{ query_timeout = 0 }}\n"),
        "5:28: edge.hyperdrives[0].limits.query_timeout",
        &["0s for no limit", "in quotes"],
    );
    one(
        &format!("{HYPERDRIVE}limits = {{ query_timeout = '0' }}\n"),
        "5:28: edge.hyperdrives[0].limits.query_timeout",
        &["ms, s, m or h"],
    );
}

#[test]
fn missing_keys() {
    one("", "1:1", &["neither [edge] nor [connector]"]);
    one(
        "[edge]\n[[edge.hyperdrives]]\nname = 'app'\n",
        "2:1: edge.hyperdrives[0]",
        &["no `origin`"],
    );
    one(
        "[edge]\n[[edge.hyperdrives]]\norigin = 'mysql://u@db'\n",
        "2:1: edge.hyperdrives[0]",
        &["no `name`"],
    );
    one(
        "[edge]\n[[edge.tunnels]]\n",
        "2:1: edge.tunnels[0]",
        &["no `name`"],
    );
    one(
        &format!("[connector]\n{CONNECTOR}"),
        "1:1: connector",
        &["token_file", "credentials_file"],
    );
    one(
        "[connector]\ntoken = 'x'\nedge = ['a:1']\n",
        "1:1: connector",
        &["[[connector.ingress]]"],
    );
    one(
        "[connector]\ntoken = 'x'\n[[connector.ingress]]\nservice = 'tcp://db:1'\n",
        "1:1: connector",
        &["no `edge`"],
    );
}

#[test]
fn keys_that_contradict() {
    one(
        &format!("[connector]\ntoken = 'x'\ntoken_file = 'y'\n{CONNECTOR}"),
        "3:14: connector.token_file",
        &["only one of"],
    );
    one(
        "[edge]\n[edge.tls]\ncert_file = 'c'\n",
        "3:13: edge.tls.cert_file",
        &["`key_file`"],
    );
    one(
        "[edge]\n[edge.tls]\nkey_file = 'k'\n",
        "3:12: edge.tls.key_file",
        &["`cert_file`"],
    );
    one(
        &format!("{HYPERDRIVE}ca_file = 'ca.pem'\n"),
        "5:11: edge.hyperdrives[0].ca_file",
        &["verify-ca"],
    );
    one(
        &format!("{HYPERDRIVE}pool = {{ min = 21 }}\n"),
        "5:16: edge.hyperdrives[0].pool.min",
        &["`max` is 20"],
    );
    one(
        &format!("{HYPERDRIVE}pool = {{ min = 3, max = 2 }}\n"),
        "5:16: edge.hyperdrives[0].pool.min",
        &["`max` is 2"],
    );
    one(
        "[edge]\nlisten = '127.0.0.1:5'\nadmin_listen = '127.0.0.1:5'\n",
        "3:16: edge.admin_listen",
        &["taken already"],
    );
}

#[test]
fn tunnels_that_do_not_lead_anywhere() {
    let tunnel = "[[edge.tunnels]]\nname = 'office'\n";
    one(
        &format!("{HYPERDRIVE}tunnel = 'offic'\n{tunnel}"),
        "5:10: edge.hyperdrives[0].tunnel",
        &["no tunnel `offic`", "did you mean `office`?"],
    );
    one(
        &format!("{HYPERDRIVE}tunnel = 'office'\n{tunnel}"),
        "5:10: edge.hyperdrives[0].tunnel",
        &["edge.tunnel_listen"],
    );
}

#[test]
fn duplicates() {
    let second = "[[edge.hyperdrives]]\norigin = 'mysql://u@db'\n";
    one(
        &format!("{HYPERDRIVE}{second}name = 'app'\nuser = 'b'\n"),
        "7:8: edge.hyperdrives[1].name",
        &["hyperdrive name is taken"],
    );
    one(
        &format!("{HYPERDRIVE}{second}name = 'b'\nuser = 'app'\n"),
        "8:8: edge.hyperdrives[1].user",
        &["local user"],
    );
    one(
        "[edge]\n[[edge.tunnels]]\nname = 't'\n[[edge.tunnels]]\nname = 't'\n",
        "5:8: edge.tunnels[1].name",
        &["tunnel name is taken"],
    );
    one(
        "[edge]\nlisten = '127.0.0.1:1'\nlisten = '127.0.0.1:2'\n",
        "3:1",
        &["not TOML", "duplicate key"],
    );
}

#[test]
fn variables() {
    one(
        "[edge]\nstate_dir = '${STATE}'\n",
        "2:13: edge.state_dir",
        &["`STATE` is not set"],
    );
    one(
        "[connector]\ntoken = 'x'\nedge = ['a:1', '${B}']\ningress = [{ service = 'tcp://db:1' }]\n",
        "3:16: connector.edge[1]",
        &["`B` is not set"],
    );
}

#[test]
fn several_at_once_in_the_order_of_the_file() {
    let all = problems(
        "[edge]\nlisen = 1\nmax_clients = 0\nstate_dir = '${STATE}'\n[[edge.hyperdrives]]\nname = 'a b'\n\
         pool = { max = 0, size = 1 }\n",
    );
    let places: Vec<&str> = all
        .iter()
        .map(|line| line.split(": ").nth(1).unwrap())
        .collect();
    assert_eq!(
        places,
        [
            "edge.lisen",
            "edge.max_clients",
            "edge.state_dir",
            "edge.hyperdrives[0].name",
            "edge.hyperdrives[0].pool.max",
            "edge.hyperdrives[0].pool.size",
        ],
        "{all:#?}"
    );
}

#[test]
fn no_more_than_a_person_can_mend() {
    let lines: Vec<String> = (0..100).map(|n| format!("k{n} = 1")).collect();
    assert_eq!(problems(&lines.join("\n")).len(), 20);
}

#[test]
fn broken_toml() {
    one(
        "[edge]\nlisten = 127.0.0.1:1\n",
        "2:15",
        &["not TOML", "in quotes"],
    );
    one("[edge\n", "1:6", &["not TOML"]);
    // Columns count characters, not bytes.
    one("[edge]\nstate_dir = '\u{e4}' x\n", "2:17", &["not TOML"]);
    one(
        "[edge]\nb\u{e4}r = 1\n",
        "2:2",
        &["not TOML", "letters, numbers"],
    );
}

#[test]
fn no_secret_is_ever_shown() {
    let secret = "hunter2";
    for text in [
        format!("{HYPERDRIVE}password = ['hunter2']\n"),
        format!("{HYPERDRIVE}pasword = 'hunter2'\n"),
        format!("{HYPERDRIVE}password = 'hunter2\n"),
        format!("{HYPERDRIVE}password = hunter2\n"),
        format!("{HYPERDRIVE}[edge.hyperdrives.password]\nvalue = 'hunter2'\n"),
        format!("{HYPERDRIVE}tunnel = 'x'\npassword = 'hunter2'\n"),
        "[edge]\n[[edge.hyperdrives]]\nname = 'app'\norigin = 'mysql://u:hunter2@'\n".to_owned(),
        "[edge]\n[[edge.hyperdrives]]\nname = 'app'\norigin = 'mysql://u:${DB_PASSWORD}@a b'\n"
            .to_owned(),
        "[edge]\n[[edge.tunnels]]\nname = 't'\nsecret = 'hunter2'\n".to_owned(),
        "[edge]\nmax_clients = '${DB_PASSWORD}'\n".to_owned(),
        "[edge]\ntls = '${DB_PASSWORD}'\n".to_owned(),
        format!("[connector]\ntoken = ['hunter2']\n{CONNECTOR}"),
    ] {
        let all = problems(&text);
        assert!(
            !all.iter().any(|line| line.contains(secret)),
            "{text}\n{all:#?}"
        );
    }
    let all = problems(&format!("{HYPERDRIVE}password = 20250101\n"));
    assert!(!all[0].contains("20250101"), "{all:#?}");
}
