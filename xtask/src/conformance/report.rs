//! The result, as a table for people or JSON for programs.

use anyhow::Result;
use serde_json::{Value, json};

use super::compare::{Comparison, Difference};
use super::origin_name;

/// One suite in one line.
pub(super) fn line(comparison: &Comparison) -> String {
    format!(
        "  {}, {} explained and {} unexplained differences",
        counts(comparison),
        comparison.explained.len(),
        comparison.unexplained.len()
    )
}

fn counts(comparison: &Comparison) -> String {
    let say = |[passed, failed, skipped]: [usize; 3]| format!("{passed} / {failed} / {skipped}");
    let (direct, through) = (say(comparison.direct), say(comparison.through));
    format!("passed / failed / skipped: directly {direct}, through tidegate {through}")
}

/// Prints everything.
pub(super) fn print(comparisons: &[Comparison], skipped: &[String], json: bool) -> Result<()> {
    if json {
        let comparisons: Vec<Value> = comparisons.iter().map(value).collect();
        let value = json!({ "comparisons": comparisons, "skipped": skipped });
        println!("{}", serde_json::to_string(&value)?);
        return Ok(());
    }
    println!(
        "| suite | database | directly: passed / failed / skipped | through tidegate | differences | unexplained |"
    );
    println!("|---|---|---|---|---|---|");
    for each in comparisons {
        let say =
            |[passed, failed, skipped]: [usize; 3]| format!("{passed} / {failed} / {skipped}");
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            each.driver,
            each.origin,
            say(each.direct),
            say(each.through),
            each.explained.len() + each.unexplained.len(),
            each.unexplained.len()
        );
    }
    for each in comparisons {
        list("explained", each, &each.explained);
        list("differed by chance", each, &each.by_chance);
        list("UNEXPLAINED", each, &each.unexplained);
    }
    for line in skipped {
        println!("skipped: {line}");
    }
    Ok(())
}

fn list(title: &str, comparison: &Comparison, differences: &[Difference]) {
    for each in differences {
        println!(
            "\n{title}: {} against {}: {}",
            comparison.driver, comparison.origin, each.test
        );
        println!("  directly: {}", each.direct);
        println!("  through tidegate: {}", each.through);
        if let Some(reason) = &each.reason {
            println!("  because {reason}");
        }
    }
}

fn value(comparison: &Comparison) -> Value {
    let side = |[passed, failed, skipped]: [usize; 3]| json!({ "passed": passed, "failed": failed, "skipped": skipped });
    let list = |differences: &[Difference]| -> Vec<Value> {
        let value = |each: &Difference| {
            json!({
                "test": each.test,
                "direct": each.direct,
                "through": each.through,
                "reason": each.reason,
            })
        };
        differences.iter().map(value).collect()
    };
    json!({
        "driver": comparison.driver,
        "origin": origin_name(comparison.origin),
        "direct": side(comparison.direct),
        "through": side(comparison.through),
        "explained": list(&comparison.explained),
        "unexplained": list(&comparison.unexplained),
        "by_chance": list(&comparison.by_chance),
    })
}
