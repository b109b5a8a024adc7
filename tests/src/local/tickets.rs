//! Tickets: three customers write to support, and what stands beside their tickets is compared with what the vendors'
//! documents promise.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::paths;
use super::stack::Stack;
use super::stores;
use crate::browser::{self, Browser};
use crate::cloud::Cloud;
use crate::http;
use crate::say;
use crate::trouble::{Result, Saying, Trouble};

/// Whom Yotpo told of.
pub const KNOWN: &str = "kari@example.com";

/// Whom only Annex Cloud knows.
pub const MEMBER: &str = "ada@example.com";

/// Whom nobody knows.
pub const UNKNOWN: &str = "stranger@example.com";

/// How long a card may take to be right.
const PATIENCE: Duration = Duration::from_secs(30);

/// One ticket, and what must be read beside it.
#[derive(Debug)]
pub struct Shown {
    /// What the ticket shows.
    pub title: &'static str,
    /// Whose it is.
    pub email: &'static str,
    /// Its number.
    pub ticket: u64,
    /// Each place of the card, and what a person reads there.
    pub texts: &'static [(&'static str, &'static str)],
}

/// What gorgias.md, section 4, and the members' data below ask for.
pub const SHOWN: [Shown; 3] = [
    Shown {
        title: "a member known from Yotpo",
        email: KNOWN,
        ticket: 7001,
        texts: &[
            ("status", "member"),
            ("name", "Kari Nordmann"),
            ("points.available", "1230"),
            ("tier.current", "Fjell"),
            ("opt_in", "Yes"),
            ("activity.0.what", "Points earned: Made a purchase"),
            ("activity.0.points", "150"),
        ],
    },
    Shown {
        title: "a customer whom nobody knows",
        email: UNKNOWN,
        ticket: 7002,
        texts: &[
            ("status", "not a member"),
            ("name", "-"),
            ("points.available", "-"),
            ("tier.current", "-"),
            ("opt_in", "-"),
        ],
    },
    Shown {
        title: "a member whom only Annex Cloud knows",
        email: MEMBER,
        ticket: 7003,
        texts: &[
            ("status", "member"),
            ("name", "Ada Example"),
            ("email", MEMBER),
            ("member_id", MEMBER),
            ("member_status", "Active"),
            ("opt_in_date", "2 Mar 2024"),
            ("points.available", "5120"),
            ("points.lifetime", "5820"),
            ("points.used", "700"),
            ("points.expired", "0"),
            ("points.on_hold", "250"),
            ("points.value", "51.20 EUR"),
            ("points.expiring", "40"),
            ("points.expiring_on", "31 Dec 2026"),
            ("tier.current", "Silver"),
            ("tier.previous", "Bronze"),
            ("tier.achieved_on", "1 Apr 2025"),
            ("tier.expires_on", "-"),
            ("tier.spend_to_next", "0.00 EUR"),
            ("links.profile", "Open member"),
            ("links.referral", "-"),
            ("tier.next", "Gold"),
            ("tier.points_to_next", "80"),
            ("spend.total", "184.90 EUR"),
            ("opt_in", "Yes"),
        ],
    },
];

/// The store of `events/stores/example-tickets.json` on a running stack.
pub struct Desk<'a> {
    cloud: Cloud,
    stack: &'a Stack,
    /// The store's id.
    pub store: String,
}

impl<'a> Desk<'a> {
    /// Loads the store, its members, the integration and its widgets.
    ///
    /// # Errors
    /// Something of it does not work.
    pub async fn open(stack: &'a mut Stack, change: impl FnOnce(&mut Value)) -> Result<Self> {
        let file = paths::root().join("events/stores/example-tickets.json");
        let mut document = stores::document(&file)?;
        change(&mut document);
        let cloud = Cloud::of(stack);
        let store = stores::load(stack, &cloud, &document).await?;
        let desk = Self {
            cloud,
            stack,
            store,
        };
        desk.annexcloud().await?;
        desk.news().await?;
        let provisioned = desk
            .ask(json!({
                "command": "provision", "store": desk.store, "destination": "gorgias", "by": "kari",
                "why": "cards beside tickets",
            }))
            .await?;
        if provisioned["ok"] != true {
            return Err(Trouble::new(format!("provision says: {provisioned:#}")));
        }
        Ok(desk)
    }

    /// Asks the operator.
    ///
    /// # Errors
    /// The function does not answer.
    pub async fn ask(&self, command: Value) -> Result<Value> {
        let operator = &self.stack.functions["operator"];
        self.cloud.invoke(operator, &command).await
    }

    fn url(&self, vendor: &str, path: &str) -> Result<String> {
        let at = self.stack.vendors.get(vendor);
        let at = at.saying(format!("the stack has no vendor {vendor}"))?;
        Ok(format!("{}/{path}", at.url))
    }

    /// Gives a stand-in an order about the store's account.
    ///
    /// # Errors
    /// It does not take it.
    pub async fn order(&self, vendor: &str, path: &str, mut order: Value) -> Result<Value> {
        order["account"] = self.store.as_str().into();
        let call = http::post(&self.url(vendor, path)?).body(order.to_string());
        let reply = call.send().await?;
        if !reply.is_success() {
            return Err(Trouble::new(format!("{vendor} says: {}", reply.text)));
        }
        Ok(serde_json::from_str(&reply.text).unwrap_or_default())
    }

