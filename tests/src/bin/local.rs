//! `cargo local demo | up | down | deploy | bench`: the whole product on one machine, its way to AWS, and what it costs.

#![allow(
    clippy::disallowed_methods,
    reason = "the house rules on environment are for what runs on Lambda"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use bridge_tests::local::paths::StackDir;
use bridge_tests::local::process::Life;
use bridge_tests::local::proxy;
use bridge_tests::local::up::{self, Wanted};
use bridge_tests::local::{bench, demo, deploy, stores};
use bridge_tests::say::{self, Steps};
use bridge_tests::trouble::{Result, Saying, Trouble};

const HELP: &str = "\
cargo local demo               start everything, send one event of every kind, compare what arrives, end everything
cargo local up                 start everything and leave it running; target/local/stack.json says how to reach it
    --vendor NAME=URL          use this server in the place of the vendor's stand-in
    --store FILE               load this store document too (may be given again)
    --port PORT                let the emulator of AWS listen here
cargo local down               end what `up` started
cargo local deploy [ARGS…]     build for AWS, check, and run `sam deploy` with these arguments
cargo local bench              build the functions for release and print their start, memory and size beside the targets
    --dist                     measure the smaller build that `deploy` makes; linking it takes minutes";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments).await {
        Ok(code) => code,
        Err(trouble) => {
            say::problem(format_args!("\n{trouble}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &[String]) -> Result<ExitCode> {
    // Before anything is built: the build may replace the program we run.
    let program = std::env::current_exe().saying("cannot find this program")?;
    let (command, rest) = arguments
        .split_first()
        .map_or(("", arguments), |(first, rest)| (first.as_str(), rest));
    match command {
        "demo" if rest.is_empty() => demonstrate(program).await,
        "up" => stay_up(program, rest).await,
        "down" if rest.is_empty() => take_down(),
        "deploy" => deploy::deploy(rest, &Steps::shown())
            .await
            .map(|()| ExitCode::SUCCESS),
        "bench" => measure(rest).await,
        "stand-in" => stand_in(rest).await,
        "proxy" => pass_on(rest).await,
        "" | "help" | "--help" | "-h" => {
            say::line(HELP);
            Ok(ExitCode::SUCCESS)
        }
        other => Err(Trouble::new(format!(
            "`cargo local {other}` with these arguments is not known.\n\n{HELP}"
        ))),
    }
}

async fn demonstrate(program: PathBuf) -> Result<ExitCode> {
    let wanted = Wanted {
        dir: StackDir::private("demo"),
        life: Life::WithUs,
        program,
        vendors: BTreeMap::new(),
        stores: vec![stores::example()],
        port: None,
        can_fail: false,
    };
    let running = up::up(&wanted, &Steps::shown()).await?;
    let shown = demo::run(&running.stack).await;
    running.end();
    Ok(if shown? == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn stay_up(program: PathBuf, arguments: &[String]) -> Result<ExitCode> {
    let mut wanted = Wanted {
        dir: StackDir::of_up(),
        life: Life::UntilDown,
        program,
        vendors: BTreeMap::new(),
        stores: vec![stores::example()],
        port: None,
        can_fail: false,
    };
    let mut rest = arguments.iter();
    while let Some(flag) = rest.next() {
        let value = rest
            .next()
            .saying(format!("{flag} needs a value, or is not known.\n\n{HELP}"))?;
        match flag.as_str() {
            "--vendor" => {
                let (name, url) = value
                    .split_once('=')
                    .saying("--vendor takes NAME=URL, as rule=http://127.0.0.1:4010")?;
                wanted
                    .vendors
                    .insert(name.to_owned(), url.trim_end_matches('/').to_owned());
            }
            "--store" => wanted.stores.push(value.into()),
            "--port" => wanted.port = Some(value.parse().saying("--port takes a number")?),
            _ => return Err(Trouble::new(format!("{flag} is not known.\n\n{HELP}"))),
        }
    }
    let file = wanted.dir.stack();
    if arguments.is_empty() && up::running(&wanted.dir).await.is_some() {
        say::line(format_args!(
            "It is already running; see {}. `cargo local down` ends it.",
            file.display()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    let stack = up::up(&wanted, &Steps::shown()).await?.leave();
    say::line("");
    for (store, sources) in &stack.stores {
        for (source, inlet) in sources {
            say::line(format_args!("{store} takes {source} at {}", inlet.url));
        }
    }
    for (vendor, at) in &stack.vendors {
        say::line(format_args!(
            "{vendor} is at {}",
            at.received_url.as_ref().unwrap_or(&at.url)
        ));
    }
    say::line(format_args!(
        "Everything else stands in {}. `cargo local down` ends it.",
        file.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn take_down() -> Result<ExitCode> {
    let ended = up::end_recorded(&StackDir::of_up())?;
    if ended.is_empty() {
        say::line("Nothing was running.");
    }
    for name in ended {
        say::line(format_args!("ended {name}"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure(arguments: &[String]) -> Result<ExitCode> {
    let profile = match arguments {
        [] => "release",
        [flag] if flag == "--dist" => "dist",
        _ => {
            return Err(Trouble::new(format!(
                "`cargo local bench` takes --dist or nothing.\n\n{HELP}"
            )));
        }
    };
    bench::bench(profile, &Steps::shown()).await?;
    Ok(ExitCode::SUCCESS)
}

/// What `up` starts in a vendor's place; not for people.
async fn stand_in(arguments: &[String]) -> Result<ExitCode> {
    let [vendor, address, clock, life @ ..] = arguments else {
        return Err(Trouble::new("`cargo local up` starts the stand-ins"));
    };
    end_with_parent(life);
    up::run_stand_in(vendor, address.as_ref(), clock.as_ref()).await?;
    Ok(ExitCode::SUCCESS)
}

/// What end-to-end tests start between the functions and the emulator; not for people.
async fn pass_on(arguments: &[String]) -> Result<ExitCode> {
    let [address, port, life @ ..] = arguments else {
        return Err(Trouble::new("the end-to-end tests start the proxy"));
    };
    end_with_parent(life);
    let port = port.parse().saying("the emulator's port is a number")?;
    proxy::run(address.as_ref(), port).await?;
    Ok(ExitCode::SUCCESS)
}

fn end_with_parent(life: &[String]) {
    if life == ["--with-parent"] {
        std::thread::spawn(|| {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            std::process::exit(0);
        });
    }
}
