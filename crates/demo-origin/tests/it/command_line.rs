//! The `mariadb` command line, where it is installed.

use std::process::Stdio;

use tokio::process::Command;

use crate::{DATABASE, PASSWORD, USER, origin};

#[tokio::test]
async fn mariadb_reads_and_writes() {
    let origin = origin().await;
    let script = "SELECT name, price FROM products WHERE id = 2; \
                  INSERT INTO orders (product_id, customer, quantity, ordered_at) \
                  VALUES (2, 'O\\'Neil', 3, NOW()); \
                  SELECT customer FROM orders WHERE id = LAST_INSERT_ID(); \\s";
    let run = Command::new("mariadb")
        .args(["--no-defaults", "--protocol=tcp", "--batch", "--skip-ssl"])
        .arg("--host=127.0.0.1")
        .arg(format!("--port={}", origin.address().port()))
        .arg(format!("--user={USER}"))
        .arg(format!("--password={PASSWORD}"))
        .arg(format!("--execute={script}"))
        .arg(DATABASE)
        .stdin(Stdio::null())
        .output()
        .await;
    let output = match run {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: no `mariadb` command line on PATH");
            return;
        }
        other => other.unwrap(),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    for expected in ["Handbook of sluices\t39", "O'Neil", "tidegate demo origin"] {
        assert!(
            text.contains(expected),
            "{expected} is not in:\n{text}{errors}"
        );
    }
}
