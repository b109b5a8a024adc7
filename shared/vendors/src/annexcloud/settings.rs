//! What a store may set about Annex Cloud, as a source and as a destination.

use std::{collections::BTreeMap, num::NonZeroU32};

use loyalty::{Email, Kind, StoreId};
use serde_json::Value;

use super::points::{Booking, Channel};
use crate::{EraseMode, Section};

/// A store's settings for Annex Cloud as a source: `sources.annexcloud`.
#[derive(Debug, Clone)]
pub struct SourceSettings {
    /// Whether the store has credentials for the REST interface.
    pub rest: bool,
    /// Whether customers who write to support are made members.
    pub enrol_on_ticket: bool,
    /// Whether those who are made members take part from the start.
    pub opt_in: bool,
    /// Who is never made a member.
    pub never_enrol: NeverEnrol,
    /// Where a webhook has the id of the person it is about, as a JSON pointer.
    pub hint_pointer: Option<String>,
}

/// Who is never made a member, beside senders that are nobody.
#[derive(Debug, Clone, Default)]
pub struct NeverEnrol {
    domains: Vec<String>,
    addresses: Vec<Email>,
}

/// A store's settings for Annex Cloud as a destination: `destinations.annexcloud`.
#[derive(Debug, Clone)]
pub struct DestinationSettings {
    /// The name of the account with Annex Cloud, where several stores share one site.
    pub account: Option<String>,
    /// Kinds that are booked as points, each with Annex Cloud's id of the action.
    pub actions: BTreeMap<Kind, String>,
    /// Kinds that make a member of somebody whom Annex Cloud does not know.
    pub enrol: Vec<Kind>,
    /// The extended attribute `source` of those who are made members.
    pub enrol_source: Option<String>,
    /// The action under which points are booked that a person orders without naming one.
    pub default_action: Option<String>,
    /// The reward that a person orders without naming one.
    pub default_reward: Option<String>,
    /// Where points that a person orders to be spent are spent.
    pub channel: Option<Channel>,
    /// The most points that one order gives or takes.
    pub max_points_per_call: NonZeroU32,
    /// The most points that the orders of one day give or take.
    pub max_points_per_day: NonZeroU32,
    /// Whether changes of a member's profile are written.
    pub profile: bool,
    /// What erasing a person means.
    pub erase: EraseMode,
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self {
            rest: true,
            enrol_on_ticket: false,
            opt_in: true,
            never_enrol: NeverEnrol::default(),
            hint_pointer: None,
        }
    }
}

impl SourceSettings {
    pub(crate) fn gather(mut section: Section) -> Self {
        let rest = section.flag("rest", true);
        let enrol_on_ticket = section.flag("enrol_on_ticket", false);
        let opt_in = section.one_of("opt_in_status", &[("YES", true), ("NO", false)], true);
        let never_enrol = section.section("never_enrol");
        let never_enrol = never_enrol.map(NeverEnrol::gather).unwrap_or_default();
        let hint_pointer = section.text("hint_pointer");
        if hint_pointer
            .as_ref()
            .is_some_and(|pointer| !pointer.starts_with('/'))
        {
            section.fault(
                "hint_pointer",
                "must be a JSON pointer such as /payload/userId",
            );
        }
        if enrol_on_ticket && !rest {
            section.fault(
                "enrol_on_ticket",
                "needs the REST interface: leave out `rest`",
            );
        }
        if enrol_on_ticket && never_enrol.domains.is_empty() {
            section.fault(
                "enrol_on_ticket",
                "needs the shop's own domains in `never_enrol.domains`: whoever writes to support from there is no customer",
            );
        }
        section.finish();
        Self {
            rest,
            enrol_on_ticket,
            opt_in,
            never_enrol,
            hint_pointer,
        }
    }
}

impl NeverEnrol {
    fn gather(mut section: Section) -> Self {
        let never = Self {
            domains: section.texts("domains", domain),
            addresses: section.texts("addresses", |text| {
                Email::parse(text).map_err(|error| error.to_string())
            }),
        };
        section.finish();
        never
    }

