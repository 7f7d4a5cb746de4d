//! Python's drivers, by pytest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::Runner;
use crate::command::{cache, find, output, root};
use crate::conformance::fetch::source;
use crate::conformance::outcomes::Outcomes;
use crate::conformance::run::{copy, finish};

/// The longest takes a minute on an idle machine.
const LIMIT: Duration = Duration::from_secs(900);

/// `PyMySQL`, with the driver that its tests came with.
pub(super) fn pymysql() -> Result<Runner> {
    let (source, python) = (source("pymysql")?, environment("pymysql")?);
    Ok(Box::new(move |endpoint, folder| {
        let copied = copy(&source, &folder.join("suite"))?;
        let database = |name: &str| {
            json!({
                "host": "127.0.0.1",
                "port": endpoint.port,
                "user": endpoint.user,
                "passwd": endpoint.password,
                "database": name,
                "use_unicode": true,
                "local_infile": true,
            })
        };
        let databases = json!([database("test1"), database("test2")]);
        fs::write(
            copied.join("pymysql/tests/databases.json"),
            databases.to_string(),
        )?;
        pytest(&python, &copied, &["pymysql/tests"], &[])
    }))
}

/// mysqlclient, which is libmariadb's C client underneath.
pub(super) fn mysqlclient() -> Result<Runner> {
    let (source, python) = (source("mysqlclient")?, environment("mysqlclient")?);
    Ok(Box::new(move |endpoint, folder| {
        // Its own folder of Python files would hide the driver that is installed.
        let tests = copy(&source.join("tests"), &folder.join("tests"))?;
        let options = format!(
            "[MySQLdb-tests]\nhost = 127.0.0.1\nport = {}\nuser = {}\npassword = {}\n\
             database = test\ndefault-character-set = utf8mb4\n",
            endpoint.port, endpoint.user, endpoint.password
        );
        let file = folder.join("options.cnf");
        fs::write(&file, options)?;
        let file = file.to_str().context("the folder's name is not UTF-8")?;
        pytest(&python, &tests, &["."], &[("TESTDB", file)])
    }))
}

/// aiomysql, `PyMySQL`'s protocol on asyncio.
pub(super) fn aiomysql() -> Result<Runner> {
    let (source, python) = (source("aiomysql")?, environment("aiomysql")?);
    Ok(Box::new(move |endpoint, folder| {
        let tests = copy(&source.join("tests"), &folder.join("tests"))?;
        // It logs in over TLS, and trusts only this authority.
        fs::copy(&endpoint.authority, tests.join("ssl_resources/ssl/ca.pem"))?;
        let address = format!("--mysql-address=server=127.0.0.1:{}", endpoint.port);
        let variables = [("MYSQL_ROOT_PASSWORD", endpoint.password)];
        ensure!(endpoint.user == "root", "aiomysql's tests log in as root");
        pytest(&python, folder, &["tests", &address], &variables)
    }))
}

/// Runs pytest in a folder and reads what the plugin `outcomes` wrote.
fn pytest(
    python: &Path,
    folder: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<Outcomes> {
    let written = folder.join("outcomes.json");
    let mut command = Command::new(python);
    command
        .args([
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "outcomes",
        ])
        .arg("--outcomes")
        .arg(&written)
        .args(arguments)
        .env("PYTHONPATH", root().join("clients/conformance"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(variables.iter().copied())
        .current_dir(folder);
    let ended = finish(&mut command, folder, LIMIT)?;
    let outcomes = Outcomes::read_lines(&fs::read_to_string(&written).unwrap_or_default())?;
    let said = || ended.stdout.clone() + &ended.stderr;
    ensure!(!outcomes.is_empty(), "pytest ran no test: {}", said());
    Ok(outcomes)
}

/// A Python with the packages of `clients/conformance/NAME.txt`.
fn environment(name: &str) -> Result<PathBuf> {
    let folder = cache().join("conformance").join(format!("python-{name}"));
    let python = folder.join("bin/python");
    let requirements = root().join(format!("clients/conformance/{name}.txt"));
    let wanted = fs::read_to_string(&requirements)?;
    let stamp = folder.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    eprintln!("{name}: its Python packages are not here; installing them");
    let system = find("python3").context("Python is not installed")?;
    output(
        Command::new(system)
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    )?;
    let mut command = Command::new(&python);
    command.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]);
    output(command.arg("-r").arg(&requirements))?;
    fs::write(stamp, wanted)?;
    Ok(python)
}
