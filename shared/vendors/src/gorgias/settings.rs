//! What a store may set about Gorgias.

use loyalty::StoreId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Section;

/// What stands in a link as something else. An address keeps its dots: people read the link.
const LINK: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Something about a person that the card shows only where the store wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// The phone number.
    Phone,
    /// The postal code.
    Zip,
    /// Day and month of the birthday.
    Birthday,
    /// Day and month of the anniversary.
    Anniversary,
    /// A picture.
    Avatar,
}

const SHARES: [(&str, Share); 5] = [
    ("phone", Share::Phone),
    ("zip", Share::Zip),
    ("birthday", Share::Birthday),
    ("anniversary", Share::Anniversary),
    ("avatar", Share::Avatar),
];

/// When Gorgias asks for the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A ticket was opened.
    Opened,
    /// A ticket was changed.
    Changed,
    /// Somebody wrote.
    Written,
}

impl Trigger {
    /// Every trigger that may be set.
    pub const ALL: [Self; 3] = [Self::Opened, Self::Changed, Self::Written];

    /// Its name at Gorgias. Older reference samples write underscores, which are read too.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "ticket-created",
            Self::Changed => "ticket-updated",
            Self::Written => "ticket-message-created",
        }
    }
}

/// How the widget shows a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// As text.
    Text,
    /// As a date.
    Date,
}

impl FieldType {
    /// Its name in a widget's template.
    ///
    /// ASSUMED `gorgias-date-field`: a date's type is spelled `date`; the type exists in the widget's editor.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Date => "date",
        }
    }
}

/// One line of the widget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The card's key: dots join the levels below `loyalty`.
    pub key: String,
    /// What stands before the value.
    pub label: String,
    /// How it is shown.
    pub type_: FieldType,
}

/// A store's settings for Gorgias: `destinations.gorgias`.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The name of the account with Gorgias, where several stores share one.
    pub account: Option<String>,
    /// What the card shows of people's private things.
    pub share: Vec<Share>,
    /// Which of the source's own attributes the card shows, by name.
    pub attributes: Vec<String>,
    /// Where a member's page is: a link with `{member_id}` or `{email}` in it.
    pub profile_url: Option<String>,
    /// The widget's title.
    pub title: String,
    /// The widget's lines, in order.
    pub card: Vec<Field>,
    /// How many of the last activities the widget shows.
    pub activities: i64,
    /// When Gorgias asks for the card.
    pub triggers: Vec<Trigger>,
    /// Whether members' data is also written into Gorgias' own customer records.
    pub push: bool,
    /// Whether members whom Gorgias does not know are made there.
    pub create_missing: bool,
    /// The time zone of customers who are made.
    pub timezone: String,
    /// Whether a disabled integration is enabled again after a call of it has been tried.
    pub reenable: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account: None,
            share: Vec::new(),
            attributes: Vec::new(),
            profile_url: None,
            title: "Loyalty".to_owned(),
            card: usual_card(),
            activities: ACTIVITIES,
            triggers: Trigger::ALL.to_vec(),
            push: false,
            create_missing: false,
            timezone: "UTC".to_owned(),
            reenable: false,
        }
    }
}

/// The most attributes that a card shows: with all of them it stays below 8 KB.
const ATTRIBUTES: usize = 10;

/// How many activities the widget shows.
const ACTIVITIES: i64 = 5;

/// What comparable cards show, in the order in which people ask for it.
const USUAL: [(&str, &str, FieldType); 16] = [
    ("status", "Programme", FieldType::Text),
    ("name", "Name", FieldType::Text),
    ("points.available", "Points", FieldType::Text),
    ("points.value", "Worth", FieldType::Text),
    ("tier.current", "Tier", FieldType::Text),
    ("tier.next", "Next tier", FieldType::Text),
    (
        "tier.points_to_next",
        "Points to next tier",
        FieldType::Text,
    ),
    ("points.expiring", "Points expiring", FieldType::Text),
    ("points.expiring_on", "Expiring on", FieldType::Date),
    ("points.on_hold", "Points on hold", FieldType::Text),
    ("points.lifetime", "Points ever", FieldType::Text),
    ("points.used", "Points used", FieldType::Text),
    ("spend.total", "Spent", FieldType::Text),
    ("opt_in", "Opted in", FieldType::Text),
    ("opt_in_date", "Opt-in date", FieldType::Date),
    ("links.referral", "Referral link", FieldType::Text),
];

fn usual_card() -> Vec<Field> {
    let usual = USUAL.iter().map(|(key, label, type_)| Field {
        key: (*key).to_owned(),
        label: (*label).to_owned(),
        type_: *type_,
    });
    usual.collect()
}

