//! Whether the AWS account that `sam deploy` would go to can take the stack: asked before a build of minutes, not after.

use serde::Deserialize;
use tokio::process::Command;

use super::tools::DEPLOYER;
use super::{arguments, paths};
use crate::trouble::{Result, Saying, Trouble};

/// Functions that run at once beside those that queues start: webhook's few, operator, upkeep.
const BESIDE: u32 = 5;

/// Below this many functions at once a burst of webhooks may be turned away.
const COMFORT: u32 = 100;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Account {
    region: Option<String>,
    #[serde(rename = "account")]
    number: Option<String>,
    unreserved: Option<u32>,
    unasked: Option<String>,
    trouble: Option<String>,
    code: Option<String>,
}

/// Asks AWS which account and region these arguments of `sam deploy` lead to. `config` is samconfig.toml; `environment` comes on
/// top of this process's own.
///
/// # Errors
/// The tools are not there.
pub async fn ask(
    arguments: &[String],
    config: &str,
    environment: &[(&str, &str)],
) -> Result<Account> {
    let script = paths::root().join("tests/src/local/account.py");
    let profile = chosen("profile", arguments, config);
    let region = chosen("region", arguments, config);
    let output = Command::new(DEPLOYER.program("python"))
        .arg(script)
        .envs(environment.iter().copied())
        .args([profile, region].map(|told| told.unwrap_or_else(|| "-".to_owned())))
        .output()
        .await
        .saying("cannot run Python")?;
    serde_json::from_slice(&output.stdout).map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        Trouble::new(format!("cannot ask AWS about the account:\n{said}"))
    })
}

impl Account {
    /// What a person should see before the build; `template` is template.yaml.
    ///
    /// # Errors
    /// The stack cannot go there, and what to do about it.
    pub fn verdict(&self, template: &str) -> Result<Vec<String>> {
        if let Some(trouble) = &self.trouble {
            let code = self.code.as_deref().unwrap_or("no code");
            return Err(Trouble::new(match trouble.as_str() {
                "region" => "no AWS region is set: `export AWS_DEFAULT_REGION=eu-north-1`, or `aws configure`, or add `--region`.".to_owned(),
                "credentials" => "nobody is signed in to AWS: `aws configure`, or `aws sso login`, or export AWS_PROFILE.".to_owned(),
                "profile" => "there is no such AWS profile: `aws configure list-profiles` names those there are.".to_owned(),
                "expired" => "the AWS session has expired: sign in again, for instance with `aws sso login`.".to_owned(),
                "denied" => format!("AWS does not accept the credentials ({code}): sign in again, or use another profile."),
                _ => format!("AWS cannot be reached ({code}): look at the network and at the region's name."),
            }));
        }
        let (Some(account), Some(region)) = (&self.number, &self.region) else {
            return Err(Trouble::new(
                "AWS did not tell which account this is: try again.",
            ));
        };
        let mut lines = vec![format!("to account {account}, region {region}")];
        let needed = concurrency(template) + BESIDE;
        match (self.unreserved, &self.unasked) {
            (Some(free), _) if free < needed => {
                return Err(Trouble::new(format!(
                    "Lambda lets only {free} functions run at once in this account and region, and the stack needs {needed}. New \
                     accounts begin with few: ask for more under Service Quotas > AWS Lambda > Concurrent executions."
                )));
            }
            (Some(free), _) if free < COMFORT => lines.push(format!(
                "Lambda lets {free} functions run at once here. That is enough for a trial; in a burst webhooks may be turned away. \
                 Ask for more under Service Quotas > AWS Lambda > Concurrent executions."
            )),
            (Some(_), _) => {}
            (None, why) => lines.push(format!(
                "How many functions may run at once could not be asked ({}): the stack needs {needed}, and more in a burst.",
                why.as_deref().unwrap_or("no answer")
            )),
        }
        Ok(lines)
    }
}

/// How many functions the queues of the template start at once at most.
fn concurrency(template: &str) -> u32 {
    let numbers = template.split("MaximumConcurrency: ").skip(1);
    let numbers = numbers.filter_map(|rest| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<u32>().ok()
    });
    numbers.sum()
}

/// What `sam deploy` is told under this name: by a flag, else by its section of samconfig.toml.
fn chosen(name: &str, arguments: &[String], config: &str) -> Option<String> {
    let mut own = arguments::section(arguments, config);
    let set = own.find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| value.trim().trim_matches('"').to_owned())
    });
    let given = arguments::value(arguments, &format!("--{name}"));
    given.map(str::to_owned).or(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "a: {MaximumConcurrency: 10}\nb: {MaximumConcurrency: 5}\n";

    fn found(json: &str) -> Account {
        serde_json::from_str(json).expect("JSON")
    }

    #[test]
    fn a_good_account_is_named_and_a_small_one_is_spoken_of() {
        let good =
            found(r#"{"region": "eu-north-1", "account": "000000000000", "unreserved": 1000}"#);
        let lines = good.verdict(TEMPLATE).expect("good");
        assert_eq!(lines, ["to account 000000000000, region eu-north-1"]);
        let small =
            found(r#"{"region": "eu-north-1", "account": "000000000000", "unreserved": 20}"#);
        assert_eq!(small.verdict(TEMPLATE).expect("enough").len(), 2);
        let unasked =
            found(r#"{"region": "eu-north-1", "account": "0", "unasked": "AccessDenied"}"#);
        let lines = unasked.verdict(TEMPLATE).expect("perhaps enough");
        assert!(lines[1].contains("AccessDenied"), "{lines:?}");
    }

    #[test]
    fn whatever_is_missing_says_what_to_do() {
        for (json, word) in [
            (r#"{"trouble": "region"}"#, "AWS_DEFAULT_REGION"),
            (r#"{"trouble": "credentials"}"#, "aws configure"),
            (r#"{"trouble": "profile"}"#, "list-profiles"),
            (r#"{"trouble": "expired"}"#, "aws sso login"),
            (
                r#"{"trouble": "denied", "code": "InvalidClientTokenId"}"#,
                "InvalidClientTokenId",
            ),
            (
                r#"{"trouble": "unreachable", "code": "EndpointConnectionError"}"#,
                "network",
            ),
            (
                r#"{"region": "eu-north-1", "account": "0", "unreserved": 19}"#,
                "Service Quotas",
            ),
            (r"{}", "try again"),
        ] {
            let trouble = found(json).verdict(TEMPLATE).expect_err(json).to_string();
            assert!(trouble.contains(word), "{json}: {trouble}");
        }
    }

    #[test]
    fn flags_come_before_the_configuration() {
        let config = "[default.deploy.parameters]\nregion = \"eu-north-1\"\n\n[staging.deploy.parameters]\nprofile = \"other\"\n";
        let chosen = |name: &str, arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
            super::chosen(name, &arguments, config)
        };
        assert_eq!(chosen("region", &[]).as_deref(), Some("eu-north-1"));
        assert_eq!(
            chosen("region", &["--region", "eu-west-1"]).as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(
            chosen("region", &["--region=eu-west-1"]).as_deref(),
            Some("eu-west-1")
        );
        assert_eq!(chosen("profile", &[]), None);
        assert_eq!(
            chosen("profile", &["--config-env", "staging"]).as_deref(),
            Some("other")
        );
        assert_eq!(chosen("region", &["--config-env", "staging"]), None);
    }
}
