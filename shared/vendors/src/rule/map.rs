//! From a push to the one request that writes it.

use loyalty::Email;
use serde::Serialize;

use super::{
    CatchAll, Friends, MARKER_KEY, Mode, Settings,
    fields::{self, Field, Group, View},
    rows,
};
use crate::{Call, Form, Method, Note, Plan, Push, Reason, frame::fingerprint::Fingerprint};

/// The tag that goes with every event.
pub(super) const CATCH_ALL: &str = "Yotpo";

pub(super) fn plan(push: &Push) -> Result<Plan, Reason> {
    let settings = push
        .store
        .destinations
        .rule
        .as_ref()
        .ok_or(Reason::NotWanted)?;
    let email = push.member.email.as_ref().ok_or(Reason::NoAddress)?;
    let row = push.note.and_then(|note| rows::row(note.kind));
    let mode = push
        .note
        .map_or(Mode::Quiet, |note| mode(push, settings, note));
    let groups = groups(push, row.as_ref());
    if groups.is_empty() {
        return Err(Reason::Unchanged);
    }

    let Fields {
        mut all,
        picture,
        event,
    } = fields(push, settings, &groups);
    let starts = mode != Mode::Quiet;
    if let Some(note) = push.note.filter(|_| starts) {
        all.push(fields::text(MARKER_KEY, Some(note.delivery())));
    }
    let friend = push.note.is_some_and(|note| note.kind.addresses_friend());
    let request = Request {
        update_on_duplicate: true,
        auto_create_tags: true,
        auto_create_fields: true,
        automation: automation(mode),
        // `automation: false` alone would still start an automation on a tag that the person did not have yet.
        sync_subscribers: (!starts).then_some(false),
        require_opt_in: (friend && settings.referral_friend == Friends::RequireOptIn)
            .then_some(true),
        tags: tags(push, settings, row.as_ref()),
        subscribers: Subscriber {
            email: email.expose(),
            language: settings.language.as_deref(),
            fields: all,
        },
    };
    let says_picture = groups.iter().any(|group| group.is_picture());
    Ok(Plan {
        picture: says_picture.then_some(picture),
        event,
        starts,
        repeat: None,
        call: call(&request),
    })
}

/// The call that writes these tags and fields of somebody and starts nothing.
pub(super) fn quiet(email: &Email, tags: &[&str], fields: Vec<Field>) -> Call {
    call(&Request {
        update_on_duplicate: true,
        auto_create_tags: true,
        auto_create_fields: true,
        automation: automation(Mode::Quiet),
        sync_subscribers: Some(false),
        require_opt_in: None,
        tags: tags.to_vec(),
        subscribers: Subscriber {
            email: email.expose(),
            language: None,
            fields,
        },
    })
}

fn call(request: &Request) -> Call {
    Call {
        method: Method::Post,
        path: "/api/v2/subscribers".to_owned(),
        // Text and flags always serialise.
        body: serde_json::to_string(request).ok(),
    }
}

/// The body of `POST /subscribers`, in its form for one subscriber.
#[derive(Serialize)]
struct Request<'a> {
    update_on_duplicate: bool,
    auto_create_tags: bool,
    auto_create_fields: bool,
    automation: Automation,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync_subscribers: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    require_opt_in: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    subscribers: Subscriber<'a>,
}

#[derive(Serialize)]
struct Subscriber<'a> {
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    fields: Vec<Field>,
}

/// `"reset"`, `"force"` or `false`.
#[derive(Serialize)]
#[serde(untagged)]
enum Automation {
    Mode(&'static str),
    Off(bool),
}

/// What the tag does to automations. Rule may unblock a blocked subscriber when an automation starts (ASSUMED
/// `rule-unblocks`), so people who left the programme get the quiet form.
fn mode(push: &Push, settings: &Settings, note: &Note) -> Mode {
    let Some(row) = rows::row(note.kind) else {
        return Mode::Quiet;
    };
    let age = push.now.duration_since(note.arrived);
    let stale = settings.max_age(note.kind).is_some_and(|limit| age > limit);
    if push.form != Form::Full || push.member.is_out_of_programme() || stale {
        return Mode::Quiet;
    }
    settings
        .automation
        .get(&note.kind)
        .copied()
        .unwrap_or(row.mode)
}

/// ASSUMED `rule-modes`: version 2 knows the modes that version 3 describes.
fn automation(mode: Mode) -> Automation {
    match mode {
        Mode::Reset => Automation::Mode("reset"),
        Mode::Force => Automation::Mode("force"),
        Mode::Quiet => Automation::Off(false),
    }
}

/// ASSUMED `rule-catch-all`: `automation` covers every tag of the request, so an automation hung on the catch-all tag
/// starts again with every event; a store may have it set at the first contact only, or never.
fn tags<'a>(push: &'a Push, settings: &'a Settings, row: Option<&rows::Row>) -> Vec<&'a str> {
    let note = push.note.filter(|_| push.form != Form::Picture);
    let own = note
        .and_then(|note| settings.tags.get(&note.kind))
        .map(String::as_str);
    let mut tags: Vec<&str> = own
        .or(row.filter(|_| note.is_some()).and_then(|row| row.tag))
        .into_iter()
        .collect();
    let catch_all = match settings.yotpo_tag {
        CatchAll::Always => true,
        CatchAll::FirstContact => push.first,
        CatchAll::Never => false,
    };
    if catch_all && !tags.contains(&CATCH_ALL) {
        tags.push(CATCH_ALL);
    }
    tags
}

/// The groups that are written. A picture alone is written of members only: of a friend nothing is known.
fn groups(push: &Push, row: Option<&rows::Row>) -> Vec<Group> {
    match row {
        Some(row) => {
            let all = push.form != Form::Picture;
            row.groups
                .iter()
                .copied()
                .filter(|group| all || group.is_picture())
                .collect()
        }
        None if push.member.role == loyalty::Role::Member => vec![Group::Customer],
        None => Vec::new(),
    }
}

fn view<'a>(push: &'a Push, settings: &'a Settings) -> View<'a> {
    static NOTHING: std::sync::LazyLock<loyalty::Detail> =
        std::sync::LazyLock::new(loyalty::Detail::default);
    let detail = push.note.map_or(&*NOTHING, |note| &note.detail);
    View {
        member: push.member,
        detail,
        store_name: detail.store_name.as_deref().unwrap_or(&push.store.name),
        zone: &settings.datetime_zone,
        yearless_placeholder: settings.yearless_placeholder,
    }
}

/// All fields of a request; and of those about the member and those about the event a fingerprint each.
struct Fields {
    all: Vec<Field>,
    picture: String,
    event: String,
}

/// ASSUMED `rule-blank`: an empty text blanks a field of any type.
fn fields(push: &Push, settings: &Settings, groups: &[Group]) -> Fields {
    let view = view(push, settings);
    let mut all = Group::Store.fields(&view);
    let (mut picture, mut event) = (Fingerprint::default(), Fingerprint::default());
    for group in groups {
        let blanked = group.is_blanked() && settings.blank_missing;
        let fingerprint = if group.is_picture() {
            &mut picture
        } else {
            &mut event
        };
        for mut field in group.fields(&view) {
            if blanked {
                field.value.get_or_insert_default();
            }
            if let Some(value) = &field.value {
                fingerprint.add(field.key);
                fingerprint.add(value);
                all.push(field);
            }
        }
    }
    Fields {
        all,
        picture: picture.finish(),
        event: event.finish(),
    }
}
