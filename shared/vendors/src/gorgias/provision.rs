//! Makes the HTTP integration and its widgets, so that the card stands beside the first ticket.
//!
//! It may be done again: what is there is brought up to date. A widget that a person has moved or changed is left alone,
//! unless they say otherwise. Which template was installed last stands in the integration's description.

use serde_json::Value;

use super::{
    Settings,
    integration::{self, Integration},
    survey::{self, Known, Survey, Widget},
    widget::{self, CONTEXTS},
};
use crate::{Answer, Answered, Call, Finding, Level, Method, Site, Step};

pub(super) fn provision(site: &Site, answered: &[Answered]) -> Step<Vec<Finding>> {
    let Some(settings) = &site.store.destinations.gorgias else {
        return Step::Done(Vec::new());
    };
    let survey = Survey::of(site, answered);
    if survey.is_no_admins() {
        return Step::Done(by_hand(site, settings));
    }
    let Some(wanted) = integration::wanted(site, settings) else {
        let message = "the secret that Gorgias is to present is missing or has another form: `check` says what to do";
        return Step::Done(vec![Finding::new(Level::Fault, "secret", message)]);
    };
    match next(site, settings, &wanted, &survey) {
        Ok(step) => step,
        Err(answer) => Step::Failed(answer),
    }
}

fn next(
    site: &Site,
    settings: &Settings,
    wanted: &Value,
    survey: &Survey,
) -> Result<Step<Vec<Finding>>, Answer> {
    let before = match survey.integration()? {
        Known::Ask(call) => return Ok(Step::Call(call)),
        Known::Is(before) => before,
    };
    let made = match (&before, survey.written(Method::Post)) {
        (Some(_), _) => None,
        (None, None) => return Ok(Step::Call(integration::make(wanted))),
        (None, Some(written)) => Some(integration::of(&written?).ok_or(unclear())?),
    };
    let Some(now) = before.as_ref().or(made.as_ref()) else {
        return Err(unclear());
    };
    let widgets = match survey.widgets(now.id)? {
        Known::Ask(call) => return Ok(Step::Call(call)),
        Known::Is(widgets) => widgets,
    };
    let mut findings = Vec::new();
    for context in CONTEXTS {
        let stands = widgets.iter().find(|(own, _)| own == context);
        let stands = stands.map(|(_, widget)| widget);
        let (call, finding) = place(settings, site.force, (now, stands), context);
        if let Some(call) = call {
            match survey.widget_written(context) {
                None => return Ok(Step::Call(call)),
                Some(written) => drop(written?),
            }
        }
        findings.push(finding);
    }
    findings.insert(
        0,
        match bring_up(before.as_ref(), wanted, survey)? {
            Step::Done(finding) => finding,
            Step::Call(call) => return Ok(Step::Call(call)),
            Step::Failed(answer) => return Err(answer),
        },
    );
    Ok(Step::Done(findings))
}

/// Last of all, because the integration's description says which template the widgets have.
fn bring_up(
    before: Option<&Integration>,
    wanted: &Value,
    survey: &Survey,
) -> Result<Step<Finding>, Answer> {
    let about = "integration";
    let Some(before) = before else {
        return Ok(Step::Done(Finding::new(Level::Good, about, "was made")));
    };
    if before.is(wanted) && !before.is_disabled() {
        let message = "exists and is as it is to be; nothing was written";
        return Ok(Step::Done(Finding::new(Level::Good, about, message)));
    }
    match survey.written(Method::Put) {
        None => Ok(Step::Call(integration::change(before.id, wanted))),
        Some(written) => {
            written?;
            let message = if before.is_disabled() {
                "was disabled; it is enabled again and up to date"
            } else {
                "was brought up to date"
            };
            Ok(Step::Done(Finding::new(Level::Good, about, message)))
        }
    }
}

/// What is to be done about the widget in one context, and what is to be said of it.
fn place(
    settings: &Settings,
    force: bool,
    (integration, stands): (&Integration, Option<&Widget>),
    context: &str,
) -> (Option<Call>, Finding) {
    let about = format!("widget in the {context} view");
    let good = |message: &str| Finding::new(Level::Good, about.clone(), message);
    let own = widget::widget(settings, context, integration.id);
    let Some(stands) = stands else {
        return (Some(survey::write(None, &own)), good("was made"));
    };
    if !stands.is_shown && force {
        return (Some(survey::write(None, &own)), good("was made anew"));
    }
    if !stands.is_shown {
        let message = "was taken away by hand and stays away; with `force` it is made anew";
        return (None, Finding::new(Level::Note, about, message));
    }
    let template = widget::named(&stands.template);
    if template == widget::named(&own["template"]) {
        return (None, good("exists and is as it is to be"));
    }
    if force || integration.installed() == Some(&template) {
        let message = "was brought up to date";
        return (
            Some(survey::write(
                Some(stands.id),
                &in_place(own, stands, force),
            )),
            good(message),
        );
    }
    let message =
        "was changed by hand and is left alone; with `force` the settings' card takes its place";
    (None, Finding::new(Level::Note, about, message))
}

/// A widget replaces another one whole, and so would take it back from where a person has moved it.
fn in_place(mut own: Value, stands: &Widget, force: bool) -> Value {
    if let Some(order) = stands.order.filter(|_| !force) {
        own["order"] = order.into();
    }
    own
}

/// ASSUMED `gorgias-admins`: only an admin's key may manage integrations; another one is answered with 403.
fn by_hand(site: &Site, settings: &Settings) -> Vec<Finding> {
    let url = integration::url(site);
    let triggers: Vec<&str> = settings.triggers.iter().map(|one| one.name()).collect();
    let lines: Vec<String> = settings
        .card
        .iter()
        .map(|field| format!("loyalty.{} as `{}`", field.key, field.label))
        .collect();
    let key = "it is not an admin's, so integrations cannot be made with it. Put an admin's key into the secret, or do these steps by hand";
    let make = format!(
        "in Gorgias: Settings > Integrations > HTTP > Add HTTP integration. Name `{}`; triggers {}; URL `{url}`; method GET; \
         header `Authorization` with `Bearer <the secret's current>`; response JSON; Add integration",
        settings.title,
        triggers.join(", ")
    );
    let drag = format!(
        "open a ticket of a known member, choose Edit widget in the sidebar, drag the integration's values in ({}), set dates \
         to the type Date, Save changes, Leave widget edition",
        lines.join(", ")
    );
    vec![
        Finding::new(Level::Fault, "key", key),
        Finding::new(Level::Note, "integration", make),
        Finding::new(Level::Note, "widget", drag),
    ]
}

fn unclear() -> Answer {
    Answer::Unknown {
        reason: crate::Reason::VendorError,
        after: None,
    }
}