    /// Whether somebody must not be made a member: nobody reads what a machine's address gets, and a shop's own people are
    /// no customers.
    #[must_use]
    pub fn forbids(&self, email: &Email) -> bool {
        const MACHINES: [&str; 5] = [
            "noreply",
            "donotreply",
            "mailerdaemon",
            "autoreply",
            "autoresponder",
        ];
        const NOBODY: [&str; 5] = [
            "postmaster",
            "bounce",
            "bounces",
            "notification",
            "notifications",
        ];
        let (local, host) = email.expose().split_once('@').unwrap_or_default();
        let own = local.split('+').next().unwrap_or_default();
        let plain: String = own.chars().filter(char::is_ascii_alphanumeric).collect();
        let mut words = own.split(['-', '_', '.', '=']);
        let within = |domain: &String| {
            let rest = host.strip_suffix(domain.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        NOBODY.contains(&plain.as_str())
            || words.any(|word| NOBODY.contains(&word))
            || MACHINES.iter().any(|machine| plain.contains(machine))
            || self.addresses.contains(email)
            || self.domains.iter().any(within)
    }
}

impl DestinationSettings {
    pub(crate) fn gather(mut section: Section) -> Self {
        let enrols = section.has("enrol");
        let mut settings = Self {
            account: section.text("account"),
            actions: section.kind_map("actions", action),
            enrol: section.kinds("enrol"),
            enrol_source: section.text("enrol_source"),
            default_action: section.text("default_action"),
            default_reward: section.text("default_reward"),
            channel: section.one_of(
                "redeem_in",
                &[("web", Some(Channel::Web)), ("store", Some(Channel::Store))],
                None,
            ),
            max_points_per_call: most(&mut section, "max_points_per_call", 1_000),
            max_points_per_day: most(&mut section, "max_points_per_day", 5_000),
            profile: section.flag("profile", true),
            erase: section.one_of(
                "erase",
                &[("fields", EraseMode::Fields), ("person", EraseMode::Person)],
                EraseMode::Fields,
            ),
        };
        if !enrols {
            settings.enrol = vec![Kind::OptedIn, Kind::EnrolmentWanted];
        }
        settings.check(&mut section);
        section.finish();
        settings
    }

    fn check(&self, section: &mut Section) {
        for kind in self.enrol.iter().filter(|kind| !may_enrol(**kind)) {
            let message = format!("`{kind}` says of nobody that they want to be a member");
            section.fault("enrol", message);
        }
        let both = self.actions.keys().filter(|kind| self.enrol.contains(kind));
        for kind in both {
            section.fault(
                &format!("actions.{kind}"),
                "makes a member of somebody by `enrol`; it cannot book points too",
            );
        }
        if self.actions.contains_key(&Kind::PointsOrdered) {
            section.fault(
                "actions.points_ordered",
                "the order itself says what is booked",
            );
        }
        if self.max_points_per_call > self.max_points_per_day {
            section.fault(
                "max_points_per_call",
                "must not be more than `max_points_per_day`",
            );
        }
        if let Some(account) = &self.account
            && StoreId::parse(account).is_err()
        {
            section.fault(
                "account",
                "must have 1 to 40 of the characters a-z, 0-9 and -",
            );
        }
    }
}

/// Whether a kind may make a member of somebody.
fn may_enrol(kind: Kind) -> bool {
    let leaves = matches!(kind, Kind::OptedOut | Kind::MemberDeleted);
    !(kind.addresses_friend() || leaves || kind == Kind::PointsOrdered)
}

fn most(section: &mut Section, key: &'static str, default: u32) -> NonZeroU32 {
    let most = section.within(key, (1, 1_000_000), default.into());
    let most = u32::try_from(most).ok().and_then(NonZeroU32::new);
    most.unwrap_or(NonZeroU32::MIN)
}

fn action(value: &Value) -> Result<String, String> {
    let id = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    Booking::action(&id)
        .map(|_| id)
        .map_err(|_| "must be Annex Cloud's id of an action".to_owned())
}

/// A domain without what goes before it: `example.com`, `@example.com`.
fn domain(text: &str) -> Result<String, String> {
    let domain = text.trim_start_matches('@').to_ascii_lowercase();
    let label = |label: &str| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if domain.contains('.') && domain.split('.').all(label) {
        Ok(domain)
    } else {
        Err("must be a domain such as shop.example.com".to_owned())
    }
}