    /// What a stand-in shows of the store's account.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn show(&self, vendor: &str, path: &str) -> Result<Value> {
        let path = format!("{path}?account={}", self.store);
        http::get(&self.url(vendor, &path)?).send().await?.json()
    }

    async fn annexcloud(&self) -> Result<()> {
        let member = json!({
            "user": {
                "id": MEMBER, "email": MEMBER, "firstName": "Ada", "lastName": "Example", "zipCode": "10115", "status": "ACTIVE",
                "optInStatus": "YES", "createDate": "2024-03-02T09:00:00+0000", "updateDate": "2026-03-01T10:00:00-0700",
                "totalSpendCurrency": "184.90",
            },
            "points": {
                "availablePoints": "5120", "usedPoints": "700", "expiredPoints": "0", "lifetimePoints": "5820",
                "holdPoints": "250", "creditsToCurrencyRatio": "0.01", "creditsToCurrencyValue": "51.20", "pointsToExpire": "40", "pointsToExpireDate": "2026-12-31T05:30:00+0000",
            },
            "tiers": {
                "currentTier": "Silver", "previousTier": "Bronze", "nextTier": "Gold", "pointsToNextTier": "80",
                "tierAchieveDate": "2025-04-01T14:00:00-0700",
            },
        });
        self.order("annexcloud", "members", member).await.map(drop)
    }

    /// What Yotpo tells of the known member.
    async fn news(&self) -> Result<()> {
        let now = self.stack.clock().now().to_string();
        let body = json!({
            "topic": "swell/points/earned", "email": KNOWN,
            "perk": {"id": 5501, "campaign_id": 7, "reward_points": 150, "history_title": "Made a purchase", "created_at": now},
            "customer": {
                "email": KNOWN, "first_name": "Kari", "last_name": "Nordmann", "points_balance": 1230, "points_earned": 2600,
                "vip_tier_name": "Fjell", "is_opt_in": true, "is_member": true, "third_party_id": "k-1", "last_seen_at": now,
            },
        });
        self.tell("yotpo", &body).await?;
        let begun = Instant::now();
        loop {
            let member = json!({"command": "member", "store": self.store, "email": KNOWN});
            if self.ask(member).await?["known"] == true {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Trouble::new("news of a member was not recorded"));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// A source tells something.
    ///
    /// # Errors
    /// It is not taken.
    pub async fn tell(&self, source: &str, body: &Value) -> Result<()> {
        let inlet = &self.stack.stores[&self.store][source];
        let mut call = http::post(&inlet.url).body(body.to_string());
        for (name, value) in &inlet.headers {
            call = call.header(name, value);
        }
        let status = call.send().await?.status;
        if status == 200 {
            return Ok(());
        }
        Err(Trouble::new(format!("{source} was answered {status}")))
    }

    /// Opens a ticket, or lets something happen to it. Gives what its integrations were answered.
    ///
    /// # Errors
    /// Gorgias does not do so.
    pub async fn ticket(&self, id: u64, email: &str, trigger: &str) -> Result<Value> {
        let ticket = json!({
            "id": id, "subject": "Where are my points?", "trigger": trigger,
            "customer": {"email": email, "name": "Some Customer"},
        });
        self.order("gorgias", "tickets", ticket).await
    }

    /// Where a ticket is seen.
    ///
    /// # Errors
    /// The stack has no Gorgias.
    pub fn page(&self, ticket: u64) -> Result<String> {
        self.url("gorgias", &format!("ticket/{}/{ticket}", self.store))
    }

    /// Everything that is wrong beside a ticket, seen by a browser.
    ///
    /// # Errors
    /// The browser does not answer.
    pub async fn differences(&self, browser: &Browser, shown: &Shown) -> Result<Vec<String>> {
        browser.goto(&self.page(shown.ticket)?).await?;
        let mut wrong = Vec::new();
        for (path, text) in shown.texts {
            let found = browser
                .texts(&format!("[data-path=\"loyalty.{path}\"]"))
                .await?;
            if found != [*text] {
                wrong.push(format!("{path} reads {found:?}, not {text:?}"));
            }
        }
        Ok(wrong)
    }
}

/// Opens the three tickets, looks at them, and keeps a picture of each. Gives how many are wrong.
///
/// # Errors
/// The stack does not answer.
pub async fn run(stack: &Stack) -> Result<usize> {
    let mut stack = stack.clone();
    let desk = Desk::open(&mut stack, |_| ()).await?;
    let folder = pictures();
    let browser = Browser::start(&folder).await?;
    if browser.is_none() {
        say::line(browser::MISSING);
    }
    let mut failed = 0;
    for shown in &SHOWN {
        let fired = desk
            .ticket(shown.ticket, shown.email, "ticket-created")
            .await?;
        let answer = &fired["fired"][0];
        let mut wrong = Vec::new();
        if answer["status"] != 200 {
            wrong.push(format!("Gorgias was answered {answer}"));
        }
        let mut seen = String::new();
        if let Some(browser) = &browser {
            wrong.extend(desk.differences(browser, shown).await?);
            let file = folder.join(format!("{}.png", shown.ticket));
            browser.picture(&file).await?;
            seen = format!("; picture in {}", file.display());
        }
        say::line(format_args!(
            "{}  ticket of {}: answered in {} ms{seen}",
            if wrong.is_empty() { "ok " } else { "BAD" },
            shown.title,
            answer["ms"],
        ));
        for one in &wrong {
            say::line(format_args!("      {one}"));
        }
        failed += usize::from(!wrong.is_empty());
    }
    if let Some(browser) = browser {
        drop(browser);
    }
    for vendor in ["gorgias", "annexcloud"] {
        let faults = desk.show(vendor, "faults").await?;
        for fault in faults.as_array().into_iter().flatten() {
            say::line(format_args!("FAULT  {vendor}: {}", fault["fault"]));
            failed += 1;
        }
    }
    Ok(failed)
}

/// Where pictures are kept.
#[must_use]
pub fn pictures() -> PathBuf {
    paths::root().join("target/local/tickets")
}
