//! `deploy`: to AWS.

use std::process::Command;

use super::tools::DEPLOYER;
use super::{account, arguments, build, elf, paths};
use crate::say::{self, Steps};
use crate::trouble::{Result, Saying, Trouble};

/// The option that replaces the parameters of samconfig.toml.
const OVERRIDES: &str = "--parameter-overrides";

/// Asks whether the account can take the stack, builds for its architecture, checks every binary, runs `sam deploy` with these arguments.
///
/// # Errors
/// The account is not ready, the build fails, a binary does not fit, or sam does.
pub async fn deploy(arguments: &[String], steps: &Steps) -> Result<()> {
    std::fs::create_dir_all(paths::local()).saying("cannot make target/local")?;
    DEPLOYER.ready(steps).await?;
    let read = |name: &str| {
        std::fs::read_to_string(paths::root().join(name)).saying(format!("cannot read {name}"))
    };
    let (config, template) = (read("samconfig.toml")?, read("template.yaml")?);
    let architecture = architecture(arguments, &config, &template)?;
    overrides(arguments)?;
    let step = steps.begin("asking AWS about the account");
    let verdict = account::ask(arguments, &config, &[])
        .await?
        .verdict(&template)?;
    step.done();
    for line in verdict {
        say::line(line);
    }
    say::line(format_args!("building for {architecture}"));
    let mut lambda = Command::new(DEPLOYER.program("cargo-lambda"));
    lambda.args(build_for(architecture));
    run(lambda, "cargo lambda build")?;
    for function in build::functions_of(&paths::root().join("template.yaml"))? {
        elf::check(
            &paths::root()
                .join("target/lambda")
                .join(function)
                .join("bootstrap"),
            architecture,
        )?;
    }
    let mut sam = Command::new(DEPLOYER.program("sam"));
    sam.arg("deploy").args(arguments);
    run(sam, "sam deploy")
}

/// What cargo-lambda is told, by the architecture.
#[must_use]
pub fn build_for(architecture: &str) -> [&'static str; 8] {
    let flag = if architecture == "arm64" {
        "--arm64"
    } else {
        "--x86-64"
    };
    [
        "lambda",
        "build",
        "--profile",
        "dist",
        flag,
        "--workspace",
        "--exclude",
        "bridge-tests",
    ]
}

fn run(mut command: Command, name: &str) -> Result<()> {
    let status = command
        .current_dir(paths::root())
        .env("PATH", DEPLOYER.path())
        .status()
        .saying(format!("cannot run {name}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Trouble::new(format!("{name} failed")))
    }
}

/// What the stack will be told: by an argument, else by samconfig.toml, else by the template.
fn architecture(arguments: &[String], config: &str, template: &str) -> Result<&'static str> {
    let replaced = arguments::value(arguments, OVERRIDES).is_some();
    let in_section = arguments::section(arguments, config).filter(|_| !replaced);
    let said = arguments
        .iter()
        .map(String::as_str)
        .chain(in_section)
        .find_map(named);
    let fallback = || {
        let mut lines = template
            .lines()
            .skip_while(|line| line.trim() != "Architecture:");
        lines
            .find_map(|line| line.trim().strip_prefix("Default:"))
            .map(str::trim)
    };
    let said = said
        .or_else(fallback)
        .saying("the template has no parameter Architecture with a default")?;
    let known = elf::ARCHITECTURES.into_iter().find(|known| *known == said);
    known.saying(format!(
        "there is no architecture {said}; there are: {}",
        elf::ARCHITECTURES.join(", ")
    ))
}

/// The architecture in one of the two forms in which parameters are given.
fn named(text: &str) -> Option<&str> {
    let (_, value) = text
        .split_once("ParameterKey=Architecture,ParameterValue=")
        .or_else(|| text.split_once("Architecture="))?;
    let value = value.trim_start_matches(['"', '\'']);
    value
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// Parameters on the command line replace those of samconfig.toml, all of them: without its prefix a second stack would
/// take the first one's secrets.
fn overrides(arguments: &[String]) -> Result<()> {
    let names_it = arguments.iter().any(|word| word.contains("SecretPrefix"));
    if arguments::value(arguments, OVERRIDES).is_none() || names_it {
        return Ok(());
    }
    Err(Trouble::new(format!(
        "{OVERRIDES} replaces all of parameter_overrides in samconfig.toml, SecretPrefix with it. Put the parameter there, or name \
         SecretPrefix=… here too"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[default.deploy.parameters]\nparameter_overrides = [\"SecretPrefix=a\"]\n\n\
        [staging.deploy.parameters]\nparameter_overrides = [\"Architecture=x86_64\", \"SecretPrefix=b\"]\n";
    const TEMPLATE: &str = "Parameters:\n  LogLevel:\n    Default: info\n  Architecture:\n    Type: String\n    Default: arm64\n";

    fn chosen(arguments: &[&str]) -> Result<&'static str> {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        architecture(&arguments, CONFIG, TEMPLATE)
    }

    #[test]
    fn argument_then_configuration_then_template() {
        assert_eq!(chosen(&[]), Ok("arm64"));
        assert_eq!(chosen(&["--config-env", "staging"]), Ok("x86_64"));
        assert_eq!(
            chosen(&[
                "--parameter-overrides",
                "AlarmEmail=a@example.com Architecture=x86_64"
            ]),
            Ok("x86_64")
        );
        assert_eq!(
            chosen(&[
                "--config-env",
                "staging",
                "--parameter-overrides",
                "Architecture=arm64"
            ]),
            Ok("arm64")
        );
        assert_eq!(chosen(&["--config-env=staging"]), Ok("x86_64"));
        let replaced = [
            "--config-env=staging",
            "--parameter-overrides",
            "SecretPrefix=b",
        ];
        assert_eq!(chosen(&replaced), Ok("arm64"), "the section's list is gone");
        for given in [
            "ParameterKey=Architecture,ParameterValue=x86_64",
            "ParameterKey=LogLevel,ParameterValue=info ParameterKey=Architecture,ParameterValue=x86_64",
            "Architecture=\"x86_64\"",
        ] {
            assert_eq!(
                chosen(&["--parameter-overrides", given]),
                Ok("x86_64"),
                "{given}"
            );
            let joined = format!("--parameter-overrides={given}");
            assert_eq!(chosen(&[&joined]), Ok("x86_64"), "{given}");
        }
        assert!(chosen(&["--parameter-overrides", "Architecture=mips"]).is_err());
    }

    #[test]
    fn a_prefix_is_not_lost_by_naming_another_parameter() {
        let given = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            overrides(&words)
        };
        assert!(given(&["--config-env", "staging"]).is_ok());
        assert!(given(&["--parameter-overrides", "LogLevel=debug", "SecretPrefix=b"]).is_ok());
        let lost = given(&["--parameter-overrides", "LogLevel=debug"]);
        assert!(
            lost.expect_err("it would be lost")
                .to_string()
                .contains("SecretPrefix")
        );
        assert!(given(&["--parameter-overrides=LogLevel=debug"]).is_err());
    }
}