impl Settings {
    pub(crate) fn gather(mut section: Section) -> Self {
        let usual = Self::default();
        let account = section.text("account");
        if account
            .as_deref()
            .is_some_and(|account| StoreId::parse(account).is_err())
        {
            section.fault(
                "account",
                "must have 1 to 40 of the characters a-z, 0-9 and -",
            );
        }
        let share = section.words("share", &SHARES);
        let attributes = section.texts("attributes", attribute);
        if attributes.len() > ATTRIBUTES {
            section.fault("attributes", format!("names more than {ATTRIBUTES}"));
        }
        let profile_url = profile_url(&mut section);
        let title = section.text("title").unwrap_or(usual.title);
        let has_card = section.has("card");
        let card = section.list("card", field);
        if has_card && card.is_empty() {
            section.fault("card", "shows nothing");
        }
        let triggers: Vec<(&str, Trigger)> =
            Trigger::ALL.iter().map(|one| (one.name(), *one)).collect();
        let has_triggers = section.has("triggers");
        let chosen = section.words("triggers", &triggers);
        if has_triggers && chosen.is_empty() {
            section.fault("triggers", "names none: then the card is never asked for");
        }
        let settings = Self {
            account,
            share,
            attributes,
            profile_url,
            title,
            card: if has_card { card } else { usual.card },
            activities: section.within("activities", (0, 10), ACTIVITIES),
            triggers: if has_triggers { chosen } else { usual.triggers },
            push: section.flag("push", false),
            create_missing: section.flag("create_missing", false),
            timezone: section
                .time_zone("customer_time_zone")
                .and_then(|zone| zone.iana_name().map(ToOwned::to_owned))
                .unwrap_or(usual.timezone),
            reenable: section.flag("reenable", false),
        };
        if settings.create_missing && !settings.push {
            section.fault("create_missing", "does nothing without `push`");
        }
        section.finish();
        settings
    }

    /// A value that is shown only where the store wants it.
    pub(super) fn shares<T>(&self, share: Share, value: Option<T>) -> Option<T> {
        value.filter(|_| self.share.contains(&share))
    }

    /// The link to a member's page.
    pub(super) fn profile_of(
        &self,
        member_id: Option<&str>,
        email: Option<&str>,
    ) -> Option<String> {
        let mut link = self.profile_url.clone()?;
        for (name, value) in [("{member_id}", member_id), ("{email}", email)] {
            if link.contains(name) {
                let value = utf8_percent_encode(value?, LINK);
                link = link.replace(name, &value.to_string());
            }
        }
        Some(link)
    }
}

fn attribute(name: &str) -> Result<String, String> {
    if name.is_empty() {
        Err("must be an attribute's name".to_owned())
    } else {
        Ok(name.to_owned())
    }
}

fn profile_url(section: &mut Section) -> Option<String> {
    let link = section.text("profile_url")?;
    let named = link.contains("{member_id}") || link.contains("{email}");
    if !link.starts_with("https://") || !named {
        section.fault(
            "profile_url",
            "must begin with https:// and have {member_id} or {email} in it",
        );
    }
    Some(link)
}

/// Every key of the card that a line of the widget may show.
pub(super) const KEYS: [&str; 41] = [
    "status",
    "name",
    "email",
    "member_id",
    "member_status",
    "opt_in",
    "opt_in_date",
    "contact.phone",
    "contact.zip",
    "birthday",
    "anniversary",
    "spend.total",
    "points.available",
    "points.lifetime",
    "points.used",
    "points.used_on_rewards",
    "points.expired",
    "points.on_hold",
    "points.expiring",
    "points.expiring_on",
    "points.earned_in_period",
    "points.earned_period",
    "points.spent_in_period",
    "points.spent_period",
    "points.ratio",
    "points.value",
    "tier.current",
    "tier.previous",
    "tier.next",
    "tier.points_to_next",
    "tier.spend_to_next",
    "tier.achieved_on",
    "tier.expires_on",
    "tier.ratio",
    "tier.next_ratio",
    "links.profile",
    "links.referral",
    "links.avatar",
    "as_of",
    "attributes",
    "activity",
];

/// Keys that hold more than one value: a line cannot show them.
const GROUPS: [&str; 2] = ["attributes", "activity"];

fn field(mut section: Section) -> Field {
    let key = section.required_text("key");
    let is_value = KEYS.contains(&key.as_str()) && !GROUPS.contains(&key.as_str());
    let is_attribute = key
        .strip_prefix("attributes.")
        .is_some_and(|name| !name.is_empty());
    if !key.is_empty() && !is_value && !is_attribute {
        let keys: Vec<&str> = KEYS
            .iter()
            .copied()
            .filter(|key| !GROUPS.contains(key))
            .collect();
        section.fault(
            "key",
            format!(
                "`{key}` is no key of the card; keys are {}, attributes.<name>",
                keys.join(", ")
            ),
        );
    }
    let label = section.required_text("label");
    let type_ = section.one_of(
        "type",
        &[("text", FieldType::Text), ("date", FieldType::Date)],
        FieldType::Text,
    );
    section.finish();
    Field { key, label, type_ }
}
