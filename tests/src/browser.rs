//! A browser that nobody sees: Chromium, driven by its own driver over HTTP (W3C `WebDriver`).
//!
//! Debian's packages `chromium` and `chromium-driver` bring both. Where they are not found, [`Browser::start`] gives none, and
//! whoever wanted to look says so.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::http;
use crate::local::process::{self, Life, Started};
use crate::trouble::{Result, Saying, Trouble};

/// Where a browser and its driver may stand.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
const DRIVER: &str = "chromedriver";

/// How long the driver may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the standard calls the key of an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// What a person reads who finds no browser.
pub const MISSING: &str = "NOT LOOKED AT: no Chromium with its driver was found, so nobody saw what the page looks like. Debian: apt-get install \
                           chromium chromium-driver";

/// A page in a browser.
#[derive(Debug)]
pub struct Browser {
    session: String,
    port: u16,
    driver: Started,
    child: Child,
    profile: PathBuf,
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

impl Browser {
    /// Starts one with an empty profile below `folder`; none where there is no browser on this machine.
    ///
    /// # Errors
    /// It is there and does not start.
    pub async fn start(folder: &Path) -> Result<Option<Self>> {
        let Some(browser) = BROWSERS.iter().find_map(|name| program(name)) else {
            return Ok(None);
        };
        let Some(driver) = program(DRIVER) else {
            return Ok(None);
        };
        std::fs::create_dir_all(folder).saying(format!("cannot make {}", folder.display()))?;
        let port = free_port()?;
        let mut command = Command::new(&driver);
        command.arg(format!("--port={port}"));
        let log = folder.join("chromedriver.log");
        let (driver, child) = process::start(
            "the browser's driver",
            DRIVER,
            command,
            &log,
            Life::UntilDown,
        )?;
        let base = format!("http://127.0.0.1:{port}");
        let profile = folder.join(format!("profile-{port}"));
        let mut browser_of = Self {
            session: String::new(),
            port,
            driver,
            child,
            profile,
        };
        browser_of.open(&base, &browser).await?;
        Ok(Some(browser_of))
    }

    async fn open(&mut self, base: &str, browser: &Path) -> Result<()> {
        let begun = Instant::now();
        while http::get(&format!("{base}/status")).send().await.is_err() {
            if begun.elapsed() > PATIENCE {
                return Err(Trouble::new("the browser's driver does not begin"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let arguments = [
            "--headless=new",
            // Without a sandbox of its own it also runs as the one user that a container has; it sees our own pages alone.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--window-size=1200,1100",
        ];
        let mut arguments: Vec<String> = arguments.map(ToOwned::to_owned).into();
        arguments.push(format!("--user-data-dir={}", self.profile.display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": browser, "args": arguments},
        }}});
        let answer = ask(http::post(&format!("{base}/session")), &wanted).await?;
        let id = answer["sessionId"].as_str();
        let id = id.saying("the browser's driver gave no session")?;
        self.session = format!("{base}/session/{id}");
        Ok(())
    }

    /// Opens a page.
    ///
    /// # Errors
    /// The browser does not.
    pub async fn goto(&self, url: &str) -> Result<()> {
        let call = http::post(&format!("{}/url", self.session));
        ask(call, &json!({"url": url})).await.map(drop)
    }

    /// What a person reads in each place that a selector finds, in the page's order.
    ///
    /// # Errors
    /// The browser does not answer.
    pub async fn texts(&self, selector: &str) -> Result<Vec<String>> {
        let call = http::post(&format!("{}/elements", self.session));
        let query = json!({"using": "css selector", "value": selector});
        let found = ask(call, &query).await?;
        let mut texts = Vec::new();
        for element in found.as_array().into_iter().flatten() {
            let id = element[ELEMENT]
                .as_str()
                .saying("an element without an id")?;
            let call = http::get(&format!("{}/element/{id}/text", self.session));
            let text = ask(call, &Value::Null).await?;
            texts.push(text.as_str().unwrap_or_default().to_owned());
        }
        Ok(texts)
    }

    /// A picture of what is seen.
    ///
    /// # Errors
    /// The browser makes none, or the file cannot be written.
    pub async fn picture(&self, file: &Path) -> Result<()> {
        let call = http::get(&format!("{}/screenshot", self.session));
        let shot = ask(call, &Value::Null).await?;
        let bytes = STANDARD.decode(shot.as_str().unwrap_or_default());
        let bytes = bytes.saying("the picture cannot be read")?;
        std::fs::write(file, bytes).saying(format!("cannot write {}", file.display()))
    }

    /// Has the driver close the browser, and waits until it has.
    fn quit(&self) -> std::io::Result<()> {
        let mut driver = TcpStream::connect(("127.0.0.1", self.port))?;
        driver.set_read_timeout(Some(PATIENCE))?;
        let path = &self.session[self.session.find("/session").unwrap_or_default()..];
        let request =
            format!("DELETE {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
        driver.write_all(request.as_bytes())?;
        driver.read(&mut [0; 64]).map(drop)
    }
}

/// Whoever leaves it, by a failure too, leaves no process behind: the driver ends and would not take the browser along.
impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.quit();
        self.driver.end(Some(&mut self.child));
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).saying("no port is free on 127.0.0.1")?;
    let at = listener
        .local_addr()
        .saying("no port is free on 127.0.0.1")?;
    Ok(at.port())
}

async fn ask(call: http::Call, body: &Value) -> Result<Value> {
    let call = if body.is_null() {
        call
    } else {
        call.header("content-type", "application/json")
            .body(body.to_string())
    };
    let reply = call.send().await?;
    let mut answer = reply.json()?;
    if reply.is_success() {
        Ok(answer["value"].take())
    } else {
        let why = &answer["value"]["message"];
        Err(Trouble::new(format!("the browser's driver says: {why}")))
    }
}
