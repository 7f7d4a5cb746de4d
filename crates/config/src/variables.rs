//! `${NAME}` in a string value: the environment variable of that name. `$${` stands for `${`
//! itself.

/// Looks an environment variable up.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Puts the variables in. A variable's value is taken as it is, never expanded again.
///
/// Messages name the variable, and never show a value.
pub(crate) fn expand(text: &str, lookup: Lookup<'_>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            return Err(
                "`${` is never closed; for the two characters themselves write `$${`".into(),
            );
        };
        if !is_name(name) {
            return Err(
                "between `${` and `}` goes the name of an environment variable (letters, digits, `_`); \
                 for the two characters `${` themselves write `$${`"
                    .into(),
            );
        }
        let value = lookup(name).ok_or_else(|| {
            format!("the environment variable `{name}` is not set (or not UTF-8)")
        })?;
        out.push_str(&value);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "USER_1" => Some("alice".to_owned()),
            "NESTED" => Some("${USER_1}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn expands() {
        for (text, expected) in [
            ("plain", "plain"),
            ("${USER_1}", "alice"),
            ("a${USER_1}b${USER_1}", "aalicebalice"),
            ("${NESTED}", "${USER_1}"),
            ("$${USER_1}", "${USER_1}"),
            ("$5 and $", "$5 and $"),
        ] {
            assert_eq!(expand(text, &lookup).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_missing_or_broken() {
        assert!(
            expand("${NOWHERE}", &lookup)
                .unwrap_err()
                .contains("`NOWHERE` is not set")
        );
        assert!(
            expand("${USER_1", &lookup)
                .unwrap_err()
                .contains("never closed")
        );
        for text in ["${}", "${1A}", "${A B}", "${A:-b}"] {
            assert!(
                expand(text, &lookup)
                    .unwrap_err()
                    .contains("name of an environment"),
                "{text}"
            );
        }
    }
}
