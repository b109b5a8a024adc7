//! Whether an account with Gorgias is ready for what a store shows there.

use super::{
    Settings,
    integration::{self, Integration},
    people,
    survey::{Known, Survey},
    widget::{self, CONTEXTS},
};
use crate::{Answer, Answered, Finding, Level, Site, Step};

pub(super) fn check(site: &Site, answered: &[Answered]) -> Step<Vec<Finding>> {
    let Some(settings) = &site.store.destinations.gorgias else {
        return Step::Done(Vec::new());
    };
    let survey = Survey::of(site, answered);
    if survey.is_no_admins() {
        return no_admins(answered);
    }
    match look(site, settings, &survey) {
        Ok(step) => step,
        Err(answer) => Step::Failed(answer),
    }
}

/// The key of somebody who is no admin may be good for customer records all the same.
fn no_admins(answered: &[Answered]) -> Step<Vec<Finding>> {
    let asked = answered
        .iter()
        .find(|(call, _)| *call == people::page(None));
    let Some((_, reply)) = asked else {
        return Step::Call(people::page(None));
    };
    match reply {
        Some(reply) if reply.status == 200 => {
            let message = "works, but is not an admin's: the integration cannot be seen or made with it. `provision` says what to do by hand";
            Step::Done(vec![Finding::new(Level::Warning, "key", message)])
        }
        reply => Step::Failed(super::answer::unread(reply.as_ref())),
    }
}

fn look(site: &Site, settings: &Settings, survey: &Survey) -> Result<Step<Vec<Finding>>, Answer> {
    let integration = match survey.integration()? {
        Known::Ask(call) => return Ok(Step::Call(call)),
        Known::Is(integration) => integration,
    };
    let mut findings = vec![Finding::new(Level::Good, "key", "Gorgias accepts it")];
    let Some(integration) = integration else {
        let message = "does not exist yet: `provision` makes it, and the widgets";
        findings.push(Finding::new(Level::Fault, "integration", message));
        return Ok(Step::Done(findings));
    };
    let widgets = match survey.widgets(integration.id)? {
        Known::Ask(call) => return Ok(Step::Call(call)),
        Known::Is(widgets) => widgets,
    };
    findings.push(stands(site, settings, &integration));
    for context in CONTEXTS {
        let about = format!("widget in the {context} view");
        let own = widget::named(&widget::template(settings));
        let found = widgets.iter().find(|(one, _)| one == context);
        findings.push(match found {
            None => Finding::new(
                Level::Warning,
                about,
                "does not exist: `provision` makes it",
            ),
            Some((_, widget)) if widget::named(&widget.template) == own => {
                Finding::new(Level::Good, about, "shows what the settings say")
            }
            Some((_, widget)) => {
                let old = Some(widget::named(&widget.template).as_str()) == integration.installed();
                let message = if old {
                    "is from earlier settings: `provision` brings it up to date"
                } else {
                    "was changed by hand, and is left as it is"
                };
                Finding::new(Level::Note, about, message)
            }
        });
    }
    Ok(Step::Done(findings))
}

fn stands(site: &Site, settings: &Settings, integration: &Integration) -> Finding {
    let about = "integration";
    if integration.is_disabled() {
        let message = "is disabled: no ticket shows a card. Gorgias does so after 100 failed calls; see when calls were last refused, and `provision` enables it";
        return Finding::new(Level::Fault, about, message);
    }
    let Some(wanted) = integration::wanted(site, settings) else {
        let message = "cannot be compared, because the secret that it is to carry cannot be read: see `secret`";
        return Finding::new(Level::Warning, about, message);
    };
    if integration.is(&wanted) {
        Finding::new(Level::Good, about, "asks for the card")
    } else {
        let message = "is not as the settings say, or carries an older secret: `provision` brings it up to date";
        Finding::new(Level::Warning, about, message)
    }
}
