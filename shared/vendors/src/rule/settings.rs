//! What a store may set about Rule.

use std::collections::BTreeMap;

use jiff::{SignedDuration, tz::TimeZone};
use loyalty::{Kind, StoreId};
use serde_json::Value;

use super::rows;
use crate::{EraseMode, OnAmbiguous, Section, frame::document::word};

/// What a tag does to automations that hang on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Pending messages are cancelled and the automation starts afresh.
    Reset,
    /// The automation starts beside one that is running.
    Force,
    /// Nothing starts.
    Quiet,
}

/// When the catch-all tag `Yotpo` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchAll {
    /// With every request.
    Always,
    /// With the first request for a person.
    FirstContact,
    /// Never.
    Never,
}

/// What happens to friends who were sent a link and never agreed to anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Friends {
    /// They are written like anyone else.
    Create,
    /// Rule asks them first.
    RequireOptIn,
    /// They are not written.
    Skip,
}

/// A store's settings for Rule: `destinations.rule`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of the account with Rule, where several stores share one key.
    pub account: Option<String>,
    /// Tags in place of those of Rule's own integration.
    pub tags: BTreeMap<Kind, String>,
    /// Automation modes in place of the table's.
    pub automation: BTreeMap<Kind, Mode>,
    /// When the catch-all tag is set.
    pub yotpo_tag: CatchAll,
    /// What happens to friends.
    pub referral_friend: Friends,
    /// The zone in which `datetime` values are written.
    pub datetime_zone: TimeZone,
    /// Whether a birthday without a year is written with the year 1904.
    pub yearless_placeholder: bool,
    /// What to do when nobody can tell whether an automation started.
    pub on_ambiguous: BTreeMap<Kind, OnAmbiguous>,
    /// Older news updates fields and starts nothing. Kinds that are not named have the age of [`Settings::max_age`].
    pub max_age: BTreeMap<Kind, SignedDuration>,
    /// Whether fields left over from an earlier event are blanked.
    pub blank_missing: bool,
    /// Kinds without a row that update fields quietly.
    pub also: Vec<Kind>,
    /// Kinds that are not written at all.
    pub off: Vec<Kind>,
    /// What erasing a person means.
    pub erase: EraseMode,
    /// ISO 639-1 code written with every subscriber; without it Rule keeps what it has.
    pub language: Option<String>,
}

impl Settings {
    pub(crate) fn gather(mut section: Section) -> Self {
        let settings = Self {
            account: section.text("account"),
            tags: section.kind_map("tags", tag),
            automation: section.kind_map("automation", |value| {
                word(
                    value,
                    &[
                        ("reset", Mode::Reset),
                        ("force", Mode::Force),
                        ("quiet", Mode::Quiet),
                    ],
                )
            }),
            yotpo_tag: section.one_of(
                "yotpo_tag",
                &[
                    ("always", CatchAll::Always),
                    ("first_contact", CatchAll::FirstContact),
                    ("never", CatchAll::Never),
                ],
                CatchAll::Always,
            ),
            referral_friend: section.one_of(
                "referral_friend",
                &[
                    ("create", Friends::Create),
                    ("require_opt_in", Friends::RequireOptIn),
                    ("skip", Friends::Skip),
                ],
                Friends::Create,
            ),
            // ASSUMED `rule-datetime-zone`: Rule shows a datetime as it was written; Yotpo's are UTC.
            datetime_zone: section.time_zone("datetime_zone").unwrap_or(TimeZone::UTC),
            yearless_placeholder: section.one_of(
                "yearless_birthday",
                &[("skip", false), ("placeholder", true)],
                false,
            ),
            on_ambiguous: section.kind_map("on_ambiguous", |value| {
                word(
                    value,
                    &[
                        ("resend", OnAmbiguous::Resend),
                        ("unconfirmed", OnAmbiguous::Unconfirmed),
                    ],
                )
            }),
            max_age: section.kind_map("max_age_hours", hours),
            blank_missing: section.flag("blank_missing", true),
            also: section.kinds("also"),
            off: section.kinds("off"),
            erase: section.one_of(
                "erase",
                &[("fields", EraseMode::Fields), ("person", EraseMode::Person)],
                EraseMode::Fields,
            ),
            language: section.text("language"),
        };
        settings.check(&mut section);
        section.finish();
        settings
    }

    fn check(&self, section: &mut Section) {
        for (key, kinds) in [
            ("tags", self.tags.keys().collect::<Vec<_>>()),
            ("automation", self.automation.keys().collect()),
            ("on_ambiguous", self.on_ambiguous.keys().collect()),
            ("max_age_hours", self.max_age.keys().collect()),
        ] {
            for kind in kinds.into_iter().filter(|kind| rows::row(**kind).is_none()) {
                section.fault(
                    &format!("{key}.{kind}"),
                    "this kind starts nothing in Rule; name it in `also` to have it update fields",
                );
            }
        }
        for kind in self.also.iter().filter(|kind| rows::row(**kind).is_some()) {
            section.fault(
                "also",
                format!("`{kind}` is always written; name it in `off` if it should not be"),
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
        if let Some(language) = &self.language
            && !(language.len() == 2 && language.bytes().all(|b| b.is_ascii_lowercase()))
        {
            section.fault("language", "must be an ISO 639-1 code such as nb");
        }
    }

    /// The age beyond which news of a kind starts nothing. A coupon always goes.
    #[must_use]
    pub fn max_age(&self, kind: Kind) -> Option<SignedDuration> {
        let hours = match kind {
            Kind::CouponAwarded | Kind::CouponRedeemed | Kind::DonationCreated => None,
            // A birthday mail two days late is an embarrassment.
            Kind::Birthday | Kind::Anniversary => Some(36),
            Kind::PointsReminder
            | Kind::RedemptionReminder
            | Kind::ReferralShareReminder
            | Kind::ReferralProductShareReminder => Some(72),
            _ => Some(7 * 24),
        };
        self.max_age
            .get(&kind)
            .copied()
            .or(hours.map(SignedDuration::from_hours))
    }
}

/// ASSUMED `rule-tag-names`: a tag of digits alone is read as an id; any other text is a name.
fn tag(value: &Value) -> Result<String, String> {
    let name = value.as_str().map(str::trim).unwrap_or_default();
    if name.is_empty() {
        return Err("must be a tag's name".to_owned());
    }
    if name.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "`{name}` would be read as a tag's id: a name needs a letter"
        ));
    }
    Ok(name.to_owned())
}

fn hours(value: &Value) -> Result<SignedDuration, String> {
    match value.as_i64() {
        Some(hours @ 1..=8760) => Ok(SignedDuration::from_hours(hours)),
        _ => Err("must be a number of hours from 1 to 8760".to_owned()),
    }
}
