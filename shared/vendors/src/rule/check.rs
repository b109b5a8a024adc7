//! Whether an account with Rule is ready for what a store will write to it.

use std::collections::BTreeSet;

use loyalty::Kind;
use strsim::osa_distance;

use super::{
    CatchAll, Settings,
    account::{self, Account},
    fields,
    map::CATCH_ALL,
    rows,
};
use crate::{Answered, Finding, Level, Step, Store};

pub(super) fn check(store: &Store, answered: &[Answered]) -> Step<Vec<Finding>> {
    let account = match account::survey(answered) {
        Step::Done(account) => account,
        Step::Call(call) => return Step::Call(call),
        Step::Failed(answer) => return Step::Failed(answer),
    };
    let Some(settings) = &store.destinations.rule else {
        return Step::Done(Vec::new());
    };
    let wanted = wanted_tags(settings);
    let mut findings = vec![Finding::new(Level::Good, "key", "Rule accepts it")];
    findings.extend(wanted.iter().map(|tag| tag_finding(tag, &account)));
    findings.extend(near_spellings(&wanted, &account));
    findings.extend(catch_all(settings, &account));
    findings.extend(fields_findings(&account));
    if account.cut {
        let message = "the account has more tags, fields or automations than are looked at here";
        findings.push(Finding::new(Level::Note, "lists", message));
    }
    Step::Done(findings)
}

/// Every tag that the store's events set.
pub(super) fn wanted_tags(settings: &Settings) -> BTreeSet<&str> {
    let own = Kind::ALL
        .iter()
        .filter(|kind| !settings.off.contains(kind))
        .filter_map(|kind| {
            let set = settings.tags.get(kind).map(String::as_str);
            set.or_else(|| rows::row(*kind)?.tag)
        });
    let catch_all = (settings.yotpo_tag != CatchAll::Never).then_some(CATCH_ALL);
    own.chain(catch_all).collect()
}

fn tag_finding(tag: &str, account: &Account) -> Finding {
    let about = format!("tag `{tag}`");
    if !account.has_tag(tag) {
        let message =
            "does not exist yet: `provision` makes it, or the first event that carries it";
        return Finding::new(Level::Note, about, message);
    }
    let on_it = |automations: &Vec<account::Automation>| {
        automations.iter().filter(|one| one.tag == tag).count()
    };
    let message = match account.automations.as_ref().map(on_it) {
        None => "exists".to_owned(),
        Some(0) => "exists; no automation that is on starts with it".to_owned(),
        Some(1) => "exists; one automation starts with it".to_owned(),
        Some(many) => format!("exists; {many} automations start with it"),
    };
    Finding::new(Level::Good, about, message)
}

/// Tags that somebody probably meant to be ours. Rule's own articles spell two of them otherwise.
fn near_spellings(wanted: &BTreeSet<&str>, account: &Account) -> Vec<Finding> {
    let others = account
        .tags
        .iter()
        .map(|(_, name)| name.as_str())
        .filter(|name| !wanted.contains(name));
    let near = others.filter_map(|other| {
        let meant = wanted.iter().find(|tag| is_near(tag, other))?;
        let message = format!(
            "no event sets it, but `{meant}`, which is spelled almost alike: an automation on `{other}` never starts. Hang \
             it on `{meant}`, or name `{other}` in the option `tags`"
        );
        Some(Finding::new(Level::Warning, format!("tag `{other}`"), message))
    });
    near.collect()
}

/// Whether two names differ by a slip: one letter in four at most, however they write small, capital and blank.
fn is_near(one: &str, other: &str) -> bool {
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let (one, other) = (plain(one), plain(other));
    let longer = one.chars().count().max(other.chars().count());
    osa_distance(&one, &other) * 4 <= longer
}

/// An automation on the catch-all tag starts anew with every single event.
fn catch_all(settings: &Settings, account: &Account) -> Option<Finding> {
    let about = format!("tag `{CATCH_ALL}`");
    if settings.yotpo_tag != CatchAll::Always {
        return None;
    }
    let Some(automations) = &account.automations else {
        let message = "it could not be seen which automations there are: make sure that none starts with it, because every \
                       event sets it";
        return Some(Finding::new(Level::Note, about, message));
    };
    automations.iter().any(|one| one.tag == CATCH_ALL).then(|| {
        let message = "an automation starts with it, and every event sets it: that automation starts anew with each of \
                       them. Hang it on an event's own tag, or set `yotpo_tag` to `first_contact`";
        Finding::new(Level::Warning, about, message)
    })
}

/// A field keeps the type with which it was made.
fn fields_findings(account: &Account) -> Vec<Finding> {
    let Some(known) = &account.fields else {
        let message = "the account's fields could not be seen";
        return vec![Finding::new(Level::Note, "fields", message)];
    };
    let all: Vec<fields::Field> = fields::all().collect();
    let mut findings: Vec<Finding> = all
        .iter()
        .filter_map(|field| {
            let type_name = account.type_of(field.key).filter(|known| !known.is_empty())?;
            (type_name != field.type_name).then(|| {
                let message = format!(
                    "is `{type_name}` in Rule and written as `{}`: Rule refuses it, and events go without it. Rename or \
                     remove the field in Rule",
                    field.type_name
                );
                Finding::new(Level::Fault, format!("field `{}`", field.key), message)
            })
        })
        .collect();
    let missing = all
        .iter()
        .filter(|field| account.type_of(field.key).is_none())
        .count();
    findings.push(if missing == 0 {
        let message = format!("all {} exist", all.len());
        Finding::new(Level::Good, "fields", message)
    } else {
        let message = format!(
            "{missing} of {} do not exist yet: `provision` makes them, or the first event that writes them",
            all.len()
        );
        Finding::new(Level::Note, "fields", message)
    });
    let groups: BTreeSet<&str> = all
        .iter()
        .filter_map(|field| Some(field.key.split_once('.')?.0))
        .collect();
    let historical = account
        .historical
        .iter()
        .filter(|group| groups.contains(group.as_str()) && !known.is_empty());
    findings.extend(historical.map(|group| {
        let message = "keeps a history: each write adds a record, and templates may print an old one. Make it a plain group in Rule";
        Finding::new(Level::Warning, format!("group `{group}`"), message)
    }));
    findings
}

#[cfg(test)]
mod tests {
    use super::is_near;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        for (ours, other) in [
            ("RefferlLinkShare", "ReferralLinkShare"),
            ("ReferrelCompleted", "ReferralCompleted"),
            ("VIP Tier Earned", "VIPTierEarned"),
            ("VIP Tier Earned", "TierEarned"),
            ("CouponAwarded", "couponawarded"),
            ("Birthday", "Birthdays"),
        ] {
            assert!(is_near(ours, other), "{ours} {other}");
        }
        for (ours, other) in [
            ("PointsEarned", "PointsUsed"),
            ("TierLost", "Newsletter"),
            ("Yotpo", "Shopify"),
            ("Birthday", "Birth"),
        ] {
            assert!(!is_near(ours, other), "{ours} {other}");
        }
    }
}
