//! Whether Gorgias still asks us: after a hundred failed calls it disables an integration, and no ticket shows a card.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    Settings,
    card::UNAVAILABLE,
    customers::get,
    integration::{self, Integration},
    survey::{Known, Survey},
};
use crate::{Answered, Header, Key, Revival, Site, Step, Watched};

pub(super) fn watch(site: &Site, answered: &[Answered]) -> Step<Watched> {
    let Some(settings) = &site.store.destinations.gorgias else {
        return Step::Done(Watched::Nothing);
    };
    let survey = Survey::of(site, answered);
    // The key of somebody who is no admin does not let it be seen, which is no trouble of the integration.
    if survey.is_no_admins() {
        return Step::Done(Watched::Nothing);
    }
    match survey.integration() {
        Err(answer) => Step::Failed(answer),
        Ok(Known::Ask(call)) => Step::Call(call),
        Ok(Known::Is(None)) if integration::wanted(site, settings).is_some() => {
            Step::Done(Watched::Missing)
        }
        Ok(Known::Is(None)) => Step::Done(Watched::Nothing),
        Ok(Known::Is(Some(own))) if !own.is_disabled() => Step::Done(Watched::Works),
        Ok(Known::Is(Some(own))) => Step::Done(Watched::Stopped(revival(site, settings, &own))),
    }
}

/// None where the store leaves it to a person, or the secret is missing that Gorgias is to present. An address at
/// `example.com` is nobody's.
fn revival(site: &Site, settings: &Settings, own: &Integration) -> Option<Revival> {
    let token = site.token.as_ref().filter(|_| settings.reenable)?;
    let wanted = integration::wanted(site, settings)?;
    let header = Header {
        name: "authorization",
        value: SecretString::from(format!("Bearer {}", token.expose_secret())),
    };
    let door = integration::path(&site.store.id);
    Some(Revival {
        key: Key::fixed(site.api_url.to_owned(), vec![header]),
        trial: get(format!("{door}?email=nobody%40example.com")),
        serves: is_card,
        enable: own.enabling(&wanted),
    })
}

/// A card that tells that there is none now would be all that tickets show.
fn is_card(answer: &Value) -> bool {
    let status = answer.pointer("/loyalty/status").and_then(Value::as_str);
    status.is_some_and(|status| status != UNAVAILABLE)
}
