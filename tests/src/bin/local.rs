//! `cargo local demo | up | ask | down | deploy | bench | cost`: the whole product on one machine, its way to AWS, and what it
//! costs.

#![allow(
    clippy::disallowed_methods,
    reason = "the house rules on environment are for what runs on Lambda"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use bridge_tests::cloud::Cloud;
use bridge_tests::local::cli::{self, Asked, HELP, Up};
use bridge_tests::local::paths::StackDir;
use bridge_tests::local::process::Life;
use bridge_tests::local::proxy;
use bridge_tests::local::up::{self, Wanted};
use bridge_tests::local::{bench, demo, deploy, stores};
use bridge_tests::say::{self, Steps};
use bridge_tests::trouble::{Result, Saying, Trouble};
use serde_json::Value;

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
    match cli::read(arguments)? {
        Asked::Demo => demonstrate(program).await,
        Asked::Up(asked) => stay_up(program, asked).await,
        Asked::Ask(command) => ask(&command).await,
        Asked::Down => take_down(),
        Asked::Deploy(rest) => deploy::deploy(&rest, &Steps::shown())
            .await
            .map(|()| ExitCode::SUCCESS),
        Asked::Bench(wanted) => bench::bench(wanted, &Steps::shown())
            .await
            .map(|()| ExitCode::SUCCESS),
        Asked::Cost(question) => bench::cost(&question, &Steps::shown())
            .await
            .map(|()| ExitCode::SUCCESS),
        Asked::StandIn(rest) => stand_in(&rest).await,
        Asked::Proxy(rest) => pass_on(&rest).await,
        Asked::Help => {
            say::line(HELP);
            Ok(ExitCode::SUCCESS)
        }
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

async fn stay_up(program: PathBuf, asked: Up) -> Result<ExitCode> {
    let as_it_is = asked == Up::default();
    let wanted = Wanted {
        dir: StackDir::of_up(),
        life: Life::UntilDown,
        program,
        vendors: asked.vendors,
        stores: [vec![stores::example()], asked.stores].concat(),
        port: asked.port,
        can_fail: false,
    };
    let file = wanted.dir.stack();
    if let Some(stack) = up::running(&wanted.dir).await {
        if as_it_is {
            say::line(format_args!(
                "It is already running; see {}. `cargo local down` ends it.",
                file.display()
            ));
            return Ok(ExitCode::SUCCESS);
        }
        let stores: Vec<&str> = stack.stores.keys().map(String::as_str).collect();
        return Err(Trouble::new(format!(
            "It is already running, with the stores {}. These options are for one that starts: `cargo local down` ends it first, and \
             everything in it goes. A store can be put into the running one with `cargo local ask`.",
            stores.join(", ")
        )));
    }
    let steps = Steps::shown();
    let running = tokio::select! {
        running = up::up(&wanted, &steps) => running?,
        // What was started by then ends with it.
        _ = tokio::signal::ctrl_c() => return Err(Trouble::new("Interrupted; everything that was started has been ended.")),
    };
    let stack = running.leave();
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

/// Prints what the operator answers. A command that was not carried out is a failure.
async fn ask(command: &str) -> Result<ExitCode> {
    let command = if command.trim_start().starts_with('{') {
        command.to_owned()
    } else {
        std::fs::read_to_string(command).saying(format!("cannot read {command}"))?
    };
    let command: Value = serde_json::from_str(&command)
        .map_err(|error| Trouble::new(format!("no JSON: {error}")))?;
    let stack = up::running(&StackDir::of_up()).await;
    let stack = stack.saying("No stack is running; `cargo local up` starts one.")?;
    let answer = Cloud::of(&stack)
        .invoke(&stack.functions["operator"], &command)
        .await?;
    say::line(format_args!("{answer:#}"));
    Ok(if answer["ok"] == true {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
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
