//! The sample database: a small shop.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use crate::DemoError;

/// Pages of 4 KiB that the database may grow to: 256 MiB. It lies in the temporary folder, which
/// may be in memory.
pub(crate) const MAX_PAGES: u32 = 65_536;

const TABLES: &str = "
    CREATE TABLE products (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        category TEXT NOT NULL,
        price REAL NOT NULL CHECK (price >= 0),
        stock INTEGER NOT NULL
    );
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        product_id INTEGER NOT NULL REFERENCES products (id),
        customer TEXT NOT NULL,
        quantity INTEGER NOT NULL CHECK (quantity > 0),
        ordered_at DATETIME NOT NULL
    );
    CREATE INDEX orders_product ON orders (product_id);
";

const PRODUCTS: [(&str, &str, f64, i64); 12] = [
    ("Tide table 2026", "books", 14.5, 120),
    ("Handbook of sluices", "books", 39.0, 8),
    ("Chart of the estuary", "books", 22.9, 31),
    ("Brass compass", "instruments", 89.0, 14),
    ("Aneroid barometer", "instruments", 149.0, 5),
    ("Sounding line, 20 m", "instruments", 27.5, 40),
    ("Oak gate, small", "gates", 1290.0, 3),
    ("Oak gate, large", "gates", 2480.0, 1),
    ("Steel flap valve", "gates", 460.0, 9),
    ("Rubber boots", "clothing", 34.9, 75),
    ("Oilskin coat", "clothing", 119.0, 22),
    ("Woollen hat", "clothing", 18.0, 64),
];

const CUSTOMERS: [&str; 5] = ["Aoi", "Bruno", "Chidi", "Dagny", "Esra"];

/// Orders in the sample: enough for a GROUP BY to say something.
const ORDERS: i64 = 36;

/// Makes the database file with its tables and rows.
pub(crate) async fn create(file: PathBuf) -> Result<(), DemoError> {
    let created = tokio::task::spawn_blocking(move || create_blocking(&file)).await;
    Ok(created.map_err(|_| DemoError::Stopped)??)
}

fn create_blocking(file: &Path) -> rusqlite::Result<()> {
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Nothing here outlives the process, so nothing has to reach a disk.
    connection.pragma_update(None, "synchronous", "OFF")?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    insert(&transaction)?;
    transaction.commit()
}

fn insert(connection: &Connection) -> rusqlite::Result<()> {
    let mut product = connection
        .prepare("INSERT INTO products (name, category, price, stock) VALUES (?, ?, ?, ?)")?;
    for (name, category, price, stock) in PRODUCTS {
        product.execute(params![name, category, price, stock])?;
    }
    let mut order = connection.prepare(
        "INSERT INTO orders (product_id, customer, quantity, ordered_at)
         VALUES (?, ?, ?, datetime('2026-01-05 09:30:00', ?))",
    )?;
    let products = i64::try_from(PRODUCTS.len()).unwrap_or(i64::MAX);
    for (number, customer) in (0..ORDERS).zip(CUSTOMERS.iter().cycle()) {
        // Strides that share no factor with the counts, so that everybody buys everything.
        let product_id = number * 5 % products + 1;
        let quantity = number % 3 + 1;
        let later = format!("+{} hours", number * 7);
        order.execute(params![product_id, customer, quantity, later])?;
    }
    Ok(())
}
