//! From a push to the one request that writes it.

use serde_json::{Value, json};

use super::{
    CatchAll, Friends, MARKER, Mode, Settings,
    fields::{Group, View},
    rows,
};
use crate::{Call, Form, Method, Note, Plan, Push, Reason, frame::digest::digest};

/// The tag that goes with every event.
const CATCH_ALL: &str = "Yotpo";

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

    let (picture, event) = fields(push, settings, &groups);
    let says_picture = groups.iter().any(|group| group.is_picture());
    let mut plan = Plan {
        picture: says_picture.then(|| digest(&picture)),
        event: digest(&event),
        starts: mode != Mode::Quiet,
        call: Call {
            method: Method::Post,
            path: "/api/v2/subscribers".to_owned(),
            body: None,
        },
    };

    let mut fields: Vec<Value> = Group::Store
        .fields(&view(push, settings))
        .into_iter()
        .filter_map(entry)
        .collect();
    fields.extend(picture);
    fields.extend(event);
    if let Some(note) = push.note.filter(|_| plan.starts) {
        fields.push(json!({"key": format!("{}.{}", MARKER.0, MARKER.1), "value": note.delivery(), "type": "text"}));
    }
    let mut subscriber = json!({"email": email.expose(), "fields": fields});
    if let Some(language) = &settings.language {
        subscriber["language"] = json!(language);
    }
    let mut body = json!({
        "update_on_duplicate": true,
        "auto_create_tags": true,
        "auto_create_fields": true,
        "automation": automation(mode),
        "subscribers": subscriber,
    });
    let tags = tags(push, settings, row.as_ref());
    if !tags.is_empty() {
        body["tags"] = json!(tags);
    }
    if mode == Mode::Quiet {
        // `automation: false` alone would still start an automation on a tag that the person did not have yet.
        body["sync_subscribers"] = json!(false);
    }
    if push.note.is_some_and(|note| note.kind.addresses_friend())
        && settings.referral_friend == Friends::RequireOptIn
    {
        body["require_opt_in"] = json!(true);
    }
    plan.call.body = Some(body);
    Ok(plan)
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
fn automation(mode: Mode) -> Value {
    match mode {
        Mode::Reset => json!("reset"),
        Mode::Force => json!("force"),
        Mode::Quiet => json!(false),
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

/// The fields about the member and those about the event, apart, because each has a hash of its own.
///
/// ASSUMED `rule-blank`: an empty text blanks a field of any type.
fn fields(push: &Push, settings: &Settings, groups: &[Group]) -> (Vec<Value>, Vec<Value>) {
    let view = view(push, settings);
    let (mut picture, mut event) = (Vec::new(), Vec::new());
    for group in groups {
        let blanked = group.is_blanked() && settings.blank_missing;
        let fields = group.fields(&view).into_iter().filter_map(|mut field| {
            if blanked && field.value.is_none() {
                field.value = Some(String::new());
            }
            entry(field)
        });
        if group.is_picture() {
            picture.extend(fields);
        } else {
            event.extend(fields);
        }
    }
    (picture, event)
}

fn entry(field: super::fields::Field) -> Option<Value> {
    let value = field.value?;
    Some(json!({"key": field.key, "value": value, "type": field.type_name}))
}
