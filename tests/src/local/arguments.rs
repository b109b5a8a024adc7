//! What somebody tells `sam deploy`, as far as we must know it too.

/// The value of an option, however it is written: `--region eu-north-1` or `--region=eu-north-1`.
pub(super) fn value<'a>(arguments: &'a [String], option: &str) -> Option<&'a str> {
    let mut all = arguments.iter();
    while let Some(argument) = all.next() {
        match argument.strip_prefix(option) {
            Some("") => return all.next().map(String::as_str),
            Some(rest) => {
                if let Some(value) = rest.strip_prefix('=') {
                    return Some(value);
                }
            }
            None => {}
        }
    }
    None
}

/// The section of samconfig.toml that is used, without its heading.
pub(super) fn section<'a>(
    arguments: &[String],
    config: &'a str,
) -> impl Iterator<Item = &'a str> + use<'a> {
    let environment = value(arguments, "--config-env").unwrap_or("default");
    let heading = format!("[{environment}.deploy.parameters]");
    let own = config
        .lines()
        .skip_while(move |line| line.trim() != heading);
    own.skip(1)
        .take_while(|line| !line.trim_start().starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (line, expected) in [
            ("--region eu-north-1", Some("eu-north-1")),
            ("--debug --region=eu-west-1", Some("eu-west-1")),
            ("--regions eu-west-1", None),
            ("--region", None),
        ] {
            assert_eq!(value(&words(line), "--region"), expected, "{line}");
        }
        let has = |line: &str| value(&words(line), "--region").is_some();
        assert!(has("--a --region=x") && !has("--regions x"));
    }

    #[test]
    fn a_section_ends_where_the_next_one_begins() {
        let config = "[default.deploy.parameters]\na = 1\n\n[staging.deploy.parameters]\na = 2\n";
        let of = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            section(&arguments, config).collect::<String>()
        };
        assert_eq!(of(&[]), "a = 1");
        assert_eq!(of(&["--config-env=staging"]), "a = 2");
        assert_eq!(of(&["--config-env", "other"]), "");
    }
}
